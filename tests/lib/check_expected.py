#!/usr/bin/python3
"""check_expected.py REPORT.json VICTIM KIND SIGNAL CODE FUNCTIONS: one line of victims/expected.

Exit 0 if the report says so, else 1 with a line for each difference.
"""

import json
import os
import re
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from names import normalise  # noqa: E402


def without_templates(name):
    """Template arguments become "<>"."""
    out, depth = [], 0
    for c in name:
        if c == "<":
            if depth == 0:
                out.append("<>")
            depth += 1
        elif c == ">" and depth:
            depth -= 1
        elif depth == 0:
            out.append(c)
    return "".join(out)


def matches(wanted, names):
    if not wanted:
        return True
    if wanted[0] == "...":
        return any(matches(wanted[1:], names[i:]) for i in range(len(names) + 1))
    return bool(names) and wanted[0] in ("*", names[0]) and matches(wanted[1:], names[1:])


def main():
    path, victim, kind, signal, code, functions = sys.argv[1:]
    with open(path, encoding="utf-8") as f:
        report = json.load(f)
    faults = []

    def expect(what, wanted, got):
        if wanted != got:
            faults.append(f"{what}: wanted {wanted}, got {got}")

    crash = report["crash"]
    expect("crash.kind", kind, crash["kind"])
    expect("crash.signal", signal, crash["signal"])
    expect("crash.code", code, crash["code"])
    expect("snapshot.fatal", True, report["snapshot"]["fatal"])
    if not crash["explanation"]:
        faults.append("crash.explanation is empty")
    crashed = [t for t in report["threads"] if t["crashed"]]
    expect("number of crashed threads", 1, len(crashed))
    if crashed:
        thread = crashed[0]
        expect("crashing thread is the first", thread["tid"], report["threads"][0]["tid"])
        expect("process.tid", thread["tid"], report["process"]["tid"])
        expect("frame 0's trust", "context", thread["frames"][0]["trust"] if thread["frames"] else None)
        expect(
            "indices", list(range(len(thread["frames"]))), [f["index"] for f in thread["frames"]]
        )
        own = [
            f
            for f in thread["frames"]
            if f["module"] is None
            or re.sub(r" \(deleted\)$", "", f["module"]).rsplit("/", 1)[-1] == victim
        ]
        names = [without_templates(normalise(f["function"]) or "??") for f in own]
        if not matches(functions.split(), names):
            faults.append(f"functions: wanted {functions}\n           got {' '.join(names[:30])}")
    print("\n".join(faults))
    return 1 if faults else 0


sys.exit(main())
