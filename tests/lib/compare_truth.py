#!/usr/bin/python3
"""Compares what gdb says of a crash with what snapanalyze says.

compare_truth.py TRUTH.json REPORT.json [--may-truncate] [--tid TID]

Every thread that gdb shows must be there, with the same frames: pc, function, file's name, line,
whether inlined. Exit 0 if so, 1 with a table of the differences. What is allowed to differ is
counted and printed, nothing is passed over silently:

  below gdb's last       gdb gave up before the stack's end (not: it reached the outermost frame)
  non-statement row      gdb shows the row before, at the same address, because the one that counts
                         does not begin a statement; where that is a row of another file, addr2line
                         confirms ours
  alias                  gdb took the name from an ELF symbol that begins where ours begins: one
                         function with several names
  linker's name          DWARF has no linkage name and gdb shows the plain one; ours is that of the ELF
                         symbol at the function's start, as nm confirms
  tail call              gdb shows a function that was left by a jump as one frame, we the functions
                         inlined in it as well: the innermost is compared, the rest counted
  tail call that ...     the call sites prove a function that was left by a jump, and gdb does not show
                         it: where the report marks it so
  line 0                 the line table says that the code comes from no line, as addr2line confirms;
                         gdb shows the line before
  vDSO                   names in the vDSO: gdb has the memory's symbols, a snapshot its own
  thread without ...     a thread that had exited already: the kernel still lists it and gives no
                         registers, so a core does not have it
  not captured           with --may-truncate: the stack is longer than what a snapshot takes of it,
                         and the report says so itself (end "truncated" or "limit")
"""

import argparse
import collections
import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from names import normalise  # noqa: E402

# What a signal frame of gdb's is called in symbol tables.
TRAMPOLINES = {None, "__restore_rt", "__restore", "__kernel_rt_sigreturn", "restore_rt", "<signalhandlercalled>"}

MAX_SHOWN = 30


def base(path):
    return path.rsplit("/", 1)[-1] if path else None


def text(frame):
    if frame is None:
        return "-"
    where = f" {base(frame['file'])}:{frame['line']}" if frame.get("line") else ""
    name = "<signal handler called>" if frame.get("signal") else frame["function"] or "??"
    if len(name) > 70:
        name = name[:67] + "..."
    return f"{frame['pc']} {name}{' [inline]' if frame['inline'] else ''}{where}"


class Comparison:
    def __init__(self, report, may_truncate):
        self.allowed = collections.Counter()
        self.differences = []
        self.frames = 0
        self.may_truncate = may_truncate
        self.symbols = {}  # by path: (address, name)
        self.paths = {m["name"]: m["path"] for m in report["modules"]}
        self.vdso = [
            (int(m["start"], 16), int(m["end"], 16))
            for m in report["modules"]
            if m["path"] == "[vdso]" or m["name"] == "[vdso]"
        ]

    def in_vdso(self, pc):
        return any(start <= pc < end for start, end in self.vdso)

    def differ(self, tid, index, what, gdb, ours):
        self.differences.append((tid, index, what, text(gdb), text(ours)))

    @staticmethod
    def is_alias(gdb, ours):
        """Whether both name the ELF symbol at the same address."""
        if not gdb.get("symbol_address") or not ours["function"] or not ours.get("offset"):
            return False
        return int(gdb["symbol_address"], 16) == int(ours["pc"], 16) - int(ours["offset"], 16)

    def addr2line(self, ours):
        """Another reader's word on the line of one of our frames: "FILE:LINE"; None if it has none."""
        path = self.paths.get(ours.get("module"))
        if path is None:
            return None
        called = ours["trust"] != "context"
        address = int(ours["module_offset"], 16) - called
        try:
            done = subprocess.run(
                ["addr2line", "-e", path, hex(address)],
                capture_output=True, text=True, timeout=60, check=True
            )
        except (OSError, subprocess.SubprocessError):
            return None
        return done.stdout.split(" (discriminator")[0].strip()

    def is_symbol(self, ours):
        """Whether nm knows our linker's name at our function's start."""
        raw, path = ours.get("raw_function"), self.paths.get(ours.get("module"))
        if path is None or ours["inline"] or not (raw or "").startswith(("_Z", "_R")):
            return False
        if path not in self.symbols:
            done = subprocess.run(["nm", path], capture_output=True, text=True, timeout=60, check=False)
            self.symbols[path] = {(int(a, 16), n) for a, _, n in (
                line.split(" ", 2) for line in done.stdout.splitlines() if line[0] != " ")}
        start = int(ours["module_offset"], 16) - int(ours["offset"], 16)
        return (start, raw) in self.symbols[path]

    def is_line_zero(self, ours):
        """Whether the line table itself says that the code comes from no line."""
        # "FILE:?"; "??:0" and "??:?" would be no word on it at all.
        return re.fullmatch(r"[^?].*:[0?]", self.addr2line(ours) or "") is not None

    def is_confirmed(self, ours):
        """Whether addr2line, too, takes our row of those at the frame's address."""
        return not ours["inline"] and self.addr2line(ours) == f"{ours['file']}:{ours['line']}"

    def frame(self, tid, i, gdb, ours):
        self.frames += 1
        if int(gdb["pc"], 16) != int(ours["pc"], 16):
            self.differ(tid, i, "pc", gdb, ours)
            return
        if gdb["inline"] != ours["inline"] and not gdb.get("tailcall"):
            self.differ(tid, i, "inline", gdb, ours)
            return
        name = normalise(ours["function"])
        if gdb["signal"]:
            if name not in TRAMPOLINES:
                self.differ(tid, i, "signal frame", gdb, ours)
            return
        wanted = normalise(gdb["function"])
        if wanted != name:
            if self.is_alias(gdb, ours):
                self.allowed["alias"] += 1
            elif self.is_symbol(ours):
                self.allowed["linker's name"] += 1
            elif self.in_vdso(int(gdb["pc"], 16)):
                self.allowed["vDSO"] += 1
            else:
                self.differ(tid, i, "function", gdb, ours)
                return
        if gdb["line"] == ours["line"]:
            if gdb["line"] and base(gdb["file"]) != base(ours["file"]):
                self.differ(tid, i, "file", gdb, ours)
            return
        if ours["line"] is None and self.is_line_zero(ours):
            self.allowed["line 0"] += 1
            return
        # Only where the last row at that very address is not a statement's, and is the one shown.
        rows = gdb["rows"]
        if (rows and not rows[-1][1] and rows[-1][0] == ours["line"]) or (
            base(gdb["file"]) != base(ours["file"]) and self.is_confirmed(ours)
        ):
            self.allowed["non-statement row"] += 1
            return
        self.differ(tid, i, "line", gdb, ours)

    def as_gdb_counts(self, gdb, ours):
        """Our frames, but for what gdb does not show of functions that were left by a jump."""
        out, j = [], 0
        for frame in gdb:
            # Each frame comes after those inlined in it, which share its pc.
            while j < len(ours):
                end = j
                while end + 1 < len(ours) and ours[end]["inline"]:
                    end += 1
                if not ours[end].get("tail_call") or ours[j]["pc"] == frame["pc"]:
                    break
                self.allowed["tail call that gdb does not find"] += 1
                j = end + 1
            if j >= len(ours):
                break
            out.append(ours[j])
            j += 1
            if not frame.get("tailcall"):
                continue
            while j < len(ours) and ours[j - 1]["inline"] and ours[j]["pc"] == frame["pc"]:
                self.allowed["tail call"] += 1
                j += 1
        return out + ours[j:]

    def ends_of_thread(self, gdb, mine, after_index):
        """Our frames up to the gap are gdb's first, those behind it gdb's last."""
        inner = [f for f in mine if f["index"] <= after_index]
        outer = mine[len(inner) :]
        pairs = list(zip(gdb["frames"], inner))
        if gdb["end"] == "outermost":
            pairs += zip(gdb["frames"][-len(outer) :], outer)
            self.allowed["not captured"] += len(gdb["frames"]) - len(mine)
        else:
            self.allowed["below gdb's last"] += len(outer)
        for left, right in pairs:
            self.frame(gdb["tid"], right["index"], left, right)
        if not outer or len(mine) > len(gdb["frames"]):
            self.differ(gdb["tid"], after_index, "gap", None, None)

    def thread(self, gdb, ours):
        tid = gdb["tid"]
        mine = self.as_gdb_counts(gdb["frames"], ours["frames"])
        if self.may_truncate and ours.get("gaps"):
            self.ends_of_thread(gdb, mine, ours["gaps"][0]["after_index"])
            return
        n = len(gdb["frames"])
        m = len(mine)
        if m < n and (
            ours["end"] == "limit" or (self.may_truncate and ours["end"] == "truncated")
        ):
            if not self.may_truncate:
                self.differences.append((tid, m, "limit", text(gdb["frames"][m]), "-"))
            self.allowed["not captured"] += n - m
            n = m
        for i in range(max(n, m)):
            if i >= n:
                if gdb["end"] == "outermost":
                    self.differ(tid, i, "beyond the end", None, mine[i])
                    break
                self.allowed["below gdb's last"] += m - n
                break
            if i >= m:
                self.differ(tid, i, "missing", gdb["frames"][i], None)
                break
            before = len(self.differences)
            self.frame(tid, i, gdb["frames"][i], mine[i])
            if self.differences[before:] and self.differences[-1][2] in ("pc", "inline"):
                # What follows is shifted: one line says it.
                break

    def reports(self, truth, report):
        ours = {}
        for thread in report["threads"]:
            if thread["tid"] in ours:
                self.differences.append((thread["tid"], 0, "thread twice", "-", "-"))
            ours[thread["tid"]] = thread
        for thread in truth["threads"]:
            if thread["tid"] not in ours:
                self.differ(thread["tid"], 0, "no thread", thread["frames"][0], None)
            else:
                self.thread(thread, ours.pop(thread["tid"]))
        for tid, thread in ours.items():
            if thread["end"] == "unavailable" and not thread["frames"]:
                self.allowed["thread without registers"] += 1
                continue
            self.differ(tid, 0, "thread not gdb's", None, (thread["frames"] or [None])[0])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("truth")
    parser.add_argument("report")
    parser.add_argument("--may-truncate", action="store_true")
    args = parser.parse_args()
    with open(args.truth, encoding="utf-8") as f:
        truth = json.load(f)
    with open(args.report, encoding="utf-8") as f:
        report = json.load(f)
    comparison = Comparison(report, args.may_truncate)
    comparison.reports(truth, report)

    print(
        f"{len(truth['threads'])} threads, {comparison.frames} frames compared, "
        f"{len(comparison.differences)} differences"
    )
    for what, n in sorted(comparison.allowed.items()):
        print(f"allowed: {n} x {what}")
    for tid, i, what, left, right in comparison.differences[:MAX_SHOWN]:
        print(f"thread {tid} #{i} {what}:\n    gdb:  {left}\n    ours: {right}")
    if len(comparison.differences) > MAX_SHOWN:
        print(f"... and {len(comparison.differences) - MAX_SHOWN} more")
    # Comparing nothing is no proof.
    return 1 if comparison.differences or not comparison.frames else 0


if __name__ == "__main__":
    sys.exit(main())
