#!/bin/bash
# Boots an emulated Debian on aarch64 with our cross-built client and debugger (make check-aarch64),
# and holds what they captured there against what gdb says of the kernel's cores.
#
# O/guest has what fetch.sh and the cross-builds made; the cases are in "expected".
. "$(dirname "$0")/../lib/testlib.sh"
need "$ANALYZE" /usr/bin/qemu-system-aarch64 /usr/bin/gdb-multiarch /usr/bin/cpio

HERE=$TOP/tests/guest
GUEST=$O/guest
SCHEMA=$TOP/docs/report.schema.json
export GDB=gdb-multiarch GDB_SYSROOT=$GUEST/image GDB_DEBUG_DIR=$GUEST/dbg/usr/lib/debug
SYMBOLS=(--sysroot "$GUEST/image" --debug-dir "$GUEST/dbg/usr/lib/debug")

# Each row of the table as its cases: NAME, build, how, victim, arguments, and the expectations.
while IFS=$'\t' read -r victim arguments kind signal code functions flags; do
	case $victim in '' | '#'*) continue ;; esac
	[ "$arguments" = - ] && arguments=
	how=both
	case $flags in
	*direct*) how=direct ;;
	*live*) how=live ;;
	esac
	for setting in plain-O2 pac-O2 pac-O0 arm-O2; do
		case $flags:$setting in
		*arm32*:arm-O2 | *once*:pac-O2) ;;
		*arm32* | *once* | *:arm-O2) continue ;;
		esac
		name=$setting-$victim${arguments:+-${arguments// /-}}
		[ "$how" = direct ] && name=$name-direct
		printf '%s\t%s\t%s\t%s\t%s\n' "$name" "$setting" "$how" "$victim" "$arguments" >>"$TMP/cases"
		# A column that is empty would be skipped.
		printf '%s\t' "$name" "$setting" "$how" "$victim" "$kind" "$signal" "$code" "$functions" \
			"$flags" >>"$TMP/wanted"
		echo >>"$TMP/wanted"
	done
done <"$HERE/expected"

# GUEST_AGAIN=1: only look again at what the last boot gave.
[ -n "${GUEST_AGAIN:-}" ] ||
	check "the guest boots, runs the cases, and ends" "$HERE/boot.sh" "$GUEST" "$TMP/cases"

analyze_json() { # FILE OUT: status 1 only where the table says so by its flags
	local status=0
	"$ANALYZE" json "${SYMBOLS[@]}" "$1" >"$2" 2>"$TMP/err" || status=$?
	case $flags:$status in
	*:0 | *stripped*:1 | *deep*:1) return 0 ;;
	esac
	echo "status $status"
	cat "$TMP/err"
	return 1
}

equals_gdb() { # REPORT
	local options=()
	case $flags in *deep* | *many*) options=(--may-truncate) ;; esac
	"$PYTHON" "$LIB/compare_truth.py" "$TMP/truth.json" "$1" "${options[@]}"
}

# Where a call was signed, its address may look unsigned all the same, with one chance in 128: all the
# cases together tell.
num_returns=0
num_signed=0
check_returns() { # NAME SNAPSHOT REPORT
	[ "$setting" != arm-O2 ] || return 0 # no such thing there
	local option=--maybe
	[ "$setting" = plain-O2 ] && option=--unsigned
	check "$1: return addresses" \
		"$PYTHON" "$LIB/signed_returns.py" "$ANALYZE" "$2" "$3" "$option" || return
	[ "$setting" = plain-O2 ] && return
	num_returns=$((num_returns + 1))
	[ "$(tail -n 1 "$TMP/check.out")" -eq 0 ] || num_signed=$((num_signed + 1))
}

# A live process has no crashed thread: only its stacks are compared, which stood still meanwhile.
check_live() {
	equal "$name: the debugger's exit status" 0 "$(cat "$dir/live.status")"
	check "$name: the process goes on" test -e "$dir/live.undisturbed"
	check "$name: alive: complete" "$ANALYZE" check "$dir/live"
	check "$name: alive: json" analyze_json "$dir/live" "$TMP/live.json" || return
	check "$name: alive: valid by the schema" "$PYTHON" "$LIB/validate_json.py" "$SCHEMA" "$TMP/live.json"
	check "$name: alive: equals gdb" equals_gdb "$TMP/live.json"
	check_returns "$name: alive" "$dir/live" "$TMP/live.json"
}

while IFS=$'\t' read -r name setting how victim kind signal code functions flags _; do
	dir=$GUEST/out/$name
	snap=$dir/snapshot
	if [ ! -s "$snap" ]; then
		not_ok "$name: there is a snapshot"
		[ -e "$dir/client.err" ] && note_file "$dir/client.err"
		continue
	fi
	check "$name: complete" "$ANALYZE" check "$snap"
	if check "$name: json" analyze_json "$snap" "$TMP/snap.json"; then
		check "$name: valid by the schema" "$PYTHON" "$LIB/validate_json.py" "$SCHEMA" "$TMP/snap.json"
		check "$name: as expected" "$PYTHON" "$LIB/check_expected.py" \
			"$TMP/snap.json" "$victim" "$kind" "$signal" "$code" "$functions"
		check_returns "$name" "$snap" "$TMP/snap.json"
	fi
	[ "$how" = direct ] && continue

	case $flags:$(cat "$dir/status") in
	*:0 | *deep*:1 | *many*:1) ok "$name: client's exit status" ;;
	*)
		not_ok "$name: client's exit status"
		cat "$dir/status" "$dir/client.err" 2>&1 | note_file -
		;;
	esac
	check "$name: gdb reads the core" "$LIB/gdb_truth.sh" "$TMP/truth.json" core \
		"$GUEST/image/v/$setting/$victim" "$dir/core" || continue
	check "$name: equals gdb" equals_gdb "$TMP/snap.json"
	if check "$name: json of the core" analyze_json "$dir/core" "$TMP/core.json"; then
		check "$name: the core as expected" "$PYTHON" "$LIB/check_expected.py" \
			"$TMP/core.json" "$victim" "$kind" "$signal" "$code" "$functions"
		check "$name: the core equals gdb" equals_gdb "$TMP/core.json"
	fi
	[ "$how" = live ] && check_live
done <"$TMP/wanted"

check "return addresses stood signed in nearly all of $num_returns captures" \
	test "$num_returns" -gt 0 -a $((num_signed * 10)) -ge $((num_returns * 9))
