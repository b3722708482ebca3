#!/usr/bin/python3
"""make_device.py OUT [NAME=VALUE...]: a microcontroller's snapshot as Pigweed writes them.

NAME is a field of Metadata (reason, fatal, project_name, software_version, software_build_uuid in hex,
device_name, cpu_arch), a register of the state that cpu_arch says (pc, cfsr, r3, mcause ...), or one of
thread (its name), stack (LOW-HIGH-POINTER, in hex), log (LEVEL:LINE:FILE:TEXT), message (of an
AbortMessage). Numbers as Python writes them.
"""

import sys

from snapshot_records import delimited, varint

CORTEX_M = (
    ["pc", "lr", "psr", "msp", "psp", "exc_return", "cfsr", "mmfar", "bfar", "icsr", "control"]
    + [f"r{i}" for i in range(13)]
    + ["hfsr", "shcsr"]
)
RISCV = (
    ["mepc", "mcause", "mstatus", "mtval", "ra", "sp", "t0", "t1", "t2", "fp", "s1"]
    + [f"a{i}" for i in range(7)]
)
METADATA = [
    "reason", "fatal", "project_name", "software_version", "software_build_uuid", "device_name",
    "snapshot_uuid", "cpu_arch",
]
LOGS, META, THREADS, STATE, ABORT_MESSAGE = 1, 16, 18, 20, 1046


def number(field, value):
    return varint(field << 3) + varint(value)


def main():
    out, values = sys.argv[1], dict(a.split("=", 1) for a in sys.argv[2:])
    arch = int(values.get("cpu_arch", "2"), 0)
    registers = RISCV if arch >= 4 else CORTEX_M
    meta = state = thread = rest = b""
    for name, value in values.items():
        if name in METADATA:
            field = METADATA.index(name) + 1
            if name in ("fatal", "cpu_arch"):
                meta += number(field, int(value, 0))
            elif name.endswith("uuid"):
                meta += delimited(field, bytes.fromhex(value))
            else:
                meta += delimited(field, value.encode())
        elif name in registers:
            state += number(registers.index(name) + 1, int(value, 0))
        elif name == "thread":
            thread += delimited(1, value.encode()) + number(3, 2)
        elif name == "stack":
            low, high, pointer = (int(n, 16) for n in value.split("-"))
            thread += number(7, high) + number(8, low) + number(9, pointer)
        elif name == "log":
            level, line, file, text = value.split(":", 3)
            entry = delimited(1, text.encode()) + number(2, int(line) << 3 | int(level))
            rest += delimited(LOGS, entry + (delimited(8, file.encode()) if file else b""))
        elif name == "message":
            rest += delimited(ABORT_MESSAGE, delimited(1, value.encode()))
        else:
            raise SystemExit(f"no field {name}")
    data = delimited(META, meta) + rest
    if thread:
        data += delimited(THREADS, thread)
    if state:
        data += delimited(STATE, state)
    with open(out, "wb") as f:
        f.write(data)


main()
