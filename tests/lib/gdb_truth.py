"""What gdb says of every thread: the truth that snapanalyze is compared with.

	TRUTH=out.json gdb -nx -batch PROGRAM CORE -x gdb_truth.py
	TRUTH=out.json gdb -nx -batch -p PID -x gdb_truth.py
	TRUTH_LIST=list gdb -nx -batch -x gdb_truth.py

Core or live process are on gdb's command line (tests/lib/gdb_truth.sh), or a list has lines of what
to write, program, and core, separated by tabs: libc's debug information is then read but once.
Writes {"threads": [{"tid", "frames": [{"pc", "function", "file", "line", "inline", "signal",
"minimal", "rows"}], "end"}]}.

"tailcall": not on the stack: gdb found out that this function was left by a jump, not a call.
"minimal": the name comes from an ELF symbol, not from DWARF, that begins at "symbol_address". "rows": the rows of the line table at
the address of the look-up, in their order, as [line, is_stmt]: compare_truth.py needs them where
gdb passed over a row that does not begin a statement. "end": why gdb stopped.
"""

import bisect
import json
import os
import re
import sys

import gdb

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import gdb_shared

gdb_shared.prepare("backtrace past-entry off")

# Deeper than any stack that is captured whole; deeper ones are compared so far.
MAX_FRAMES = int(os.environ.get("TRUTH_MAX_FRAMES", "3000"))
ROW = re.compile(r"^(\d+)\s+(\d+|END)\s+(0x[0-9a-f]+)\s*(Y?)")
tables = {}


def table(symtab):
    """The line table of a source file in one compilation unit, as {address: [(line, stmt)]}.

    gdb keeps a table per source file; END rows close its stretches.
    """
    key = (symtab.objfile.filename if symtab.objfile else "", symtab.filename)
    if key in tables:
        return tables[key]
    rows = {}
    text = gdb.execute(
        "maint info line-table " + re.escape(symtab.filename) + "$", to_string=True
    )
    for line in text.splitlines():
        match = ROW.match(line)
        if match and match.group(2) != "END":
            rows.setdefault(int(match.group(3), 16), []).append(
                [int(match.group(2)), match.group(4) == "Y"]
            )
    addresses = sorted(rows)
    tables[key] = (rows, addresses)
    return tables[key]


def rows_at(symtab, pc):
    rows, addresses = table(symtab)
    i = bisect.bisect_right(addresses, pc) - 1
    return rows[addresses[i]] if i >= 0 else []


def elf_symbol(pc):
    """(address of the ELF symbol that gdb finds for pc, whether it is one of code)."""
    text = gdb.execute(f"info symbol {pc:#x}", to_string=True)
    match = re.match(r"(?s).*?(?: \+ (\d+))? in section (\S+)", text)
    if not match:
        return None, True
    code = not match.group(2).startswith((".data", ".bss", ".rodata", ".tbss"))
    return pc - int(match.group(1) or 0), code


def describe(frame, newer):
    sal = frame.find_sal()
    symbol = frame.function()
    signal = frame.type() == gdb.SIGTRAMP_FRAME
    pc = frame.pc()
    out = {
        "pc": hex(pc),
        "function": None if signal else frame.name(),
        "file": None,
        "line": None,
        "inline": frame.type() == gdb.INLINE_FRAME,
        "signal": signal,
        "tailcall": frame.type() == gdb.TAILCALL_FRAME,
        "minimal": symbol is None,
        "rows": [],
    }
    if symbol is None and out["function"]:
        address, code = elf_symbol(pc)
        out["symbol_address"] = hex(address) if address is not None else None
        if not code:
            # pc strayed into data, which gdb names, too.
            out["function"] = None
    if sal is not None and sal.symtab is not None and sal.line:
        out["file"] = sal.symtab.fullname()
        out["line"] = sal.line
        # A frame that called (not the innermost, none that a signal interrupted).
        called = newer is not None and newer["pc"] != out["pc"] and not newer["signal"]
        if newer is not None and newer["pc"] == out["pc"]:
            called = newer["called"]
        out["called"] = called
        try:
            out["rows"] = rows_at(sal.symtab, pc - 1 if called else pc)
        except gdb.error:
            pass
    else:
        out["called"] = newer is not None and not newer["signal"]
    return out


def walk():
    frames = []
    end = None
    frame = gdb.newest_frame()
    newer = None
    while frame is not None and len(frames) < MAX_FRAMES:
        newer = describe(frame, newer)
        frames.append(newer)
        try:
            older = frame.older()
        except gdb.error as e:
            end = str(e)
            break
        if older is None:
            end = gdb.frame_stop_reason_string(frame.unwind_stop_reason())
        frame = older
    if frame is not None and len(frames) >= MAX_FRAMES:
        end = "limit"
    return {"frames": frames, "end": end}


def tell(path):
    tables.clear()
    threads = gdb_shared.threads(walk)
    with open(path, "w", encoding="utf-8") as f:
        json.dump({"threads": threads}, f)


def keep_libraries():
    """Lets gdb have what it reads of libraries for the next core, too: an inferior of its own holds each.

    Those that gdb itself uses are most of what cores have. Before any core: gdb 13 does not survive a file
    that was a library first and then is a program.
    """
    with open("/proc/self/maps", encoding="utf-8") as maps:
        paths = {line.split(None, 5)[5].rstrip("\n") for line in maps if "/" in line}
    for path in sorted(paths):
        if re.match(r"(ld-linux|lib(c|m|gcc_s|stdc\+\+)\.so)", os.path.basename(path)):
            gdb.execute(f'add-inferior -exec "{path}"', to_string=True)


if "TRUTH" in os.environ:
    tell(os.environ["TRUTH"])
else:
    keep_libraries()
    gdb_shared.each_core(os.environ["TRUTH_LIST"], tell)
