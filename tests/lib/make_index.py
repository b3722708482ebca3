#!/usr/bin/python3
"""make_index.py FROM TO NUMBER [GROUPS]: an index with so many crashes, made of one that has a few.

They are spread over GROUPS signatures (default: one for each 50), 200 devices, 20 versions and a year.
"""

import os
import random
import shutil
import sqlite3
import sys


def main():
    source, target, number = sys.argv[1], sys.argv[2], int(sys.argv[3])
    groups = int(sys.argv[4]) if len(sys.argv) > 4 else max(number // 50, 1)
    with sqlite3.connect(source) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copyfile(source, target)
    db = sqlite3.connect(target)
    for table in ("crashes", "signatures", "tags", "files", "stacks", "built", "inlined", "leaders"):
        db.execute(f"DELETE FROM {table}")
    chance = random.Random(1)
    names = [f"function_{i}" for i in range(2000)]
    for i in range(1, groups + 1):
        stack = [chance.choice(names) for _ in range(chance.randint(3, 20))]
        text = "segv | " + " | ".join(stack[:3])
        functions = b"".join(name.encode() + b"\0" for name in stack)
        db.execute("INSERT INTO signatures VALUES (?, ?, 'segv', ?, ?, ?)",
                   (i, f"s1:{i:032x}", text, functions,
                    b"".join(name.encode() + b"\0" for name in stack[:3])))
    year = 365 * 86400 * 10**9
    for i in range(1, number + 1):
        # Some bugs are frequent.
        group = 1 + int(groups * chance.random() ** 3)
        version = f"1.{chance.randrange(20)}"
        db.execute("INSERT INTO crashes (crash, uuid, file, line, captured_ns, completeness, kind, project, "
                   "device, version, signature, belongs, rank, belongs_rank, physical) VALUES "
                   "(?, ?, ?, 0, ?, ?, 'segv', 'fleet', ?, ?, ?, ?, 0, 0, ?)",
                   (i, i.to_bytes(16, "big"), f"/spool/{i:08}.snap",
                    1760000000 * 10**9 + chance.randrange(year), chance.randrange(1 << 40),
                    f"device-{chance.randrange(200)}", version, group, group, group))
    db.commit()
    db.execute("VACUUM")
    db.close()
    os.sync()


main()
