"""Records of snapshot files, for the scripts that make such files out of others."""

import struct

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


def read_snapshot(path):
    with open(path, "rb") as f:
        return f.read()


def plain(data):
    """The records without what marks a file of ours."""
    return b"".join(r for number, r in records(data) if number not in (HEADER, CHECKPOINT))


def seal(data):
    """Whole again: records with a final Checkpoint."""
    data = b"".join(r for number, r in records(data) if number != CHECKPOINT)
    mark = struct.pack("<BQBIBB", 1 << 3 | 1, len(data), 2 << 3 | 5, crc32c(data), 3 << 3, 1)
    return data + delimited(CHECKPOINT, mark)
