#!/bin/bash
# Arguments and local variables, as snapanalyze reads them from a full core and from a snapshot of the
# same crash, are those that gdb shows of that core.
#
#   cli_variables.sh [VICTIM...]    only these
#
# CASES=DIR keeps the crashes in DIR; those that are there already are judged anew. VERBOSE=1 lists all
# that is not equal.
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/crashlib.sh"
need "$CLIENT" "$ANALYZE"

CASES=${CASES:-$TMP/cases}
settings=(gcc-O0 gcc-O2 clang-O0 clang-O2)
# NAME, or NAME:ARGUMENT
victims=("$@")
if [ $# -eq 0 ]; then
	victims=(values cxx_values cxx_containers null_deref null_deref_dwarf4 asserts aborts call_data div_zero double_free
		heap_corrupt in_memcpy in_qsort many_arguments misaligned_stack nested_handlers shared_main
		signal_handler stack_protected tail_call wild_pointer write_readonly cxx_freed cxx_function
		cxx_lifetimes:destructor cxx_sort cxx_thunk cxx_virtual)
	! sparse || victims=(values cxx_values cxx_containers null_deref cxx_sort)
fi
# In "make check", these are built in all settings, the others in one, which take turns.
most="values cxx_values cxx_containers"
[ $# -eq 0 ] || most=$*

# gdb's words of all that is in $TMP/list, while others crash. Of many: it reads libc's debug information
# once.
askers=()
ask_gdb() {
	local list=$TMP/list.${#askers[@]}
	[ -s "$TMP/list" ] || return 0
	mv "$TMP/list" "$list"
	VARIABLES_LIST=$list LC_ALL=C.UTF-8 gdb -nx -batch -iex 'set auto-load off' -iex 'set debuginfod enabled off' \
		-iex 'set libthread-db-search-path /nonexistent' -x "$LIB/gdb_variables.py" </dev/null \
		>"$list.log" 2>&1 &
	askers+=($!)
}

list=()
turn=0
for victim in "${victims[@]}"; do
	built=("${settings[@]}")
	case " $most " in
	*" $victim "*) ;;
	*)
		whole || built=("${settings[turn++ % ${#settings[@]}]}")
		;;
	esac
	argument=${victim#"${victim%%:*}"}
	for setting in "${built[@]}"; do
		program=$VICTIM_DIR/$setting/${victim%%:*}
		name=${victim/:/-}.$setting
		dir=$CASES/$name
		[ -e "$program" ] || continue
		if [ ! -e "$dir/core" ] || [ ! -e "$dir/snap" ]; then
			mkdir -p "$dir"
			# shellcheck disable=SC2086
			crash_both crash "$program" ${argument#:} || {
				not_ok "$name crashes"
				cat "$TMP/why"
				continue
			}
			mv "$SNAP" "$dir/snap"
			mv "$CORE" "$dir/core"
		fi
		list+=("$name")
		[ -e "$dir/variables.json" ] ||
			printf '%s\t%s\t%s\n' "$dir/variables.json" "$program" "$dir/core" >>"$TMP/list"
	done
	[ "${#list[@]}" -lt 50 ] || [ "${#askers[@]}" -gt 0 ] || ask_gdb
done
[ -z "$CORE_PATTERN_DIR" ] || core_pattern_done
check "there are crashes" [ "${#list[@]}" -ge "${#victims[@]}" ]
ask_gdb

# All of a kind in one go, each on a line.
for what in core snap; do
	status=0
	(cd "$CASES" && "$ANALYZE" json --variables=crashed "${list[@]/%//$what}") >"$TMP/reports" \
		2>"$TMP/err" || status=$?
	check "each $what is analysed" [ "$status" -le 1 ] || cat "$TMP/err"
	check "each $what has its report" [ "$(wc -l <"$TMP/reports")" -eq "${#list[@]}" ]
	for name in "${list[@]}"; do
		IFS= read -r report
		printf '%s\n' "$report" >"$CASES/$name/$what.json"
	done <"$TMP/reports"
done

# 0 is gdb's status whatever it met.
for asker in "${askers[@]}"; do
	wait "$asker"
done
verbose=()
[ -z "${VERBOSE:-}" ] || verbose=(-v)
for what in core snap; do
	triples=()
	for name in "${list[@]}"; do
		dir=$CASES/$name
		[ -s "$dir/variables.json" ] || {
			not_ok "$name: gdb's words are there"
			continue
		}
		triples+=("$name" "$dir/variables.json" "$dir/$what.json")
	done
	if "$PYTHON" "$LIB/compare_variables.py" "${verbose[@]}" "${triples[@]}" >"$TMP/compared"; then
		ok "what $what tells of variables is what gdb says"
	else
		not_ok "what $what tells of variables is what gdb says"
	fi
	note_file "$TMP/compared" 400
done

# What --variables asks for, on the one crash that has all kinds.
dir=$CASES/values.gcc-O0
if [ -e "$dir/snap" ]; then
	"$ANALYZE" report --variables=crashed "$dir/snap" >"$TMP/crashed.txt" 2>&1
	check "report: arguments stand behind the function" \
		grep -q '^  #0  crashes (why=0x[0-9a-f]* "a node", where=0x0, count=5, letter=113 .q.)  /' "$TMP/crashed.txt"
	check "report: local variables stand below" \
		grep -q '^        flags = (FLAG_A | FLAG_B)$' "$TMP/crashed.txt"
	"$ANALYZE" report --variables=args "$dir/snap" >"$TMP/args.txt" 2>&1
	check "report: arguments alone" diff <(grep -v '^        [^ ]* = ' "$TMP/crashed.txt") "$TMP/args.txt"
	check "report: those of the crashing thread by default" \
		diff "$TMP/crashed.txt" <("$ANALYZE" report "$dir/snap" 2>&1)
	"$ANALYZE" report --variables=none "$dir/snap" >"$TMP/none.txt" 2>&1
	check "report: no arguments then" grep -q '^  #0  crashes  *  /' "$TMP/none.txt"
	"$ANALYZE" json "$dir/snap" >"$TMP/default.json" 2>&1
	"$ANALYZE" json --variables=none "$dir/snap" >"$TMP/none.json" 2>&1
	check "json: those of the crashing thread by default" \
		cmp "$TMP/default.json" <("$ANALYZE" json --variables=crashed "$dir/snap" 2>&1)
	check "json: none" "$PYTHON" - "$TMP/none.json" <<'EOF'
import json, sys
frames = [f for t in json.load(open(sys.argv[1]))["threads"] for f in t["frames"]]
sys.exit(any(f["arguments"] or f["locals"] for f in frames))
EOF
	check "json: valid by the schema" valid_report "$TMP/default.json"
	for arguments in "report --variables=some" "check --variables=all"; do
		# shellcheck disable=SC2086
		"$ANALYZE" $arguments "$dir/snap" >/dev/null 2>&1
		check "$arguments: wrong usage" [ $? -eq 64 ]
	done
fi
