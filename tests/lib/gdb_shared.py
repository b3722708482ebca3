"""What the scripts for gdb beside it share: settings, lists of cores, threads in the order of their numbers."""

import gdb

SETTINGS = (
    "pagination off",
    "confirm off",
    "width 0",
    "debuginfod enabled off",
    "backtrace past-main on",
    # All frames, also those of an endless recursion.
    "backtrace limit unlimited",
    "print asm-demangle on",
    "python print-stack full",
)


def prepare(*more):
    for setting in SETTINGS + more:
        gdb.execute("set " + setting)


def threads(walk):
    """[walk() of each thread, with its "tid"]; walk: of the one that is selected."""
    found = []
    for thread in sorted(gdb.selected_inferior().threads(), key=lambda t: t.num):
        thread.switch()
        found.append({"tid": thread.ptid[1], **walk()})
    return found


def each_core(path, tell):
    """tell(out) of each line "out<TAB>program<TAB>core" of the list; where that fails, the file is missing."""
    with open(path, encoding="utf-8") as cores:
        for line in cores:
            out, program, core = line.rstrip("\n").split("\t")
            try:
                gdb.execute("core-file")
                gdb.execute(f'file "{program}"')
                gdb.execute(f"core-file {core}")
                tell(out)
            except gdb.error as e:
                print(f"{core}: {e}")
