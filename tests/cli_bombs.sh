#!/bin/bash
# Compressed inputs that stand for far more than they are: bounded time, memory and disk, and a word
# about it.
. "$(dirname "$0")/lib/testlib.sh"
need "$ANALYZE"

cd "$TMP" || exit 1
# Status, milliseconds and peak KiB on one line.
measure() { "$PYTHON" "$LIB/measure.py" "$@"; }
bounded() { # NAME STATUS FILE
	read -r status ms kib < <(measure timeout 60 "$ANALYZE" check "$3")
	equal "$1: status" "$2" "$status"
	if [ -n "${SANITIZE:-}" ]; then
		skip "$1: bounded" "a sanitizer takes its own time and memory"
		return
	fi
	check "$1: within 20 s ($ms ms)" test "$ms" -le 20000
	check "$1: within 512 MiB ($kib KiB)" test "$kib" -le 524288
}

# A snapshot of 300 MiB, as files of some kilobytes.
printf '\xc2\x40\x11\x09SNAPCRSH\x10\x01\x1a\x04test' >head
for tool in gzip zstd xz; do
	{ cat head; head -c 300M /dev/zero; } | "$tool" -c >"snapshot.$tool"
	bounded "a snapshot too large, by $tool" 2 "snapshot.$tool"
	check "a snapshot too large, by $tool: said" grep -q "more than the 268435456 bytes" err
done

# What stands for little, but says that it takes much to decompress: a dictionary of 4 GiB, and one of
# 1 GiB behind a part that is as it should be; a window of 2 GiB.
"$PYTHON" - <<'END'
import lzma, struct, zlib

def xz(data, size):
    """size: the code of the dictionary's, of the LZMA2 filter: the last byte of its properties."""
    whole = bytearray(lzma.compress(data, preset=0))
    end = 12 + 4 * (whole[12] + 1) - 4
    at = whole.index(bytes([0x21, 1]), 12, end) + 2
    whole[at] = size
    whole[end:end + 4] = struct.pack("<I", zlib.crc32(whole[12:end]))
    return bytes(whole)

def zstd(data, log):
    return struct.pack("<IBB", 0xfd2fb528, 0, (log - 10) << 3) + struct.pack("<I", len(data) << 3 | 1)[:3] + data

head = open("head", "rb").read() + b"\x82\x01\x09\x0a\x07SIGSEGV"
open("dictionary.xz", "wb").write(xz(head, 40))
open("later.xz", "wb").write(xz(head, 22) + xz(bytes(100), 36))
open("largest.xz", "wb").write(xz(head, 30))
open("window.zst", "wb").write(zstd(head, 31))
open("later.zst", "wb").write(zstd(head, 20) + zstd(bytes(100), 30))
open("largest.zst", "wb").write(zstd(head, 27))
END
# (libarchive gives nothing of a frame in front of such a one.)
for file in dictionary.xz window.zst later.zst; do
	bounded "$file" 2 "$file"
	equal "$file: said" "snapanalyze: cannot read '$file': cannot be decompressed: that takes more than 128 MiB of memory" "$(cat err)"
done
bounded later.xz 1 later.xz
check "later.xz: said ($(cat out))" grep -q "the compressed file takes more than 128 MiB of memory: [0-9]* bytes could be decompressed" out
# 64 MiB is what xz takes at most by itself, 128 MiB zstd.
for file in largest.xz largest.zst; do
	run "$ANALYZE" check "$file"
	check "$file: read (status $STATUS)" test "$STATUS" -le 1
done

# A core whose memory is zeros for eight gigabytes: cut, and the rest is used.
"$PYTHON" - >core.head <<'END'
import struct, sys
note = struct.pack("<III", 5, 336, 1) + b"CORE\0\0\0\0" + struct.pack("<i", 11).ljust(32, b"\0") + struct.pack("<i", 7) + bytes(300)
off = 64 + 2 * 56
head = b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, 0, 0, 64, 56, 2, 0, 0, 0)
head += struct.pack("<IIQQQQQQ", 4, 0, off, 0, 0, len(note), 0, 4)
head += struct.pack("<IIQQQQQQ", 1, 6, off + len(note), 0x10000, 0, 8 << 30, 8 << 30, 1)
sys.stdout.buffer.write(head + note)
END
# (In frames, of which all but one are the same: zstd takes ten seconds for all these zeros.)
head -c 64M /dev/zero | zstd -qc >zeros.zst
{
	zstd -qc core.head
	for ((i = 0; i < 8 * 16; i++)); do
		printf 'zeros.zst\0'
	done | xargs -0 cat
} >core.zst
bounded "a core of zeros" 1 core.zst
check "a core of zeros: said ($(head -c 200 out))" grep -q "it grows too much" out
size=$(stat -c %s core.zst)
check "a core of zeros: it was small ($size bytes)" test "$size" -lt 2000000
# As long as it has no more than it may: whole, and no disk is taken for zeros.
"$PYTHON" - <<'END'
data = bytearray(open("core.head", "rb").read())
import struct
struct.pack_into("<QQ", data, 64 + 56 + 32, 1 << 29, 1 << 29)
open("core.half", "wb").write(data)
END
{ cat core.half; head -c 512M /dev/zero; } | zstd -qc >half.zst
run "$ANALYZE" check half.zst
equal "half a gigabyte of zeros: status" 0 "$STATUS"
check "half a gigabyte of zeros: complete" grep -q complete out
