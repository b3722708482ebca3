#!/usr/bin/python3
"""check_text.py TEXT JSON PID: what snapcrash-debugger --text printed of a process that has not
moved since, against that process's memory and maps, and against the report of a snapshot of it."""

import json
import os
import re
import sys

text = open(sys.argv[1], encoding="utf-8").read()
report = json.load(open(sys.argv[2], encoding="utf-8"))
pid = int(sys.argv[3])
faults = []


def expect(condition, what):
    if not condition:
        faults.append(what)


expect(
    all(c.isprintable() or c == "\n" for c in text), "a character that does not belong on a terminal"
)

maps = []
for line in open(f"/proc/{pid}/maps", encoding="utf-8", errors="backslashreplace"):
    fields = line.rstrip("\n").split(None, 5)
    start, end = (int(x, 16) for x in fields[0].split("-"))
    maps.append((start, end, fields[1], int(fields[2], 16), fields[5] if len(fields) > 5 else ""))


def mapping(address):
    return next((m for m in maps if m[0] <= address < m[1]), None)


mem = os.open(f"/proc/{pid}/mem", os.O_RDONLY)


def memory(address, length):
    return os.pread(mem, length, address)


def place(address):
    """How the text names an address, from the report's modules."""
    for m in report["modules"]:
        if int(m["start"], 16) <= address < int(m["end"], 16):
            return m["name"] or m["path"]
    return None


sections = re.split(r"\n\nthread ", text)
threads = {}
for section in sections[1:]:
    tid = int(re.match(r"(\d+) ", section).group(1))
    threads[tid] = section
expect(len(threads) == len(report["threads"]), "number of threads")

# Beyond a thread's frames there is data that the kernel itself changes, as of restartable sequences.
stacks = []
for t in report["threads"]:
    r = {name: int(value, 16) for name, value in t["registers"].items()}
    sp = r.get("rsp", r.get("esp", r.get("sp", 0)))
    end = r.get("fs_base", 0)
    stacks.append((sp, end if sp < end < sp + (1 << 20) else sp + 512))


def stands_still(address):
    m = mapping(address)
    return m is not None and ("w" not in m[2] or any(sp <= address < end for sp, end in stacks))


num_rows = num_words = 0
for wanted in report["threads"]:
    section = threads.get(wanted["tid"])
    if section is None:
        faults.append(f"thread {wanted['tid']} is missing")
        continue
    head = section.split("\n", 1)[0]
    expect(f'"{wanted["name"]}"' in head, f"name of thread {wanted['tid']}")
    shown = dict(re.findall(r"\b(\w+) +0x([0-9a-f]{8,16})\b", section.split("memory round")[0]))
    for name, value in wanted["registers"].items():
        expect(
            name in shown and int(shown[name], 16) == int(value, 16),
            f"thread {wanted['tid']}: {name} is {value}, shown is {shown.get(name)}",
        )
    for address, row in re.findall(r"^    ([0-9a-f]{12})  ?((?:[0-9a-f]{2}  ?){16}) \|", section, re.M):
        if not stands_still(int(address, 16)):
            continue
        num_rows += 1
        expect(
            bytes.fromhex(row) == memory(int(address, 16), 16),
            f"thread {wanted['tid']}: memory at {address}",
        )
    sp = int(wanted["registers"].get("rsp", wanted["registers"].get("esp", wanted["registers"].get("sp", "0"))), 16)
    for address, off, value, where in re.findall(
        r"^    ([0-9a-f]{12}) \w+\+0x([0-9a-f]+) +0x([0-9a-f]+)  (.+)$", section, re.M
    ):
        num_words += 1
        address, value = int(address, 16), int(value, 16)
        what = f"thread {wanted['tid']}: word at {address:x}"
        expect(address == sp + int(off, 16), f"{what}: distance from the stack pointer")
        expect(int.from_bytes(memory(address, 8 if len(wanted["registers"]) > 17 else 4), "little") == value, what)
        m = mapping(value)
        expect(m is not None and "x" in m[2], f"{what}: is no code")
        name, _, place_off = where.rpartition("+0x")
        expect(place(value) == name, f"{what}: {where} instead of {place(value)}")
    # None is left out: all words above the stack pointer that the frames of the report return to.
    for frame in wanted["frames"][1:]:
        if not frame["inline"] and frame["trust"] == "cfi":
            expect(
                re.search(rf"0x0*{frame['pc'][2:]}  .*\+{frame['module_offset']}$", section, re.M),
                f"thread {wanted['tid']}: {frame['pc']} is not among its words",
            )
expect(num_rows > 0, "rows of memory")
expect(num_words > 0, "words that point into code")

for m in report["modules"]:
    line = next((l for l in text.split("\n") if l.startswith(f"  {int(m['start'], 16):012x}-") and (m["build_id"] or "-") in l), None)
    expect(line is not None and m["path"] in line, f"module {m['path']}")
for start, end, permissions, offset, path in maps:
    expect(
        re.search(rf"^  {start:012x}-{end:012x} {re.escape(permissions)} +{offset:x}\b", text, re.M),
        f"mapping {start:x}",
    )
for line in faults[:20]:
    print(line)
sys.exit(1 if faults else 0)
