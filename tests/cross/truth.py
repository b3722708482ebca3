#!/usr/bin/python3
"""Finds out which frames a cross-built victim's stacks really have, and writes them down.

truth.py CROSS REPORT.json CORE PROGRAM TWIN CHAIN... >truth

CROSS is the prefix of the machine's binutils; REPORT.json what snapanalyze says of CORE; TWIN the
PROGRAM before it was stripped (or PROGRAM itself). A CHAIN says whom the source makes call whom,
innermost first: shell patterns of function names; @ is a signal trampoline, 0 an address in no
module, and "..." any number of functions.

Each frame of REPORT.json is accepted only if it is proved: its function is the next of one of the
CHAINs, and, if it called the frame before it, the instruction before its pc is a call, by name of
that very function unless the call is indirect. gdb (gdb-multiarch) must find the same frames, or
stop on the way; where it differs, that is written down with what it says.

The crashed thread's registers must be gdb's (eu-readelf's, if gdb can't read the core).

Written: a comment on gdb, then a line per frame: "TID PC FUNCTION", the function in parentheses if
the program is stripped, "TID ... N" for N frames in the middle of a long stack; then a line per register: "register NAME VALUE". Exit 1 with the reason if
anything is not proved.
"""

import fnmatch
import json
import os
import re
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
# What calls, on all machines, and how many bytes may lie between a call and where it returns to (the
# delay slot of MIPS; SPARC's return address is the call's own).
CALL = re.compile(
    r"^(bl|blx|blr|blraa|jal|jalr|c\.jal|c\.jalr|call|calll|jsr|bsr\w*|brasl|basr|bras|bctrl|jmpl)\b(.*)"
)
# Frames of a long stack that are written down, from either end.
ENDS = 12
LABEL = re.compile(r"^([0-9a-f]+) <([^>]+)>:$")
INSTRUCTION = re.compile(r"^\s*([0-9a-f]+):\s+(\S.*)$")


def fail(reason):
    sys.exit(f"truth.py: {reason}")


def tool(*command, **options):
    return subprocess.run(command, check=True, capture_output=True, text=True, **options).stdout


class Program:
    def __init__(self, cross, path):
        # [(start, name)] in ascending order. The labels, because symbols may be of descriptors (ppc64).
        self.functions = []
        self.instructions = []
        for line in tool(f"{cross}-objdump", "-d", "--no-show-raw-insn", path).splitlines():
            match = LABEL.match(line)
            if match:
                self.functions.append((int(match.group(1), 16), match.group(2).lstrip(".")))
            match = INSTRUCTION.match(line)
            if match:
                self.instructions.append((int(match.group(1), 16), match.group(2)))

    def name(self, address):
        if not self.instructions or address > self.instructions[-1][0]:
            return None
        return next((name for start, name in reversed(self.functions) if start <= address), None)

    def call_before(self, address):
        """The call that returns to address, or None."""
        before = [i for i in self.instructions if address - 10 <= i[0] <= address][-4:]
        for at, text in reversed(before):
            match = CALL.match(text)
            if match and (at < address or "sparc" in sys.argv[1]):
                return match.group(2)
        return None


def gdb_frames(program, core):
    """gdb's frames by tid; {} if it has none, None if it does not come to an end."""
    with tempfile.TemporaryDirectory() as dir:
        path = os.path.join(dir, "truth.json")
        try:
            subprocess.run(
                ["gdb-multiarch", "-nx", "-batch", program, core, "-x",
                 os.path.join(HERE, "../lib/gdb_truth.py")],
                env=dict(os.environ, TRUTH=path), capture_output=True, timeout=30,
            )
        except subprocess.TimeoutExpired:
            return None
        if not os.path.exists(path):
            return {}
        with open(path, encoding="utf-8") as f:
            threads = json.load(f)["threads"]
    return {
        t["tid"]: [int(f["pc"], 16) for f in t["frames"] if not f["inline"] and not f["tailcall"]]
        for t in threads
    }


# What gdb and eu-readelf call registers of ours.
ALIASES = {
    "aarch64": {"cpsr": "pstate"},
    "arm": {"r11": "fp", "r12": "ip", "r13": "sp", "r14": "lr", "r15": "pc"},
    "riscv64": {"fp": "s0"},
    "mips": {"s8": "fp", "bad": "badvaddr", "sr": "status"},
    "mips64": {"s8": "fp", "bad": "badvaddr", "sr": "status"},
    "ppc64": {"pc": "nip", "cr": "ccr", "orig_r3": "orig_gpr3"},
    "ppc64le": {"pc": "nip", "cr": "ccr", "orig_r3": "orig_gpr3"},
    "s390x": {"orig_r2": "orig_gpr2", "pc": "pswa"},
    "sparc64": {"state": "tstate", "pc": "tpc", "npc": "tnpc"},
}
READELF = re.compile(r"([a-z]+[0-9]*):\s+(-?[0-9]+|0x[0-9a-f]+)\b")
GDB_REGISTERS = """
for r in gdb.selected_inferior().architecture().registers("general"):
    try:
        v = gdb.parse_and_eval("$" + r.name)
        print("register", r.name, int(v) & (1 << 8 * v.type.sizeof) - 1)
    except (gdb.error, ValueError, TypeError, OverflowError):
        pass
"""


def registers(core, arch, ours):
    """[(name, value)] of the crashed thread as gdb has them; where it can't, as eu-readelf has."""
    # Without the program: gdb then looks for no frames, which it does not do well with some.
    out = subprocess.run(
        ["gdb-multiarch", "-nx", "-batch", "-ex", f"core-file {core}", "-ex", f"python {GDB_REGISTERS}"],
        capture_output=True, text=True, timeout=30,
    ).stdout
    found = re.findall(r"^register (\S+) (\d+)$", out, re.M)
    if not found:
        # Binutils' BFD, and so gdb, does not know the notes of every machine.
        notes = tool("eu-readelf", "-n", core).split("PRSTATUS")[1].split("  CORE")[0]
        found = READELF.findall(notes.split("cstime")[1])
    bits = 32 if arch == "m68k" else 64
    renamed = [(ALIASES.get(arch, {}).get(name, name), int(text, 0)) for name, text in found]
    return [(name, value & (1 << bits) - 1) for name, value in renamed if name in ours]


def matches(names, chain):
    if not chain:
        return not names
    if chain[0] == "...":
        return any(matches(names[i:], chain[1:]) for i in range(len(names) + 1))
    return bool(names) and fnmatch.fnmatchcase(names[0], chain[0]) and matches(names[1:], chain[1:])


def main():
    cross, report_path, core, program_path, twin = sys.argv[1:6]
    chains = [c.split() for c in sys.argv[6:]]
    program = Program(cross, twin)
    stripped = os.path.realpath(twin) != os.path.realpath(program_path)
    with open(report_path, encoding="utf-8") as f:
        report = json.load(f)
    gdb = gdb_frames(program_path, core)
    if gdb is None:
        print("# gdb does not come to an end with this core.")
    lines = []
    for thread in report["threads"]:
        first = len(lines)
        frames = [f for f in thread["frames"] if not f["inline"]]
        tid = thread["tid"]
        called = False
        names = []
        for i, frame in enumerate(frames):
            where = frame["module_offset"]
            inside = frame["module"] == os.path.basename(program_path)
            address = int(where, 16) if where and inside else None
            name = None
            if address is not None:
                name = program.name(address - 1 if called else address)
            if name is None:
                name = "0" if i == 0 else "@"
            if called and address is not None:
                call = program.call_before(address)
                if call is None:
                    fail(f"#{i} {frame['pc']}: no call before it")
                target = re.search(r"<\.?([^+>]+)>", call)
                if target and target.group(1) != names[-1]:
                    fail(f"#{i} {frame['pc']}: calls {target.group(1)}, not {names[-1]}")
            # What a trampoline returns to was interrupted and did not call.
            called = name != "@"
            names.append(name)
            shown = f"({name})" if stripped and name not in "@0" else name
            lines.append(f"{tid} {frame['pc']} {shown}")
        if not any(matches(names, chain) for chain in chains):
            fail(f"thread {tid}: {' '.join(names)} is none of {chains}")
        # Of endless recursion both ends are enough.
        left_out = len(lines) - first - 2 * ENDS
        if left_out > ENDS:
            lines[first + ENDS : -ENDS] = [f"{tid} ... {left_out}"]
        pcs = [int(f["pc"], 16) for f in frames]
        theirs = (gdb or {}).get(tid, [])
        same = next((i for i, (a, b) in enumerate(zip(pcs, theirs)) if a != b), min(len(pcs), len(theirs)))
        if gdb is None:
            continue
        if pcs == theirs:
            print(f"# gdb: the same {len(pcs)} frames of thread {tid}.")
        elif same == len(theirs):
            print(f"# gdb: thread {tid}'s first {same} frames are the same, then it has no more.")
        else:
            print(f"# gdb: thread {tid}'s first {same} frames are the same, then it has"
                  f" {theirs[same]:#x}.")
    ours = report["threads"][0]["registers"]
    theirs = registers(core, report["device"]["arch"], ours)
    for name, value in theirs:
        if int(ours[name], 16) != value:
            fail(f"register {name}: {ours[name]}, not {value:#x}")
        lines.append(f"register {name} {value:#x}")
    # Each machine has some that gdb does not know.
    if len(theirs) < len(ours) * 2 // 3:
        fail(f"only {len(theirs)} registers to compare with {len(ours)}")
    print(*lines, sep="\n")


main()
