#!/bin/bash
# Small files that would cost much: refused at once, in little memory.
. "$(dirname "$0")/lib/testlib.sh"
need "$ANALYZE"

cd "$TMP" || exit 1
"$PYTHON" - <<'END'
def varint(n):
    out = bytearray()
    while n >= 0x80:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)

def field(number, data):
    return varint(number << 3 | 2) + varint(len(data)) + data

# related_snapshots in related_snapshots, some 200 KB of them.
chunks, size = [], 0
while size < 200_000:
    chunk = varint(19 << 3 | 2) + varint(size)
    chunks.append(chunk)
    size += len(chunk)
nested = b"".join(reversed(chunks))
# As many threads as fit into 2 MiB, each empty.
threads = b"\x92\x01\x00" * (2 * 1024 * 1024 // 3)
# magic (fixed64 1), format_version 1, writer
header = field(1032, b"\x09SNAPCRSH" + b"\x10\x01" + b"\x1a\x04test")
metadata = field(16, b"\x0a\x07SIGSEGV")
for name, data in {"nested": nested, "threads": threads}.items():
    open(f"{name}.unmarked", "wb").write(metadata + data)
    open(f"{name}.marked", "wb").write(header + metadata + data)
# 8 deep is allowed, 9 is not.
def deep(n):
    data = metadata
    for _ in range(n):
        data = metadata + field(19, data)
    return data
open("deep.9", "wb").write(deep(9))
open("deep.3", "wb").write(deep(3))
# A vDSO whose call frame information names register 2^26: libdw would take a gigabyte for each row.
import struct
cie = struct.pack("<I", 0) + b"\x01zR\0\x01\x78\x10\x01\x1b\x0c\x07\x08\x90\x01" + b"\0" * 2
frames = struct.pack("<I", len(cie)) + cie
program = b"\0\x05" + varint(1 << 26) + b"\x01" + b"\0" * 5
fde = struct.pack("<IiI", len(frames) + 4, -(120 + len(frames) + 8), 0x10000) + program
frames += struct.pack("<I", len(fde)) + fde + b"\0" * 4
names = b"\0.eh_frame\0.shstrtab\0"
image = frames + names
image += b"\0" * (-len(image) % 8)
sections = b"\0" * 64
sections += struct.pack("<IIQQQQIIQQ", 1, 1, 2, 120, 120, len(frames), 0, 0, 8, 0)
sections += struct.pack("<IIQQQQIIQQ", 11, 3, 0, 0, 120 + len(frames), len(names), 0, 0, 1, 0)
size = 120 + len(image) + len(sections)
image = (b"\x7fELF\2\1\1" + b"\0" * 9
    + struct.pack("<HHIQQQIHHHHHH", 3, 62, 1, 0, 64, 120 + len(image), 0, 64, 56, 1, 64, 3, 2)
    + struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, size, size, 4096) + image + sections)
def number(n, value):
    return varint(n << 3) + varint(value)
vdso, stack = 0x7FFFF0000000, 0x7FFF00000000
registers = [0] * 27
registers[16], registers[19] = vdso + 0x300, stack
regset = number(1, 1) + field(2, struct.pack("<27Q", *registers))
open("vdso", "wb").write(header + metadata
    + field(1034, number(11, 62) + number(12, 2) + number(13, 1))
    + field(18, number(12, 7) + field(1032, field(2, regset)))
    + field(1038, number(1, vdso) + number(2, vdso + 0x10000) + field(3, b"\1" * 20)
        + number(5, vdso) + field(6, b"[vdso]"))
    + field(1036, number(1, stack) + field(2, struct.pack("<100Q", *range(vdso, vdso + 100))))
    + field(1036, number(1, vdso) + field(2, image)))
# One record that says it is larger than any may be.
open("record", "wb").write(header + varint(1036 << 3 | 2) + varint(1 << 40) + b"x" * 100)
END

# Status, milliseconds and peak KiB on one line.
measure() { "$PYTHON" "$LIB/measure.py" "$@"; }

for file in nested.unmarked nested.marked threads.unmarked threads.marked; do
	for verb in report json check; do
		read -r status ms kib < <(measure timeout 20 "$ANALYZE" "$verb" "$file")
		equal "$verb of $file: refused" "2 1" "$status $(wc -l <err)"
		if [ -n "${SANITIZE:-}" ]; then
			skip "$verb of $file: bounded" "a sanitizer takes its own time and memory"
			continue
		fi
		check "$verb of $file: within 1 s ($ms ms)" test "$ms" -le 1000
		check "$verb of $file: within 64 MiB ($kib KiB)" test "$kib" -le 65536
	done
done
run "$ANALYZE" report deep.9
equal "related snapshots 9 deep: refused" 2 "$STATUS"
run "$ANALYZE" json deep.3
check "related snapshots 3 deep: read (status $STATUS)" test "$STATUS" -le 1
run "$ANALYZE" check record
check "a record larger than any: not complete (status $STATUS)" test "$STATUS" -ge 1 -a "$STATUS" -le 2
read -r status ms kib < <(measure timeout 20 "$ANALYZE" report vdso)
equal "a vDSO with endless unwind information: read" 1 "$status"
check "and its unwind information is refused" grep -q "not that of a vDSO" out
check "and cost no more than 512 MiB ($kib KiB, $ms ms)" test "$kib" -le 524288
