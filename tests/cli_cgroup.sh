#!/bin/bash
# What the kernel counted of a control group's memory, in which a program crashes, is in the snapshot and
# in the report; where memory was not short, nothing is said of it.
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/crashlib.sh"
need "$CLIENT" "$ANALYZE"

VICTIM=$VICTIM_DIR/gcc-O2/memory_short
name=snapcrash-test.$$
group=
leave() {
	[ -z "$group" ] || rmdir "$group"
	cleanup
}
trap leave EXIT
if [ -e /sys/fs/cgroup/memory/memory.limit_in_bytes ]; then
	parent=/sys/fs/cgroup/memory
	limit=memory.limit_in_bytes
	swap=
elif grep -qw memory /sys/fs/cgroup/cgroup.subtree_control 2>/dev/null; then
	parent=/sys/fs/cgroup
	limit=memory.max
	swap=memory.swap.max
else
	skip "a control group with a limit" "there is none that counts memory, or it is not given on"
	exit 0
fi
if ! mkdir "$parent/$name" 2>"$TMP/err"; then
	skip "a control group with a limit" "it can't be made: $(cat "$TMP/err")"
	exit 0
fi
group=$parent/$name
if ! { echo $((16 << 20)) >"$group/$limit"; } 2>"$TMP/err"; then
	skip "a control group with a limit" "it can't be limited: $(cat "$TMP/err")"
	exit 0
fi
[ -z "$swap" ] || echo 0 >"$group/$swap" 2>"$TMP/err"

ask() { # EXPRESSION: of the report r
	"$PYTHON" -c 'import json, sys
r = json.load(open(sys.argv[1], encoding="utf-8"))
print(eval(sys.argv[2]))' "$TMP/got.json" "$1"
}
crash_in_group() { # ARGUMENT...
	# shellcheck disable=SC2016 # the inner shell's
	crash_direct crash sh -c 'echo $$ >"$1/cgroup.procs" && shift && exec "$@"' sh "$group" "$VICTIM" "$@"
	local status=$?
	[ $status -eq 0 ] || { not_ok "captured" && note_file "$TMP/why"; }
	"$ANALYZE" json --no-local "$SNAP" >"$TMP/got.json" 2>"$TMP/err"
	check "$*: valid by the schema" valid_report "$TMP/got.json"
	"$ANALYZE" report --no-local "$SNAP" >"$TMP/got.txt" 2>"$TMP/err"
}

crash_in_group 0
equal "enough: its limit" $((16 << 20)) "$(ask 'r["process"]["cgroup_memory_limit"]')"
equal "enough: it is its own" 0 "$(ask 'r["process"]["cgroup_levels_up"]')"
equal "enough: nobody was killed" 0 "$(ask 'r["process"]["cgroup_oom_kill"]')"
equal "enough: nothing is hinted at" "[]" "$(ask 'r["crash"]["hints"]')"
check "enough: nor in the text" sh -c '! grep -q "^Hint" "$1"' sh "$TMP/got.txt"

if [ "$(wc -l </proc/swaps)" -gt 1 ] && [ -z "$swap" ]; then
	skip "short of memory" "the machine swaps"
	exit 0
fi
crash_in_group 32
equal "short: one was killed" 1 "$(ask 'r["process"]["cgroup_oom_kill"]')"
equal "short: of this kind" "['cgroup-memory']" "$(ask '[h["kind"] for h in r["crash"]["hints"]]')"
check "short: what is hinted at" grep -qE \
	"^Hint: Its control group had used (9[5-9]|100) % of its 16 MiB; the kernel had killed 1 process there for want of memory\.\$" \
	"$TMP/got.txt"
check "short: so on one screen" sh -c '"$1" report --brief --no-local "$2" | grep -q "^Hint: Its control group had used "' \
	sh "$ANALYZE" "$SNAP"
