#!/usr/bin/python3
"""validate_json.py SCHEMA FILE...: every line of each file is a report that the schema allows.

Exit 0 if so; 1 with the faults, one a line; 2 if the schema itself cannot be used.
"""

import functools
import json
import sys

import jsonschema


def refuse(text):
    raise ValueError(f"{text} is not JSON")


def unique(pairs):
    keys = [k for k, _ in pairs]
    twice = {k for k in keys if keys.count(k) > 1}
    if twice:
        raise ValueError(f"keys occur twice: {sorted(twice)}")
    return dict(pairs)


def parse(data):
    return json.loads(data.decode("utf-8"), parse_constant=refuse, object_pairs_hook=unique)


@functools.lru_cache
def validator(path):
    with open(path, encoding="utf-8") as f:
        schema = json.load(f)
    validator_class = jsonschema.validators.validator_for(schema)
    validator_class.check_schema(schema)
    return validator_class(schema)


def faults(checker, report):
    for error in checker.iter_errors(report):
        where = "/".join(str(p) for p in error.absolute_path)
        yield f"{where}: {error.message[:300]}"


def main(arguments):
    try:
        checker = validator(arguments[0])
    except (OSError, ValueError, jsonschema.SchemaError) as e:
        print(f"schema: {e}", file=sys.stderr)
        return 2
    num_faults = 0
    num = 0
    for path in arguments[1:]:
        with open(path, "rb") as f:
            data = f.read()
        # "--pretty" spreads one report over lines.
        pretty = data.startswith(b"{\n")
        for i, line in enumerate([data] if pretty else data.splitlines(), 1):
            num += 1
            try:
                report = parse(line)
            except ValueError as e:
                print(f"{path}:{i}: {e}")
                num_faults += 1
                continue
            for fault in faults(checker, report):
                print(f"{path}:{i}: {fault}")
                num_faults += 1
    if not num:
        print("nothing to validate")
        num_faults += 1
    return 1 if num_faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
