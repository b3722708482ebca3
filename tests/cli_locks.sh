#!/bin/bash
# Threads that wait for each other, or for what others hold: live processes, captured by the debugger, and
# one that its watchdog aborts.
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/crashlib.sh"
need "$DEBUGGER" "$CLIENT" "$ANALYZE"

capture() { # ARGUMENT: leaves PID, live.json, live.txt; the process is gone
	"$VICTIMS/deadlocks" "$1" >"$TMP/live.out" 2>&1 </dev/null &
	PID=$!
	LIVE+=("$PID")
	within 20 grep -qs ready "$TMP/live.out" || not_ok "$1: gets ready"
	check "$1: captured" "$DEBUGGER" -o "$TMP/live.snap" "$PID"
	kill -KILL "$PID"
	wait "$PID" 2>/dev/null
	"$ANALYZE" json "$TMP/live.snap" >"$TMP/live.json" 2>"$TMP/err"
	"$ANALYZE" report "$TMP/live.snap" >"$TMP/live.txt" 2>"$TMP/err"
	check "$1: json is valid by the schema" valid_report "$TMP/live.json"
	rm -f "$TMP/live.snap" "$TMP/live.out"
}

# Threads by what they are in this report: 0 is the main one, 1 the next by tid. Of each circle, and of
# each thread that waits "waiter:kind:owner".
locks() { # REPORT
	"$PYTHON" - "$1" <<'END'
import json, sys
report = json.load(open(sys.argv[1], encoding="utf-8"))
tids = sorted(t["tid"] for t in report["threads"])
number = {tid: i for i, tid in enumerate(tids)}
print("circles", *sorted("-".join(map(str, sorted(number[t] for t in c))) for c in report["crash"]["deadlocks"]))
for t in sorted(report["threads"], key=lambda t: t["tid"]):
    lock = t.get("lock")
    if lock:
        print(f"{number[t['tid']]}:{lock['kind']}:{number.get(lock['owner_tid'])}")
END
}

says() { # NAME PATTERN
	check "$1: report" grep -qE "$2" "$TMP/live.txt"
}

capture two
equal "two: locks" "circles 1-2
1:mutex:2
2:mutex:1" "$(locks "$TMP/live.json")"
says two "nothing crashed; a deadlock: 2 threads wait for each other: thread [0-9]+ 'taker-0' waits for the mutex mutexes\+0x28 at 0x[0-9a-f]+, which thread [0-9]+ 'taker-1' holds, and thread [0-9]+ 'taker-1' waits for the mutex mutexes at 0x[0-9a-f]+, which thread [0-9]+ 'taker-0' holds\.$"
says two "^Severity: deadlock"
says two "^  thread [0-9]+ 'taker-1' waits for the mutex mutexes at"

capture three
equal "three: locks" "circles 1-2-3
1:mutex:2
2:mutex:3
3:mutex:1" "$(locks "$TMP/live.json")"

capture join
equal "join: locks" "circles 1-2
1:join:2
2:mutex:1" "$(locks "$TMP/live.json")"
says join "waits for the end of thread [0-9]+"

capture self
equal "self: locks" "circles 1
1:mutex:1" "$(locks "$TMP/live.json")"
says self "a deadlock: a thread waits for itself: .* which it itself holds\.$"

# These are no deadlocks.
capture gone
equal "gone: locks" "circles
1:mutex:None" "$(locks "$TMP/live.json")"
says gone "which thread [0-9]+, which is none of those here, holds$"
capture held
equal "held: locks" "circles
1:mutex:0" "$(locks "$TMP/live.json")"
capture inheriting
equal "inheriting: locks" "circles
1:mutex:0" "$(locks "$TMP/live.json")"
capture timed
equal "timed: locks" "circles
1:mutex:2
2:mutex:1" "$(locks "$TMP/live.json")"

# A watchdog's abort: the kernel's core has the mutexes, a crash's snapshot only what registers point to.
if crash_both crash "$VICTIMS/deadlocks" two abort; then
	"$ANALYZE" json "$CORE" >"$TMP/core.json" 2>"$TMP/err"
	equal "the core: locks" "circles 1-2
1:mutex:2
2:mutex:1" "$(locks "$TMP/core.json")"
	check "the core: what is said" tool check_part "$TMP/core.json" explanation \
		"The program aborted itself: it called abort(); a deadlock: 2 threads wait for each other: *"
	"$ANALYZE" json "$SNAP" >"$TMP/got.json" 2>"$TMP/err"
	equal "the snapshot: locks" "circles
1:mutex:None
2:mutex:None" "$(locks "$TMP/got.json")"
else
	not_ok "the watchdog's abort: captured"
	note_file "$TMP/why"
fi
