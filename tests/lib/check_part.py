#!/usr/bin/python3
"""check_part.py REPORT.json PATH PATTERN: columns of victims/explained_parts.

PATH leads to a member of "crash", as assertion.line; PATTERN is a shell pattern of its text, or - for
null. Exit 0 if the report says so, else 1 with a line that tells what it says.
"""

import fnmatch
import json
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    value = json.load(file)["crash"]
for name in sys.argv[2].split("."):
    value = value[int(name) if isinstance(value, list) else name] if value is not None else None
wanted = sys.argv[3]
if value is None if wanted == "-" else value is not None and fnmatch.fnmatchcase(str(value), wanted):
    sys.exit(0)
print(f"{sys.argv[2]}: {value}, not {wanted}")
sys.exit(1)
