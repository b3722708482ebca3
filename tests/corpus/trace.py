"""For gdb: the stacks of crashes of one program of the corpus (make.py starts it).

$CORPUS_PROGRAM.wanted has lines "NUMBER BUG SEED FRAMES"; for each that crashes, ".traces" gets the
number, the crash's kind and its functions, FRAMES of them (0: all), with what "bt" says of each.
"""
import os
import re

import gdb

PROGRAM = os.environ["CORPUS_PROGRAM"]
MAX_FRAMES = 60
# Of an endless recursion, so many.
MAX_OVERFLOW = 32


def kind_of(signal, frame):
    if signal != "SIGSEGV":
        return {"SIGABRT": "abort", "SIGFPE": "fpe", "SIGILL": "ill", "SIGBUS": "bus", "SIGTRAP": "trap"}[signal]
    info = gdb.parse_and_eval("$_siginfo")
    address = int(info["_sifields"]["_sigfault"]["si_addr"])
    if abs(address - int(frame.read_register("rsp"))) < 65536:
        return "stack-overflow"
    if frame.pc() == address:
        return "exec-bad-pc"
    # SI_KERNEL: no address is told of one that can't be one.
    return "segv-null" if address < 65536 and int(info["si_code"]) != 0x80 else "segv"


def without_arguments(name):
    """As "bt" shows it: that of a function's own, the last parenthesis that is closed at the end."""
    name = re.sub(r"( const)?( \[clone [^\]]*\])*$", "", name)
    if not name.endswith(")") or name.endswith("operator()"):
        return name
    depth = 0
    for i in range(len(name) - 1, -1, -1):
        depth += (name[i] == ")") - (name[i] == "(")
        if depth == 0:
            return name[:i] if i > 0 and name[i - 1] not in ":" else name
    return name


def without_result(name):
    """Symbols of templates' functions begin with the type that they return, which debug information has not."""
    if not name.endswith(">") or "operator" in name:
        return name
    depth = 0
    for i in range(len(name) - 1, -1, -1):
        depth += (name[i] in ">)") - (name[i] in "<(")
        if depth == 0 and name[i] == " ":
            return name[i + 1:]
    return name


def line_of(frame):
    # gdb's own word for the part of a function that the compiler took for cold.
    name = (frame.name() or "").replace("[cold]", ".cold")
    library = gdb.solib_name(frame.pc())
    prefix = os.path.basename(library) + "!" if library and library != PROGRAM else ""
    if not library and not name and frame.pc() >> 40 == 0x55:
        prefix = os.path.basename(PROGRAM) + "!"
    place = frame.find_sal()
    source = f" at {os.path.basename(place.symtab.filename)}:{place.line}" if place.symtab else ""
    inlined = " [inlined]" if frame.type() == gdb.INLINE_FRAME else ""
    return prefix + (without_result(without_arguments(name)) if name else "??") + source + inlined


def trace(signal, limit):
    frame = gdb.newest_frame()
    kind = kind_of(signal, frame)
    limit = min(limit or MAX_FRAMES, MAX_OVERFLOW if kind == "stack-overflow" else MAX_FRAMES)
    lines = []
    while frame is not None and len(lines) < limit:
        if frame.type() != gdb.SIGTRAMP_FRAME:
            lines.append(line_of(frame))
        try:
            frame = frame.older()
        except gdb.error:
            break
    return f"kind: {kind}\n" + "\n".join(lines)


def on_stop(event):
    global stopped
    if isinstance(event, gdb.SignalEvent):
        stopped = event.stop_signal


for setting in ("pagination off", "confirm off", "width 0", "debuginfod enabled off",
                "backtrace limit 200", "print asm-demangle on",
                # Some bugs are endless loops when they are optimised.
                "exec-wrapper prlimit --cpu=2 --core=0"):
    gdb.execute("set " + setting)
gdb.execute(f'file "{PROGRAM}"')
gdb.events.stop.connect(on_stop)
with open(PROGRAM + ".wanted", encoding="utf-8") as wanted, open(PROGRAM + ".part", "w", encoding="utf-8") as out:
    for line in wanted:
        number, bug, seed, frames = line.split()
        # Where a run does not come by the bug, others may.
        for attempt in range(4):
            stopped = None
            gdb.execute(f"run {bug} {int(seed) + attempt}")
            if stopped and stopped != "SIGXCPU":
                out.write(f"{number}\n{trace(stopped, int(frames))}\n\n")
                break
