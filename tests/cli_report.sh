#!/bin/bash
# The report for people: what fits on a screen, what is left out of it and how it says so.
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/crashlib.sh"
need "$CLIENT" "$DEBUGGER" "$ANALYZE"
cd "$TMP" || exit 1

live() { # NAME COMMAND...: a snapshot of it in NAME.snap when it has printed a line
	local name=$1
	shift
	"$@" >"$name.ready" 2>&1 &
	LIVE+=($!)
	within 30 test -s "$name.ready" || { not_ok "$name is ready"; exit 1; }
	"$DEBUGGER" -o "$name.snap" $! >/dev/null 2>"$name.err"
	[ -s "$name.snap" ] || { not_ok "$name is captured"; note_file "$name.err"; exit 1; }
	{ kill -KILL $! && wait $!; } 2>/dev/null
}
lines() { wc -l <"$1" | tr -d ' '; }
# Threads that a text report accounts for, by their counts.
accounted() {
	"$PYTHON" - "$1" <<'END'
import re, sys
num = 0
for line in open(sys.argv[1]):
    line = line.strip()
    if re.match(r"(Crashing thread|Thread) \d+", line):
        num += 1
    elif m := re.match(r"(\d+) threads( like this)?: \d", line):
        num += int(m.group(1))
    elif m := re.match(r"\.\.\. and (\d+) more threads with", line):
        num += int(m.group(1))
print(num)
END
}

# ---------------------------------------------------------------- threads that stand alike

live sleeping "$VICTIMS/sleeping_threads" 2000
run "$ANALYZE" report sleeping.snap
check "2000 threads that sleep: a short report" test "$(lines out)" -le 80
equal "2000 threads that sleep: all are accounted for" 2001 "$(accounted out)"
check "2000 threads that sleep: their stack stands once or twice" \
	test "$(grep -c ' sleep_middle ' out)" -le 4 -a "$(grep -c ' sleep_middle ' out)" -ge 2
check "2000 threads that sleep: their ids are ranges" grep -q '^[0-9]* threads like this: [0-9]*-[0-9]*.* "sleeping_thread"$' out

if crash_direct crowd "$VICTIMS/sleeping_threads" 512 crash; then
	run "$ANALYZE" report "$SNAP"
	check "512 threads, one crashes: a short report" test "$(lines out)" -le 100
	equal "512 threads, one crashes: all are accounted for" 514 "$(accounted out)"
else
	not_ok "512 threads, one crashes: captured"
	note_file why
fi
core_pattern_release

# Each of these 64 threads has a stack of its own.
if crash_direct many "$VICTIMS/many_threads"; then
	run "$ANALYZE" report "$SNAP"
	equal "64 threads in 64 chains: all are accounted for" "$("$ANALYZE" json "$SNAP" | "$PYTHON" -c '
import json, sys
print(len(json.load(sys.stdin)["threads"]))')" "$(accounted out)"
	equal "64 threads in 64 chains: the first 24 stacks in full" 24 "$(grep -c '^Thread [0-9]' out)"
	check "64 threads in 64 chains: others by a line" grep -q '^  Thread [0-9]* ".*": .* < .* < .* < \.\.\.$' out
	check "64 threads in 64 chains: what is not shown is told" grep -q 'snapanalyze json has all stacks' out
else
	not_ok "64 threads in 64 chains: captured"
	note_file why
fi
core_pattern_release
