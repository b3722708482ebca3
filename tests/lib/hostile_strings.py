#!/usr/bin/python3
"""A crash of which every string is hostile: hostile_strings.py FIXTURE OUTPUT-DIR

Writes OUTPUT-DIR/input.snap, input.core and symbols/ELF, made of tests/fixtures/FIXTURE: what was text in
the snapshot became escape sequences, directions, newlines and broken UTF-8; so did, byte for byte, the
names in the symbol tables and in the debug information, and paths and names in the core.
"""
import os
import re
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "fuzz"))
import mutate_pairs  # noqa: E402

TEXT = re.compile(rb"[\x20-\x7e]{3,}")
HOSTILE = (b"\x1b[31m\x07" + "\u202eevil\u2066\u200b\u2028\u0085\u009b2J\ufeff".encode() + b"\xff\xc0\xaf\r\n\t\x7f\x08%s%n\"\\'</script>"
           + "\U000e0041".encode())


def hostile(length):
    """So many hostile bytes; where a character does not fit whole, it is broken UTF-8 besides."""
    return (HOSTILE * (length // len(HOSTILE) + 1))[:length]


def snapshot_text(data, depth=0):
    out = bytearray()
    fields, whole = mutate_pairs.fields_of(data)
    if not whole:
        return data
    for number, kind, start, value, end in fields:
        inner = data[value:end]
        # Header and checkpoints are the format's own; regsets and memory are no text.
        if kind != 2 or (depth == 0 and number in (1032, 1033, 1036)):
            out += data[start:end]
            continue
        if TEXT.fullmatch(inner):
            inner = HOSTILE
        elif mutate_pairs.fields_of(inner)[1] and len(inner) > 1:
            inner = snapshot_text(inner, depth + 1)
        out += mutate_pairs.varint(number << 3 | 2) + mutate_pairs.varint(len(inner)) + inner
    return bytes(out)


def elf_text(data, keep):
    data = bytearray(data)
    elf = mutate_pairs.Elf(data)
    for i in range(elf.shnum):
        name = elf.name(data, i)
        _, kind, off, size = elf.section(data, i)
        if name in (".strtab", ".dynstr", ".debug_str", ".debug_line_str", ".gnu_debuglink"):
            for match in TEXT.finditer(bytes(data[off:off + size])):
                if match.group() not in keep:
                    data[off + match.start():off + match.end()] = hostile(match.end() - match.start())
    return bytes(data)


def core_text(data):
    data = bytearray(data)
    elf = mutate_pairs.Elf(data)
    for i in range(elf.phnum):
        kind, _, off = struct.unpack_from(elf.order + "IIQ", data, elf.segment(i))
        size = struct.unpack_from(elf.order + "Q", data, elf.segment(i) + 32)[0]
        if kind != 4:
            continue
        for match in TEXT.finditer(bytes(data[off:off + size])):
            # Not the owners of notes.
            if match.group() not in (b"CORE", b"LINUX") and match.start() % 4 == 0 or b"/" in match.group():
                data[off + match.start():off + match.end()] = hostile(match.end() - match.start())
    return bytes(data)


def main():
    fixture, output = sys.argv[1:3]
    pair = mutate_pairs.Pair(os.path.join(mutate_pairs.FIXTURES, fixture))
    os.makedirs(os.path.join(output, "symbols"))
    for name, data in (("input.snap", mutate_pairs.seal(snapshot_text(pair.snapshot))), ("input.core", core_text(pair.core)),
                       (os.path.join("symbols", "elf"), elf_text(pair.elf, ()))):
        with open(os.path.join(output, name), "wb") as file:
            file.write(data)


main()
