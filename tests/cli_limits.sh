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
# One record that says it is larger than any may be.
open("record", "wb").write(header + varint(1036 << 3 | 2) + varint(1 << 40) + b"x" * 100)
END

# measure COMMAND...: status, milliseconds and peak KiB on one line.
measure() {
	"$PYTHON" - "$@" <<'END'
import resource, subprocess, sys, time
begun = time.monotonic()
status = subprocess.call(sys.argv[1:], stdin=subprocess.DEVNULL, stdout=open("out", "wb"), stderr=open("err", "wb"))
took = time.monotonic() - begun
print(status, round(took * 1000), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
END
}

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
