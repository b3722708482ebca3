#!/usr/bin/python3
"""signed_returns.py SNAPANALYZE SNAPSHOT REPORT.json [--unsigned | --maybe]

Proves that return addresses were signed on the stack and came out plain. Exit 0 if

- every thread that has registers has the mask of its pointers' authentication bits, and its thread
  pointer,
- no frame's pc has a bit of that mask,
- the crashing thread's stack holds, for at least one of its frames, the very pc with bits of the mask
  (with --unsigned: for none; with --maybe: for any number, since a signature of seven bits may well
  be 0).

Else 1, and says what is missing. The last line of the output is how many such frames there are.
"""

import argparse
import json
import re
import subprocess
import sys

# Of <linux/elf.h>; struct user_pac_mask: of data, of instructions.
NT_PRSTATUS, NT_ARM_TLS, NT_ARM_PAC_MASK = 1, 0x401, 0x406
STACK_BYTES = 8192
HEX = re.compile(r"^\s*[0-9a-f]{16}  ((?:[0-9a-f]{2} {1,2})+)")


def dumped(args, *options):
    """Lines of snapanalyze dump; status 1 says that a range has holes."""
    command = [args.snapanalyze, "dump", *options, args.snapshot]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout.splitlines()


def hex_bytes(line):
    match = HEX.match(line)
    return bytes.fromhex(match.group(1)) if match else b""


def regsets(args):
    """Of each thread that has any: {type: its first bytes}."""
    threads, kind = [], None
    for line in dumped(args):
        if re.match(r"^\s*\d+  \d+ bytes  field ", line):
            if line.rstrip().endswith("field 18  thread"):
                threads.append({})
            kind = None
        elif match := re.match(r"^\s+regset type: (\d+)", line):
            kind = int(match.group(1))
            threads[-1][kind] = b""
        elif kind is not None:
            threads[-1][kind] += hex_bytes(line)
    return [t for t in threads if t]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("snapanalyze")
    parser.add_argument("snapshot")
    parser.add_argument("report")
    parser.add_argument("--unsigned", action="store_true")
    parser.add_argument("--maybe", action="store_true")
    args = parser.parse_args()
    with open(args.report, encoding="utf-8") as f:
        report = json.load(f)
    faults = []

    threads = regsets(args)
    if not threads or any(NT_PRSTATUS not in t for t in threads):
        faults.append("a thread without general registers")
    masks = {t.get(NT_ARM_PAC_MASK) for t in threads}
    mask = 0
    if None in masks or len(masks) != 1 or len(next(iter(masks))) != 16:
        faults.append(f"not every thread of {len(threads)} has one and the same mask: {masks}")
    else:
        mask = int.from_bytes(next(iter(masks))[8:], "little")
        if not mask:
            faults.append("the mask is empty")
    # 16 where there is a second one (TPIDR2).
    if any(len(t.get(NT_ARM_TLS, b"")) not in (8, 16) for t in threads):
        faults.append("a thread without its thread pointer")

    for thread in report["threads"]:
        for frame in thread["frames"]:
            if int(frame["pc"], 16) & mask:
                faults.append(f"thread {thread['tid']} #{frame['index']}: pc {frame['pc']}")

    thread = report["threads"][0]
    wanted = {int(f["pc"], 16) for f in thread["frames"] if f["trust"] != "context"}
    stack = b""
    for line in dumped(args, "--memory", f"{thread['registers']['sp']},{STACK_BYTES}"):
        stack += hex_bytes(line)
    words = (int.from_bytes(stack[i : i + 8], "little") for i in range(0, len(stack) - 7, 8))
    signed = {w & ~mask for w in words if w & mask} & wanted
    if args.unsigned and signed:
        faults.append(f"signed return addresses: {sorted(map(hex, signed))}")
    if not args.unsigned and not args.maybe and not signed:
        faults.append("no frame's return address stands signed on the stack")

    for fault in faults[:20]:
        print(fault)
    print(len(signed))
    return 1 if faults else 0


sys.exit(main())
