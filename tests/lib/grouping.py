#!/usr/bin/python3
"""How well ids group crashes: grouping.py FILE, of lines "BUG ID" (or "-" for no id).

Prints "N groups of M bugs, precision P, recall R": of all pairs of crashes that have the same id, so
many have the same bug; of all pairs with the same bug, so many have the same id. Then a line for
each id that holds several bugs, and for each bug that has several ids.
"""
import collections
import itertools
import sys

crashes = [line.rstrip("\n").split(" ", 1) for line in open(sys.argv[1])]
# No id is no group.
crashes = [(bug, name if name != "-" else f"-{i}") for i, (bug, name) in enumerate(crashes)]
same_id = same_bug = both = 0
for (bug, name), (other_bug, other_name) in itertools.combinations(crashes, 2):
    same_id += name == other_name
    same_bug += bug == other_bug
    both += name == other_name and bug == other_bug
bugs = collections.defaultdict(collections.Counter)
names = collections.defaultdict(collections.Counter)
for bug, name in crashes:
    bugs[bug][name] += 1
    names[name][bug] += 1
print(f"{len(names)} groups of {len(bugs)} bugs, precision {both / max(same_id, 1):.3f}, "
      f"recall {both / max(same_bug, 1):.3f}")
for name, held in sorted(names.items()):
    if len(held) > 1:
        print("together:", ", ".join(sorted(held)), "in", name)
for bug, held in sorted(bugs.items()):
    if len(held) > 1:
        print("apart:", bug, "in", "; ".join(f"{name} ({num})" for name, num in sorted(held.items())))
