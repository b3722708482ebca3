#!/usr/bin/python3
"""Packs DWARF 5 .dwo files of gcc, one unit each, into a .dwp: pack_dwp.py OUTPUT DWO...

Neither of Debian 12's packers can: dwp (binutils 2.40) takes the DWO id for 0 and drops all but one unit,
llvm-dwp (14, and 19 too) does not know DW_FORM_implicit_const in .debug_abbrev and never ends. This file
can go when one of them can. The format is that of DWARF 5, section 7.3.5.
"""
import os
import struct
import subprocess
import sys
import tempfile

# DW_SECT_*: the columns of the index, in order.
COLUMNS = {"info": 1, "abbrev": 3, "line": 4, "loclists": 5, "str_offsets": 6, "macro": 7, "rnglists": 8}


def dwo_sections(path):
    with open(path, "rb") as file:
        data = file.read()
    shoff = struct.unpack_from("<Q", data, 0x28)[0]
    shentsize, shnum, shstrndx = struct.unpack_from("<HHH", data, 0x3A)
    headers = [struct.unpack_from("<IIQQQQII", data, shoff + i * shentsize) for i in range(shnum)]
    names = headers[shstrndx][4]
    found = {}
    for header in headers:
        start = names + header[0]
        name = data[start:data.index(b"\0", start)].decode()
        if name.startswith(".debug_") and name.endswith(".dwo"):
            found[name[len(".debug_"):-len(".dwo")]] = data[header[4]:header[4] + header[5]]
    return found


def main():
    output, *paths = sys.argv[1:]
    packed = {name: bytearray() for name in COLUMNS}
    strings, string_offsets = bytearray(), {}
    units = []
    for path in paths:
        sections = dwo_sections(path)
        length, version, kind = struct.unpack_from("<IHB", sections["info"])
        if version != 5 or kind != 5 or length + 4 != len(sections["info"]):
            sys.exit(f"pack_dwp: not one split unit of DWARF 5: {path}")
        texts = sections["str"]
        offsets = bytearray(sections["str_offsets"][:8])
        for (offset,) in struct.iter_unpack("<I", sections["str_offsets"][8:]):
            text = texts[offset:texts.index(b"\0", offset) + 1]
            if text not in string_offsets:
                string_offsets[text] = len(strings)
                strings += text
            offsets += struct.pack("<I", string_offsets[text])
        sections["str_offsets"] = offsets
        parts = []
        for name in COLUMNS:
            part = sections.get(name, b"")
            parts.append((len(packed[name]), len(part)))
            packed[name] += part
        units.append((struct.unpack_from("<Q", sections["info"], 12)[0], parts))

    used = [i for i, name in enumerate(COLUMNS) if packed[name]]
    num_slots = 1
    while num_slots < 3 * len(units) // 2 + 1:
        num_slots *= 2
    ids, rows = [0] * num_slots, [0] * num_slots
    for row, (dwo_id, _) in enumerate(units, 1):
        slot, step = dwo_id & num_slots - 1, dwo_id >> 32 & num_slots - 1 | 1
        while rows[slot]:
            slot = (slot + step) % num_slots
        ids[slot], rows[slot] = dwo_id, row
    index = struct.pack("<HHIII", 5, 0, len(used), len(units), num_slots)
    index += struct.pack(f"<{num_slots}Q{num_slots}I", *ids, *rows)
    index += struct.pack(f"<{len(used)}I", *(list(COLUMNS.values())[i] for i in used))
    for what in (0, 1):  # offsets, sizes
        for _, parts in units:
            index += struct.pack(f"<{len(used)}I", *(parts[i][what] for i in used))

    content = {f".debug_{name}.dwo": data for name, data in packed.items() if data}
    content |= {".debug_str.dwo": strings, ".debug_cu_index": index}
    with tempfile.TemporaryDirectory() as directory:
        options = []
        for name, data in content.items():
            with open(os.path.join(directory, name), "wb") as file:
                file.write(data)
            options += ["--add-section", f"{name}={directory}/{name}"]
        subprocess.run(["as", "-o", f"{directory}/empty.o", "/dev/null"], check=True)
        subprocess.run(["objcopy", *options, f"{directory}/empty.o", output], check=True)


if __name__ == "__main__":
    main()
