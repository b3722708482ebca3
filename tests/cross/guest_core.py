"""Writes an ELF core of a process that qemu-user runs, for machines whose qemu-user writes none.

	CORE=out.core gdb-multiarch -nx -batch -ex 'target remote :PORT' -x guest_core.py PROGRAM

Lets the process go on until a signal ends it (PASS=N: the first N signals have handlers, and are
passed on), then writes CORE as the kernel would: NT_PRSTATUS of every thread, the crashed one
first, NT_PRPSINFO, NT_AUXV, and NT_ARM_PAC_MASK if PAC_MASK says what it is; the executable's segments, the stacks whole, and what is
near where registers and the top of the stacks point to (the signal trampoline is there). No NT_FILE and no
NT_SIGINFO, as in the cores of qemu-user itself.
"""

import os
import re
import struct

import gdb

PAGE = 4096
# Bytes on either side of what a pointer points to.
NEAR = 64 * 1024
# gdb's names of the registers in the order of the kernel's pr_reg
# (arch/ARCH/include/uapi/asm/ptrace.h; arch/sparc/include/asm/elf_64.h): e_machine, byte order,
# registers, what is added to sp.
MACHINES = {
    "aarch64": (183, "<", [f"x{i}" for i in range(31)] + ["sp", "pc", "cpsr"], 0),
    "riscv:rv64": (243, "<", ["pc", "ra", "sp", "gp", "tp", "t0", "t1", "t2", "fp", "s1"]
                   + [f"a{i}" for i in range(8)] + [f"s{i}" for i in range(2, 12)]
                   + [f"t{i}" for i in range(3, 7)], 0),
    "sparc:v9": (43, ">", ["sp" if r == "o6" else "fp" if r == "i6" else r
                             for r in (f"{c}{i}" for c in "goli" for i in range(8))]
                 + ["state", "pc", "npc", "y"], 2047),
}
# gdb's numbers of these signals are Linux's on every machine here but for SIGUSR1 and SIGBUS.
SIGNALS = {"SIGILL": 4, "SIGTRAP": 5, "SIGABRT": 6, "SIGFPE": 8, "SIGSEGV": 11, "SIGBUS": 7}

for setting in ("pagination off", "confirm off", "width 0", "debuginfod enabled off"):
    gdb.execute("set " + setting)

stopped = []
gdb.events.stop.connect(stopped.append)
for _ in range(int(os.environ.get("PASS", "0")) + 1):
    gdb.execute("continue", to_string=True)
signal = stopped[-1].stop_signal
crashed = gdb.selected_thread()
inferior = gdb.selected_inferior()
name = gdb.selected_frame().architecture().name()
machine, order, registers, bias = MACHINES[name]


def read(address, length):
    try:
        return bytes(inferior.read_memory(address, length))
    except gdb.error:
        return None


mask = int(os.environ.get("PAC_MASK") or "0", 0)
pages = {}


def take(address):
    """Whether the page at address is there; it is then part of the core."""
    address &= ~(PAGE - 1) & (2**64 - 1)
    if address not in pages:
        pages[address] = read(address, PAGE) if 0 < address < 2**63 else None
    return pages[address] is not None


def note(kind, data, owner=b"CORE"):
    head = struct.pack(order + "III", len(owner) + 1, len(data), kind) + owner.ljust(8, b"\0")
    return head + data + b"\0" * (-len(data) % 4)


def notes_of(thread):
    thread.switch()
    frame = gdb.newest_frame()
    values = [int(frame.read_register(r)) & (2**64 - 1) for r in registers]
    sp = int(frame.read_register("sp")) + bias & (2**64 - 1)
    # An overflowed stack's sp is below the mapping.
    address = next((a for a in range(sp, sp + 16 * PAGE, PAGE) if take(a)), sp)
    while take(address):
        address += PAGE
    address = sp - PAGE
    while sp - address <= 64 * 1024 and take(address):
        address -= PAGE
    words = read(sp, min(PAGE - sp % PAGE + PAGE, 4096)) or b""
    pointers = struct.unpack(f"{order}{len(words) // 8}Q", words[: len(words) // 8 * 8])
    # The stack that a signal interrupted is among what they point to.
    for value in values + list(pointers):
        for step in (PAGE, -PAGE):
            address = value & ~mask
            while abs(address - (value & ~mask)) <= NEAR and take(address):
                address += step
    cursig = SIGNALS[signal]
    status = struct.pack(
        f"{order}iiih2xQQiiii8Q{len(values)}Qi4x",
        cursig, 0, 0, cursig, 0, 0, thread.ptid[1] or thread.num, 1, 1, 1, *[0] * 8, *values, 0,
    )
    # NT_ARM_PAC_MASK, of data and of instruction addresses.
    return note(1, status) + (note(0x406, struct.pack("<QQ", mask, mask), b"LINUX") if mask else b"")


def auxv():
    """[(type, value)] out of gdb's table."""
    text = gdb.execute("info auxv", to_string=True)
    entries = []
    for line in text.splitlines():
        match = re.match(r"(\d+)\s+\S+\s+.*?(0x[0-9a-f]+|\d+)(?: \".*\")?$", line)
        if match:
            entries.append((int(match.group(1)), int(match.group(2), 0)))
    return entries


threads = sorted(inferior.threads(), key=lambda t: (t is not crashed and t.num != crashed.num, t.num))
status = [notes_of(t) for t in threads]
vector = auxv()
phdrs = dict(vector)
for i in range(phdrs[5]):
    at = phdrs[3] + i * phdrs[4]
    header = struct.unpack(order + "IIQQQQQQ", read(at, 56))
    if i == 0:
        base = phdrs[3] - header[3] if header[0] == 6 else None
    if header[0] == 1:
        start = header[3] + (base if base is not None else 0)
        for address in range(start & ~(PAGE - 1), start + header[6], PAGE):
            take(address)

path = gdb.current_progspace().filename
program = os.path.basename(path)[:15].encode()
pid = inferior.pid if inferior.pid > 1 else crashed.ptid[1]
psinfo = struct.pack(order + "4c4xQIIiiii16s80s", b"\0", b"R", b"\0", b"\0", 0, 0, 0, pid, 1, 1, 1, program, path[:79].encode())
notes = status[0] + note(3, psinfo)
notes += note(6, b"".join(struct.pack(order + "QQ", *entry) for entry in vector))
notes += b"".join(status[1:])

segments = []
for address in sorted(a for a in pages if pages[a] is not None):
    if segments and segments[-1][0] + len(segments[-1][1]) == address:
        segments[-1][1].extend(pages[address])
    else:
        segments.append((address, bytearray(pages[address])))
num = len(segments) + 1
data_off = (64 + 56 * num + len(notes) + PAGE - 1) // PAGE * PAGE
with open(os.environ["CORE"], "wb") as f:
    f.write(b"\x7fELF" + bytes([2, 1 if order == "<" else 2, 1]) + bytes(9))
    f.write(struct.pack(order + "HHIQQQIHHHHHH", 4, machine, 1, 0, 64, 0, 0, 64, 56, num, 0, 0, 0))
    f.write(struct.pack(order + "IIQQQQQQ", 4, 0, 64 + 56 * num, 0, 0, len(notes), 0, 4))
    offset = data_off
    for address, data in segments:
        f.write(struct.pack(order + "IIQQQQQQ", 1, 7, offset, address, 0, len(data), len(data), PAGE))
        offset += len(data)
    f.write(notes)
    f.write(bytes(data_off - f.tell()))
    for _, data in segments:
        f.write(data)
gdb.execute("kill", to_string=True)
