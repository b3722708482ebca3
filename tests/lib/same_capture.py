#!/usr/bin/python3
"""same_capture.py SNAPSHOT IMPORTED: the two, of one crash, hold the same of what a core tells.

Prints what differs, and exits with 1 then. Reads the format with nothing but the rules of protocol
buffers, so that what both of our programs misread is seen all the same.
"""
import sys


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7


def fields(data):
    at = 0
    while at < len(data):
        tag, at = varint(data, at)
        kind = tag & 7
        if kind == 0:
            value, at = varint(data, at)
        elif kind == 1:
            value, at = data[at : at + 8], at + 8
        elif kind == 5:
            value, at = data[at : at + 4], at + 4
        else:
            length, at = varint(data, at)
            value, at = data[at : at + length], at + length
        yield tag >> 3, value


def only(data, numbers):
    return {number: value for number, value in fields(data) if number in numbers}


STACK, CODE, VDSO = 1, 2, 3


def read(path):
    got = {"signal": [], "metadata": {}, "process": {}, "threads": [], "registers": {}}
    got |= {"stacks": [], "cuts": [], "vdso": [], "modules": [], "ends": [], "code": {}}
    for number, value in fields(open(path, "rb").read()):
        if number == 16:  # reason, fatal, cpu_arch
            got["metadata"] |= only(value, {1, 2, 8})
        elif number == 18:
            thread = dict(fields(value))
            ours = thread.get(1032, b"")
            sets = [dict(fields(v)) for n, v in fields(ours) if n == 2]
            got["threads"].append((thread[12], thread.get(3)))
            for regset in sets:
                got["registers"][thread[12], regset[1]] = regset[2]
        elif number == 1034:  # all but dumpable, rlimit_core, uptime, num_threads
            got["process"] |= only(value, {1, 2, 3, 4, 5, 6, 7, 11, 12, 13, 14})
        elif number == 1035:
            got["signal"].append(only(value, range(1, 8)))
        elif number == 1036:
            memory = dict(fields(value))
            entry = (memory.get(4), memory[1], memory[2])
            if memory.get(3) == STACK:
                got["stacks"].append(entry)
            elif memory.get(3) == VDSO:
                got["vdso"].append(entry)
            elif memory.get(3) == CODE:
                got["code"][memory[1]] = memory[2]
        elif number == 1038:
            got["modules"].append(only(value, {1, 3, 4, 5, 6, 7}))
            got["ends"].append(dict(fields(value))[2])
        elif number == 1041:
            omission = dict(fields(value))
            if omission.get(1) == 1:
                got["cuts"].append(tuple(sorted(omission.items())))
    return got


def main(arguments):
    snapshot, imported = read(arguments[0]), read(arguments[1])
    bad = []
    # The core's psargs are cut at 80 bytes and joined by blanks, and its name is that of the file.
    for got in (snapshot, imported):
        words = got["process"].get(7, b"").replace(b"\0", b" ").rstrip()
        got["process"][7] = words[:79].rstrip()
    for what in ("signal", "metadata", "process", "stacks", "cuts", "vdso", "modules"):
        if snapshot[what] != imported[what]:
            bad.append(f"{what}: {snapshot[what]!r:.1500}\n   imported: {imported[what]!r:.1500}")
    # A core's reader takes the end from the image's headers: .bss included.
    if any(a > b for a, b in zip(snapshot["ends"], imported["ends"])):
        bad.append(f"module ends: {snapshot['ends']} imported: {imported['ends']}")
    # Names apart, which a core does not have: order, ids, states.
    if snapshot["threads"] != imported["threads"]:
        bad.append(f"threads: {snapshot['threads']!r:.500}\n imported: {imported['threads']!r:.500}")
    for address, data in imported["code"].items():
        if snapshot["code"].get(address) != data:
            bad.append(f"code at {address:#x}")
    for key, data in snapshot["registers"].items():
        if imported["registers"].get(key) != data:
            bad.append(f"registers {key[1]} of thread {key[0]}")
    if not snapshot["stacks"] or not snapshot["modules"] or not snapshot["registers"]:
        bad.append("nothing to compare")
    print("\n".join(bad))
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
