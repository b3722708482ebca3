#!/usr/bin/python3
"""The most stack that any function of an object takes, those that it calls included.

stack_depth.py FILE.ci: what gcc -fcallgraph-info=su wrote. Prints "BYTES PATH"; calls through
pointers count as the caller's own. Fails where that can't be told: recursion, a frame without bound.
"""

import re
import sys

text = open(sys.argv[1], encoding="utf-8").read()
frames, calls = {}, {}
for title, label in re.findall(r'node: \{ title: "([^"]*)" label: "([^"]*)"', text):
    found = re.search(r"(\d+) bytes \((\w+)", label)
    if found:
        if found[2] == "dynamic":
            sys.exit(f"{title}: a frame without bound")
        frames[title] = int(found[1])
for caller, callee in re.findall(r'edge: \{ sourcename: "([^"]*)" targetname: "([^"]*)"', text):
    calls.setdefault(caller, set()).add(callee)
if not frames:
    sys.exit("no functions")

known = {}


def deepest(name, above):
    if name in above:
        sys.exit(f"recursion: {name}")
    if name not in known:
        best = (0, ())
        for callee in calls.get(name, ()):
            best = max(best, deepest(callee, above | {name}))
        known[name] = (best[0] + frames.get(name, 0), (name.rsplit(":", 1)[-1],) + best[1])
    return known[name]


most, path = max(deepest(name, frozenset()) for name in frames)
print(most, " > ".join(path))
