#!/usr/bin/python3
"""consumer_v1.py REPORT...: a program as it was written against snapcrash-report/1 on its first day.

It reads what that version promises, by name and by type, and nothing else; what it does not know it
passes over. It must go on working as long as reports say "snapcrash-report/1": if it does not, a
member was changed or removed, and this script must not be changed to suit.
"""

import json
import re
import sys

HEX = re.compile(r"0x(0|[1-9a-f][0-9a-f]*)\Z")
PLAIN_HEX = re.compile(r"([0-9a-f]{2})+\Z")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z\Z")


def text(v):
    return isinstance(v, str)


def number(v):
    return isinstance(v, int) and not isinstance(v, bool)


def flag(v):
    return isinstance(v, bool)


def address(v):
    return isinstance(v, str) and HEX.match(v) is not None


def plain_hex(v):
    return isinstance(v, str) and PLAIN_HEX.match(v) is not None


def time(v):
    return isinstance(v, str) and TIME.match(v) is not None


def one_of(*names):
    return lambda v: v in names


def listing(v):
    return isinstance(v, list)


def mapping(v):
    return isinstance(v, dict)


# Each may be null where marked so.
SNAPSHOT = [("file", text), ("uuid?", plain_hex), ("captured_at?", time),
            ("integrity", one_of("complete", "truncated", "corrupt", "unmarked")), ("bytes", number),
            ("fatal?", flag), ("reason?", text), ("notes", listing)]
DEVICE = [("project?", text), ("device?", text), ("software_version?", text), ("software_build_uuid?", plain_hex),
          ("arch?", text), ("os?", text), ("kernel?", text)]
PROCESS = [("pid?", number), ("tid?", number), ("comm?", text), ("exe?", text), ("cmdline?", text),
           ("uid?", number), ("gid?", number), ("uptime_ms?", number)]
KINDS = ("stack-overflow", "exec-bad-pc", "segv-null", "segv", "abort", "ill", "fpe", "bus", "trap", "sys",
         "signal", "none", "hardfault", "busfault", "usagefault", "memmanage", "assert")
CRASH = [("kind", one_of(*KINDS)), ("signal?", text), ("signo?", number), ("code?", text), ("address?", address),
         ("access?", one_of("read", "write", "exec")), ("instruction?", text), ("message?", text),
         ("explanation?", text)]
SIGNATURE = [("id?", text), ("text?", text), ("levels", mapping)]
THREAD = [("tid?", number), ("name?", text), ("crashed", flag), ("state?", text),
          ("end", one_of("complete", "truncated", "corrupt", "limit", "unavailable")), ("registers", mapping),
          ("gaps", listing), ("repeats", listing), ("frames", listing)]
FRAME = [("index", number), ("pc", address), ("trust", one_of("context", "cfi", "fp", "scan", "prewalked")),
         ("inline", flag), ("function?", text), ("raw_function?", text), ("offset?", address), ("file?", text),
         ("line?", number), ("column?", number), ("module?", text), ("build_id?", plain_hex),
         ("module_offset?", address), ("cfa?", address), ("arguments", listing), ("locals", listing)]
GAP = [("after_index", number), ("bytes", number), ("frames_estimated?", number)]
REPEAT = [("first_index", number), ("length", number), ("count", number)]
MODULE = [("name?", text), ("path?", text), ("build_id?", plain_hex), ("start", address), ("end", address),
          ("symbols", one_of("dwarf", "symtab", "dynsym", "none", "mismatch")), ("symbol_file?", text),
          ("why?", text)]


class Broken(Exception):
    pass


def need(condition, where):
    if not condition:
        raise Broken(where)


def read(obj, members, where):
    need(isinstance(obj, dict), where)
    for name, check in members:
        may_be_null = name.endswith("?")
        name = name.rstrip("?")
        need(name in obj, f"{where}.{name} is missing")
        value = obj[name]
        need(check(value) or (may_be_null and value is None), f"{where}.{name} is {value!r}")


def consume(report):
    need(isinstance(report, dict) and report.get("schema") == "snapcrash-report/1", "schema")
    for name, members in (("snapshot", SNAPSHOT), ("device", DEVICE), ("process", PROCESS), ("crash", CRASH),
                          ("signature", SIGNATURE)):
        read(report.get(name), members, name)
    for name in ("logs", "threads", "modules", "open_files", "related"):
        need(listing(report.get(name)), name)
    need(mapping(report.get("tags")) and all(map(text, report["tags"].values())), "tags")
    need(number(report.get("mappings_count")), "mappings_count")
    signature = report["signature"]
    need((signature["id"] is None) == (signature["text"] is None), "signature")
    if signature["id"] is not None:
        need(re.match(r"s\d+:[0-9a-f]{32}\Z", signature["id"]), "signature.id")
        need(signature["text"].split(" | ")[0] == report["crash"]["kind"], "signature.text")
    for t in report["threads"]:
        where = f"thread {t.get('tid')}"
        read(t, THREAD, where)
        need(all(map(address, t["registers"].values())), f"{where}.registers")
        for i, frame in enumerate(t["frames"]):
            read(frame, FRAME, f"{where}.frames[{i}]")
            need(frame["index"] == i, f"{where}.frames[{i}].index")
            # What an inlined function is inlined into stands below, with the same pc.
            if frame["inline"]:
                need(i + 1 < len(t["frames"]) and t["frames"][i + 1]["pc"] == frame["pc"],
                     f"{where}.frames[{i}] is inlined into the next")
        for gap in t["gaps"]:
            read(gap, GAP, f"{where}.gaps")
            need(gap["after_index"] < len(t["frames"]), f"{where}.gaps")
        for repeat in t["repeats"]:
            read(repeat, REPEAT, f"{where}.repeats")
            need(repeat["first_index"] + repeat["length"] * repeat["count"] <= len(t["frames"]), f"{where}.repeats")
    need(sum(t["crashed"] for t in report["threads"]) <= 1, "threads: one crashed")
    for i, module in enumerate(report["modules"]):
        read(module, MODULE, f"modules[{i}]")
    for i, related in enumerate(report["related"]):
        try:
            consume(related)
        except Broken as e:
            raise Broken(f"related[{i}]: {e}") from None
    # What a consumer makes of it: a line for a list of crashes.
    crash = next((t for t in report["threads"] if t["crashed"]), None)
    top = crash["frames"][0] if crash and crash["frames"] else {}
    return (f"{report['process']['comm'] or '?'}: {report['crash']['kind']} in "
            f"{top.get('function') or top.get('module') or top.get('pc') or '?'}")


def main():
    num = failed = 0
    for path in sys.argv[1:]:
        with open(path, encoding="utf-8") as f:
            whole = f.read()
        # A pretty report, or one on each line.
        try:
            reports = [json.loads(whole)]
        except ValueError:
            reports = [json.loads(line) for line in whole.splitlines()]
        for report in reports:
            num += 1
            try:
                consume(report)
            except Broken as e:
                failed += 1
                print(f"{path}: {e}")
    print(f"{num} reports")
    sys.exit(1 if failed or num == 0 else 0)


if __name__ == "__main__":
    main()
