#!/bin/bash
# Real crashes through snapcrash-server: alone, 200 at once, and while the server is killed again and again.
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/crashlib.sh"
. "$LIB/serverlib.sh"
need "$CLIENT" "$SERVER" "$ANALYZE"

core_pattern_take
# core_pattern has 127 bytes.
SERVER_DIR=$CORE_PATTERN_DIR
# Whatever else crashes on this machine in the meantime is none of ours.
mkdir "$TMP/v"
cp "$VICTIMS/null_deref" "$VICTIMS/sleeping_threads" "$TMP/v"
ready_for() {
	server_conf "only = $TMP/v/*"
	core_pattern_set "$CLIENT" --config "$SERVER_CONF" "$CORE_PATTERN_ARGS" || exit 1
	CRASH_CONF=
}
# The guardian restores it.
echo 256 >/proc/sys/kernel/core_pipe_limit

ready_for
server_start
crash_run "$TMP/v/null_deref"
check "a crash: a snapshot" within 20 has_snapshots 1
check "... published by the server" within 20 logged "(null_deref) of uid 0, signal 11: published: "
check "... complete" all_complete
run "$ANALYZE" report "$SPOOL"/*.snap
check "... with its stack" grep -q null_deref "$TMP/out"
server_stop

# ---- 200 at once, of 9 threads each

victims=()
NUM=200
# Sanitized clients need ten times the memory and time.
[ -z "${SANITIZE:-}" ] || NUM=40
ready_for
server_start
mkdir "$TMP/ready"
(
	cd "$TMP" || exit 1
	for ((i = 0; i < NUM; i++)); do
		"$TMP/v/sleeping_threads" 8 >"$TMP/ready/$i" &
		echo $!
	done
	# Nobody else would wait for them, and a shell that waits has much to say.
	exec sleep 1000
) >"$TMP/pids" 2>/dev/null </dev/null &
LIVE+=($!)
all_sleep() { [ "$(cat "$TMP"/ready/* | grep -c ready)" = "$NUM" ]; }
within 60 all_sleep || not_ok "the victims start"
mapfile -t victims <"$TMP/pids"
most=0
begin=$(date +%s%N)
kill -SEGV "${victims[@]}"
for ((i = 0; i < 600; i++)); do
	rss=$(server_rss)
	[ "${rss:-0}" -le "$most" ] || most=$rss
	! has_snapshots "$NUM" || break
	sleep 0.1
done
took=$((($(date +%s%N) - begin) / 1000000))
equal "$NUM crashes at once: so many snapshots" "$NUM" "$(num_snapshots)"
check "... none of them broken" all_complete
by_server=$(grep -c ': published: ' "$TMP/server.log")
note "$took ms; the server published $by_server; it had at most $most KiB in memory"
# Under a sanitizer a program has shadow memory, too.
if [ -z "${SANITIZE:-}" ]; then
	check "... the server has less than 16 MiB in memory ($most KiB)" test "$most" -lt 16384
fi
check "... all threads of each ($(grep -c . "$TMP/pids"))" sh -c '
	for file in "$1"/*.snap; do
		"$2" check "$file" | grep -q " 9 threads" || exit 1
	done' sh "$SPOOL" "$ANALYZE"
check "... nothing is left in incoming" within 30 has_parts 0
server_stop
equal "... the server ends well" 0 "$SERVER_STATUS"

# ---- the server is killed at any moment

ready_for
lost=0 rounds=24
for ((round = 0; round < rounds; round++)); do
	server_start
	"$TMP/v/null_deref" >/dev/null 2>&1 &
	victim=$!
	# Between nothing and all of it.
	sleep "0.00$((round % 8))$((round * 7 % 10))"
	server_kill
	wait "$victim" 2>/dev/null
done 2>/dev/null
# Adopted by the last one, if it was left.
server_start
check "$rounds crashes while the server is killed: so many snapshots" within 20 has_snapshots "$rounds"
check "... all can be read" sh -c '
	for file in "$1"/*.snap; do
		"$2" check "$file" >"$1.check" 2>&1
		[ $? -le 1 ] || { cat "$1.check"; exit 1; }
	done' sh "$SPOOL" "$ANALYZE"
check "... nothing is left in incoming" within 30 has_parts 0
server_stop
core_pattern_done
