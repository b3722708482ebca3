#!/usr/bin/python3
"""Makes another core of a core, as other writers would have written it.

usage: edit_core.py IN OUT [EDIT...]
       edit_core.py IN where      prints "NAME START END" of its regions, in bytes

Edits, in this order whatever the order on the command line:
  no-note=TYPE        without the notes of this type (NT_FILE is 0x46494c45)
  no-bytes=SPEC       segments without their bytes: "code" (executable), "read-only", "headers" (the
                      first page of those that begin with an ELF header), "all"
  odd-segments=N      N more segments of 64 bytes each, every one with other permissions than the last
  no-section-header   with so many segments: without the section header that has their number

For little-endian 64-bit cores only; it trusts them.
"""
import struct
import sys

EHDR = struct.Struct("<16sHHIQQQIHHHHHH")
PHDR = struct.Struct("<IIQQQQQQ")
NHDR = struct.Struct("<III")
SHDR = struct.Struct("<IIQQQQIIQQ")
PT_LOAD, PT_NOTE, PN_XNUM = 1, 4, 0xFFFF
PF_X, PF_W = 1, 2


def align(n, to):
    return (n + to - 1) & -to


def read(path):
    data = open(path, "rb").read()
    ehdr = list(EHDR.unpack_from(data))
    phdrs = [list(PHDR.unpack_from(data, ehdr[5] + i * PHDR.size)) for i in range(ehdr[10])]
    return data, ehdr, phdrs


def split_notes(blob):
    at = 0
    while at + NHDR.size <= len(blob):
        name_len, desc_len, kind = NHDR.unpack_from(blob, at)
        end = at + NHDR.size + align(name_len, 4) + align(desc_len, 4)
        yield kind, blob[at:end]
        at = end


def where(path):
    data, ehdr, phdrs = read(path)
    print("phdrs", ehdr[5], ehdr[5] + len(phdrs) * PHDR.size)
    notes = [p for p in phdrs if p[0] == PT_NOTE]
    print("notes", notes[0][2], notes[-1][2] + notes[-1][5])
    memory = [p for p in phdrs if p[0] == PT_LOAD and p[5] > 0]
    print("memory", min(p[2] for p in memory), max(p[2] + p[5] for p in memory))


def without_bytes(segment, spec):
    phdr, data = segment
    lost = (
        spec == "all"
        or (spec == "code" and phdr[1] & PF_X)
        or (spec == "read-only" and not phdr[1] & PF_W)
        or (spec == "headers" and data[:4] == b"\x7fELF")
    )
    if not lost:
        return [segment]
    if spec != "headers" or len(data) <= 4096:
        return [(phdr, b"")]
    # The page becomes a segment of its own, so that the others stay.
    first, rest = list(phdr), list(phdr)
    first[6] = 4096
    rest[3] += 4096
    rest[6] -= 4096
    return [(first, b""), (rest, data[4096:])]


def write(path, ehdr, notes, segments, section_header):
    num = len(segments) + 1
    notes_off = EHDR.size + num * PHDR.size
    at = align(notes_off + len(notes), 4096)
    shoff = 0
    with open(path, "wb") as out:
        table = [PHDR.pack(PT_NOTE, 0, notes_off, 0, 0, len(notes), 0, 4)]
        placed = at
        for phdr, data in segments:
            phdr[2], phdr[5] = placed, len(data)
            table.append(PHDR.pack(*phdr))
            placed += len(data)
        if num >= PN_XNUM:
            shoff = placed
        ehdr[5:7] = EHDR.size, shoff
        ehdr[10:14] = min(num, PN_XNUM), SHDR.size if shoff else 0, 1 if shoff else 0, 0
        out.write(EHDR.pack(*ehdr) + b"".join(table) + notes)
        out.write(bytes(at - out.tell()))
        for _, data in segments:
            out.write(data)
        if shoff and section_header:
            out.write(SHDR.pack(0, 0, 0, 0, 0, 1, 0, num, 0, 0))


def main(source, target, *edits):
    if target == "where":
        return where(source)
    edits = [e.partition("=")[::2] for e in edits]
    data, ehdr, phdrs = read(source)
    lost_notes = {int(value, 0) for name, value in edits if name == "no-note"}
    notes = b"".join(
        blob
        for p in phdrs
        if p[0] == PT_NOTE
        for kind, blob in split_notes(data[p[2] : p[2] + p[5]])
        if kind not in lost_notes
    )
    segments = [(p, data[p[2] : p[2] + p[5]]) for p in phdrs if p[0] == PT_LOAD]
    for name, value in edits:
        if name == "no-bytes":
            segments = [s for segment in segments for s in without_bytes(segment, value)]
    for name, value in edits:
        if name == "odd-segments":
            for i in range(int(value)):
                phdr = [PT_LOAD, 4 | (i & 1) * PF_W, 0, 0x10000000000 + i * 4096, 0, 0, 4096, 4096]
                segments.insert(i, (phdr, i.to_bytes(8, "little") * 8))
    segments.sort(key=lambda s: s[0][3])
    write(target, ehdr, notes, segments, ("no-section-header", "") not in edits)


main(*sys.argv[1:])
