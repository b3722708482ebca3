#!/bin/bash
# snapcrash-debugger on live processes: what it says equals what gdb says afterwards, and the process
# goes on as if nothing had been.
. "$(dirname "$0")/lib/testlib.sh"
need "$DEBUGGER" "$ANALYZE"

start() { # VICTIM ARGUMENT...: leaves PID
	local victim=$1
	shift
	# The one before it said "ready" as well.
	rm -f "$TMP/live.out"
	"$VICTIMS/$victim" "$@" </dev/null >"$TMP/live.out" 2>&1 &
	PID=$!
	LIVE+=("$PID")
	within 20 grep -qs ready "$TMP/live.out" || {
		not_ok "$victim gets ready"
		return 1
	}
}
end() {
	kill -KILL "$PID"
	wait "$PID" 2>/dev/null
}

# No thread of PID is stopped or traced.
undisturbed() {
	local status
	for status in /proc/"$PID"/task/*/status; do
		grep -q '^TracerPid:[[:space:]]0$' "$status" || return 1
		grep -q '^State:[[:space:]][RSD] ' "$status" || return 1
	done
}
cpu_time() { awk '{ sub(/.*\) /, ""); print $12 + $13 }' "/proc/$PID/task/$1/stat"; }
# kind, signal, fatal, crashed threads of a live capture
live_facts() {
	json_get "$1" '"%s %s %s %d" % (r["crash"]["kind"], r["crash"]["signal"], r["snapshot"]["fatal"], sum(t["crashed"] for t in r["threads"]))'
}

captured() { # NAME THREADS [GDB]
	local name=$1 threads=$2
	run "$DEBUGGER" -o "$TMP/live.snap" "$PID"
	equal "$name: status" 0 "$STATUS"
	equal "$name: prints the path, no more" "$TMP/live.snap" "$(cat "$TMP/out")"
	[ -s "$TMP/err" ] && note_file "$TMP/err"
	check "$name: goes on" undisturbed
	check "$name: complete" "$ANALYZE" check "$TMP/live.snap"
	equal "$name: only its owner may read the file" 600 "$(stat -c %a "$TMP/live.snap")"
	run "$ANALYZE" json "$TMP/live.snap"
	check "$name: json (status $STATUS)" test "$STATUS" -le 1
	cp "$TMP/out" "$TMP/live.json"
	check "$name: json is valid by the schema" valid_report "$TMP/live.json"
	equal "$name: kind, signal, fatal, crashed" "none None False 0" "$(live_facts "$TMP/live.json" 2>&1)"
	equal "$name: number of threads" "$threads" "$(json_get "$TMP/live.json" 'len(r["threads"])' 2>&1)"
	equal "$name: pid" "$PID" "$(json_get "$TMP/live.json" 'r["process"]["pid"]' 2>&1)"
	rm -f "$TMP/live.snap"
}

if start sleeping_threads 5; then
	captured "sleeping threads" 6
	check "sleeping threads: gdb attaches afterwards" "$LIB/gdb_truth.sh" "$TMP/truth.json" live "$PID"
	check "sleeping threads: equal gdb" "$PYTHON" "$LIB/compare_truth.py" "$TMP/truth.json" "$TMP/live.json"
	# Without -o it goes into the spool, and the name is printed.
	printf 'spool = %s\n' "$TMP/spool" >"$TMP/conf"
	run "$DEBUGGER" --config "$TMP/conf" "$PID"
	file=$(cat "$TMP/out")
	equal "without -o: status" 0 "$STATUS"
	check "without -o: the printed path is a complete snapshot" "$ANALYZE" check "$file"
	check "without -o: it is in the spool" test "$(dirname "$file")" = "$TMP/spool"
	equal "without -o: only its owner may read the spool" 700 "$(stat -c %a "$TMP/spool")"
	end
fi

if start altstack_threads; then
	captured "threads on alternate stacks" 4
	check "threads on alternate stacks: gdb attaches afterwards" \
		"$LIB/gdb_truth.sh" "$TMP/truth.json" live "$PID"
	check "threads on alternate stacks: equal gdb" \
		"$PYTHON" "$LIB/compare_truth.py" "$TMP/truth.json" "$TMP/live.json"
	equal "threads on alternate stacks: how they end" "complete complete complete complete" \
		"$(json_get "$TMP/live.json" '" ".join(t["end"] for t in r["threads"])' 2>&1)"
	end
fi

if start sleeping_threads 1000; then
	captured "a thousand threads" 1001
	end
fi

# More than are looked at one by one before: whether they wait is then told by their registers.
calls_of() { # PID: thread, number and arguments of each that waits, as the kernel tells
	local task text
	for task in /proc/"$1"/task/*; do
		read -r text <"$task/syscall"
		set -- $text
		[ "$1" = running ] || echo "${task##*/} ${*:1:$#-2}"
	done | sort -n
}
# The same as the snapshot has it, beside the registers that tell it, too.
calls_in() {
	protoc -I "$TOP/proto" --decode=snapcrash.Snapshot snapshot.proto <"$1" | "$PYTHON" -c '
import re, sys
for facts in re.findall(r"^thread_facts \{\n(.*?)^\}", sys.stdin.read(), re.M | re.S):
	values = {}
	for key, value in re.findall(r"^  (\w+): (-?\d+)$", facts, re.M):
		values.setdefault(key, []).append(int(value))
	if "syscall_number" in values:
		print(values["tid"][0], values["syscall_number"][0],
			" ".join(f"{value:#x}" for value in values["syscall_arguments"]))'
}
if start waiting_threads; then
	calls_of "$PID" >"$TMP/truth"
	captured "threads in many calls" 181
	equal "threads in many calls: each has its own name" 180 "$(json_get "$TMP/live.json" \
		'len({t["name"] for t in r["threads"] if t["name"].split(" ")[0] in
			("futex", "poll", "read", "nanosleep", "epoll", "select", "sigwait", "pause", "run")})' 2>&1)"
	equal "threads in many calls: names as the kernel has them" \
		"$(for task in /proc/"$PID"/task/*; do echo "${task##*/} $(cat "$task/comm")"; done | sort -n)" \
		"$(json_get "$TMP/live.json" '"\n".join("%d %s" % (t["tid"], t["name"]) for t in sorted(r["threads"], key=lambda t: t["tid"]))' 2>&1)"
	equal "threads in many calls: who runs" "run 178, run 179" "$(json_get "$TMP/live.json" \
		'", ".join(sorted(t["name"] for t in r["threads"] if t["state"] != "blocked"))' 2>&1)"
	equal "threads in many calls: running" "ready ready" "$(json_get "$TMP/live.json" \
		'" ".join(t["state"] for t in r["threads"] if t["name"].startswith("run"))' 2>&1)"
	# In which calls, with which arguments: as /proc says without anybody having stopped them.
	json_get "$TMP/live.json" '"\n".join("%d %d %s" % (t["tid"], t["wait"]["syscall"]["number"],
		" ".join(t["wait"]["syscall"]["arguments"]))
		for t in r["threads"] if t["wait"] and t["wait"]["syscall"])' | sort -n >"$TMP/calls" 2>&1
	equal "threads in many calls: the calls" "$(cat "$TMP/truth")" "$(cat "$TMP/calls")"
	sleep 0.1
	calls_of "$PID" >"$TMP/truth"
	run "$DEBUGGER" -o "$TMP/live.snap" "$PID"
	equal "threads in many calls: what is written of the first 128" \
		"$(head -n 128 "$TMP/truth")" "$(calls_in "$TMP/live.snap" | sort -n)"
	kill -STOP "$PID"
	sleep 0.1
	run timeout 20 "$DEBUGGER" -o "$TMP/live.snap" "$PID"
	run "$ANALYZE" json "$TMP/live.snap"
	equal "threads in many calls, stopped: how all stand" "{'suspended': 181}" "$(json_get "$TMP/out" \
		'dict(__import__("collections").Counter(t["state"] for t in r["threads"]))' 2>&1)"
	rm -f "$TMP/live.snap"
	kill -CONT "$PID"
	end
fi

# What one does is not told of another, nor what is not certain.
if start busy_threads; then
	# In which calls, as it is written of the first ones; the first time, the pipes still took something.
	calls_of "$PID" | head -n 128 >"$TMP/truth"
	run "$DEBUGGER" -o "$TMP/live.snap" "$PID"
	equal "busy threads: the calls" "$(cat "$TMP/truth")" "$(calls_in "$TMP/live.snap" | sort -n)"
	run "$ANALYZE" json "$TMP/live.snap"
	rm -f "$TMP/live.snap"
	equal "busy threads: what they do" \
		"full None, full blocked write, signals ready, waits blocked pause" \
		"$(json_get "$TMP/out" '", ".join(sorted({" ".join(
		[t["name"], str(t["state"])] + ([t["wait"]["syscall"]["name"]] if t["state"] == "blocked" else []))
		for t in r["threads"] if t["name"] != "busy_threads"}))' 2>&1)"
	captured "busy threads" 160
	end
fi

# Memory that never comes: whatever becomes of the snapshot, the process is not held for long.
if start userfault_threads; then
	if grep -q none "$TMP/live.out"; then
		skip "memory that never comes" "no userfaultfd"
	else
		printf 'dump_time = 1\n' >"$TMP/conf"
		run timeout -s KILL 15 "$DEBUGGER" --config "$TMP/conf" -o "$TMP/live.snap" "$PID"
		check "memory that never comes: captured (status $STATUS)" test "$STATUS" -le 1
		run "$ANALYZE" json "$TMP/live.snap"
		equal "memory that never comes: stacks of all threads, and one with a gap" "41 1" "$(json_get "$TMP/out" \
			'"%d %d" % (sum(t["stack"] is not None and t["end"] == "complete" for t in r["threads"]),
				sum(o["what"] == "stack" and o["why"] == "unreadable" for o in r["omissions"]))' 2>&1)"
		check "memory that never comes: the process goes on" undisturbed
		rm -f "$TMP/live.snap"
	fi
	end
fi

if start spinning; then
	captured "spinning threads" 2
	before=$(cpu_time "$PID")
	sleep 0.5
	check "spinning threads: still spin" test "$(cpu_time "$PID")" -gt "$before"
	# Killed at any moment, the debugger leaves nothing stopped behind.
	for delay in 0.001 0.002 0.003 0.004 0.006 0.008 0.01 0.015 0.02 0.03; do
		"$DEBUGGER" -o "$TMP/killed.snap" "$PID" >/dev/null 2>&1 &
		debugger=$!
		sleep "$delay"
		kill -KILL "$debugger" 2>/dev/null
		wait "$debugger" 2>/dev/null
	done 2>/dev/null
	check "spinning threads: undisturbed by debuggers that were killed" within 2 undisturbed
	before=$(cpu_time "$PID")
	sleep 0.5
	check "spinning threads: still spin after that" test "$(cpu_time "$PID")" -gt "$before"
	end
fi

# A stopped process is captured, and stays stopped.
if start sleeping_threads 2; then
	kill -STOP "$PID"
	sleep 0.1
	run timeout 20 "$DEBUGGER" -o "$TMP/stopped.snap" "$PID"
	equal "a stopped process: status" 0 "$STATUS"
	check "a stopped process: complete" "$ANALYZE" check "$TMP/stopped.snap"
	check "a stopped process stays stopped" sh -c 'sleep 0.1; grep -q "^State:.T (stopped)" /proc/$1/status' sh "$PID"
	kill -CONT "$PID"
	check "a stopped process can be continued" within 2 undisturbed
	end
fi

# Another tracer is there already.
if start sleeping_threads 1; then
	gdb -nx -batch -iex 'set debuginfod enabled off' -p "$PID" -ex 'shell sleep 4' >/dev/null 2>&1 &
	gdb=$!
	LIVE+=("$gdb")
	within 5 sh -c '! grep -q "^TracerPid:.0$" /proc/$1/status' sh "$PID"
	run timeout 20 "$DEBUGGER" -o "$TMP/traced.snap" "$PID"
	equal "a process that is traced already: status" 2 "$STATUS"
	check "a process that is traced already: one line" test "$(wc -l <"$TMP/err")" = 1
	check "a process that is traced already: no file is left" test ! -e "$TMP/traced.snap"
	wait "$gdb"
	end
fi

nothing() { # NAME COMMAND...
	local name=$1
	shift
	run timeout 20 "$@"
	equal "$name: status" 2 "$STATUS"
	equal "$name: one line on stderr" "1 snapcrash-debugger: " "$(wc -l <"$TMP/err") $(head -c 20 "$TMP/err")"
	check "$name: nothing on stdout" test ! -s "$TMP/out"
}
sleep 0 &
gone=$!
wait "$gone"
nothing "no such process" "$DEBUGGER" -o "$TMP/none.snap" "$gone"
nothing "somebody else's process, as a plain user" setpriv --reuid 65534 --regid 65534 --clear-groups \
	"$DEBUGGER" -o /tmp/snapcrash-none.snap 1
nothing "an output file in no directory" "$DEBUGGER" -o "$TMP/none/x.snap" "$$"
