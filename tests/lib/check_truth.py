#!/usr/bin/python3
"""Compares a report with the frames and registers that are proved (a fixture's `truth`).

check_truth.py TRUTH REPORT.json [--gaps]

Every thread's frames that are not inlined must be those, with the same pc and name, in the same
order; no thread more or less. tests/cross/truth.py says how truth is written. With --gaps a stack
may miss frames where the report says that bytes of it were not captured.
"""

import json
import sys


def main(arguments):
    truth = {}
    registers = {}
    left_out = {}
    with open(arguments[0], encoding="utf-8") as f:
        for line in f:
            if line.startswith("#"):
                continue
            first, second, third = line.split()
            if first == "register":
                registers[second] = int(third, 16)
            elif second == "...":
                left_out[int(first)] = (len(truth[int(first)]), int(third))
            else:
                truth.setdefault(int(first), []).append((int(second, 16), third))
    with open(arguments[1], encoding="utf-8") as f:
        report = json.load(f)
    may_miss = "--gaps" in arguments
    wrong = []
    if {t["tid"] for t in report["threads"]} != set(truth):
        wrong.append(f"threads {[t['tid'] for t in report['threads']]}, not {list(truth)}")
    for thread in report["threads"]:
        tid = thread["tid"]
        wanted = truth.get(tid, [])
        frames = [f for f in thread["frames"] if not f["inline"]]
        middle, num = left_out.get(tid, (len(wanted), 0))
        total = len(wanted) + num
        if len(frames) != total and not (may_miss and thread["gaps"] and len(frames) < total):
            wrong.append(f"thread {tid}: {len(frames)} frames, not {total}")
        tail = len(wanted) - middle
        kept = frames[:middle] + (frames[-tail:] if tail else [])
        for (pc, name), frame in zip(wanted, kept):
            got = frame["raw_function"] or frame["function"]
            # (NAME): a stripped program, whose functions have no names. @: a trampoline, 0: nowhere.
            # What is local to a C++ function has no mangled name in DWARF. ppc64's have a dot.
            named = name.startswith("(") or name in "@0" or (got or "").lstrip(".") == name
            named = named or (name.startswith("_Z") and got and got in name)
            if int(frame["pc"], 16) != pc or not named:
                wrong.append(f"thread {tid} #{frame['index']}: {frame['pc']} {got}, not {pc:#x} {name}")
    crashed = next(t for t in report["threads"] if t["crashed"])
    for name, value in registers.items():
        got = crashed["registers"].get(name)
        if got is None or int(got, 16) != value:
            wrong.append(f"register {name}: {got}, not {value:#x}")
    print(*wrong[:20], sep="\n")
    # Comparing nothing is no proof.
    return 1 if wrong or not truth or not registers else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
