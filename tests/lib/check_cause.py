#!/usr/bin/python3
"""check_cause.py REPORT.json KIND ACCESS ADDRESS INSTRUCTION SEVERITY WORDS: columns of victims/explained.

Exit 0 if the report says so, else 1 with a line for each difference.
"""

import fnmatch
import json
import re
import sys

with open(sys.argv[1], encoding="utf-8") as file:
    crash = json.load(file)["crash"]
status = 0
for name, wanted in zip(("kind", "access", "address", "instruction"), sys.argv[2:6]):
    got = crash[name]
    if not (got is None if wanted == "-" else got is not None and fnmatch.fnmatchcase(got, wanted)):
        print(f"{name}: {got}, not {wanted}")
        status = 1
severity = crash["severity"]
if not severity or severity["class"] != sys.argv[6]:
    print(f"severity: {severity}, not {sys.argv[6]}")
    status = 1
if not re.search(sys.argv[7], crash["explanation"]):
    print(f"explanation: {crash['explanation']}\n  without: {sys.argv[7]}")
    status = 1
sys.exit(status)
