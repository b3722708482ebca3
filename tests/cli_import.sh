#!/bin/bash
# snapanalyze import: what it makes of a core is what the client makes of the same crash, and what is
# reported of it is what is reported of the core.
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/crashlib.sh"
need "$CLIENT" "$ANALYZE"

json() { # FILE OUT: status 0 or 1
	local status=0
	"$ANALYZE" json --max-frames 100000 "$1" >"$2" 2>"$TMP/err" || status=$?
	[ "$status" -le 1 ] || cat "$TMP/err"
	[ "$status" -le 1 ]
}

import() { # OPTION...: leaves STATUS; nothing may be said
	run "$ANALYZE" import "$@"
	[ -s "$TMP/err" ] && note_file "$TMP/err"
}

# imports NAME FLAGS COMMAND...
imports() {
	local name=$1 flags=$2 cut=
	shift 2
	if ! crash_both "${name// /-}" "$@"; then
		not_ok "$name: crashes"
		note_file "$TMP/why"
		return 1
	fi
	import "$CORE" -o "$TMP/imported.snap"
	equal "$name: imported" "0 " "$STATUS $(cat "$TMP/out")"
	check "$name: complete" "$ANALYZE" check "$TMP/imported.snap"
	check "$name: holds what the client's snapshot holds" \
		tool same_capture "$SNAP" "$TMP/imported.snap"
	check "$name: json of the core" json "$CORE" "$TMP/core.json"
	check "$name: json of the import" json "$TMP/imported.snap" "$TMP/imported.json"
	check "$name: json is valid by the schema" \
		valid_report "$TMP/imported.json"
	case $flags in *deep*) cut=--cut ;; esac
	check "$name: the same report" \
		tool same_report "$TMP/core.json" "$TMP/imported.json" $cut

	import --full-stacks --memory=indirect "$CORE" -o "$TMP/full.snap"
	equal "$name: whole stacks: imported" 0 "$STATUS"
	check "$name: whole stacks: json" json "$TMP/full.snap" "$TMP/full.json"
	check "$name: whole stacks: the same report" \
		tool same_report "$TMP/core.json" "$TMP/full.json"
	equal "$name: whole stacks: none is cut" "" "$(json_get "$TMP/full.json" \
		'"".join(o["text"] for o in r["omissions"] if o["what"] == "stack")' 2>&1)"
}

imports null_deref - "$VICTIMS/null_deref" || exit 1
cp "$CORE" "$TMP/core"
cp "$TMP/imported.snap" "$TMP/null.snap"
cp "$TMP/full.snap" "$TMP/null-full.snap"
imports aborts - "$VICTIMS/aborts"
imports asserts - "$VICTIMS/asserts"

# What the C library said, of programs with it and with another one's copy of it: where that is, only
# the file tells.
says() { # FILE OPTION...: id, line and words
	"$ANALYZE" signature "$@" >"$TMP/signed" 2>"$TMP/err"
	"$ANALYZE" report "$@" 2>>"$TMP/err" | grep -A 1 "^It said" >"$TMP/said"
	cat "$TMP/signed" "$TMP/said"
}
unsigned_name() { sed "s|$1||g"; }
message() { # NAME WORDS FILE-BESIDE-ITS-LIBRARY PROGRAM
	says "$CORE" | unsigned_name "$CORE" >"$TMP/core.says"
	says "$TMP/imported.snap" | unsigned_name "$TMP/imported.snap" >"$TMP/imported.says"
	check "$1: the core's words" grep -q "^It said.*$2" "$TMP/core.says"
	check "$1: they are in the signature" grep -q " | \"assertion 'value > N " "$TMP/core.says"
	check "$1: the same signature and the same words" diff "$TMP/core.says" "$TMP/imported.says"
	check "$1: also where no file is there to tell" grep -q "$2" <(says --no-local "$TMP/imported.snap")
	import --no-local "$CORE" -o "$TMP/without.snap"
	check "$1: without the file it is not known" sh -c '"$1" check "$2" && ! "$1" report "$2" | grep -q "^It said"' \
		sh "$ANALYZE" "$TMP/without.snap"
	import --no-local --symbols "$(dirname "$3")" "$CORE" -o "$TMP/with.snap"
	check "$1: with the file from a tree it is" cmp "$TMP/with.snap" "$TMP/imported.snap"
	# And back: of what the client has captured, too.
	for snap in "$SNAP" "$TMP/imported.snap"; do
		run "$ANALYZE" export "$snap" -o "$TMP/exported.core"
		says "$TMP/exported.core" | unsigned_name "$TMP/exported.core" >"$TMP/exported.says"
		check "$1: exported again: the same (status $STATUS)" diff "$TMP/core.says" "$TMP/exported.says"
	done
	gdb -nx -batch -iex "set debuginfod enabled off" -ex "x/s *(char **)&__abort_msg + 4" "$4" \
		"$TMP/exported.core" >"$TMP/gdb" 2>&1 </dev/null
	check "$1: gdb reads it in what was exported" grep -q "^0x.*$2" "$TMP/gdb"
	import --no-sandbox "$CORE" -o "$TMP/plain.snap"
	check "$1: the same without the sandbox" cmp "$TMP/plain.snap" "$TMP/imported.snap"
}
mkdir "$TMP/libc"
cp "$(ldd "$VICTIMS/asserts" | sed -n 's/.*libc.so.6 => \([^ ]*\) .*/\1/p')" "$TMP/libc/"
message asserts "value > 100" "$TMP/libc/file" "$VICTIMS/asserts"
mkdir "$TMP/static"
gcc -g -O2 -static -o "$TMP/static/asserts" "$TOP/tests/victims/asserts.c" || exit 1
imports static-asserts - "$TMP/static/asserts"
message static-asserts "value > 100" "$TMP/static/file" "$TMP/static/asserts"
imports killed_by_other - "$VICTIMS/killed_by_other"
imports signal_handler - "$VICTIMS/signal_handler"
imports signal_altstack - "$VICTIMS/signal_altstack"
imports nested_altstacks - "$VICTIMS/nested_altstacks"
imports handler_overflow deep "$VICTIMS/handler_overflow"
imports altstack_threads - "$VICTIMS/altstack_threads" crash
imports many_threads - "$VICTIMS/many_threads" 100
imports stack_overflow deep "$VICTIMS/stack_overflow"
imports stack_overflow_thread deep "$VICTIMS/stack_overflow_thread"
core_pattern_done

# ---------------------------------------------------------------- what is pointed to

cat >"$TMP/indirect.py" <<'END'
"""CORE IMPORTED: every pointer of the first thread's registers is followed, by the core's bytes, each
once; prints how many ranges there are."""
import struct, sys
sys.path.insert(0, sys.argv[3])
from same_capture import fields, varint
core = open(sys.argv[1], "rb").read()
phoff, = struct.unpack_from("<Q", core, 32)
phnum, = struct.unpack_from("<H", core, 56)
loads = []
for i in range(phnum):
    kind, flags, off, addr, _, filesz, memsz, _ = struct.unpack_from("<IIQQQQQQ", core, phoff + 56 * i)
    if kind == 1:
        loads.append((addr, filesz, off, flags))
def at(addr, size):
    for start, filesz, off, _ in loads:
        if start <= addr and addr + size <= start + filesz:
            return core[off + addr - start : off + addr - start + size]
ranges, indirect, registers = [], 0, None
for number, value in fields(open(sys.argv[2], "rb").read()):
    if number == 18 and registers is None:
        ours = dict(fields(value))[1032]
        sets = [dict(fields(v)) for n, v in fields(ours) if n == 2]
        registers = struct.unpack("<27Q", sets[0][2])
    if number == 1036:
        m = dict(fields(value))
        ranges.append((m[1], m[2], m.get(3)))
        indirect += m.get(3) == 4
bad = []
for addr, data, reason in ranges:
    if reason == 4 and at(addr, len(data)) != data:
        bad.append(f"{addr:#x} is not as in the core")
ours = sorted((a, a + len(d)) for a, d, r in ranges if r == 4)
for (_, end), (start, _) in zip(ours, ours[1:]):
    if start < end:
        bad.append(f"{start:#x} is there twice")
followed = 0
for value in registers:
    there = [l for l in loads if l[0] <= value < l[0] + l[1] and l[3] & 2]
    if there:
        followed += 1
        low, high = max(there[0][0], value - 128), min(there[0][0] + there[0][1], value + 384)
        for a in range(low, high):
            if not any(s <= a < s + len(d) for s, d, _ in ranges):
                bad.append(f"{a:#x}, near {value:#x}, is not there")
                break
print("\n".join(bad))
print(indirect, "ranges", followed, "registers")
sys.exit(bool(bad) or indirect == 0 or followed == 0)
END
check "indirect: whatever registers point to is there" \
	"$PYTHON" "$TMP/indirect.py" "$TMP/core" "$TMP/null-full.snap" "$LIB"
check "indirect: not without being asked" sh -c \
	'! "$0" dump "$1" | grep -q "reason: 4"' "$ANALYZE" "$TMP/null.snap"
check "indirect: dump names it" sh -c \
	'"$0" dump "$1" | grep -q "reason: 4 (indirect)"' "$ANALYZE" "$TMP/null-full.snap"

# ---------------------------------------------------------------- files

import "$TMP/core" -o "$TMP/again.snap"
check "the same core gives the same bytes" cmp "$TMP/null.snap" "$TMP/again.snap"
equal "only its owner may read it" 600 "$(stat -c %a "$TMP/again.snap")"
import -o - "$TMP/core"
check "-o -: the same to standard output" cmp "$TMP/null.snap" "$TMP/out"
run "$ANALYZE" import - --output="$TMP/stdin.snap" <"$TMP/core"
check "from standard input (status $STATUS)" cmp "$TMP/null.snap" "$TMP/stdin.snap"
echo old >"$TMP/old.snap"
import "$TMP/core" -o "$TMP/old.snap"
check "a file that is there is replaced" cmp "$TMP/null.snap" "$TMP/old.snap"
gzip -c "$TMP/core" >"$TMP/core.gz"
import "$TMP/core.gz" -o "$TMP/gz.snap"
check "from a compressed core" cmp "$TMP/null.snap" "$TMP/gz.snap"

# A core that was cut says so, also when it is no core any more.
head -c 100000 "$TMP/core" >"$TMP/cut.core"
import "$TMP/cut.core" -o "$TMP/cut.snap"
equal "a truncated core: status" 1 "$STATUS"
check "a truncated core: the snapshot itself is complete" "$ANALYZE" check "$TMP/cut.snap"
run "$ANALYZE" report "$TMP/cut.snap"
check "a truncated core: the snapshot tells" grep -q "the core was truncated" "$TMP/out"

# ---------------------------------------------------------------- errors

mkdir "$TMP/dir"
fails() { # NAME STATUS TEXT ARGUMENT...
	local name=$1 status=$2 text=$3
	shift 3
	run "$ANALYZE" import "$@"
	equal "$name: status" "$status" "$STATUS"
	check "$name: one line that says so" sh -c \
		'[ "$(wc -l <"$1")" = 1 ] && grep -q "^snapanalyze: .*$0" "$1"' "$text" "$TMP/err"
}
fails "a snapshot" 2 "is a snapshot already" "$TMP/null.snap" -o "$TMP/dir/out"
fails "no core" 2 "" "$TMP/indirect.py" -o "$TMP/dir/out"
fails "no -o" 64 "no -o FILE given" "$TMP/core"
fails "two cores" 64 "only one FILE" "$TMP/core" "$TMP/core" -o "$TMP/dir/out"
fails "-o without FILE" 64 "no argument given to '--output'" "$TMP/core" -o
fails "a wrong --memory" 64 "stacks or indirect" --memory=all "$TMP/core" -o "$TMP/dir/out"
fails "no such directory" 74 "No such file or directory" "$TMP/core" -o "$TMP/none/out"
fails "a directory" 74 "Is a directory" "$TMP/core" -o "$TMP/dir"
fails "a full device" 74 "No space left" "$TMP/core" -o /dev/full
run "$ANALYZE" import "$TMP/core" -o - >/dev/full
equal "nothing is left behind" "" "$(ls -A "$TMP/dir")"
