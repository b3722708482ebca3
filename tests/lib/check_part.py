#!/usr/bin/python3
"""check_part.py REPORT.json PATH PATTERN: columns of victims/explained_parts.

PATH leads to a member of "crash", as assertion.line; PATTERN is a shell pattern of its text, or - for
null. Exit 0 if the report says so, else 1 with a line that tells what it says.
"""

import fnmatch
import json
import sys


def main(arguments):
    path, member, wanted = arguments
    with open(path, encoding="utf-8") as file:
        value = json.load(file)["crash"]
    for name in member.split("."):
        value = value[int(name) if isinstance(value, list) else name] if value is not None else None
    if value is None if wanted == "-" else value is not None and fnmatch.fnmatchcase(str(value), wanted):
        return 0
    print(f"{member}: {value}, not {wanted}")
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
