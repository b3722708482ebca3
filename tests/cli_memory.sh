#!/bin/bash
# Which memory and registers of a process are in its snapshot: sizes, what points where, what the C
# library said, and what is said to be missing.
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/crashlib.sh"
need "$CLIENT" "$DEBUGGER" "$ANALYZE"
MAX=$((2 << 20))

json() { "$ANALYZE" json "$SNAP" >"$TMP/json" 2>/dev/null || [ $? -eq 1 ]; }
size() { stat -c %s "$SNAP"; }
crash() { # NAME COMMAND...
	local name=$1
	crash_direct "${name// /-}" "${@:2}" && json && return
	not_ok "$name: captured"
	note_file "$TMP/why"
	return 1
}
get() { json_get "$TMP/json" "$1"; }
# Whether all of these bytes were captured.
there() {
	"$ANALYZE" dump --memory "$1,$2" "$SNAP" >"$TMP/bytes" 2>&1 &&
		! grep -q "not captured" "$TMP/bytes"
}
not_there() { ! there "$@"; }

# ---------------------------------------------------------------- sizes

crash tiny "$VICTIMS/null_deref" || exit 1
check "tiny: $(size) bytes, no more than 24 KiB" test "$(size)" -le 24576
equal "tiny: nothing is missing" 0 "$(get 'len(r["omissions"])')"
equal "tiny: its frames' code was captured" yes "$(
	for pc in $(get '" ".join(f["pc"] for t in r["threads"] for f in t["frames"] if not f["inline"])'); do
		there "$((pc - 4))" 8 || echo "not $pc"
	done
	echo yes
)"

# deep THREADS: each with 20000 bytes of its stack in use.
deep() {
	crash "$1 threads" "$VICTIMS/deep_threads" "$1" 20000 || return
	check "$1 threads: $(size) bytes, no more than 2 MiB" test "$(size)" -le "$MAX"
	check "$1 threads: complete" "$ANALYZE" check "$SNAP"
	equal "$1 threads: all are there" $(($1 + 1)) "$(get 'len(r["threads"])')"
	# Who has no registers, or not the whole stack, says so.
	equal "$1 threads: each says what it lacks" "" "$(get '
"".join("%d " % t["tid"] for t in r["threads"]
  if (not t["registers"] or t["end"] != "complete")
  and not any(o.get("tid") == t["tid"] for o in r["omissions"]))')"
}
deep 8
equal "8 threads: nothing is missing" 0 "$(get 'len(r["omissions"])')"
deep 2000
check "2000 threads: all have registers" test "$(get 'sum(1 for t in r["threads"] if t["registers"])')" = 2001
CRASH_CONF=$'max_snapshot = 256K\nstack_first = 8K\n'
if crash "256 KiB" "$VICTIMS/deep_threads" 200 20000; then
	check "256 KiB: $(size) bytes" test "$(size)" -le 262144
	equal "256 KiB: all are there" 201 "$(get 'len(r["threads"])')"
fi
CRASH_CONF=

# ---------------------------------------------------------------- what is pointed to

export SECRET=not-for-a-snapshot
for how in "" split; do
	name="pointers${how:+, $how}"
	crash "$name" "$VICTIMS/points" $how || continue
	block=$(sed -n 's/^block //p' "$TMP/victim.out") guard=$(sed -n 's/^guard //p' "$TMP/victim.out")
	check "$name: what a register points to" there "$block" 64
	check "$name: is what stood there" grep -qF "pointed-to text" "$TMP/bytes"
	equal "$name: the fault" "$guard" "$(get 'r["crash"]["address"]')"
	check "$name: the memory before it" there "$((guard - 128))" 128
	check "$name: is what stood there" grep -qF gggggggg "$TMP/bytes"
	equal "$name: the stack goes to its end" complete \
		"$(get '[t["end"] for t in r["threads"] if t["crashed"]][0]')"
	check "$name: the environment is not there" sh -c '! grep -qF "$1" "$2"' sh "$SECRET" "$SNAP"
done

# 128 bytes behind what is pointed to are there in any case, 384 if they are asked for.
block=$(sed -n 's/^block //p' "$TMP/victim.out")
check "pointers: what is farther away is not there" not_there "$block" 300
CRASH_CONF=$'memory = indirect\n'
if crash "indirect" "$VICTIMS/points"; then
	block=$(sed -n 's/^block //p' "$TMP/victim.out")
	check "indirect: what is farther away" there "$block" 300
	check "indirect: $(size) bytes, no more than 2 MiB" test "$(size)" -le "$MAX"
	"$ANALYZE" dump "$SNAP" >"$TMP/dump"
	check "indirect: is told to be that" grep -q 'reason: 4 (indirect)' "$TMP/dump"
fi
CRASH_CONF=$'memory = indirect\nmax_snapshot = 64K\n'
if crash "indirect, 64 KiB" "$VICTIMS/deep_threads" 3 60000; then
	check "indirect, 64 KiB: $(size) bytes" test "$(size)" -le 65536
fi
CRASH_CONF=

# ---------------------------------------------------------------- last words

while read -r victim words; do
	crash "$victim" "$VICTIMS/$victim" || continue
	check "$victim: what the C library said" \
		grep -qF "$words" <<<"$(get 'r["crash"]["message"]')"
done <<'END'
asserts asserts.c:6: check_range: Assertion `value > 100
double_free free(): double free detected
fortified *** buffer overflow detected ***: terminated
stack_smash *** stack smashing detected ***: terminated
END
crash aborts "$VICTIMS/aborts"
equal "aborts: it said nothing" null "$(get 'r["crash"]["message"]')"
if gcc -O1 -static -o "$TMP/static" "$TOP/tests/victims/asserts.c" 2>/dev/null; then
	crash "static asserts" "$TMP/static"
	check "static asserts: what the C library said" \
		grep -qF 'Assertion `value > 100' <<<"$(get 'r["crash"]["message"]')"
else
	skip "static asserts" "no static C library"
fi

# ---------------------------------------------------------------- registers

# More register sets than NT_PRSTATUS, by thread.
vectors() { "$ANALYZE" dump "$SNAP" | grep -c 'regset type: \(514\|1024\|1029\)'; }
equal "vector registers: not by default" 0 "$(vectors)"
CRASH_CONF=$'vector_registers = yes\n'
if [ "$(uname -m)" = x86_64 ]; then
	crash "vector registers" "$VICTIMS/sleeping_threads" 3 crash
	equal "vector registers: of every thread" 5 "$(vectors)"
	"$VICTIMS/sleeping_threads" 3 >/dev/null &
	LIVE+=("$!")
	sleep 0.3
	printf '%s' "$CRASH_CONF" >"$TMP/conf"
	SNAP=$TMP/live.snap
	check "vector registers: of a live process" "$DEBUGGER" --config "$TMP/conf" -o "$SNAP" "${LIVE[-1]}"
	equal "vector registers: of every live thread" 4 "$(vectors)"
fi
CRASH_CONF=

# The notes end after some threads: the others are found by /proc.
crash_begin
cat >"$CORE_PATTERN_DIR/cut" <<END
#!/bin/bash
exec >/dev/null 2>&1
head -c 30000 | "$CLIENT" --config "$CORE_PATTERN_DIR/conf" "\$@"
END
chmod 700 "$CORE_PATTERN_DIR/cut"
core_pattern_set "$CORE_PATTERN_DIR/cut" "$CORE_PATTERN_ARGS" || exit 1
crash_run "$VICTIMS/sleeping_threads" 40 crash
if crash_take cut && json; then
	equal "notes that are cut: all threads are there" 42 "$(get 'len(r["threads"])')"
	num=$(get 'sum(1 for t in r["threads"] if not t["registers"])')
	check "notes that are cut: $num threads have no registers" test "$num" -gt 20
	equal "notes that are cut: each of them says so, and has a stack" "$num" \
		"$("$ANALYZE" dump "$SNAP" | grep -c program_counter)"
	check "notes that are cut: it is told" grep -q 'have no notes in the core' \
		<<<"$(get '" ".join(r["snapshot"]["notes"])')"
else
	not_ok "notes that are cut: captured"
	note_file "$TMP/why"
fi

# ---------------------------------------------------------------- 32 bits

cat >"$TMP/small.S" <<'END'
	.globl _start
_start:	call deep
deep:	push $0x5ca1ab1e
	mov $text, %ebx
	cmpl $1, 8(%esp)	# argc
	jne wait
	movl $1, 0
wait:	mov $29, %eax		# pause
	int $0x80
	jmp wait
	.data
text:	.asciz "thirty-two bits"
END
runs() { # whether the kernel runs such programs
	timeout 0.3 "$TMP/small" wait 2>/dev/null
	[ $? -eq 124 ]
}
if [ "$(uname -m)" = x86_64 ] && gcc -m32 -nostdlib -static -g -o "$TMP/small" "$TMP/small.S" 2>/dev/null && runs; then
	if crash "32 bits" "$TMP/small"; then
		text=$(nm "$TMP/small" | sed -n 's/ d text$//p')
		equal "32 bits: machine" i386 "$(get 'r["device"]["arch"]')"
		check "32 bits: what a register points to" there "0x$text" 16
		sp=$(get '[t for t in r["threads"] if t["crashed"]][0]["registers"]["esp"]')
		check "32 bits: its stack" there "$sp" 4
		check "32 bits: is what stood there" grep -q '1e ab a1 5c' "$TMP/bytes"
	fi
	"$TMP/small" wait &
	LIVE+=("$!")
	sleep 0.2
	SNAP=$TMP/live.snap
	check "32 bits: a live process" "$DEBUGGER" -o "$SNAP" "${LIVE[-1]}"
	json
	equal "32 bits, live: machine" i386 "$(get 'r["device"]["arch"]')"
	sp=$(get 'r["threads"][0]["registers"]["esp"]')
	check "32 bits, live: its stack" there "$sp" 4
else
	skip "32 bits" "no compiler for i386, or no kernel that runs it"
fi
core_pattern_done
