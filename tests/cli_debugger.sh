#!/bin/bash
# snapcrash-debugger for people: what it prints, which process it finds, when it looks; processes in
# odd situations; and that whatever happens to the debugger, its target goes on.
. "$(dirname "$0")/lib/testlib.sh"
ODD=$O/tests/odd_process
need "$DEBUGGER" "$ANALYZE" "$ODD" "$O/tests/kill_often"
printf 'spool = %s\n' "$TMP/spool" >"$TMP/conf"

start() { # COMMAND...: leaves PID, and NUMBER if it prints one
	# The one before it said "ready" as well.
	rm -f "$TMP/live.out"
	"$@" </dev/null >"$TMP/live.out" 2>&1 &
	PID=$!
	LIVE+=("$PID")
	within 20 grep -qs ready "$TMP/live.out" || {
		not_ok "$* gets ready"
		note_file "$TMP/live.out"
		return 1
	}
	NUMBER=$(head -n 1 "$TMP/live.out")
}
end() { { kill -KILL "$PID" && wait "$PID"; } 2>/dev/null; }

debugger() { run timeout 60 "$DEBUGGER" --config "$TMP/conf" "$@"; }

# What the threads' status files say of being stopped or traced. Some may end meanwhile.
states() { cat /proc/"$PID"/task/*/status 2>/dev/null | sed -n '/^TracerPid:/p; s/^\(State:.[^ ]*\).*/\1/p' | sort -u; }
# No thread of PID is stopped or traced.
undisturbed() { [ -d "/proc/$PID" ] && ! states | grep -q '^TracerPid:.[1-9]\|^State:.[Tt]'; }
stopped() { [ "$(states)" = $'State:\tT\nTracerPid:\t0' ]; }

captured() { # NAME FACTS: threads and crashed threads
	equal "$1: status" 0 "$STATUS"
	[ -s "$TMP/err" ] && note_file "$TMP/err"
	check "$1: complete" "$ANALYZE" check "$TMP/x.snap"
	"$ANALYZE" json --no-local "$TMP/x.snap" >"$TMP/x.json" 2>/dev/null
	equal "$1: pid, threads, threads with registers" "$2" "$(json_get "$TMP/x.json" \
		'"%d %d %d" % (r["process"]["pid"], len(r["threads"]), sum(bool(t["registers"]) for t in r["threads"]))' 2>&1)"
	check "$1: goes on" within 2 undisturbed
}
# One line that says why, and nothing else.
refused() { # NAME STATUS TEXT
	equal "$1: status" "$2" "$STATUS"
	check "$1: says why, in one line" sh -c '[ "$(wc -l <"$1")" = 1 ] && grep -qF "snapcrash-debugger: $2" "$1"' \
		sh "$TMP/err" "$3"
	[ "$(wc -l <"$TMP/err")" = 1 ] && grep -qF "$3" "$TMP/err" || note_file "$TMP/err"
	check "$1: nothing on stdout" test ! -s "$TMP/out"
	check "$1: no file is left" sh -c '! ls "$1"/x.snap* "$1"/.x.snap* 2>/dev/null' sh "$TMP"
}

# ---------------------------------------------------------------- --text and --report

if start "$VICTIMS/sleeping_threads" 5; then
	debugger -o "$TMP/x.snap" "$PID"
	captured "sleeping threads" "$PID 6 6"
	debugger --text "$PID"
	equal "--text: status" 0 "$STATUS"
	check "--text: nothing on stderr" test ! -s "$TMP/err"
	cp "$TMP/out" "$TMP/text"
	check "--text: equals the process's memory, and the report" \
		"$PYTHON" "$LIB/check_text.py" "$TMP/text" "$TMP/x.json" "$PID"
	check "--text: nothing is kept" test ! -e "$TMP/spool"
	debugger --text --count 2 --every 10ms "$PID"
	equal "--text: several times" 2 "$(grep -c "^process $PID " "$TMP/out")"

	debugger --report "$PID"
	equal "--report: status" 0 "$STATUS"
	cp "$TMP/out" "$TMP/report"
	"$ANALYZE" report "$TMP/x.snap" >"$TMP/wanted"
	# Down to where it says when.
	check "--report: as 'snapanalyze report' of a file" \
		cmp <(sed '/^Snapshot/,$d' "$TMP/report" | head -n 12) <(sed '/^Snapshot/,$d' "$TMP/wanted" | head -n 12)

	debugger --text "$PID" >/dev/full
	STATUS=0
	timeout 60 "$DEBUGGER" --config "$TMP/conf" --text "$PID" >/dev/full 2>"$TMP/err" || STATUS=$?
	equal "--text to a full disk: status" 2 "$STATUS"
	end
fi

# snapanalyze is looked for beside the debugger, and gets the snapshot on its standard input.
if start "$ODD" named plain; then
	mkdir "$TMP/bin"
	cp "$DEBUGGER" "$TMP/bin"
	if [ -x /usr/local/bin/snapanalyze ] || [ -x /usr/bin/snapanalyze ] || [ -x /bin/snapanalyze ]; then
		skip "--report without snapanalyze" "it is installed here"
	else
		run "$TMP/bin/snapcrash-debugger" --report "$PID"
		rm -f "$TMP/x.snap"
		refused "--report without snapanalyze" 2 "snapanalyze is not installed here"
	fi
	printf '#!/bin/sh\necho "$0 $*"\ncat >"%s"\nexit $WANTED\n' "$TMP/x.snap" >"$TMP/bin/snapanalyze"
	chmod 755 "$TMP/bin/snapanalyze"
	for wanted in 0 1 2 74; do
		run env WANTED="$wanted" "$TMP/bin/snapcrash-debugger" --report "$PID"
		equal "--report: snapanalyze's status $wanted is passed on" "$wanted" "$STATUS"
	done
	equal "--report: what it is called with" "$TMP/bin/snapanalyze report -" "$(cat "$TMP/out")"
	check "--report: what it reads" "$ANALYZE" check "$TMP/x.snap"
	rm -f "$TMP/x.snap"
	printf '#!/bin/sh\nkill -SEGV $$\n' >"$TMP/bin/snapanalyze"
	run "$TMP/bin/snapcrash-debugger" --report "$PID"
	refused "--report: snapanalyze crashes" 2 "snapanalyze was ended by signal 11"
	end
fi

# Whatever the target calls itself, its executable and its arguments: nothing gets through.
hostile=$(printf '\033[31m\\x\302\205\377"\001')
mkdir "$TMP/$hostile"
cp "$ODD" "$TMP/$hostile/odd$hostile"
if start "$TMP/$hostile/odd$hostile" named "$hostile"; then
	debugger --text "$PID"
	equal "hostile names: status" 0 "$STATUS"
	check "hostile names: nothing that terminals obey" sh -c '! LC_ALL=C grep -q "[^[:print:]]" "$1"' sh "$TMP/out"
	check "hostile names: escaped" grep -qF '(\x1b[31m' "$TMP/out"
	debugger --exe "none$hostile"
	refused "hostile names: a message" 2 'no process has the executable '\''none\x1b[31m'
	end
fi

# ---------------------------------------------------------------- --exe

long=a_program_of_a_long_name.$$
cp "$ODD" "$TMP/$long"
if start "$TMP/$long" named other; then
	first=$PID
	rm -f "$TMP/x.snap"
	for name in "$long" "$TMP/$long"; do
		debugger -o "$TMP/x.snap" --exe "$name"
		captured "--exe ${name//$TMP/TMP}" "$PID 1 1"
	done
	rm -f "$TMP/x.snap"
	debugger -o "$TMP/x.snap" --exe "/none/$long"
	refused "--exe with another path" 2 "no process has the executable '/none/$long'"
	mv "$TMP/$long" "$TMP/was"
	rm "$TMP/was"
	debugger -o "$TMP/x.snap" --exe "$long"
	refused "--exe: renamed since, and deleted" 2 "no process has the executable '$long'"
	debugger -o "$TMP/x.snap" --exe was
	captured "--exe: the name it had when it was deleted" "$PID 1 1"
	rm -f "$TMP/x.snap"

	# A script is known by what the kernel calls it, which is cut.
	printf '#!/bin/bash\necho ready\nread -r _ <> <(:)\n' >"$TMP/$long"
	chmod 755 "$TMP/$long"
	start "$TMP/$long" && {
		debugger -o "$TMP/x.snap" --exe "$long"
		captured "--exe of a script" "$PID 1 1"
		second=$PID
		rm -f "$TMP/x.snap"
		start "$TMP/$long" && {
			debugger -o "$TMP/x.snap" --exe "$long"
			refused "--exe: several" 2 "2 processes have the executable '$long', say which by its PID:"
			check "--exe: several: they are listed" grep -qE "(: $second, $PID|: $PID, $second)\$" "$TMP/err"
			end
		}
		PID=$second
		end
	}
	PID=$first
	end
fi

# ---------------------------------------------------------------- --after, --count, --every

if start "$ODD" named waited; then
	begun=$(date +%s%N)
	debugger -o "$TMP/x.snap" --after 0.4s "$PID"
	took=$((($(date +%s%N) - begun) / 1000000))
	captured "--after" "$PID 1 1"
	check "--after: waits ($took ms)" test "$took" -ge 400 -a "$took" -lt 5000
	rm -f "$TMP/x.snap"

	begun=$(date +%s%N)
	debugger --count 4 --every 150ms "$PID"
	took=$((($(date +%s%N) - begun) / 1000000))
	equal "--count: status" 0 "$STATUS"
	equal "--count: four names" 4 "$(sort -u "$TMP/out" | wc -l)"
	check "--count: four complete snapshots" xargs -a "$TMP/out" "$ANALYZE" check
	equal "--count: nothing else in the spool" "4 0" \
		"$(find "$TMP/spool" -name '*.snap' | wc -l) $(find "$TMP/spool" -name '*.part' | wc -l)"
	check "--every: begins so long after the former ($took ms)" test "$took" -ge 450 -a "$took" -lt 5000
	debugger --count 2 --every 1ms -o "$TMP/x.snap" "$PID"
	equal "--count with -o: names" "$TMP/x.snap.1 $TMP/x.snap.2" "$(tr '\n' ' ' <"$TMP/out" | sed 's/ $//')"
	check "--count with -o: complete" "$ANALYZE" check "$TMP"/x.snap.[12]
	rm -f "$TMP"/x.snap*

	# It ends between two of them: that is noticed then and there.
	(
		sleep 0.5
		kill -KILL "$PID"
	) &
	begun=$(date +%s%N)
	debugger --count 3 --every 30s "$PID"
	took=$((($(date +%s%N) - begun) / 1000000))
	equal "ends between two: status" 1 "$STATUS"
	equal "ends between two: says so" "snapcrash-debugger: process $PID ended after 1 of 3 snapshots" "$(cat "$TMP/err")"
	equal "ends between two: the first one is there" 1 "$(wc -l <"$TMP/out")"
	check "ends between two: at once ($took ms)" test "$took" -lt 10000
	wait "$PID" 2>/dev/null
fi
if start "$ODD" named waited; then
	(
		sleep 0.3
		kill -KILL "$PID"
	) &
	debugger -o "$TMP/x.snap" --after 30s "$PID"
	refused "ends while it is waited for" 2 "process $PID ended before it was captured"
	wait "$PID" 2>/dev/null
fi

usage() { # NAME ARGUMENT...
	local name=$1
	shift
	run "$DEBUGGER" "$@"
	equal "usage: $name: status" 64 "$STATUS"
	check "usage: $name: says why" grep -q '^snapcrash-debugger: ' "$TMP/err"
}
usage "--text and --report" --text --report 1
usage "--text and -o" -o x --text 1
usage "--exe and a PID" --exe x 1
usage "--exe without a name" --exe ''
for time in '' x 1x 1.s .5 -1 1e3 99999999h 1ms1; do usage "--after '$time'" --after "$time" 1; done
for count in 0 -1 x 1x 1000000 ''; do usage "--count '$count'" --count "$count" 1; done
usage "--every without --count" --every 1s 1
usage "several on standard output" -o - --count 2 1

# ---------------------------------------------------------------- odd processes

rm -f "$TMP/x.snap"
if start "$VICTIMS/sleeping_threads" 2000; then
	debugger -o "$TMP/x.snap" "$PID"
	captured "2000 threads" "$PID 2001 2001"
	rm -f "$TMP/x.snap"
	debugger --text "$PID"
	equal "2000 threads: --text" "0 2001" "$STATUS $(grep -c '^thread ' "$TMP/out")"
	# Another thread's id stands for the process.
	tid=$(find "/proc/$PID/task" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort -n | tail -n 1)
	debugger -o "$TMP/x.snap" "$tid"
	equal "a thread's id: says whose it is" \
		"snapcrash-debugger: $tid is a thread of process $PID, which is captured" "$(cat "$TMP/err")"
	captured "a thread's id" "$PID 2001 2001" | grep -v "^# snapcrash"
	end
fi
rm -f "$TMP/x.snap"

# The main thread waits uninterruptibly: the others are captured, and nobody is left stopped, not even
# when the wait ends while the debugger still has to do with other things.
if start "$ODD" vfork 200; then
	child=$NUMBER
	LIVE+=("$child")
	within 5 grep -q '^State:.D ' "/proc/$PID/status"
	debugger -o "$TMP/x.snap" "$PID"
	equal "an uninterruptible thread: status" 1 "$STATUS"
	check "an uninterruptible thread: complete" "$ANALYZE" check "$TMP/x.snap"
	"$ANALYZE" json "$TMP/x.snap" >"$TMP/x.json" 2>/dev/null
	equal "an uninterruptible thread: all the others have registers" "201 200" "$(json_get "$TMP/x.json" \
		'"%d %d" % (len(r["threads"]), sum(bool(t["registers"]) for t in r["threads"]))' 2>&1)"
	check "an uninterruptible thread: why it has none" sh -c '"$1" report "$2" | grep -q "the registers of thread $3: time ran out"' \
		sh "$ANALYZE" "$TMP/x.snap" "$PID"
	check "an uninterruptible thread: undisturbed" undisturbed
	mkfifo "$TMP/fifo"
	timeout 60 "$DEBUGGER" --config "$TMP/conf" --text "$PID" >"$TMP/fifo" &
	debugger=$!
	exec 8<"$TMP/fifo"
	read -r line <&8 # now it prints, to a pipe that is soon full
	equal "an uninterruptible thread: --text begins" "process $PID" "${line%% (*}"
	kill -KILL "$child"
	check "an uninterruptible thread goes on while the debugger prints" within 5 grep -q "went on" "$TMP/live.out"
	check "the debugger still prints" kill -0 "$debugger"
	cat <&8 >"$TMP/text"
	exec 8<&-
	wait "$debugger"
	equal "an uninterruptible thread: all is printed" 201 "$(grep -c '^thread ' "$TMP/text")"
	check "an uninterruptible thread: its stack is there all the same" \
		sh -c 'sed -n "/^thread $1 /,/^thread [^$1]/p" "$2" | grep -q "  0x[0-9a-f]*  odd_process+0x"' sh "$PID" "$TMP/text"
	check "an uninterruptible thread: says what is missing" grep -q "registers of thread $PID: time ran out" "$TMP/text"
	end
fi
rm -f "$TMP/x.snap"

if start "$ODD" zombie; then
	debugger -o "$TMP/x.snap" "$NUMBER"
	refused "a zombie" 2 "process $NUMBER is a zombie"
	end
fi
if start "$ODD" tracer; then
	debugger -o "$TMP/x.snap" "$NUMBER"
	refused "a process that is traced" 2 "process $NUMBER is already traced by process $PID (odd_process)"
	end
fi
if start "$ODD" strict; then
	debugger -o "$TMP/x.snap" "$PID"
	captured "seccomp's strict mode" "$PID 1 1"
	end
	rm -f "$TMP/x.snap"
fi
kernel_thread=$(awk '$2 == 0 || $2 == 2 { print $1; exit }' <(sed -n 's/^\([0-9]*\) (.*) [A-Z] \([02]\) .*/\1 \2/p' /proc/[0-9]*/stat 2>/dev/null | grep -v '^1 '))
if [ -n "$kernel_thread" ]; then
	debugger -o "$TMP/x.snap" "$kernel_thread"
	refused "a kernel thread" 2 "process $kernel_thread is a kernel thread"
else
	skip "a kernel thread" "none is to be seen here"
fi
run sh -c 'exec "$1" -o "$2" $$' sh "$DEBUGGER" "$TMP/x.snap"
refused "its own pid" 64 "$(sed -n 's/^snapcrash-debugger: \([0-9]* is this program itself\),.*/\1/p' "$TMP/err")"
sh -c : &
gone=$!
wait "$gone"
debugger -o "$TMP/x.snap" "$gone"
refused "no such process" 2 "no such process: $gone"

# As a plain user.
if start setpriv --reuid 65534 --regid 65534 --clear-groups "$ODD" undumpable; then
	nobody() { run setpriv --reuid 65534 --regid 65534 --clear-groups "$DEBUGGER" -o "$TMP/x.snap" "$@"; }
	chmod 777 "$TMP"
	nobody 1
	refused "another user's process" 2 "not permitted to trace process 1: it is user 0's, and you are user 65534, not root"
	if [ "$(cat /proc/sys/kernel/yama/ptrace_scope 2>/dev/null || echo 0)" -gt 0 ]; then
		skip "a process that hides from its own user" "Yama forbids all"
	else
		nobody "$PID"
		refused "a process that hides from its own user" 2 "not permitted to trace process $PID: its program or its privileges hide it"
		start setpriv --reuid 65534 --regid 65534 --clear-groups "$ODD" named mine
		nobody "$PID"
		captured "a user's own process" "$PID 1 1"
	fi
	chmod 700 "$TMP"
	rm -f "$TMP/x.snap"
	end
fi

# In namespaces of its own.
if unshare --pid --mount --fork true 2>/dev/null; then
	if start unshare --pid --mount --fork --mount-proc --kill-child "$ODD" named inside; then
		outer=$PID
		PID=$(cat "/proc/$outer/task/$outer/children")
		PID=${PID% }
		debugger -o "$TMP/x.snap" "$PID"
		captured "in a PID namespace of its own" "$PID 1 1"
		PID=$outer
		end
		rm -f "$TMP/x.snap"
	fi
else
	skip "in a PID namespace of its own" "unshare is not permitted"
fi

# Threads, and processes, that come and go as fast as they can: an end is reached, and they go on.
for kind in storm forks; do
	start "$ODD" "$kind" || continue
	failed=0
	for _ in 1 2 3 4 5; do
		debugger -o "$TMP/x.snap" "$PID"
		[ "$STATUS" -le 1 ] && "$ANALYZE" check "$TMP/x.snap" >/dev/null 2>&1 || failed=$((failed + 1))
	done
	equal "$kind: captured each time" 0 "$failed"
	check "$kind: goes on" within 2 undisturbed
	# A child, if it can be caught: either way it is told which.
	for _ in {1..20}; do
		child=$(cut -d ' ' -f 1 "/proc/$PID/task/$PID/children")
		[ -n "$child" ] || continue
		debugger -o "$TMP/x.snap" "$child"
		case $STATUS:$(cat "$TMP/err") in
		[01]:* | "2:snapcrash-debugger: "*"process"*" $child"*) ;;
		*)
			not_ok "$kind: a child that ends"
			note_file "$TMP/err"
			;;
		esac
	done
	end
done
rm -f "$TMP/x.snap"

# 32 bits, on a kernel of 64.
if [ ! -s "$O/tests/waiting32" ]; then
	skip "a 32-bit process" "the compiler makes none"
elif ! (timeout 0.2 "$O/tests/waiting32" | grep -q ready) 2>/dev/null; then
	skip "a 32-bit process" "this kernel runs none"
elif start "$O/tests/waiting32"; then
	debugger -o "$TMP/x.snap" "$PID"
	captured "a 32-bit process" "$PID 1 1"
	equal "a 32-bit process: its machine, and registers" "i386 0x600df00d 0xfeedc0de" "$(json_get "$TMP/x.json" \
		'" ".join([r["device"]["arch"], r["threads"][0]["registers"]["esi"], r["threads"][0]["registers"]["edi"]])' 2>&1)"
	debugger --text "$PID"
	check "a 32-bit process: --text" "$PYTHON" "$LIB/check_text.py" "$TMP/out" "$TMP/x.json" "$PID"
	end
	rm -f "$TMP/x.snap"
fi

# ---------------------------------------------------------------- the debugger is killed

# Numbers of a map.
counters() { od -A n -t u8 -v -w8 "$TMP/counters"; }
all_count() {
	local before
	before=$(counters)
	sleep 0.2
	paste <(echo "$before") <(counters) | awk '$2 <= $1 { bad = 1 } END { exit bad }'
}
if start "$ODD" counting "$TMP/counters" 24; then
	check "counting threads count" within 5 all_count
	begun=$(date +%s%N)
	for _ in 1 2 3; do debugger -o "$TMP/x.snap" "$PID"; done
	took=$((($(date +%s%N) - begun) / 3000))
	check "counting threads count after three captures" all_count
	# Most of the time goes to the disk, when the process runs again.
	[ "$took" -le 50000 ] || took=50000
	run "$O/tests/kill_often" 200 "$took" "$DEBUGGER" -o "$TMP/x.snap" "$PID"
	check "of 200 debuggers, $(cat "$TMP/out") were killed within $took us" test "$(cat "$TMP/out")" -ge 50
	check "after that nothing is stopped or traced" within 2 undisturbed
	check "after that all threads count, and got each signal" all_count
	end
fi
# Of a stopped process, too, and it stays stopped.
if start "$ODD" counting "$TMP/counters" 8; then
	kill -STOP "$PID"
	check "a stopped process is stopped" within 2 stopped
	debugger -o "$TMP/x.snap" "$PID"
	equal "a stopped process: status" 0 "$STATUS"
	check "a stopped process stays stopped" within 2 stopped
	run "$O/tests/kill_often" 60 "$took" "$DEBUGGER" -o "$TMP/x.snap" "$PID"
	check "a stopped process stays stopped when debuggers are killed" within 2 stopped
	kill -CONT "$PID"
	check "a stopped process can be continued" within 2 undisturbed
	check "a stopped process counts on" all_count
	end
fi
# And what does the work is gone with it.
sleep 0.1
# (Others may trace something meanwhile.)
debuggers_left() {
	local tracer
	sed -n 's/^TracerPid:[[:space:]]*\([1-9]\)/\1/p' /proc/[0-9]*/status 2>/dev/null | sort -u | while read -r tracer; do
		! [ "/proc/$tracer/exe" -ef "$DEBUGGER" ] || echo "$tracer"
	done
}
equal "no debugger is left" "" "$(debuggers_left)"
