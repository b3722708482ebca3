#!/usr/bin/python3
"""What a microcontroller's snapshot holds, a line each, "NAME VALUE": by a decoder of its own, so that
writer and reader are not both wrong in the same way.

device_state.py FILE
"""

import sys

from snapshot_records import read_varint

ARM = """pc lr psr msp psp exc_return cfsr mmfar bfar icsr control r0 r1 r2 r3 r4 r5 r6 r7 r8 r9 r10 r11
r12 hfsr shcsr msplim psplim""".split()
RISCV = dict(enumerate("""mepc mcause mstatus mtval ra sp t0 t1 t2 fp s1 a0 a1 a2 a3 a4 a5 a6 - s2 s3 s4
s5 s6 s7 s8 s9 s10 a7 t3 t4 t5 t6""".split(), 1)) | {39: "s11"}
METADATA = {1: "reason", 2: "fatal", 3: "project", 4: "software_version", 5: "build_uuid", 6: "device",
            7: "uuid", 8: "cpu_arch"}
THREAD = {1: "name", 3: "state", 6: "raw_stack", 7: "stack_start", 8: "stack_end", 9: "stack_pointer",
          10: "cpu_usage", 11: "est_peak", 12: "id"}
MEMORY = {1: "address", 2: "data", 3: "reason", 4: "tid", 5: "name"}


def fields(data):
    at = 0
    while at < len(data):
        key, at = read_varint(data, at)
        if key & 7 == 0:
            value, at = read_varint(data, at)
        else:
            if key & 7 == 2:
                length, at = read_varint(data, at)
            else:
                length = {1: 8, 5: 4}[key & 7]
            value = data[at:at + length]
            assert len(value) == length
            at += length
        yield key >> 3, value


def message(data, names):
    result = {}
    for number, value in fields(data):
        if isinstance(value, bytes):
            hexed = names[number] in ("build_uuid", "uuid", "raw_stack", "data")
            value = value.hex() if hexed else value.decode()
        result[names[number]] = value
    return result


def tell(name, value):
    print(name, value)


def tell_all(prefix, values):
    for name, value in values.items():
        tell(f"{prefix}.{name}", value)


def tell_thread(index, thread):
    stack = bytes.fromhex(thread.pop("raw_stack", ""))
    tell_all(f"thread{index}", thread)
    tell(f"thread{index}.bytes", len(stack))
    for at in range(0, min(len(stack), 32), 4):
        tell(f"thread{index}.word{at // 4}", int.from_bytes(stack[at:at + 4], "little"))
    # From the stack pointer up to the start, nothing less.
    if stack:
        whole = len(stack) == thread["stack_start"] - thread["stack_pointer"]
        tell(f"thread{index}.whole", whole)
        tell(f"thread{index}.peak_is_sound", thread.get("est_peak", 0) <= thread["stack_pointer"])


records, threads, logs, num_memory, metadata = [], [], [], 0, {}
for number, value in fields(open(sys.argv[1], "rb").read()):
    records.append(str(number))
    if number == 16:
        metadata = message(value, METADATA)
        tell_all("metadata", metadata)
    elif number == 20:
        riscv = metadata["cpu_arch"] >= 4
        tell_all("cpu", message(value, RISCV if riscv else dict(enumerate(ARM, 1))))
    elif number == 18:
        thread = message(value, THREAD)
        threads.append(f"{thread['name']} {thread['state']}")
        tell_thread(len(threads) - 1, thread)
    elif number == 17:
        tag = message(value, {1: "key", 2: "value"})
        tell(f"tag.{tag['key']}", tag["value"])
    elif number == 1:
        logs.append(dict(fields(value)).get(1, b"").decode())
    elif number == 1036:
        memory = message(value, MEMORY)
        memory["data"] = len(memory["data"]) // 2
        tell_all(f"memory{num_memory}", memory)
        num_memory += 1
    elif number == 1042:
        tell("note", value.decode())
    elif number == 1046:
        tell("abort", dict(fields(value))[1].decode())
tell("records", " ".join(records))
tell("threads", "; ".join(threads))
tell("logs", "; ".join(logs))
