#!/usr/bin/python3
"""same_report.py A.json B.json [--cut]: two reports of one crash say the same, but for how it was
stored. --cut: B's stacks were cut: of each thread, the frames up to the gap and the outermost ones.

Prints what differs, and exits with 1 then.
"""
import json
import sys


def load(path):
    report = json.load(open(path, encoding="utf-8"))
    # How it was stored; what a capture adds; a thread's name and state, which no core has.
    for name in ("snapshot", "omissions"):
        report.pop(name)
    for thread in report["threads"]:
        for name in ("state", "name"):
            thread.pop(name)
        # A snapshot has not all the memory that variables are in (cli_variables.sh).
        for listed in thread["frames"]:
            for name in ("arguments", "locals", "variables_left_out"):
                listed.pop(name, None)
    # Whose variable told where a core's message is: a snapshot has the message itself.
    source = report["crash"]["message_source"]
    if source:
        source.pop("symbol")
        source.pop("module")
    rule = report["crash"]["severity"]
    if rule:
        rule["rule"] = rule["rule"].replace(", where its __abort_msg points", "")
    return report


def frame(f):
    return f["function"], f["pc"], f["file"], f["line"], f["inline"], f["module"]


def cut_threads(a, b):
    for x, y in zip(a, b):
        if x["tid"] != y["tid"] or x["registers"] != y["registers"]:
            yield f"thread {x['tid']} is thread {y['tid']}, or has other registers"
        ours, theirs = [[frame(f) for f in t["frames"]] for t in (x, y)]
        if not y["gaps"]:
            if ours != theirs or x["end"] != y["end"]:
                yield f"thread {x['tid']} differs"
            continue
        inner = y["gaps"][0]["after_index"] + 1
        outer = len(theirs) - inner
        # What the unwinder finds again first is a guess.
        if ours[:inner] != theirs[:inner] or outer < 3:
            yield f"thread {x['tid']}: the innermost {inner} frames differ"
        if y["end"] != "complete" or [f[0] for f in ours[-3:]] != [f[0] for f in theirs[-3:]]:
            yield f"thread {x['tid']}: the outermost frames differ: {theirs[-3:]}"


def main(arguments):
    a, b = load(arguments[0]), load(arguments[1])
    bad = []
    if "--cut" in arguments:
        bad += cut_threads(a.pop("threads"), b.pop("threads"))
        for report in a, b:
            for level in report["signature"]["levels"].values():
                level.pop("all")
    bad += [f"{k}: {a[k]!r:.2000}\n  and: {b[k]!r:.2000}" for k in a if a[k] != b[k]]
    print("\n".join(bad))
    return bool(bad)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
