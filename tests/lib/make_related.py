#!/usr/bin/python3
"""make_related.py OUT OUTER INNER...: snapshots within a snapshot.

OUT is the snapshot OUTER with each INNER (its records without Header and Checkpoints) as a related
snapshot (field 19) before its end, and one new Checkpoint. An INNER may be a file, or

    N*FILE      N of them
    DEPTH^FILE  FILE in FILE in FILE ..., DEPTH deep
    junk        bytes that are no snapshot
"""

import sys

from snapshot_records import RELATED, delimited, plain, read_snapshot, seal


def inner(word):
    if word == "junk":
        return [b"\xff" * 40]
    if "*" in word:
        num, path = word.split("*", 1)
        return [plain(read_snapshot(path))] * int(num)
    depth, path = word.split("^", 1) if "^" in word else ("1", word)
    payload = plain(read_snapshot(path))
    for _ in range(int(depth) - 1):
        payload = plain(read_snapshot(path)) + delimited(RELATED, payload)
    return [payload]


def main(arguments):
    out, outer, *words = arguments
    data = read_snapshot(outer)
    for word in words:
        for payload in inner(word):
            data += delimited(RELATED, payload)
    with open(out, "wb") as f:
        f.write(seal(data))


if __name__ == "__main__":
    main(sys.argv[1:])
