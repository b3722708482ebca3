#!/bin/bash
# The guard of core_pattern that every other test relies on: whatever ends a script, the machine's
# own settings come back.
. "$(dirname "$0")/lib/testlib.sh"

SETTINGS=/proc/sys/kernel

# A script that takes core_pattern, says so in $1.taken, and waits. Its sleeping child must not
# keep the settings when the script is killed.
cat >"$TMP/script" <<'END'
. "$1/core_pattern.sh"
core_pattern_take
core_pattern_set /bin/cat $CORE_PATTERN_ARGS
date +%s%N >"$2.taken"
cat /proc/sys/kernel/core_pattern >"$2.pattern"
echo "$CORE_PATTERN_DIR" >"$2.dir"
trap 'date +%s%N >"$2.ends"; core_pattern_release' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
sleep "${3:-1000}" &
echo $! >"$2.sleeper"
wait
END

state() { cat "$SETTINGS/core_pattern" "$SETTINGS/core_pipe_limit"; }
is_restored() { [ "$(state)" = "$BEFORE" ]; }
start() { # NAME [SECONDS]
	# Its own session, as a script on another terminal would be; bash starts background jobs with
	# SIGINT ignored.
	setsid env --default-signal=INT,HUP bash "$TMP/script" "$LIB" "$TMP/$1" "${2:-1000}" 2>"$TMP/$1.err" &
	PID=$!
	LIVE+=("$PID")
}

core_pattern_take
core_pattern_release
ok "core_pattern can be taken and given back"

for signal in INT TERM HUP KILL; do
	(
		exec 9<>/tmp/snapcrash-core-pattern.lock
		flock 9
		state >"$TMP/before"
	)
	BEFORE=$(cat "$TMP/before")
	start "$signal"
	# Behind other users of core_pattern this can take long.
	if ! within 200 test -s "$TMP/$signal.sleeper"; then
		not_ok "script takes core_pattern ($signal)"
		note_file "$TMP/$signal.err"
		continue
	fi
	sleeper=$(cat "$TMP/$signal.sleeper")
	LIVE+=("$sleeper")
	case $(cat "$TMP/$signal.pattern") in
	"|"*"/h %P %I %s %t %d %u %g %c %F %e") ok "pattern is ours before SIG$signal" ;;
	*) not_ok "pattern is ours before SIG$signal" ;;
	esac
	kill "-$signal" "$PID"
	check "settings restored after SIG$signal" within 3 is_restored
	if [ "$signal" = KILL ]; then
		check "the killed script's child still runs" kill -0 "$sleeper"
		check "the killed script's directory is removed" \
			within 3 test ! -e "$(cat "$TMP/KILL.dir")"
	fi
	kill "$sleeper" 2>/dev/null
	wait "$PID" 2>/dev/null
done

# Two at once: the second must not take before the first has given back, else it would save the
# first one's pattern as the machine's own.
start first 1
first=$PID
start second 1
second=$PID
wait "$first" "$second"
if [ -s "$TMP/first.ends" ] && [ -s "$TMP/second.ends" ]; then
	a=$(cat "$TMP/first.taken") b=$(cat "$TMP/second.taken")
	if [ "$a" -lt "$b" ]; then
		ended=$(cat "$TMP/first.ends") taken=$b
	else
		ended=$(cat "$TMP/second.ends") taken=$a
	fi
	check "two scripts at once take turns" test "$taken" -gt "$ended"
else
	not_ok "two scripts at once take turns"
	note_file "$TMP/first.err"
	note_file "$TMP/second.err"
fi
check "settings restored after both" within 3 is_restored

# The guardian itself was killed: the next one finds what it had saved.
start orphan
within 200 test -s "$TMP/orphan.sleeper"
sleeper=$(cat "$TMP/orphan.sleeper")
LIVE+=("$sleeper")
guardian=$(for p in /proc/[0-9]*; do
	tr '\0' ' ' <"$p/cmdline" 2>/dev/null |
		grep -q "core_pattern_guard.py $PID " && basename "$p"
done)
kill -KILL "$guardian"
kill -KILL "$PID"
kill "$sleeper"
wait "$PID" 2>/dev/null
rm -rf "$(cat "$TMP/orphan.dir")"
core_pattern_take
core_pattern_release
check "the next script restores what a killed guardian could not" within 3 is_restored

# Where it can't be set. A copy, since the tree may lie where only root can look.
mkdir "$TMP/lib"
cp "$LIB/core_pattern.sh" "$LIB/core_pattern_guard.py" "$TMP/lib/"
chmod 755 "$TMP" "$TMP/lib"
run setpriv --reuid 65534 --clear-groups bash -c "
	cd /; . '$TMP/lib/core_pattern.sh'; core_pattern_take"
equal "a plain user skips: status" 77 "$STATUS"
equal "a plain user skips: reason" "core_pattern: only root can set it" "$(cat "$TMP/err")"
