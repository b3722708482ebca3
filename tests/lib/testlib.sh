# Sourced by the cli tests. Each case is a line on stdout: "ok - NAME", "not ok - NAME" or
# "skip - NAME: reason"; lines with "#" tell more about the case before them. tests/run counts them.
#
# Where the programs are comes from the environment (O, default build), so that the same scripts
# test the plain build, clang's and the sanitizers'.

set -u
export LC_ALL=C
unset DEBUGINFOD_URLS NO_COLOR
# A crash that escapes core_pattern should not litter the tree.
ulimit -S -c 0

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
LIB=$TOP/tests/lib
O=${O:-build}
case $O in
/*) ;;
*) O=$TOP/$O ;;
esac
BIN=$O/bin
# Those of the matrix are in directories named by compiler and optimisation; the rest needs one. A
# sanitized build has none of its own.
VICTIM_DIR=${VICTIM_DIR:-$O/tests/victims}
case $VICTIM_DIR in
/*) ;;
*) VICTIM_DIR=$TOP/$VICTIM_DIR ;;
esac
[ -d "$VICTIM_DIR" ] || VICTIM_DIR=$TOP/build/tests/victims
VICTIMS=$VICTIM_DIR/gcc-O2
CLIENT=$BIN/snapcrash-client
DEBUGGER=$BIN/snapcrash-debugger
ANALYZE=$BIN/snapanalyze
PYTHON=/usr/bin/python3

TMP=$(mktemp -d /tmp/snapcrash-test.XXXXXX) || exit 1
# Nothing that an earlier run kept.
export XDG_CACHE_HOME=$TMP/cache
# Processes to end when the test ends, by id.
LIVE=()

# shellcheck source=tests/lib/core_pattern.sh
. "$LIB/core_pattern.sh"

cleanup() {
	local pid
	# A child that a signal meets right after fork() still has the traps of its parent.
	[ "$BASHPID" = "$$" ] || return
	for pid in "${LIVE[@]}"; do
		# Waited for here, so that bash has no "Killed" to say.
		{ kill -KILL "$pid" && wait "$pid"; } 2>/dev/null
	done
	[ ! -e "$TMP/tools.pid" ] || kill -KILL "$(cat "$TMP/tools.pid")" 2>/dev/null
	core_pattern_release
	rm -rf "$TMP"
}
trap cleanup EXIT
# bash would run the trap above after the foreground child has ended by itself.
trap 'exit 130' INT
trap 'exit 143' TERM

ok() { printf 'ok - %s\n' "$1"; }
not_ok() { printf 'not ok - %s\n' "$1"; }
skip() { printf 'skip - %s: %s\n' "$1" "$2"; }

# What tests/README.rst says of "make check" and "make check-long": whether all of a sweep is asked for;
# and whether this is the sanitizers' short run, which takes less still.
whole() { [ -n "${TEST_LONG:-}" ]; }
sparse() { [ -n "${SANITIZE:-}" ] && ! whole; }

# Whatever may contain hostile bytes is shown escaped: the output of tests is read on terminals.
note() { printf '%s\n' "$*" | note_file -; }
note_file() { cat -v "$1" | sed 's/^/# /' | head -n "${2:-40}"; }

# check NAME COMMAND...: ok if the command succeeds; else its output is shown.
check() {
	local name=$1
	shift
	if "$@" >"$TMP/check.out" 2>&1; then
		ok "$name"
	else
		local status=$?
		not_ok "$name"
		note "status $status of: $*"
		note_file "$TMP/check.out"
		return 1
	fi
}

# equal NAME WANTED GOT
equal() {
	if [ "$2" = "$3" ]; then
		ok "$1"
	else
		not_ok "$1"
		note "wanted: $2"
		note "   got: $3"
		return 1
	fi
}

# run COMMAND...: leaves STATUS, $TMP/out and $TMP/err.
run() {
	STATUS=0
	"$@" >"$TMP/out" 2>"$TMP/err" || STATUS=$?
}

# pause SECONDS: "sleep" by bash itself.
pause() {
	[ -p "$TMP/never" ] || mkfifo "$TMP/never" 2>/dev/null
	read -r -t "$1" <>"$TMP/never" || :
}

# within SECONDS COMMAND...: repeats the command until it succeeds, at first more often.
within() {
	local i n=$(($1 * 20))
	shift
	for ((i = 0; i < 10; i++)); do
		"$@" && return 0
		pause 0.01
	done
	for ((i = 0; i < n; i++)); do
		"$@" && return 0
		pause 0.05
	done
	return 1
}

# need FILE...: programs without which the whole script makes no sense.
need() {
	local program
	for program; do
		[ -x "$program" ] || {
			not_ok "$(basename "$0"): there is no $program"
			exit 1
		}
	done
}

# tool NAME ARGUMENT...: what main() of lib/NAME.py prints, and its status; all of a script's in one
# process (lib/tools.py), which the first one starts. Not from two processes at a time.
tool() {
	local status text rest
	if [ ! -p "$TMP/tools.in" ]; then
		mkfifo "$TMP/tools.out" "$TMP/tools.in"
		# In its place alone: not one to wait for, nor one that holds what a caller reads from.
		("$PYTHON" "$LIB/tools.py" "$$" "$TMP" </dev/null >/dev/null 2>"$TMP/tools.err" & echo $! >"$TMP/tools.pid")
	fi
	printf '%s\0' $(($# + 1)) "$PWD" "$@" >"$TMP/tools.in"
	{
		IFS= read -r -d '' status
		IFS= read -r -d '' text
		# To its end, for the next one to be another.
		IFS= read -r -d '' rest
	} <"$TMP/tools.out"
	printf '%s' "$text"
	return "${status:-1}"
}

# json_get FILE EXPRESSION: prints a Python expression over the report r, null as "null".
json_get() { tool get "$1" "$2"; }
# valid_report FILE...: whether each line of the files is a report that the schema allows.
valid_report() { tool validate_json "$TOP/docs/report.schema.json" "$@"; }
