#!/usr/bin/python3
"""check_cause.py REPORT.json KIND ACCESS ADDRESS INSTRUCTION SEVERITY WORDS: columns of victims/explained.

Exit 0 if the report says so, else 1 with a line for each difference.
"""

import fnmatch
import json
import re
import sys


def main(arguments):
    path, *columns, severity_class, words = arguments
    with open(path, encoding="utf-8") as file:
        crash = json.load(file)["crash"]
    status = 0
    for name, wanted in zip(("kind", "access", "address", "instruction"), columns, strict=True):
        got = crash[name]
        if not (got is None if wanted == "-" else got is not None and fnmatch.fnmatchcase(got, wanted)):
            print(f"{name}: {got}, not {wanted}")
            status = 1
    severity = crash["severity"]
    if not severity or severity["class"] != severity_class:
        print(f"severity: {severity}, not {severity_class}")
        status = 1
    if not re.search(words, crash["explanation"]):
        print(f"explanation: {crash['explanation']}\n  without: {words}")
        status = 1
    return status


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
