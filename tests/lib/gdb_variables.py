"""What gdb says of the variables of every frame: what snapanalyze's are compared with.

	VARIABLES_LIST=list gdb -nx -batch -x gdb_variables.py

The list has lines of what to write, program, and core, separated by tabs. Written is {"threads":
[{"tid", "frames": [{"pc", "function", "inline", "arguments", "locals"}]}]}, each variable
{"name", "value", "optimized"}; value is null where gdb can't read it, and "error" says why.
"""

import json
import os

import gdb

for setting in (
    "pagination off",
    "confirm off",
    "width 0",
    "debuginfod enabled off",
    "backtrace past-main on",
    "backtrace limit unlimited",
    "print asm-demangle on",
    "python print-stack full",
):
    gdb.execute("set " + setting)

# Of deep recursions these are enough.
MAX_FRAMES = 100


def describe(symbol, frame):
    out = {"name": symbol.name, "value": None, "optimized": False}
    try:
        value = symbol.value(frame)
        out["optimized"] = value.is_optimized_out
        out["value"] = value.format_string(
            raw=True,
            max_elements=200,
            repeat_threshold=10,
            max_depth=20,
            static_members=False,
            symbols=True,
            unions=True,
            deref_refs=True,
        )
        # Arrays of variable length come right by command alone.
        if "variable length" in str(symbol.type) or (
            symbol.type.code == gdb.TYPE_CODE_ARRAY and value.type.sizeof != symbol.type.sizeof
        ):
            frame.select()
            out["value"] = gdb.execute("output " + symbol.name, to_string=True)
    except (gdb.error, gdb.MemoryError, NotImplementedError) as e:
        out["error"] = str(e)
    return out


def variables(frame):
    arguments, found = [], []
    try:
        block = frame.block()
    except RuntimeError:
        return [], []
    seen = set()
    while block is not None:
        for symbol in block:
            if symbol.is_argument and (symbol.name, symbol.line) not in seen:
                seen.add((symbol.name, symbol.line))
                arguments.append(describe(symbol, frame))
            elif symbol.is_variable or symbol.is_constant:
                if symbol.addr_class != gdb.SYMBOL_LOC_TYPEDEF and symbol.type is not None:
                    found.append(describe(symbol, frame))
        if block.function is not None:
            break
        block = block.superblock
    return arguments, found


def walk():
    frames = []
    frame = gdb.newest_frame()
    while frame is not None and len(frames) < MAX_FRAMES:
        if frame.type() != gdb.TAILCALL_FRAME and frame.type() != gdb.SIGTRAMP_FRAME:
            arguments, found = variables(frame) if frame.function() else ([], [])
            frames.append(
                {
                    "pc": hex(frame.pc()),
                    "function": frame.name(),
                    "inline": frame.type() == gdb.INLINE_FRAME,
                    "arguments": arguments,
                    "locals": found,
                }
            )
        try:
            frame = frame.older()
        except gdb.error:
            break
    return frames


def tell(path):
    threads = []
    for thread in sorted(gdb.selected_inferior().threads(), key=lambda t: t.num):
        thread.switch()
        threads.append({"tid": thread.ptid[1], "frames": walk()})
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"threads": threads}, f)


with open(os.environ["VARIABLES_LIST"], encoding="utf-8") as cores:
    for line in cores:
        out, program, core = line.rstrip("\n").split("\t")
        try:
            gdb.execute("core-file")
            gdb.execute(f'file "{program}"')
            gdb.execute(f"core-file {core}")
            tell(out)
        except gdb.error as e:
            print(f"{core}: {e}")
