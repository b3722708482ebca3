#!/bin/bash
# demo.sh O=BUILD-DIRECTORY: one crash, from the fault to the report.
#
# Builds a small sensor daemon, lets the kernel hand its crash to snapcrash-client, and prints the
# report of the snapshot on stdout; a line on each step goes to stderr. Where core_pattern cannot be
# set, snapcrash-debugger captures the daemon alive instead. Leaves nothing behind.
set -u
O=build
for argument; do
	case $argument in
	O=*) O=${argument#O=} ;;
	*)
		echo "usage: demo.sh [O=DIR]" >&2
		exit 64
		;;
	esac
done
here=$(cd "$(dirname "$0")" && pwd)
BIN=$(cd "$O/bin" 2>/dev/null && pwd) || {
	echo "demo: no programs in $O/bin: run make first" >&2
	exit 1
}
unset DEBUGINFOD_URLS
ulimit -c 0

# shellcheck source=tests/lib/core_pattern.sh
. "$here/../lib/core_pattern.sh"

dir=$(mktemp -d /tmp/snapcrash-demo.XXXXXX) || exit 1
daemon=
cleanup() {
	[ -z "$daemon" ] || kill -KILL "$daemon" 2>/dev/null
	core_pattern_release
	rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

say() { echo "demo: $*" >&2; }
fail() {
	say "$*"
	exit 1
}

report() { # FILE
	local status=0
	say "analysing it: snapanalyze report"
	"$BIN/snapanalyze" report "$1" || status=$?
	# 1 says that something is missing (a library's symbols, say), which the report shows.
	[ "$status" -le 1 ] || fail "snapanalyze report failed with status $status"
}

say "building the sensor daemon (gcc -O2 -g, a program and a shared library)"
compile=("${CC:-cc}" -std=gnu11 -O2 -g -Wall -Wextra)
"${compile[@]}" -fPIC -shared -Wl,-soname,libsensor.so -o "$dir/libsensor.so" \
	"$here/libsensor.c" || fail "cannot build libsensor.so"
"${compile[@]}" -pthread -o "$dir/sensord" "$here/sensord.c" "$here/worker.c" \
	"$dir/libsensor.so" '-Wl,-rpath,$ORIGIN' || fail "cannot build sensord"

live() {
	local file
	"$dir/sensord" --calibrated </dev/null >/dev/null 2>&1 &
	daemon=$!
	sleep 0.3
	say "sensord runs as process $daemon: snapcrash-debugger $daemon"
	file=$("$BIN/snapcrash-debugger" -o "$dir/sensord.snap" "$daemon") ||
		fail "snapcrash-debugger failed with status $?"
	kill -0 "$daemon" 2>/dev/null || fail "sensord did not survive it"
	say "snapshot: $file ($(stat -c %s "$file") bytes); sensord goes on"
	report "$file"
}

# Asked in a subshell: core_pattern_take ends the shell that cannot. What it says is for the person
# who waits, too.
set -o pipefail
if ! (
	trap - EXIT
	core_pattern_take
	core_pattern_release
) 2>&1 | cat >&2; then
	say "so this shows a live process instead of a crash"
	live
	exit 0
fi

core_pattern_take
spool=$CORE_PATTERN_DIR/spool
mkdir -m 700 "$spool"
printf 'spool = %s\nsocket = %s/none.sock\n' "$spool" "$CORE_PATTERN_DIR" >"$CORE_PATTERN_DIR/conf"
core_pattern_set "$BIN/snapcrash-client" --config "$CORE_PATTERN_DIR/conf" "$CORE_PATTERN_ARGS" ||
	fail "core_pattern does not take the client"
say "core_pattern: $(cat /proc/sys/kernel/core_pattern)"

say "starting sensord, which crashes"
# The subshell keeps the shell's own "Segmentation fault" out of the output.
(
	"$dir/sensord" </dev/null >/dev/null 2>&1 &
	wait $!
) 2>/dev/null
status=$?
[ "$status" -gt 128 ] || fail "sensord did not crash (status $status)"
say "sensord ended by signal $((status - 128))"

# The process is let go before its snapshot is on disk.
file=
for ((i = 0; i < 200; i++)); do
	for file in "$spool"/*.snap; do
		[ -e "$file" ] && break 2
	done
	file=
	sleep 0.05
done
[ -n "$file" ] || fail "no snapshot came"
say "snapshot: $(basename "$file") ($(stat -c %s "$file") bytes)"
say "checking it: $("$BIN/snapanalyze" check "$file" 2>&1)"
report "$file"
