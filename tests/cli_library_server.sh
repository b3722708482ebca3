#!/bin/bash
# The server's socket for programs: snapshots on demand, crashes that the library's handler tells of,
# limits by user, and programs that speak badly.
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/serverlib.sh"
. "$LIB/librarylib.sh"
need "$SERVER" "$ANALYZE" "$LIBRARY"

check "the programs build" library_build annotated annotated.c || exit 1
check "the programs build" library_build crasher crasher.c || exit 1
chmod 755 "$TMP"

# app_conf [LINE]...: the server's configuration, with a socket for programs.
app_conf() {
	server_conf
	APP=$SERVER_DIR/app
	export SNAPCRASH_SOCKET=$APP
	{
		printf 'spool = %s\nsocket = %s\napp_socket = %s\n' "$SPOOL" "$SERVER_SOCKET" "$APP"
		[ $# -eq 0 ] || printf '%s\n' "$@"
	} >"$SERVER_CONF"
}
snaps() { find "$SPOOL" -maxdepth 1 -name '*.snap' | sort; }
newest() { find "$SPOOL" -maxdepth 1 -name '*.snap' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2-; }

app_conf 'app_rate_burst = 1000' 'rate_burst = 1000'
server_start
equal "the socket's mode" 666 "$(stat -c %a "$APP")"

# ---------------------------------------------------------------- on demand

check "a snapshot on demand" "$TMP/annotated" snapshot "for a reason"
equal "there it is" 1 "$(num_snapshots)"
annotated_as_it_should "on demand" "$(newest)"
equal "its facts" "for a reason false 1 main" \
	"$(json_get "$TMP/annotated.json" '" ".join(str(x) for x in (r["snapshot"]["reason"],
		str(r["snapshot"]["fatal"]).lower(), len(r["threads"]),
		[f["function"] for f in r["threads"][0]["frames"] if f["function"] == "main"][0]))')"
check "how it was captured is told" grep -q 'method: 5' "$TMP/annotated.dump"
equal "who may read it" "600 root" "$(stat -c '%a %U' "$(newest)")"
run setpriv --reuid 4321 --regid 4321 --clear-groups "$TMP/annotated" snapshot
equal "an ordinary user's" "0 0 Success" "$STATUS $(cat "$TMP/out")"
equal "who may read that" "600 root" "$(stat -c '%a %U' "$(newest)")"
"$ANALYZE" json "$(newest)" >"$TMP/user.json" 2>/dev/null
equal "whose it is" "4321 on demand" \
	"$(json_get "$TMP/user.json" 'str(r["process"]["uid"]) + " " + r["snapshot"]["reason"]')"
if unshare -p -f true 2>/dev/null; then
	check "from another PID namespace" unshare -p -f "$TMP/annotated" snapshot
	"$ANALYZE" json "$(newest)" >"$TMP/ns.json" 2>/dev/null
	equal "the thread is found by its own number" "true" \
		"$(json_get "$TMP/ns.json" 'r["threads"][0]["tid"] == r["process"]["pid"] and r["process"]["pid"] > 2')"
else
	skip "from another PID namespace" "unshare(1) can't make one"
fi

# ---------------------------------------------------------------- crashes

# told HOW STATUS THREADS SIGNATURE: a crash that the handler tells the server of.
told() {
	local how=$1
	rm -f "$SPOOL"/*.snap
	rm -rf "$TMP/own"
	mkdir "$TMP/own"
	(
		cd "$TMP" || exit 1
		env --default-signal=INT,QUIT "$TMP/crasher" "$how" "$TMP/own" >"$TMP/out" 2>"$TMP/err" &
		wait $!
	) 2>/dev/null
	equal "crash $how: status" "$2" "$?"
	equal "crash $how: one snapshot, by the server" "1 0" \
		"$(num_snapshots) $(find "$TMP/own" -mindepth 1 | wc -l)"
	check "crash $how: complete" "$ANALYZE" check "$(newest)"
	"$ANALYZE" json "$(newest)" >"$TMP/told.json" 2>/dev/null
	equal "crash $how: what it was" "$3 $4 true" \
		"$(json_get "$TMP/told.json" 'f"""{len(r["threads"])} {r["signature"]["text"]} {
			str(r["threads"][0]["crashed"] and r["snapshot"]["fatal"]).lower()}"""')"
}
told segv 139 1 "segv-null | crash"
equal "crash segv: signal and reason" "SIGSEGV SEGV_MAPERR 0x10 SIGSEGV" \
	"$(json_get "$TMP/told.json" '" ".join((r["crash"]["signal"], r["crash"]["code"], r["crash"]["address"],
		r["snapshot"]["reason"]))')"
if [ "$SANITIZED" = no ]; then
	told heap 134 3 'abort | free | break_heap | "double free or corruption (out)"'
	told sent 139 1 "signal | main"
	told overflow 139 1 "stack-overflow | overflow"
	told overflow-thread 139 2 "stack-overflow | overflow"
	told many 139 9 "segv-null | crash | thread_crash"
	told former 42 1 "segv-null | crash"
	told undumpable 139 1 "segv-null | crash"
	rm -f "$SPOOL"/*.snap
	run "$TMP/crasher" recover "$TMP/own"
	equal "a process that goes on has a snapshot of each crash" "0 2" "$STATUS $(num_snapshots)"
fi

# ---------------------------------------------------------------- who speaks badly

peer() { "$PYTHON" "$LIB/app_peer.py" "$APP" "$1" 2>&1; }
peer_user() {
	setpriv --reuid 4321 --regid 4321 --clear-groups "$PYTHON" "$LIB/app_peer.py" "$APP" "$1" 2>&1
}
rm -f "$SPOOL"/*.snap
equal "a program of another language" "accepted done 0" "$(peer well)"
equal "a thread of another process: its own process is captured" "accepted done 0" "$(peer other-tid)"
check "it is python's" "$ANALYZE" check "$(newest)"
equal "a crash of such a thread: no crash" "accepted done 0" "$(peer crash-other-tid)"
"$ANALYZE" json "$(newest)" >"$TMP/other.json" 2>/dev/null
equal "what became of it" "false none" \
	"$(json_get "$TMP/other.json" 'str(r["snapshot"]["fatal"]).lower() + " " + r["crash"]["kind"]')"
equal "a crash of garbage" "accepted done 0" "$(peer crash-garbage)"
run "$ANALYZE" json "$(newest)"
equal "can be analysed" 1 "$STATUS"
equal "a crash of too few registers" "accepted done 0" "$(peer crash-short-registers)"
equal "five snapshots" 5 "$(num_snapshots)"
# CAP_CHOWN, CAP_DAC_READ_SEARCH, CAP_NET_ADMIN, CAP_SYS_PTRACE, CAP_SYS_ADMIN
read -r permitted no_more <<<"$(peer rights)"
equal "the worker has five capabilities at most, and gains none" "0 1" \
	"$((0x$permitted & ~((1 << 0) | (1 << 2) | (1 << 12) | (1 << 19) | (1 << 21)))) $no_more"
equal "who says nothing is cut off" "refused 110" "$(peer silent)"
equal "who does not go on is cut off" "accepted closed" "$(peer no-go)"
equal "who goes on with something else" "accepted closed" "$(peer wrong-go)"
equal "bad messages" "$(for _ in $(seq 20); do printf 'refused 71 '; done | sed 's/ $//')" "$(peer_user bad)"
equal "descriptors that come along" "accepted done 0" "$(peer with-descriptors)"
equal "who has gone" "" "$(peer gone)"
equal "who goes while it is captured" "" "$(peer gone-after-go)"
equal "too many connections" "refused 11" "$(peer_user many)"
check "the server is well after that" within 5 "$TMP/annotated" snapshot
check "no descriptor is left" within 5 test "$(find "/proc/$SERVER_PID/fd" -lname 'anon_inode:\[pidfd\]' | wc -l)" -eq 0
check "no file is left" within 5 has_parts 0
server_stop
equal "it stops" "0 no" "$SERVER_STATUS $([ -e "$APP" ] && echo yes || echo no)"
run "$TMP/annotated" snapshot
equal "then there is none" "1 2 No such file or directory" "$STATUS $(cat "$TMP/out")"

# ---------------------------------------------------------------- limits

app_conf 'app_rate_burst = 3' 'app_rate_interval = 1h'
server_start
results=
for _ in 1 2 3 4 5; do
	run setpriv --reuid 4321 --regid 4321 --clear-groups "$TMP/annotated" snapshot
	results="$results $STATUS"
done
equal "three for one user" " 0 0 0 1 1" "$results"
equal "the others are told so" "11 Resource temporarily unavailable" "$(cat "$TMP/out")"
equal "so are crashes" 139 "$(
	rm -rf "$TMP/own"
	mkdir -m 777 "$TMP/own"
	{ setpriv --reuid 4321 --regid 4321 --clear-groups "$TMP/crasher" segv "$TMP/own"; } 2>/dev/null
	echo $?
)"
equal "which then have their small snapshots" 1 "$(find "$TMP/own" -name '*.snap' | wc -l)"
run setpriv --reuid 4322 --regid 4322 --clear-groups "$TMP/annotated" snapshot
equal "another user is not concerned" 0 "$STATUS"
equal "four snapshots" 4 "$(num_snapshots)"
server_stop

app_conf 'app_rate_burst = 100' 'app_max_bytes = 150K'
server_start
results=
for _ in 1 2 3 4; do
	run setpriv --reuid 4321 --regid 4321 --clear-groups "$TMP/annotated" snapshot
	results="$results $STATUS"
done
# Each is some 100 KB.
equal "bytes of one user" " 0 0 1 1" "$results"
equal "the user is told so" "122 Disk quota exceeded" "$(cat "$TMP/out")"
run setpriv --reuid 4322 --regid 4322 --clear-groups "$TMP/annotated" snapshot
equal "another user is not concerned" 0 "$STATUS"
server_stop

app_conf 'owner_access = yes'
server_start
run setpriv --reuid 4321 --regid 4321 --clear-groups "$TMP/annotated" snapshot
check "with owner_access the user may read it" \
	setpriv --reuid 4321 --regid 4321 --clear-groups cat "$(newest)"
run setpriv --reuid 4322 --regid 4322 --clear-groups cat "$(newest)"
equal "another one may not" 1 "$STATUS"
rm -f "$SPOOL"/*.snap
{ run setpriv --reuid 4321 --regid 4321 --clear-groups "$TMP/crasher" undumpable; } 2>/dev/null
run setpriv --reuid 4321 --regid 4321 --clear-groups cat "$(newest)"
equal "not even the user, of a process that hides from him" 1 "$STATUS"
equal "which is there" 1 "$(num_snapshots)"
server_stop

# A server that hangs: the program waits for its time, and no longer.
app_conf
server_start
kill -STOP "$SERVER_PID"
begun=$(date +%s%N)
run "$TMP/annotated" snapshot
took=$((($(date +%s%N) - begun) / 1000000))
equal "a server that hangs" "1 110" "$STATUS $(cut -d' ' -f1 "$TMP/out")"
check "after two seconds ($took ms)" test "$took" -ge 1900 -a "$took" -lt 6000
rm -rf "$TMP/own"
mkdir "$TMP/own"
( "$TMP/crasher" segv "$TMP/own" & wait $! ) 2>/dev/null
equal "a crash then has its small snapshot" 1 "$(find "$TMP/own" -name '*.snap' | wc -l)"
kill -CONT "$SERVER_PID"
server_stop
