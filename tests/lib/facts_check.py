#!/usr/bin/python3
"""facts_check.py TRUTH.json REPORT.json [--live]: whether a report of the process that facts_setup.py
made tells what it was. Prints what differs, and exits with 1 then.
"""
import json
import sys

truth, report = (json.load(open(path, encoding="utf-8")) for path in sys.argv[1:3])
live = "--live" in sys.argv
wrong = []


def same(what, wanted, got):
    if wanted != got:
        wrong.append(f"{what}: wanted {wanted!r}, got {got!r}")


process, device = report["process"], report["device"]
for key in ("pid", "ppid", "pgid", "sid", "cwd", "cgroup"):
    same(key, truth[key], process[key])
same("uids", truth["ids"][0], [process["uid"], process["euid"], process["suid"]])
same("gids", truth["ids"][1], [process["gid"], process["egid"], process["sgid"]])
same("oom_score_adj", 123, process["oom_score_adj"])
same("no_new_privs", True, process["no_new_privs"])
same("seccomp", 0, process["seccomp"])
same("rlimit_nofile", 777, process["rlimit_nofile"])
same("root", None, process["root"])
same("ns_pid", None, process["ns_pid"])
same("environ", None, process["environ"])
same("namespaces", truth["namespaces"], {n["kind"]: n["inode"] for n in process["namespaces"]})
same("namespaces are ours", [False] * len(process["namespaces"]), [n["differs"] for n in process["namespaces"]])
same("hostname", truth["hostname"], device["hostname"])
same("boot_id", truth["boot_id"], device["boot_id"])
same("loads", 3, len(device["load_hundredths"]))
if not 0 < device["memory_available"] <= device["memory_total"]:
    wrong.append(f"memory: {device['memory_available']} of {device['memory_total']}")
if not 0 < process["rss_bytes"] <= process["rss_peak_bytes"] <= process["vm_peak_bytes"]:
    wrong.append(f"memory of the process: {process['rss_bytes']}, {process['rss_peak_bytes']}, {process['vm_peak_bytes']}")
if not 0 <= process["start_time_ms"] <= device["uptime_ms"]:
    wrong.append(f"started at {process['start_time_ms']} of {device['uptime_ms']}")

same("number of files", len(truth["files"]), process["num_open_files"])
same("descriptors", sorted(int(fd) for fd in truth["files"]), [f["fd"] for f in report["open_files"]])
kinds = set()
for file in report["open_files"]:
    wanted = dict(truth["files"].get(str(file["fd"]), {}))
    kinds.add(file["kind"])
    # A crash is not held for the flags of what has no path of its own.
    if not live and (file["kind"] not in ("path", "memfd") or file["path"].startswith("/dev/")):
        same(f"flags of descriptor {file['fd']}", None, file["flags"])
        wanted["access"] = wanted["position"] = None
    same(f"descriptor {file['fd']}", wanted, {key: file[key] for key in wanted})
same("kinds of files", {"path", "pipe", "socket", "anonymous", "memfd"}, kinds)

for line in wrong:
    print(line)
sys.exit(1 if wrong else 0)
