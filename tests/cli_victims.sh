#!/bin/bash
# Every victim crashes through core_pattern twice: once into the client alone, as in the field; once
# into the client and a full core at the same time. What snapanalyze says of snapshot and core must
# be what the table expects, valid by the schema, and what gdb says of that same core.
#
#   cli_victims.sh [VICTIM...]    only these
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/crashlib.sh"
need "$CLIENT" "$ANALYZE"

SCHEMA=$TOP/docs/report.schema.json
WANTED=("$@")

wanted() {
	local v
	[ "${#WANTED[@]}" -eq 0 ] && return 0
	for v in "${WANTED[@]}"; do
		[ "$v" = "$1" ] && return 0
	done
	return 1
}

# json FILE OUT OPTIONS...: status 0 (1 too where the table says so by its flags).
analyze_json() {
	local file=$1 out=$2 status=0
	shift 2
	"$ANALYZE" json "$@" "$file" >"$out" 2>"$TMP/err" || status=$?
	case $flags:$status in
	*:0 | *stripped*:1 | *deep*:1) return 0 ;;
	*altstack*:1) [ "${file##*.}" = snap ] && return 0 ;;
	esac
	echo "status $status"
	cat "$TMP/err"
	return 1
}

client_status() {
	case $flags:$CLIENT_STATUS in
	*:0 | *deep*:1 | *many*:1) return 0 ;;
	esac
	echo "client's exit status: $CLIENT_STATUS"
	cat "$CORE_PATTERN_DIR/client.err"
	return 1
}

compare() { # TRUTH REPORT
	local options=()
	case $flags in
	*deep* | *many* | *altstack*) options=(--may-truncate) ;;
	esac
	# What was allowed to differ is part of the output, also of a success.
	if "$PYTHON" "$LIB/compare_truth.py" "$1" "$2" "${options[@]}" >"$TMP/compare.out" 2>&1; then
		return 0
	fi
	return 1
}

equals_gdb() { # NAME TRUTH REPORT
	if compare "$2" "$3"; then
		ok "$1"
		grep '^allowed:' "$TMP/compare.out" | sed 's/^/# /'
	else
		not_ok "$1"
		note_file "$TMP/compare.out"
	fi
}

while IFS=$'\t' read -r victim arguments kind signal code functions flags; do
	case $victim in
	'' | '#'*) continue ;;
	esac
	wanted "$victim" || continue
	name=$victim
	read -ra args <<<"$arguments"
	if [ "$arguments" = - ]; then
		args=()
	else
		name="$victim ${args[0]}"
	fi
	file=${name// /-}
	program=$VICTIMS/$victim
	run_it=("$program" "${args[@]}")
	options=()
	case $flags in
	*copy*)
		# Its file will be gone: found by build ID in a tree instead.
		options=(--symbols "$VICTIMS")
		run_it=("$TMP/$victim" "${args[@]}")
		;;
	esac

	case $flags in *copy*) cp "$program" "$TMP/$victim" ;; esac
	if crash_direct "$file" "${run_it[@]}"; then
		ok "$name: the kernel's crash gives a snapshot"
		check "$name: the snapshot is complete" "$ANALYZE" check "$SNAP"
		if check "$name: json" analyze_json "$SNAP" "$TMP/$file.json" "${options[@]}"; then
			check "$name: json is valid by the schema" \
				"$PYTHON" "$LIB/validate_json.py" "$SCHEMA" "$TMP/$file.json"
			check "$name: report as expected" "$PYTHON" "$LIB/check_expected.py" \
				"$TMP/$file.json" "$victim" "$kind" "$signal" "$code" "$functions"
		fi
	else
		not_ok "$name: the kernel's crash gives a snapshot"
		note_file "$TMP/why"
	fi

	case $flags in *copy*) cp "$program" "$TMP/$victim" ;; esac
	if ! crash_both "$file" "${run_it[@]}"; then
		not_ok "$name: one crash gives snapshot and core"
		note_file "$TMP/why"
	else
		check "$name: client's exit status" client_status
	fi
	if [ -z "$CORE" ] || ! "$LIB/gdb_truth.sh" "$TMP/truth.json" core "$program" "$CORE" \
		2>"$TMP/err"; then
		not_ok "$name: gdb reads the core"
		note_file "$TMP/err"
		rm -f "$CORE"
		continue
	fi
	if check "$name: json of the core" analyze_json "$CORE" "$TMP/core.json" "${options[@]}"; then
		check "$name: json of the core is valid by the schema" \
			"$PYTHON" "$LIB/validate_json.py" "$SCHEMA" "$TMP/core.json"
		# A core tells less of the process, but all of the crash.
		check "$name: report of the core as expected" "$PYTHON" "$LIB/check_expected.py" \
			"$TMP/core.json" "$victim" "$kind" "$signal" "$code" "$functions"
		equals_gdb "$name: the core read directly equals gdb" "$TMP/truth.json" "$TMP/core.json"
	fi
	if [ -n "$SNAP" ] && check "$name: json of the same crash's snapshot" \
		analyze_json "$SNAP" "$TMP/snap.json" "${options[@]}"; then
		equals_gdb "$name: the snapshot equals gdb" "$TMP/truth.json" "$TMP/snap.json"
	fi
	rm -f "$CORE" "$SNAP"
done <"$TOP/tests/victims/expected"
