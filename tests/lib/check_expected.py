#!/usr/bin/python3
"""check_expected.py REPORT.json VICTIM KIND SIGNAL CODE FUNCTIONS: columns of victims/expected.

Exit 0 if the report says so, else 1 with a line for each difference. What follows the last of the
functions is free here, and how the stack ends.
"""

import json
import os
import re
import sys
import types

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from names import normalise  # noqa: E402

# What may follow the last function that the table names: how threads and processes begin.
STARTUP = {
    "_start",
    "__libc_start_main",
    "__libc_start_main_impl",
    "__libc_start_call_main",
    "start_thread",
    "clone",
    "__clone",
    "clone3",
    "__clone3",
}


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


def matches(wanted, frames):
    """Whether the frames, (name, trust) each, are what the words of the table say."""
    if not wanted:
        return all(name in STARTUP for name, _ in frames)
    word, rest = wanted[0], wanted[1:]
    if word == "...":
        return any(matches(rest, frames[i:]) for i in range(len(frames) + 1))
    if word.startswith("["):
        return matches([word[1:-1]] + rest, frames) or matches(rest, frames)
    name, _, trust = word.partition("@") if not word.endswith("@plt") else (word, "", "")
    return (
        bool(frames)
        and name in ("*", frames[0][0])
        and (not trust or trust == frames[0][1])
        and matches(rest, frames[1:])
    )


def flag(case, name, default):
    for word in case.flags:
        key, _, value = word.partition("=")
        if key == name:
            return value.split("|")
    return default


def is_of(frame, victim):
    """Whether a frame is in the victim itself, in what it made at run time, or in nothing known."""
    path = re.sub(r" \(deleted\)$", "", frame["module"] or "")
    return frame["module"] in (None, "[jit]") or path.rsplit("/", 1)[-1] == victim


def check_report(case, report, cut):
    """What is wrong with a report; cut: it may lack a part of the crashing thread's stack."""
    faults = []

    def expect(what, wanted, got):
        if wanted != got:
            faults.append(f"{what}: wanted {wanted}, got {got}")

    crash = report["crash"]
    if crash["kind"] not in case.kind:
        faults.append(f"crash.kind: wanted {'|'.join(case.kind)}, got {crash['kind']}")
    expect("crash.signal", case.signal, crash["signal"])
    expect("crash.code", case.code, crash["code"])
    expect("snapshot.fatal", True, report["snapshot"]["fatal"])
    expect("snapshot.integrity", "complete", report["snapshot"]["integrity"])
    if not crash["explanation"]:
        faults.append("crash.explanation is empty")
    crashed = [t for t in report["threads"] if t["crashed"]]
    expect("number of crashed threads", 1, len(crashed))
    if not crashed:
        return faults
    thread = crashed[0]
    frames = thread["frames"]
    expect("crashing thread is the first", thread["tid"], report["threads"][0]["tid"])
    expect("process.tid", thread["tid"], report["process"]["tid"])
    expect("frame 0's trust", "context", frames[0]["trust"] if frames else None)
    expect("indices", list(range(len(frames))), [f["index"] for f in frames])
    ends = flag(case, "end", ["complete"])
    if cut and thread["end"] == "truncated":
        # All that is there is a beginning of what should be.
        return faults
    if thread["end"] not in ends and ends != ["*"]:
        faults.append(f"end: wanted {'|'.join(ends)}, got {thread['end']}")
    own = [
        (without_templates(normalise(f["function"]) or "??"), f["trust"])
        for f in frames
        if is_of(f, case.victim)
    ]
    if not matches(case.functions.split(), own):
        got = " ".join(f"{name}@{trust}" for name, trust in own[:30])
        faults.append(f"functions: wanted {case.functions}\n           got {got}")
    return faults


def main():
    path, victim, kind, signal, code, functions = sys.argv[1:]
    with open(path, encoding="utf-8") as f:
        report = json.load(f)
    case = types.SimpleNamespace(
        victim=victim,
        kind=kind.split("|"),
        signal=signal,
        code=code,
        functions=functions + " ...",
        flags=["end=*"],
    )
    faults = check_report(case, report, False)
    print("\n".join(faults))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
