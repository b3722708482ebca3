#!/bin/bash
# Why a program crashed: victims crash through core_pattern, and what the report says of the cause is what
# a person wrote down (victims/explained). Crashes of other machines are stored ones.
#
#   cli_explain.sh [VICTIM...]    only these
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/crashlib.sh"
need "$CLIENT" "$ANALYZE"

num=0

wanted() { # VICTIM ARGUMENT...
	local victim=$1
	shift
	[ $# -eq 0 ] || printf '%s\n' "$@" | grep -qxF "$victim"
}

# What the report must say of the cause's parts.
check_parts() { # NAME VICTIM ARGUMENTS SETTING REPORT
	local victim arguments setting path pattern
	while IFS=$'\t' read -r victim arguments setting path pattern; do
		[ "$victim" = "$2" ] && [ "${arguments#-}" = "$3" ] && [ "$setting" = "$4" ] || continue
		check "$1: $path" tool check_part "$5" "$path" "$pattern"
	done <"$TOP/tests/victims/explained_parts"
}

# explain stored|crashed [VICTIM...]: the table's crashes of that kind.
explain() {
	local what=$1 victim arguments setting kind access address instruction severity words name report args crash seen=0 last=
	shift
	while IFS=$'\t' read -r victim arguments setting kind access address instruction severity words; do
		case $victim in '#'* | '') continue ;; esac
		wanted "$victim" "$@" || continue
		# The sanitizers' short run has each crash once, as whichever compiler built it, and every other one.
		if sparse && [ "$what" = crashed ] && [ "$setting" != stored ]; then
			seen=$((seen + 1))
			[ "$victim $arguments" != "$last" ] && [ $((seen % 2)) -eq 1 ] || continue
			last="$victim $arguments"
		fi
		[ "$arguments" != - ] || arguments=
		if [ "$setting" = stored ]; then
			[ "$what" = stored ] || continue
			name=$victim
			check "$name: analysed" "$TOP/tests/fixtures/expected.sh" "$victim" "$TMP/$name" ||
				continue
			report=$TMP/$name/got.json
		else
			[ "$what" = crashed ] || continue
			name="$victim${arguments:+ $arguments} ($setting)"
			read -ra args <<<"$arguments"
			crash=crash_direct
			grep -q "^$victim	${arguments:--}	$setting:core	" "$TOP/tests/victims/explained_parts" &&
				crash=crash_both
			if ! "$crash" crash "$VICTIM_DIR/$setting/$victim" "${args[@]}"; then
				not_ok "$name: captured"
				note_file "$TMP/why"
				continue
			fi
			report=$TMP/got.json
			"$ANALYZE" json "$SNAP" >"$report" 2>"$TMP/err"
		fi
		num=$((num + 1))
		check "$name" tool check_cause "$report" "$kind" "$access" "$address" "$instruction" \
			"$severity" "$words"
		check_parts "$name" "$victim" "$arguments" "$setting" "$report"
		if [ "$what" = crashed ] && [ "$crash" = crash_both ]; then
			"$ANALYZE" json "$CORE" >"$TMP/core.json" 2>"$TMP/err"
			check_parts "$name, the core" "$victim" "$arguments" "$setting:core" "$TMP/core.json"
			check "$name, the core: valid by the schema" valid_report "$TMP/core.json"
		fi
		check "$name: valid by the schema" valid_report "$report"
	done <"$TOP/tests/victims/explained"
}
explain crashed "$@"
# What an exception says is in the heap, to which the stack leads.
if wanted cxx_exceptions "$@"; then
	CRASH_CONF=$'memory = indirect\n'
	while IFS=$'\t' read -r argument part text; do
		name="cxx_exceptions $argument, memory = indirect"
		if crash_direct crash "$VICTIM_DIR/gcc-O2/cxx_exceptions" "$argument"; then
			"$ANALYZE" json "$SNAP" >"$TMP/got.json" 2>"$TMP/err"
			check "$name: $part" tool check_part "$TMP/got.json" "$part" "$text"
		else
			not_ok "$name: captured"
			note_file "$TMP/why"
		fi
	done <<'END'
derived	exception.what	no value for derived
string	exception.value	out of string
text	exception.value	out of paper
long_what	exception.what	xxx*xxx...
long_what	exception.text	not-captured
long_what	explanation	*: std::runtime_error ("xxx*xxx...", the rest was not captured), thrown in loads.
END
	CRASH_CONF=
fi
# crash_rust ARGUMENT: rust_panics crashes, and got.json is its report.
crash_rust() {
	if ! crash_direct crash "$TMP/rust_panics" "$1"; then
		not_ok "$name: captured"
		note_file "$TMP/why"
		return 1
	fi
	"$ANALYZE" json "$SNAP" >"$TMP/got.json" 2>"$TMP/err" || : # 1: not all is known
}
# Rust's own kinds, where there is its compiler, which is no package that the tests need: what a panic
# says, and its place, as the compiler passed it.
if [ $# -eq 0 ] || wanted rust_panics "$@"; then
	source=$TOP/tests/victims/rust_panics.rs
	for setting in "-C opt-level=2" "-C opt-level=0 --edition 2021"; do
		# shellcheck disable=SC2086 # options
		if ! rustc -C panic=abort -g $setting -o "$TMP/rust_panics" "$source" 2>"$TMP/err"; then
			skip "rust_panics ($setting)" "rustc is not there, or does not compile"
			continue
		fi
		while IFS=$'\t' read -r argument line cut message words; do
			name="rust_panics $argument ($setting)"
			crash_rust "$argument" || continue
			check "$name" tool check_cause "$TMP/got.json" abort - - - panic \
				"a Rust panic was not caught$words, at $source:$line\.\$"
			check "$name: file" tool check_part "$TMP/got.json" panic.file "$source"
			check "$name: line" tool check_part "$TMP/got.json" panic.line "${line%:*}"
			check "$name: column" tool check_part "$TMP/got.json" panic.column "${line#*:}"
			check "$name: message" tool check_part "$TMP/got.json" panic.message "$message"
			check "$name: whether it is cut" tool check_part "$TMP/got.json" \
				panic.message_is_cut "$cut"
			check "$name: valid by the schema" valid_report "$TMP/got.json"
		done <<'END'
index	7:5	False	index out of bounds: the len is 3 but the index is 7	: an index is out of bounds \("index .* index is 7"\)
unwrap	12:11	False	called `Option::unwrap()` on a `None` value	: unwrap\(\) of a None \("called .* value"\)
expect	17:11	True	no value	: unwrap\(\) or expect\(\) of an Err \("no value", and what the error says\)
divide	30:5	False	attempt to divide by zero	: a division by zero \("attempt to divide by zero"\)
message	23:9	False	out of paper	 \("out of paper"\)
format	36:9	-	-	
END
		for argument in abort abort_of_c abort_in_thread; do
			name="rust_panics $argument ($setting)"
			crash_rust "$argument" || continue
			check "$name" tool check_cause "$TMP/got.json" abort - - - abort \
				"The program aborted itself: it called abort\(\)\.\$"
		done
		name="rust_panics overflow ($setting)"
		crash_rust overflow && check "$name" tool check_cause "$TMP/got.json" abort - - - stack-overflow \
			"aborted itself: a stack overflowed \(Rust's handler of SIGSEGV found that\), in a handler of SIGSEGV \(SEGV_MAPERR\) at address "
		# Where panics unwind, what a destructor throws meanwhile ends the process.
		# shellcheck disable=SC2086 # options
		if rustc -C panic=unwind -g $setting -o "$TMP/rust_panics" "$source" 2>"$TMP/err"; then
			name="rust_panics cleanup ($setting)"
			crash_rust cleanup && check "$name" tool check_cause "$TMP/got.json" abort - - - panic \
				"a Rust panic was to leave a destructor while another panic unwound the stack"
		fi
	done
fi
# Of aarch64 (qemu itself crashes, too, in the end), as qemu's user emulation leaves cores: no siginfo tells of the address.
cross="aarch64-linux-gnu-gcc -O2 -g -static -Wl,--build-id=sha1,-z,separate-code,-z,max-page-size=4096"
if [ $# -eq 0 ] || wanted aarch64_faults "$@"; then
	if [ "$(id -u)" -eq 0 ] && qemu-aarch64 --version >"$TMP/out" 2>&1 && mkdir "$TMP/aarch64" &&
		$cross -o "$TMP/aarch64/faults" "$TOP/tests/victims/aarch64_faults.c" 2>"$TMP/err" &&
		$cross -o "$TMP/aarch64/asserts" "$TOP/tests/victims/asserts.c" 2>"$TMP/err"; then
		. "$TOP/tests/cross/guest.sh"
		emulate() { # PROGRAM
			guest_core aarch64 "$1" "$TMP/aarch64/core" 2>"$TMP/err"
			"$ANALYZE" json --no-local --symbols "$TMP/aarch64" "$TMP/aarch64/core" \
				>"$TMP/got.json" 2>"$TMP/err"
		}
		while IFS=$'\t' read -r argument kind access address instruction severity words; do
			cp "$TMP/aarch64/faults" "$TMP/aarch64/$argument"
			emulate "$TMP/aarch64/$argument"
			check "aarch64_faults $argument" tool check_cause "$TMP/got.json" "$kind" "$access" \
				"$address" "$instruction" "$severity" "$words"
		done <<'END'
brk	trap	-	-	brk #0x3e8	trap	ran into a trap instruction \(brk #0x3e8\)
udf	ill	-	-	-	trap	ran into a trap instruction \(udf\)
privileged	ill	-	-	msr vbar_el1, x0	privileged-instruction	only the kernel may
read_only	segv	write	0x*	str x1, [[]x0, #0x18]	protected-write	read-only memory
tagged	segv	write	0x41414141414159	str x1, [[]x0, #0x18]	overwritten-pointer-likely	the text "AAAAAAAA"
pair	segv	read	0x10	ldp x2, x3, [[]x1, #0x10]	null-read	read 16 bytes .*x1 is null, offset 16
below	segv	write	0xfffffffffffffff0	str q0, [[]x1, #-0x10]!	null-write	wrote 16 bytes .*x1 is null, offset -16
atomic	segv	write	0x8	ldaddal x0, x2, [[]x1]	null-write	8 bytes at address 0x8
compare	segv	write	0x8	cas w0, w2, [[]x1]	null-write	4 bytes at address 0x8
END
		emulate "$TMP/aarch64/asserts"
		check "aarch64 asserts: what the C library said" tool check_part "$TMP/got.json" \
			assertion.expression 'value > 100 && "value out of range"'
		num=$((num + 1))
	else
		skip "aarch64_faults" "aarch64-linux-gnu-gcc, its C library, or qemu-aarch64 is not there, or not root"
	fi
fi
core_pattern_done
explain stored "$@"
# Not the same said a hundred times: kinds, accesses and severities that differ.
kinds=$(grep -v '^#' "$TOP/tests/victims/explained" | cut -f4,5,8 | sort -u | grep -c .)
check "the table has at least 30 kinds of crashes ($kinds)" test "$kinds" -ge 30
[ "$num" -gt 0 ] || not_ok "there are such victims"
[ $# -eq 0 ] || exit 0

# What is missing without the disassembler is said, and the rest of the report is there.
fixture=$TMP/i386-deep
for name in i386-deep segv-null; do
	"$TOP/tests/fixtures/expected.sh" "$name" "$TMP/$name" || not_ok "the stored crash"
done
options=(--no-local --symbols "$fixture/symbols")
without_library() { # by a library of its name that is none
	mkdir -p "$TMP/empty"
	: >"$TMP/empty/libcapstone.so.4"
	LD_LIBRARY_PATH=$TMP/empty "$ANALYZE" "$@"
}
for how in "" --no-sandbox; do
	name="without capstone${how:+, $how}"
	without_library report $how "${options[@]}" "$fixture/snapshot.snap" >"$TMP/out" 2>"$TMP/err"
	status=$?
	equal "$name: status" 0 "$status"
	check "$name: the cause" grep -q "at address 0x0, which is not mapped: a null pointer was followed" "$TMP/out"
	check "$name: what is missing" grep -q "libcapstone.so.4 (capstone), which disassembles, is not installed" \
		"$TMP/out"
	check "$name: no instruction" sh -c '! grep -q "^Instruction:" "$1"' sh "$TMP/out"
	# What most crashes of x86-64 stop at is read without it.
	without_library report $how --no-local --symbols "$TMP/segv-null/symbols" "$TMP/segv-null/snapshot.snap" >"$TMP/out" 2>"$TMP/err"
	check "$name: x86-64's most frequent" grep -q "^Instruction: mov rdi, qword ptr" "$TMP/out"
	check "$name: nothing is missing of it" sh -c '! grep -q capstone "$1"' sh "$TMP/out"
done

# A worker begins anew with the library, whatever comes with it: several at once, a pipe.
for i in $(seq 40); do
	cp "$fixture/snapshot.snap" "$TMP/many.$i.snap"
done
"$ANALYZE" json --jobs 4 "${options[@]}" "$TMP"/many.*.snap >"$TMP/out" 2>"$TMP/err"
equal "many at once: status" 0 $?
equal "many at once: each has its instruction" 40 "$(grep -c '"instruction":"mov eax, dword ptr' "$TMP/out")"
equal "many at once: nothing to complain of" "" "$(cat "$TMP/err")"
"$ANALYZE" json "${options[@]}" - <"$fixture/snapshot.snap" >"$TMP/out" 2>"$TMP/err"
equal "from standard input: its instruction" 1 "$(grep -c '"instruction":"mov eax, dword ptr' "$TMP/out")"
cat "$fixture/snapshot.snap" | "$ANALYZE" json "${options[@]}" - >"$TMP/out" 2>"$TMP/err"
equal "from a pipe: its instruction" 1 "$(grep -c '"instruction":"mov eax, dword ptr' "$TMP/out")"
