#!/bin/bash
# Every victim, as each compiler and optimisation makes it, crashes through core_pattern once, into
# the client and a full core at the same time. What snapanalyze says of snapshot and core must be
# what the table expects (victims/expected), valid by the schema, the same of both, and what gdb says
# of that core; where gdb is wrong, a table says so, too (victims/deviations).
#
#   cli_victims.sh [VICTIM...]    only these
#
# All of that is for "make check-long": in "make check" each crash is of one setting, these taking turns,
# and the sanitizers' run of it takes every third.
# CASES=DIR keeps the crashes in DIR; those that are there already are judged anew.
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/crashlib.sh"
need "$CLIENT" "$ANALYZE"

# So many crashes are told to one gdb: it reads libc's debug information once.
BATCH=24
CASES=${CASES:-$TMP/cases}
# Those who name victims mean all of their crashes.
once=()
[ $# -gt 0 ] || whole || once=(--once 1)
[ $# -gt 0 ] || ! sparse || once=(--once 3)

# crash DIRECTORY PROGRAM FLAGS ARGUMENT...: leaves crash.core, crash.snap, and client; or why not.
crash() {
	local dir=$1 program=$2 flags=$3
	shift 3
	CRASH_DIR=$dir
	case $flags in
	*copy*)
		cp "$program" "$TMP/"
		program=$TMP/${program##*/}
		;;
	esac
	[ ! -e "$dir" ] || rm -rf "$dir"
	mkdir -p "$dir"
	if crash_both crash "$program" "$@"; then
		printf '%s\n' "$CLIENT_STATUS" >"$dir/client"
	else
		mv "$TMP/why" "$dir/why"
	fi
}

# Reads a list of directory, program, flags, and opinion; runs beside the next crashes.
analyse() {
	local list=$1 dir program flags opinion options what status
	while IFS=$'\t' read -r dir program flags opinion; do
		[ -e "$dir/truth.json" ] ||
			printf '%s\t%s\t%s\n' "$dir/truth.json" "$program" "$dir/crash.core"
	done <"$list" >"$list.gdb"
	[ ! -s "$list.gdb" ] || "$LIB/gdb_truth.sh" "$list.gdb" list
	while IFS=$'\t' read -r dir program flags opinion; do
		options=()
		# Its file is gone: found by build ID in a tree instead.
		case $flags in *copy*) options=(--symbols "${program%/*}") ;; esac
		for what in core snap; do
			status=0
			"$ANALYZE" json "${options[@]}" "$dir/crash.$what" >"$dir/$what.json" \
				2>"$dir/$what.err" || status=$?
			echo "$status" >"$dir/$what.status"
		done
		[ "$opinion" != - ] || continue
		case $opinion in
		eu-stack) eu-stack --core="$dir/crash.core" -e "$program" ;;
		lldb) ! command -v lldb >/dev/null || lldb --no-lldbinit -b -c "$dir/crash.core" -o bt "$program" ;;
		esac >"$dir/opinion" 2>&1
		[ -s "$dir/opinion" ] || rm -f "$dir/opinion"
	done <"$list"
}

analyse_list() {
	[ -s "$list" ] || return 0
	# Two, like the processors of a small machine.
	while running=($(jobs -rp)) && [ "${#running[@]}" -ge 2 ]; do wait -n; done
	analyse "$list" &
	num_lists=$((num_lists + 1))
	list=$TMP/list.$num_lists
	: >"$list"
	num_in_list=0
}

"$PYTHON" "$LIB/victims.py" list "${once[@]}" "$@" >"$TMP/cases.list" || {
	not_ok "the table of victims"
	exit 1
}
num_lists=0
num_in_list=0
list=$TMP/list.0
: >"$list"
while IFS=$'\t' read -r name victim setting flags opinion arguments; do
	dir=$CASES/$name
	program=$VICTIM_DIR/$setting/$victim
	[ "$arguments" != - ] || arguments=
	read -ra args <<<"$arguments"
	if [ ! -e "$dir/crash.core" ] || [ ! -e "$dir/crash.snap" ]; then
		crash "$dir" "$program" "$flags" "${args[@]}"
	fi
	if [ ! -e "$dir/why" ]; then
		printf '%s\t%s\t%s\t%s\n' "$dir" "$program" "$flags" "$opinion" >>"$list"
		num_in_list=$((num_in_list + 1))
	fi
	[ "$num_in_list" -lt "$BATCH" ] || analyse_list
done <"$TMP/cases.list"
core_pattern_done
analyse_list
wait
cut -f 1 "$TMP/cases.list" | "$PYTHON" "$LIB/victims.py" judge "$CASES"
