#!/usr/bin/python3
"""The table of victims: which crashes there are, and whether their reports are right.

victims.py list [--once N] [VICTIM...]
    One line for each crash, columns separated by tabs: directory's name, victim, setting, flags,
    whose second opinion is wanted, arguments; "-" is none. --once: each crash in one setting alone,
    the first in the first of its settings, the next in the second of its own, and so on; of these
    every Nth.

victims.py judge DIR
    Judges what cli_victims.sh has gathered in the directories DIR/CASE, whose names are on stdin:
        snap.json, core.json  reports of snapshot and core of one crash
        truth.json            what gdb says of that core (gdb_truth.py)
        opinion               what eu-stack or lldb says of it, where that is asked for and there
        client                exit status of the client
        why                   instead of all these: why there is nothing to judge
    Prints lines "ok - ..." and "not ok - ..."; DIR/failed lists the cases that failed.

Tables: tests/victims/expected and tests/victims/deviations; their columns are explained there.
"""

import argparse
import collections
import json
import os
import re
import sys

import compare_truth
import validate_json
from check_expected import check_report
from names import normalise

HERE = os.path.dirname(os.path.abspath(__file__))
TABLES = os.path.join(HERE, "..", "victims")
SCHEMA = os.path.join(HERE, "..", "..", "docs", "report.schema.json")
# What people read of them.
LISTED = os.path.join(HERE, "..", "fixtures", "README.rst")
SETTINGS = ("gcc-O2", "gcc-O0", "clang-O2", "clang-O0")
# How a frame may be known that gdb does not have. What CFI finds further up is as good as that frame.
GUESSES = ("fp", "scan")


def rows(name):
    with open(os.path.join(TABLES, name), encoding="utf-8") as f:
        for number, line in enumerate(f, 1):
            line = line.rstrip("\n")
            if line and not line.startswith("#"):
                yield f"{name}:{number}", line.split("\t")


def settings_of(words, where):
    """ "all", or the names of settings, compilers, or optimisations."""
    chosen = []
    for word in words.split(","):
        found = [s for s in SETTINGS if word in ("all", s, *s.split("-"))]
        if not found:
            raise SystemExit(f"{where}: no setting is called {word}")
        chosen += found
    return [s for s in SETTINGS if s in chosen]


Case = collections.namedtuple(
    "Case", "directory title victim arguments setting kind signal code functions flags"
)


def cases():
    seen = set()
    for where, columns in rows("expected"):
        if len(columns) != 8:
            raise SystemExit(f"{where}: {len(columns)} columns")
        victim, arguments, settings, kind, signal, code, functions, flags = columns
        words = [victim] + ([] if arguments == "-" else arguments.split())
        for setting in settings_of(settings, where):
            # The first argument is what tells one crash of a victim from another.
            directory = ".".join(words[:2] + [setting])
            if directory in seen:
                raise SystemExit(f"{where}: {directory} twice")
            seen.add(directory)
            yield Case(
                directory,
                f"{' '.join(words[:2])} ({setting})",
                victim,
                words[1:],
                setting,
                kind.split("|"),
                signal,
                code,
                functions,
                [] if flags == "-" else flags.split(","),
            )


def once(all_cases, step):
    """Every step-th crash, in one of its settings, which take turns."""
    settings = {}
    for case in all_cases:
        settings.setdefault((case.victim, *case.arguments), []).append(case)
    for number, found in enumerate(settings.values()):
        if number % step == 0:
            yield found[number // step % len(found)]


Deviation = collections.namedtuple("Deviation", "after opinion reason")


def deviations():
    found = {}
    for where, columns in rows("deviations"):
        if len(columns) != 6:
            raise SystemExit(f"{where}: {len(columns)} columns")
        victim, argument, settings, after, opinion, reason = columns
        for setting in settings_of(settings, where):
            key = ".".join([victim] + ([] if argument == "-" else [argument]) + [setting])
            found[key] = Deviation(after, opinion, reason)
    return found


# ---------------------------------------------------------------- a report by itself


def status_of(report):
    """The exit status that snapanalyze documents for such a report."""
    if report["snapshot"]["integrity"] not in ("complete", "unmarked"):
        return 1
    symbols = {m["name"]: m["symbols"] for m in report["modules"]}
    for thread in report["threads"]:
        if thread["crashed"] and (
            thread["end"] != "complete"
            or any(symbols.get(f["module"]) in ("none", "mismatch") for f in thread["frames"])
        ):
            return 1
    return 0


# ---------------------------------------------------------------- snapshot against core

KEYS = ("pc", "trust", "inline", "function", "offset", "file", "line", "build_id", "module_offset", "cfa")


def key(frame):
    return tuple(frame[k] for k in KEYS)


def shown(frame):
    return "-" if frame is None else f"{frame['pc']} {frame['trust']} {frame['function']}"


def compare_frames(snap, core):
    """The first difference of two lists of frames, or None."""
    for i in range(max(len(snap), len(core))):
        a = snap[i] if i < len(snap) else None
        b = core[i] if i < len(core) else None
        if a is None or b is None or key(a) != key(b):
            differ = "" if a is None or b is None else next(k for k in KEYS if a[k] != b[k]) + ": "
            return f"#{i} {differ}snapshot {shown(a)}, core {shown(b)}"
    return None


def compare_threads(snap, core, cut):
    """What a thread of the snapshot says that the core's does not; and how many frames were cut."""
    a, b = snap["frames"], core["frames"]
    if snap["gaps"] and not core["gaps"] and cut:
        # Both ends of the core's frames, and whatever lies between is between.
        first = snap["gaps"][0]["after_index"] + 1
        last = len(a) - first
        if len(a) > len(b):
            return "more frames than the core", 0
        lost = len(b) - len(a)
        if last and a[first]["trust"] in GUESSES:
            # What CFI knows in the core has to be guessed where its callee was cut off.
            a[first] = dict(a[first], trust=b[len(b) - last]["trust"])
        return (
            compare_frames(a[:first], b[:first])
            or compare_frames(a[first:], b[len(b) - last :])
            or (None if snap["end"] == core["end"] else f"end {snap['end']}, core {core['end']}")
        ), lost
    if snap["end"] == "truncated" and core["end"] != "truncated" and cut and len(a) <= len(b):
        return compare_frames(a, b[: len(a)]), len(b) - len(a)
    if snap["end"] != core["end"]:
        return f"end {snap['end']}, core {core['end']}", 0
    return compare_frames(a, b), 0


def compare_reports(snap, core, cut):
    faults, lost = [], 0
    for name in ("kind", "signal", "signo", "code", "address", "access", "instruction"):
        if snap["crash"][name] != core["crash"][name]:
            faults.append(f"crash.{name}: snapshot {snap['crash'][name]}, core {core['crash'][name]}")
    theirs = {t["tid"]: t for t in core["threads"]}
    for thread in snap["threads"]:
        other = theirs.pop(thread["tid"], None)
        if other is None:
            # It had exited, which the kernel still lists and a core does not.
            if thread["frames"] or thread["end"] != "unavailable":
                faults.append(f"thread {thread['tid']} is not in the core")
            continue
        fault, n = compare_threads(thread, other, cut)
        lost += n
        if fault:
            faults.append(f"thread {thread['tid']}: {fault}")
    faults += [f"thread {tid} is not in the snapshot" for tid in theirs]
    if not lost and not faults and snap["signature"] != core["signature"]:
        faults.append(f"signature: snapshot {snap['signature']}, core {core['signature']}")
    return faults, lost


# ---------------------------------------------------------------- gdb, and who is right


def pcs_of_opinion(path, tid):
    """The pcs of one thread as eu-stack (all threads) or lldb (the crashing one) prints them."""
    found, current = [], tid
    with open(path, encoding="utf-8", errors="replace") as f:
        for line in f:
            head = re.match(r"TID (\d+):", line)
            if head:
                current = int(head.group(1))
            frame = re.match(r"(?:[ *]*frame )?#\d+:?\s+0x([0-9a-f]+)", line)
            if frame and current == tid:
                found.append(int(frame.group(1), 16))
    return found


def where_they_part(deviation, truth, report):
    """(number of gdb's frames, number of ours) of the crashing thread up to and with the last one
    that is not in doubt."""
    gdb = truth["frames"]
    ours = report["frames"]
    for i, frame in enumerate(gdb):
        if (normalise(frame["function"]) or "??") == deviation.after:
            for j, mine in enumerate(ours):
                if (normalise(mine["function"]) or "??") == deviation.after and int(
                    mine["pc"], 16
                ) == int(frame["pc"], 16):
                    return i + 1, j + 1
            return None
    return None


def judge_deviation(deviation, truth, report, opinion):
    """What is wrong with a deviation that the table announces."""
    parts = where_they_part(deviation, truth, report)
    if parts is None:
        return [f"no frame {deviation.after}, after which gdb is said to be wrong"]
    i, j = parts
    gdb, ours = truth["frames"][i:], report["frames"][j:]
    # A pc that both have, of which one knows the name.
    while gdb and ours and int(gdb[0]["pc"], 16) == int(ours[0]["pc"], 16):
        gdb, ours = gdb[1:], ours[1:]
    faults = []
    if not gdb and not ours:
        faults.append(f"gdb is right after {deviation.after}: the deviation has gone")
    if ours and ours[0]["trust"] not in GUESSES:
        faults.append(f"after {deviation.after}: {shown(ours[0])} is more than a guess")
    if deviation.opinion != "source" and os.path.exists(opinion):
        theirs = pcs_of_opinion(opinion, report["tid"])
        mine = [int(f["pc"], 16) for f in report["frames"] if not f["inline"]]
        if theirs != mine:
            faults.append(
                f"{deviation.opinion} does not agree: {' '.join(map(hex, theirs[:12]))}\n"
                f"{'ours':>{len(deviation.opinion) + 15}}: {' '.join(map(hex, mine[:12]))}"
            )
    return faults


def compare_with_gdb(case, truth, report, cut, deviation, opinion):
    comparison = compare_truth.Comparison(report, cut)
    faults = []
    if deviation:
        crashed = next(t for t in report["threads"] if t["crashed"])
        theirs = next(t for t in truth["threads"] if t["tid"] == crashed["tid"])
        faults = judge_deviation(deviation, theirs, crashed, opinion)
        parts = where_they_part(deviation, theirs, crashed)
        if parts:
            comparison.allowed["gdb is wrong"] += 1
            theirs["frames"] = theirs["frames"][: parts[0]]
            crashed = dict(crashed, frames=crashed["frames"][: parts[1]])
            report = dict(
                report,
                threads=[crashed if t["tid"] == crashed["tid"] else t for t in report["threads"]],
            )
    comparison.reports(truth, report)
    faults += [
        f"thread {tid} #{i} {what}:\n    gdb:  {left}\n    ours: {right}"
        for tid, i, what, left, right in comparison.differences
    ]
    if comparison.allowed["below gdb's last"]:
        faults.append("frames that gdb does not have, and no line of the table of deviations")
    if not comparison.frames:
        faults.append("nothing was compared")
    return faults, comparison


# ---------------------------------------------------------------- the judge


class Judge:
    def __init__(self, directory):
        self.directory = directory
        self.failed = []
        self.totals = collections.Counter()
        self.validator = validate_json.validator(SCHEMA)

    def say(self, case, what, faults):
        print(f"{'not ok' if faults else 'ok'} - {case.title}: {what}")
        for fault in faults[:12]:
            for line in fault.split("\n"):
                print("# " + line.encode("ascii", "backslashreplace").decode())
        if faults and case.directory not in self.failed:
            self.failed.append(case.directory)

    def load(self, case, name):
        """(report, faults): parsed as strictly as the schema's tests do."""
        path = os.path.join(self.directory, case.directory, name + ".json")
        try:
            with open(path, "rb") as f:
                report = validate_json.parse(f.read())
        except (OSError, ValueError) as e:
            try:
                with open(os.path.join(self.directory, case.directory, name + ".err")) as f:
                    return None, [f"no report of the {name}: {e}", f.read()]
            except OSError:
                return None, [f"no report of the {name}: {e}"]
        if name == "truth":
            return report, []
        faults = [f"{name}: {fault}" for fault in validate_json.faults(self.validator, report)]
        with open(path[:-5] + ".status", encoding="ascii") as f:
            status = int(f.read())
        if status != status_of(report):
            faults.append(f"{name}: exit status {status} for a report of status {status_of(report)}")
        return report, faults

    def case(self, case, deviation):
        path = os.path.join(self.directory, case.directory)
        cut = any(f in ("deep", "many") for f in case.flags)
        self.totals["crashes"] += 1
        faults = []
        if os.path.exists(os.path.join(path, "why")):
            with open(os.path.join(path, "why"), encoding="utf-8", errors="replace") as f:
                self.say(case, "one crash gives snapshot and core", [f.read()])
            return
        with open(os.path.join(path, "client"), encoding="ascii") as f:
            status = f.read().strip()
        if status != "0" and not (status == "1" and (cut or "partial" in case.flags)):
            faults.append(f"client's exit status {status}")
        snap, wrong = self.load(case, "snap")
        core, more = self.load(case, "core")
        truth, yet_more = self.load(case, "truth")
        self.say(case, "captured and read", faults + wrong + more + yet_more)
        for report, name, may in ((core, "core", False), (snap, "snapshot", cut)):
            if report:
                self.say(case, f"the {name}'s report is as expected", check_report(case, report, may))
        if core and truth:
            opinion = os.path.join(path, "opinion")
            faults, comparison = compare_with_gdb(case, truth, core, False, deviation, opinion)
            what = f"gdb is wrong after {deviation.after}" if deviation else "equals gdb"
            self.say(case, what, faults)
            self.totals["frames compared with gdb"] += comparison.frames
            for allowed, n in comparison.allowed.items():
                self.totals[f"allowed: {allowed}"] += n
        if core and snap:
            faults, lost = compare_reports(snap, core, cut)
            self.say(case, "the snapshot says what the core says", faults)
            if lost:
                self.totals["frames that a cap cut from snapshots"] += lost
                self.totals["snapshots cut by a cap"] += 1


def judge(directory):
    judged = Judge(directory)
    wrong = deviations()
    asked = set(sys.stdin.read().split())
    known = {case.directory: case for case in cases()}
    for name, case in known.items():
        if name in asked:
            judged.case(case, wrong.get(name))
    for name in sorted(set(wrong) - set(known)):
        print(f"not ok - deviations: {name}: no such crash")
    with open(LISTED, encoding="utf-8") as f:
        # Other machines' are stored, and have a part of their own.
        listed = set(re.findall(r"(?m)^``(\w+)``", f.read().split("\nStored crashes", 1)[0]))
    for name in sorted({case.victim for case in known.values()} - listed):
        print(f"not ok - {name}: in victims/expected, and not in fixtures/README.rst")
    # Those of which more is asked than here are other scripts'.
    sources = {os.path.splitext(name)[0] for name in os.listdir(os.path.join(HERE, "..", "victims"))}
    for name in sorted(listed - {case.victim for case in known.values()} - sources):
        print(f"not ok - {name}: in fixtures/README.rst, and nowhere else")
    for what, n in sorted(judged.totals.items()):
        print(f"# {n} {what}")
    with open(os.path.join(directory, "failed"), "w", encoding="utf-8") as f:
        f.writelines(name + "\n" for name in judged.failed)


def main():
    parser = argparse.ArgumentParser()
    verbs = parser.add_subparsers(dest="verb", required=True)
    lister = verbs.add_parser("list")
    lister.add_argument("--once", type=int, metavar="N")
    lister.add_argument("victims", nargs="*")
    verbs.add_parser("judge").add_argument("directory")
    args = parser.parse_args()
    if args.verb == "judge":
        judge(args.directory)
        return
    wrong = deviations()
    for case in once(cases(), args.once) if args.once else cases():
        if args.victims and case.victim not in args.victims:
            continue
        opinion = wrong[case.directory].opinion if case.directory in wrong else "-"
        flags = ",".join(case.flags) or "-"
        arguments = " ".join(case.arguments) or "-"
        print("\t".join((case.directory, case.victim, case.setting, flags, opinion, arguments)))


if __name__ == "__main__":
    main()
