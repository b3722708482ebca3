#!/usr/bin/python3
"""make_related.py OUT OUTER INNER...: snapshots within a snapshot.

OUT is the snapshot OUTER with each INNER (its records without Header and Checkpoints) as a related
snapshot (field 19) before its end, and one new Checkpoint. An INNER may be a file, or

    N*FILE      N of them
    DEPTH^FILE  FILE in FILE in FILE ..., DEPTH deep
    junk        bytes that are no snapshot
"""

import struct
import sys

HEADER, CHECKPOINT, RELATED = 1032, 1033, 19


def varint(n):
    out = b""
    while n > 0x7F:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def read_varint(data, at):
    value, shift = 0, 0
    while True:
        value |= (data[at] & 0x7F) << shift
        at += 1
        if not data[at - 1] & 0x80:
            return value, at
        shift += 7


def records(data):
    """(number, bytes) of each record at the top."""
    at = 0
    while at < len(data):
        start = at
        key, at = read_varint(data, at)
        kind = key & 7
        if kind == 0:
            _, at = read_varint(data, at)
        elif kind == 1:
            at += 8
        elif kind == 2:
            length, at = read_varint(data, at)
            at += length
        elif kind == 5:
            at += 4
        else:
            raise SystemExit(f"wire type {kind}")
        yield key >> 3, data[start:at]


def crc_of(byte):
    for _ in range(8):
        byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
    return byte


TABLE = [crc_of(byte) for byte in range(256)]


def crc32c(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ TABLE[(crc ^ byte) & 0xFF]
    return crc ^ 0xFFFFFFFF


def delimited(number, payload):
    return varint(number << 3 | 2) + varint(len(payload)) + payload


def plain(path):
    with open(path, "rb") as f:
        return b"".join(r for number, r in records(f.read()) if number not in (HEADER, CHECKPOINT))


def inner(word):
    if word == "junk":
        return [b"\xff" * 40]
    if "*" in word:
        num, path = word.split("*", 1)
        return [plain(path)] * int(num)
    depth, path = word.split("^", 1) if "^" in word else ("1", word)
    payload = plain(path)
    for _ in range(int(depth) - 1):
        payload = plain(path) + delimited(RELATED, payload)
    return [payload]


def main():
    out, outer, words = sys.argv[1], sys.argv[2], sys.argv[3:]
    with open(outer, "rb") as f:
        data = b"".join(r for number, r in records(f.read()) if number != CHECKPOINT)
    for word in words:
        for payload in inner(word):
            data += delimited(RELATED, payload)
    mark = struct.pack("<BQBIBB", 1 << 3 | 1, len(data), 2 << 3 | 5, crc32c(data), 3 << 3, 1)
    data += delimited(CHECKPOINT, mark)
    with open(out, "wb") as f:
        f.write(data)


main()
