#!/usr/bin/python3
"""edit_snapshot.py IN OUT NAME=VALUE...: a snapshot with other facts about it.

Names are uuid (hexadecimal), time (seconds since 1970), project, version, device, and tag.KEY; an
empty uuid takes it away.
"""

import sys

from snapshot_records import delimited, read_snapshot, read_varint, records, seal, varint

METADATA, TAGS, CAPTURE = 16, 17, 1040
MEMBERS = {"project": 3, "version": 4, "device": 6, "uuid": 7}


def payload_of(record):
    """What stands behind the tag and length of a record that is a message."""
    _, at = read_varint(record, 0)
    length, at = read_varint(record, at)
    return record[at:at + length]


def without(message, numbers):
    return b"".join(r for number, r in records(message) if number not in numbers)


def main():
    source, target, words = sys.argv[1], sys.argv[2], sys.argv[3:]
    facts = dict(word.split("=", 1) for word in words)
    metadata = {MEMBERS[name]: bytes.fromhex(value) if name == "uuid" else value.encode()
                for name, value in facts.items() if name in MEMBERS}
    out = b""
    for number, record in records(read_snapshot(source)):
        if number == METADATA:
            message = without(payload_of(record), metadata)
            message += b"".join(delimited(n, value) for n, value in metadata.items() if value)
            record = delimited(number, message)
        elif number == CAPTURE and "time" in facts:
            message = without(payload_of(record), (2, 3))
            record = delimited(number, message + varint(2 << 3) + varint(int(facts["time"])))
        out += record
    for name, value in facts.items():
        if name.startswith("tag."):
            entry = delimited(1, name[4:].encode()) + delimited(2, value.encode())
            out += delimited(TAGS, entry)
    with open(target, "wb") as f:
        f.write(seal(out))


main()
