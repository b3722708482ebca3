#!/bin/bash
# Arguments and local variables, as snapanalyze reads them from a full core and from a snapshot of the
# same crash, are those that gdb shows of that core.
#
#   cli_variables.sh [VICTIM...]    only these; fortran_values besides others
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
wants_fortran=
[ $# -gt 0 ] || wants_fortran=1
for i in "${!victims[@]}"; do
	[ "${victims[i]}" = fortran_values ] || continue
	wants_fortran=1
	unset "victims[i]"
done
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
# Fortran's, where there is its compiler, which is no package that the tests need.
fortran=()
for version in ${wants_fortran:+5 4}; do
	name=fortran_values.$version
	dir=$CASES/$name
	mkdir -p "$dir"
	if ! gfortran -g -gdwarf-"$version" -O0 -fno-backtrace -J "$dir" -o "$dir/fortran_values" \
		"$TOP/tests/victims/fortran_values.f90" 2>"$TMP/err"; then
		skip "$name" "gfortran is not there, or does not compile"
		continue
	fi
	crash_both crash "$dir/fortran_values" || {
		not_ok "$name crashes"
		cat "$TMP/why"
		continue
	}
	mv "$SNAP" "$dir/snap"
	mv "$CORE" "$dir/core"
	fortran+=("$name")
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

# Fortran's arrays, strings and COMMON blocks, as the source has them.
cat >"$TMP/fortran" <<'EOF'
slice = {1, 3, 5, 7, 9}
n = 2
part = {{1, 3}, {4, 6}, {7, 9}}
words = "some words"
backwards = {10, 7, 4, 1}
column = <incomplete type>
any = {{1, 2}, {3, 4}}
_words = 10
_column = 3
ratio = 2.5
i = 11
counts = {1, 2, 3}
automatic = {{7, 7}, {7, 7}}
flag = true
not_associated = <not associated>
nothing = {}
nowhere = 0x0
one = {x = 1, y = 2, weights = {1.5, 2.5, 3.5}, link = {10, 7, 4, 1}}
points = {{x = 10, y = 30, weights = <not allocated>, link = <not associated>}, {x = 20, y = 40, weights = <not allocated>, link = <not associated>}}
.short = 2
short = "ab"
table = {{1, 2}, {3, 4}, {5, 6}}
.text = 8
text = ADDR "deferred"
EOF
# fortran_ours REPORT: what it says of the procedure "crashes".
fortran_ours() {
	"$PYTHON" - "$1" <<'EOF'
import json, re, sys
frames = [f for t in json.load(open(sys.argv[1]))["threads"] for f in t["frames"]]
for frame in frames:
    if frame["function"] == "shapes::crashes":
        for v in frame["arguments"] + frame["locals"]:
            print(v["name"], "=", re.sub(r"0x[0-9a-f]{3,}", "ADDR", v["value"]))
EOF
}
# fortran_gdb PROGRAM CORE: the same of gdb's, which writes values as Fortran does, and not what the
# pointer to a string leads to.
fortran_gdb() {
	gdb -nx -batch -iex 'set auto-load off' -iex 'set debuginfod enabled off' -ex 'frame 1' \
		-ex 'info args' -ex 'info locals' "$@" 2>/dev/null </dev/null |
		sed -n "/^[a-z_.]* = /{
			s/) (/}, {/g; y/()'/{}\"/; s/{ x/{x/g; s/ }/}/g; s/\\.TRUE\\./true/
			s/^text = 0x.*/text = ADDR \"deferred\"/
			p
		}"
}
for name in "${fortran[@]}"; do
	dir=$CASES/$name
	# What DWARF 4 of GCC says of an array of any rank makes no sense.
	without='^any = '
	[ "${name##*.}" = 4 ] || without='^$'
	"$ANALYZE" json "$dir/core" >"$TMP/got.json" 2>"$TMP/err" || :
	check "$name: what the source says" diff <(grep -v "$without" "$TMP/fortran") \
		<(fortran_ours "$TMP/got.json" | grep -v "$without")
	check "$name: what gdb says" diff <(grep -v "$without" "$TMP/fortran") \
		<(fortran_gdb "$dir/fortran_values" "$dir/core" | grep -v "$without")
	check "$name: valid by the schema" valid_report "$TMP/got.json"
	# Descriptors are on the stack; what they describe may not be.
	"$ANALYZE" report "$dir/snap" >"$TMP/report.txt" 2>"$TMP/err" || :
	check "$name: a snapshot's procedure" \
		grep -q '^  #1  shapes::crashes (slice={1, 3, 5, 7, 9}, n=2, ' "$TMP/report.txt"
	check "$name: a snapshot's pointer" \
		grep -q '^        not_associated = <not associated>$' "$TMP/report.txt"
	# In signatures procedures are as symbol tables have them.
	check "$name: its signature" \
		grep -q '^  segv-null | __shapes_MOD_writes | __shapes_MOD_crashes | fortran_values$' \
		"$TMP/report.txt"
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
