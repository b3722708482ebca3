#!/bin/bash
# --help, --version and usage errors of every program and verb.
. "$(dirname "$0")/lib/testlib.sh"
CTL=$BIN/snapcrashctl
need "$CLIENT" "$DEBUGGER" "$ANALYZE" "$CTL"

VERSION=$(sed -n 's/^VERSION = //p' "$TOP/Makefile")
VERBS="report json check modules dump signature import export symbols cache"

help_ok() { # NAME COMMAND...
	local name=$1
	shift
	run "$@"
	equal "$name: status" 0 "$STATUS"
	check "$name: says something on stdout" test -s "$TMP/out"
	check "$name: nothing on stderr" test ! -s "$TMP/err"
	check "$name: lines fit into 100 columns" awk 'length > 100 { bad = 1; print } END { exit bad }' \
		"$TMP/out"
}

usage_error() { # NAME PROGRAM COMMAND...
	local name=$1 program=$2
	shift 2
	run "$@"
	equal "$name: status" 64 "$STATUS"
	check "$name: message begins with the program's name" \
		sh -c 'head -n 1 "$1" | grep -q "^$2: "' sh "$TMP/err" "$program"
	check "$name: nothing on stdout" test ! -s "$TMP/out"
}

for program in "$CLIENT" "$DEBUGGER" "$ANALYZE" "$CTL"; do
	name=$(basename "$program")
	help_ok "$name --help" "$program" --help
	run "$program" --version
	equal "$name --version" "0 $name $VERSION" "$STATUS $(head -n 1 "$TMP/out")"
	usage_error "$name --no-such-option" "$name" "$program" --no-such-option
	usage_error "$name without arguments" "$name" "$program"
	run sh -c '"$1" --help >/dev/full' sh "$program"
	check "$name --help that cannot be written fails" test "$STATUS" -ne 0
done

run "$ANALYZE" --help
for verb in $VERBS; do
	check "snapanalyze --help names $verb" grep -qw "$verb" "$TMP/out"
done
for verb in $VERBS; do
	help_ok "snapanalyze $verb --help" "$ANALYZE" "$verb" --help
	run "$ANALYZE" "$verb" --version
	equal "snapanalyze $verb --version" "0 snapanalyze $VERSION" "$STATUS $(head -n 1 "$TMP/out")"
	usage_error "snapanalyze $verb --no-such-option" snapanalyze "$ANALYZE" "$verb" --no-such-option
	usage_error "snapanalyze $verb without a file" snapanalyze "$ANALYZE" "$verb"
done
for verb in "symbols add" "symbols list" "cache list" "cache prune" "cache build"; do
	# shellcheck disable=SC2086
	help_ok "snapanalyze $verb --help" "$ANALYZE" $verb --help
	# shellcheck disable=SC2086
	usage_error "snapanalyze $verb --no-such-option" snapanalyze "$ANALYZE" $verb --no-such-option
done
usage_error "snapanalyze no-such-verb" snapanalyze "$ANALYZE" no-such-verb
usage_error "snapanalyze with a hostile verb" snapanalyze "$ANALYZE" $'\033[31m\nverb'
check "a hostile verb is escaped in the message" \
	sh -c '! LC_ALL=C grep -q "$(printf "\033")" "$1" && [ "$(head -n 1 "$1" | wc -l)" = 1 ]' sh "$TMP/err"

# Nothing of this changes a setting: it ends before.
run "$CTL" --help
cp "$TMP/out" "$TMP/ctl.help"
for verb in $(sed -n 's/^  \([a-z][a-z]*\)  *[a-z].*/\1/p' "$TMP/ctl.help"); do
	help_ok "snapcrashctl $verb --help" "$CTL" "$verb" --help
	run "$CTL" "$verb" --version
	equal "snapcrashctl $verb --version" "0 snapcrashctl $VERSION" "$STATUS $(head -n 1 "$TMP/out")"
	usage_error "snapcrashctl $verb --no-such-option" snapcrashctl "$CTL" "$verb" --no-such-option
	usage_error "snapcrashctl $verb --config without a file" snapcrashctl "$CTL" "$verb" --config
	VERBS_OF_CTL="${VERBS_OF_CTL:-}$verb "
done
equal "snapcrashctl --help names its verbs" "enable disable status test list get rm adopt " "$VERBS_OF_CTL"
usage_error "snapcrashctl no-such-verb" snapcrashctl "$CTL" no-such-verb
usage_error "snapcrashctl list with an argument" snapcrashctl "$CTL" list $'\033[31mx'
check "a hostile argument is escaped in the message" sh -c '! LC_ALL=C grep -q "$(printf "\033")" "$1"' sh "$TMP/err"

usage_error "snapcrash-debugger abc" snapcrash-debugger "$DEBUGGER" abc
usage_error "snapcrash-debugger -o without a file" snapcrash-debugger "$DEBUGGER" -o
usage_error "snapcrash-debugger with two PIDs" snapcrash-debugger "$DEBUGGER" 1 2
usage_error "snapcrash-debugger 0" snapcrash-debugger "$DEBUGGER" 0
