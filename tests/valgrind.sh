#!/bin/bash
# Runs the capture half under valgrind's memcheck: its modules' tests and those of common/, and real
# crashes, a hand-over and the control program through wrapped programs. "make check-valgrind".
#
# O is a build of these tests and programs without the address-space limit (CPPFLAGS=-DSNAP_SANITIZED=1),
# which valgrind does not survive, and without static programs, whose malloc() it can't watch. The
# debugger is left out: valgrind knows no clone() that shares memory. Prints as the other tests do; exit
# status 1 if anything failed.
. "$(dirname "$0")/lib/testlib.sh"
need "$CLIENT" "$BIN/snapcrash-server" "$BIN/snapcrashctl"
MEMCHECK=(valgrind -q --leak-check=full --show-leak-kinds=definite,indirect
	--errors-for-leak-kinds=definite,indirect --error-exitcode=99)

command -v valgrind >/dev/null || {
	not_ok "valgrind.sh: there is no valgrind (make deps-lint)"
	exit 1
}

failed=0
# What valgrind says is shown, but not its complaints about system calls newer than itself. What it
# never ran has no log, and is no success.
verdict() { # NAME LOGS
	local said
	if ! compgen -G "$2.*" >/dev/null; then
		not_ok "$1: not run by valgrind"
		failed=1
		return
	fi
	said=$(cat "$2".* 2>/dev/null | grep -vE 'WARNING: unhandled|You may be able to write|README_MISSING|we consider this a bug|it at http')
	rm -f "$2".*
	if [ -z "$said" ]; then
		ok "$1"
	else
		not_ok "$1"
		note "$said"
		failed=1
	fi
}

for test in "$O"/tests/test_*; do
	[ -x "$test" ] || continue
	# Whether it passes is not the question: comm is valgrind's, and everything takes long.
	("${MEMCHECK[@]}" --log-file="$TMP/log.%p" "$test" >"$TMP/out" 2>&1) 2>/dev/null
	verdict "$(basename "$test")" "$TMP/log"
done

# Programs as they are started in earnest.
mkdir "$TMP/bin" "$TMP/logs"
chmod 1777 "$TMP/logs"
chmod 755 "$TMP"
for program in snapcrash-client snapcrash-server snapcrashctl; do
	printf '#!/bin/sh\nexec /usr/bin/%s --log-file="%s/logs/%s.%%p" "%s/%s" "$@"\n' "${MEMCHECK[*]}" \
		"$TMP" "$program" "$BIN" "$program" >"$TMP/bin/$program"
	chmod 755 "$TMP/bin/$program"
done
core_pattern_take
D=$CORE_PATTERN_DIR
printf 'spool = %s/spool\nsocket = %s/run/sock\nclient = %s/bin/snapcrash-client\nlog = stderr\napp_socket = none\ndump_time = 100s\nmemory = indirect\nvector_registers = yes\nenviron = yes\n' \
	"$D" "$D" "$TMP" >"$D/conf"
ctl() { run "$TMP/bin/snapcrashctl" --config "$D/conf" "$@"; }
num() { find "$D/spool" -maxdepth 1 -name '*.snap' | wc -l; }
has() { [ "$(num)" = "$1" ]; }
crash() { ("$@" & wait $!) >/dev/null 2>&1; }

core_pattern_set "$TMP/bin/snapcrash-client" --config "$D/conf" "$CORE_PATTERN_ARGS"
crash "$VICTIMS/null_deref"
check "a crash without the server: a snapshot" within 30 has 1
mkdir -p "$D/run"
"$TMP/bin/snapcrash-server" --config "$D/conf" 2>"$D/log" &
SERVER=$!
LIVE+=("$SERVER")
check "the server starts" within 60 test -S "$D/run/sock"
crash "$VICTIMS/sleeping_threads" 50 crash
check "a crash with the server: a snapshot" within 60 has 2
crash "$VICTIMS/asserts" assert
check "an assertion: a snapshot" within 60 has 3
ctl list --json
equal "snapcrashctl list: status" 0 "$STATUS"
ctl status
ctl get --last -o "$TMP/got.snap"
ctl rm --all
kill -TERM "$SERVER"
wait "$SERVER"
equal "the server ends" 0 "$?"
verdict "snapcrash-client" "$TMP/logs/snapcrash-client"
verdict "snapcrash-server" "$TMP/logs/snapcrash-server"
verdict "snapcrashctl" "$TMP/logs/snapcrashctl"
exit "$failed"
