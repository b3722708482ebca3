#!/bin/bash
# Reads and writes that fall short, are interrupted or fail, no more descriptors, no more memory (libraries'
# allocations, too; test_no_memory has ours): the same result, or one that is documented, with a word.
. "$(dirname "$0")/lib/testlib.sh"
need "$ANALYZE"
if [ -n "${SANITIZE:-}" ]; then
	skip "faults of system calls and of memory" "sanitizers have these functions for themselves"
	exit 77
fi

cd "$TMP" || exit 1
gcc -O1 -shared -fPIC -o faults.so "$LIB/faults.c" || {
	not_ok "the library of faults"
	exit 1
}
mkdir symbols
xz -dc "$TOP/tests/fixtures/two-modules/two-modules.xz" >symbols/two-modules
xz -dc "$TOP/tests/fixtures/two-modules/libplugin.so.xz" >symbols/libplugin.so
xz -dc "$TOP/tests/fixtures/two-modules/snapshot.snap.xz" >a.snap
xz -dc "$TOP/tests/fixtures/two-modules/core.xz" >a.core
gzip -c a.core >a.core.gz

# analyze FAULT VERB INPUT [OPTION...]: into out, err, STATUS; nothing that is kept.
analyze() {
	local fault=$1 verb=$2 input=$3
	shift 3
	run timeout 60 env FAULT="$fault" LD_PRELOAD="$TMP/faults.so" "$ANALYZE" "$verb" --no-local --no-cache \
		--symbols symbols "$@" "$input"
}
# sound NAME: what ended so has told what is wrong, in lines of its own, or nothing was wrong.
sound() {
	case $STATUS in
	0 | 1) ;;
	2 | 74) [ -s err ] || bad="$bad; $1: status $STATUS without a word" ;;
	*) bad="$bad; $1: status $STATUS: $(head -c 200 err)" ;;
	esac
	! grep -qv '^snapanalyze: ' err || bad="$bad; $1: $(grep -v '^snapanalyze: ' err | head -c 200)"
}

for input in a.snap a.core a.core.gz; do
	for verb in json report; do
		analyze none "$verb" "$input"
		equal "$verb of $input: status" 0 "$STATUS"
		mv out whole
		for fault in short interrupted; do
			analyze "$fault" "$verb" "$input"
			equal "$verb of $input, $fault: status" 0 "$STATUS"
			check "$verb of $input, $fault: the same" cmp whole out
			analyze "$fault" "$verb" "$input" --no-sandbox
			check "$verb of $input, $fault, without the sandbox: the same" cmp whole out
		done
	done
done
for fault in short interrupted; do
	run env FAULT="$fault" LD_PRELOAD="$TMP/faults.so" "$ANALYZE" export --no-local a.snap -o "$fault.core"
	"$ANALYZE" export --no-local a.snap -o whole.core 2>whole.err
	check "export, $fault: the same" cmp whole.core "$fault.core"
	run env FAULT="$fault" LD_PRELOAD="$TMP/faults.so" "$ANALYZE" import a.core -o "$fault.snap"
	"$ANALYZE" import a.core -o whole.snap
	check "import, $fault: the same" cmp whole.snap "$fault.snap"
done

bad=
for input in a.snap a.core a.core.gz; do
	for n in 1 2 3 4 5 7 10 20 40; do
		for sandbox in --jobs=1 --no-sandbox; do
			analyze "eio:$n" json "$input" "$sandbox"
			sound "json of $input, EIO from read $n on, $sandbox"
		done
	done
done
equal "reads that fail" "" "$bad"
# That a file can't be read is not taken for its end.
for input in a.snap a.core a.core.gz; do
	for sandbox in --jobs=1 --no-sandbox; do
		analyze eio:1 json "$input" "$sandbox"
		equal "json of $input, no read succeeds, $sandbox: said" "2 1" \
			"$STATUS $(grep -c "'$input'.*Input/output error" err)"
	done
done
# Nor in the middle: neither by an error, which says that it can't be read, nor by a report, which is partial, nor by
# what is made of it.
bad=
unread=0
for n in $(seq 1 24); do
	for sandbox in --jobs=1 --no-sandbox; do
		analyze "eio:$n" json a.core "$sandbox"
		case $STATUS in
		0) ;;
		1) unread=$((unread + 1)) ;;
		*)
			grep -q "^snapanalyze: .*'a.core': .*Input/output error\$" err ||
				bad="$bad; EIO from read $n on, $sandbox: $(tail -n 1 err)"
			continue
			;;
		esac
		why=$(json_get out 'r["snapshot"]["integrity"] + " " + str(r["snapshot"]["integrity_reason"])')
		case "$STATUS $why" in
		"0 complete None" | "1 corrupt it can't be read at byte "[0-9]*": Input/output error") ;;
		*) bad="$bad; EIO from read $n on, $sandbox: status $STATUS, $why" ;;
		esac
	done
	run env FAULT="eio:$n" LD_PRELOAD="$TMP/faults.so" "$ANALYZE" import a.core -o part.snap
	said="$(cat err) $("$ANALYZE" report --no-local part.snap 2>/dev/null)"
	case "$STATUS $(cmp -s part.snap whole.snap && echo same) $said" in
	"0 same "* | [12]" "*"Input/output error"*) ;;
	*) bad="$bad; import, EIO from read $n on: status $STATUS: $(cat err)" ;;
	esac
	run env FAULT="eio:$n" LD_PRELOAD="$TMP/faults.so" "$ANALYZE" export --no-local a.core -o part.core
	[ "$STATUS" = 2 ] && grep -q "Input/output error" err ||
		bad="$bad; export, EIO from read $n on: status $STATUS: $(cat err)"
	rm -f part.*
done
equal "a core that can't be read from somewhere on" "" "$bad"
check "a core that can't be read from somewhere on: partial reports ($unread)" [ "$unread" -gt 6 ]
analyze eio:12 report a.core
check "a stack that can't be read" grep -q "The stack goes on.*which is needed next, can't be read\.\$" out
analyze eio:7 report a.core
equal "build IDs that can't be read: no word of a core without them" 0 "$(grep -c coredump_filter out)"
# Of one that ends there, that is told, and no error.
head -c 100 a.core >short.core
analyze none json short.core
equal "a core that ends within its headers" "2 snapanalyze: cannot analyse 'short.core': a core cut within its program headers" \
	"$STATUS $(cat err)"
# Nor is a compressed file damaged that can't be read further.
bad=
{
	cat a.core
	head -c 1000000 /dev/urandom
} >long.core
gzip -c long.core >long.core.gz
xz -0c long.core >long.core.xz
for input in long.core.gz long.core.xz; do
	run env FAULT=one_eio:2 LD_PRELOAD="$TMP/faults.so" "$ANALYZE" check "$input"
	[ "$STATUS $(cat err)" = "2 snapanalyze: cannot read '$input': cannot be decompressed: Input/output error" ] ||
		bad="$bad; $input, at once: status $STATUS: $(cat err)"
	for n in 3 5 8; do
		run env FAULT="one_eio:$n" LD_PRELOAD="$TMP/faults.so" "$ANALYZE" check "$input"
		case "$STATUS $(cat out)" in
		"1 $input: ELF core, corrupt: the compressed file can't be read further: Input/output error: "[1-9]*" bytes "*) ;;
		*) bad="$bad; $input, read $n: status $STATUS: $(cat out err)" ;;
		esac
	done
done
equal "compressed files that can't be read further" "" "$bad"

# Results that wait in a temporary file: of a core with thousands of threads.
"$PYTHON" - >threads.core <<'END'
import struct, sys
notes = b""
for i in range(4000):
    notes += struct.pack("<III", 5, 336, 1) + b"CORE\0\0\0\0" + struct.pack("<i", 11).ljust(32, b"\0") + struct.pack("<i", 100 + i) + bytes(300)
head = b"\x7fELF\2\1\1" + bytes(9) + struct.pack("<HHIQQQIHHHHHH", 4, 62, 1, 0, 64, 0, 0, 64, 56, 1, 0, 0, 0)
sys.stdout.buffer.write(head + struct.pack("<IIQQQQQQ", 4, 0, 120, 0, 0, len(notes), 0, 4) + notes)
END
analyze none json threads.core
check "a report of more than 1 MiB ($(stat -c %s out) bytes)" test "$(stat -c %s out)" -gt 1500000
mv out whole
for fault in short interrupted; do
	analyze "$fault" json threads.core
	check "a report of more than 1 MiB, $fault: the same" cmp whole out
done

bad=
for n in 1 2 3 5; do
	analyze "enospc:$n" json a.snap
	sound "ENOSPC from write $n on"
	[ "$STATUS" -ge 2 ] || [ "$n" -gt 1 ] || bad="$bad; status $STATUS of a full disk"
	for output in "export --no-local a.snap" "import a.core"; do
		# shellcheck disable=SC2086
		run env FAULT="enospc:$n" LD_PRELOAD="$TMP/faults.so" "$ANALYZE" $output -o "full.$n"
		sound "$output, ENOSPC from write $n on"
		whole=whole.core
		[ "$output" != "import a.core" ] || whole=whole.snap
		[ "$STATUS" -ge 2 ] || cmp -s "$whole" "full.$n" || bad="$bad; $output: status $STATUS, but not the whole"
		[ "$STATUS" -lt 2 ] || [ -z "$(find . -name "full.$n*")" ] || bad="$bad; $output left a part behind"
		rm -f "full.$n"*
	done
done
equal "writes that fail" "" "$bad"

# Below, the program itself can't be loaded.
bad=
for n in $(seq 5 30); do
	for input in a.snap a.core.gz; do
		run sh -c 'ulimit -n "$1"; shift; exec "$@"' sh "$n" timeout 60 "$ANALYZE" json --no-local \
			--no-cache --symbols symbols "$input"
		[ "$STATUS" -ne 127 ] || continue
		sound "json of $input with $n descriptors"
	done
done
equal "no more descriptors" "" "$bad"
analyze none json a.snap
sh -c 'ulimit -n 64; exec "$@"' sh "$ANALYZE" json --no-local --no-cache --symbols symbols a.snap >few 2>err
check "64 descriptors are enough" cmp out few

# How many allocations there are is not known: until nothing fails any more.
places="$(seq 1 12) $(seq 13 31 200) $(seq 201 203 1500)"
! whole || places="$(seq 1 12) $(seq 13 7 200) $(seq 201 41 1500)"
bad=
for input in a.snap a.core; do
	for sandbox in --jobs=1 --no-sandbox; do
		for fault in memory no_memory; do
			num=0
			for n in $places; do
				analyze "$fault:$n" json "$input" "$sandbox"
				sound "json of $input, $fault:$n, $sandbox"
				num=$((num + 1))
			done
		done
	done
done
equal "no more memory ($num times each)" "" "$bad"
