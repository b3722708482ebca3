#!/bin/bash
# The server's coredump socket: the kernel hands crashes to it without starting any program.
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/serverlib.sh"
need "$BIN/snapcrash-server" "$ANALYZE" "$VICTIMS/null_deref" "$VICTIMS/many_threads" \
	"$VICTIMS/main_exited" "$VICTIMS/sleeping_threads"

core_pattern_take
SOCKET=$CORE_PATTERN_DIR/core.sock
if ! core_pattern_write "@@$SOCKET" 2>/dev/null; then
	echo "the kernel has no coredump sockets with requests (Linux 6.17)" >&2
	exit 77
fi

conf() { server_conf "coredump_socket = $SOCKET
log = stderr
${1:-}"; }

crash() { (env --default-signal=INT,QUIT "$@" </dev/null >/dev/null 2>&1 & wait $!) 2>/dev/null; }

# crash_one NAME COMMAND...: SNAP and, as JSON, REPORT are of its snapshot.
crash_one() {
	local name=$1 files
	shift
	rm -f "$SPOOL"/*.snap
	crash "$@"
	if ! within 20 has_snapshots 1; then
		not_ok "$name: a snapshot"
		note_file "$TMP/server.log"
		return 1
	fi
	ok "$name: a snapshot"
	files=("$SPOOL"/*.snap)
	SNAP=$TMP/snap
	SNAP_NAME=$(basename "${files[0]}")
	cp "${files[0]}" "$SNAP"
	REPORT=$TMP/report
	"$ANALYZE" json --no-cache "$SNAP" >"$REPORT" 2>/dev/null
	equal "$name: complete" complete "$(json_get "$REPORT" 'r["snapshot"]["integrity"]')"
	check "$name: says how it was captured" grep -q 'method: 4 (coredump-socket)' \
		<("$ANALYZE" dump "$SNAP")
	check "$name: the process is certainly the crashed one" \
		sh -c '! "$1" dump "$2" | grep -q "identity_unverified: true"' sh "$ANALYZE" "$SNAP"
}

conf
server_start
equal "the socket is root's alone" "600 0" "$(stat -c '%a %u' "$SOCKET")"

if crash_one "one thread" "$VICTIMS/null_deref"; then
	equal "one thread: signal" SIGSEGV "$(json_get "$REPORT" 'r["crash"]["signal"]')"
	equal "one thread: kind" segv-null "$(json_get "$REPORT" 'r["crash"]["kind"]')"
	equal "one thread: program" "$(realpath "$VICTIMS/null_deref")" \
		"$(json_get "$REPORT" 'r["process"]["exe"]')"
	equal "one thread: the thread is the process" true \
		"$(json_get "$REPORT" 'r["process"]["pid"] == r["process"]["tid"]')"
	equal "one thread: where" true "$(json_get "$REPORT" \
		'r["threads"][0]["frames"][0]["function"].startswith("node_")')"
	check "one thread: the file's name" grep -q -- '-null_deref-[0-9]*-' <<<"$SNAP_NAME"
	equal "one thread: nothing is left in incoming" 0 "$(num_parts)"
fi
if crash_one "many threads" "$VICTIMS/many_threads"; then
	equal "many threads: all of them, with frames" "65 65" "$(json_get "$REPORT" \
		'"%d %d" % (len(r["threads"]), len([t for t in r["threads"] if len(t["frames"]) > 3]))')"
	equal "many threads: one crashed" 1 \
		"$(json_get "$REPORT" 'len([t for t in r["threads"] if t["crashed"]])')"
fi
if crash_one "main thread gone" "$VICTIMS/main_exited"; then
	equal "main thread gone: another one crashed" late_crash \
		"$(json_get "$REPORT" 'r["threads"][0]["frames"][0]["function"]')"
	equal "main thread gone: its own number" false \
		"$(json_get "$REPORT" 'r["process"]["pid"] == r["process"]["tid"]')"
fi
if unshare --pid --fork --mount-proc true 2>/dev/null; then
	# unshare would end by the same signal, and be one more crash.
	if crash_one "in a namespace" unshare --pid --fork --mount-proc \
		sh -c '"$1" 5 crash; true' sh "$VICTIMS/sleeping_threads"; then
		equal "in a namespace: the machine's numbers" true "$(json_get "$REPORT" \
			'min(t["tid"] for t in r["threads"]) == r["process"]["pid"] > 10')"
		equal "in a namespace: the crashed thread first" true "$(json_get "$REPORT" \
			'r["threads"][0]["crashed"] and r["threads"][0]["tid"] == r["process"]["tid"] != r["process"]["pid"]')"
		equal "in a namespace: all threads" 7 "$(json_get "$REPORT" 'len(r["threads"])')"
	fi
else
	skip "in a namespace" "no unshare here"
fi
if setpriv --reuid=65534 --regid=65534 --clear-groups true 2>/dev/null; then
	cp "$VICTIMS/null_deref" "$CORE_PATTERN_DIR/v"
	chmod 755 "$CORE_PATTERN_DIR" "$CORE_PATTERN_DIR/v"
	if crash_one "another user" setpriv --reuid=65534 --regid=65534 --clear-groups "$CORE_PATTERN_DIR/v"
	then
		equal "another user: his number" 65534 "$(json_get "$REPORT" 'r["process"]["uid"]')"
		check "another user: in the log" logged "(v) of uid 65534, signal 11: published"
	fi
fi

# ---------------------------------------------------------------- who is not the kernel

connect() { # NUMBER SECONDS: connections that say nothing, or what the kernel would
	"$PYTHON" - "$SOCKET" "$1" <<'END'
import socket, struct, sys
peers = []
for i in range(int(sys.argv[2])):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(5)
    s.connect(sys.argv[1])
    try:
        if i % 2:
            s.send(struct.pack("IIQ", 16, 16, 15))
    except BrokenPipeError:
        pass
    peers.append(s)
for s in peers:
    try:
        if s.recv(1):
            sys.exit("an answer")
    except ConnectionResetError:
        pass
END
}
: >"$TMP/server.log"
check "a process that connects gets no answer" connect 1
check "and is cut off" within 5 logged "is cut off: it is not the kernel's"
check "more of them than there are workers" connect 9
crash_one "after them" "$VICTIMS/null_deref"

# ---------------------------------------------------------------- many, and the server's life

rm -f "$SPOOL"/*.snap
(
	for ((i = 0; i < 200; i++)); do
		"$VICTIMS/sleeping_threads" 7 crash >/dev/null 2>&1 &
	done
	wait
) 2>/dev/null
check "200 at once: 200 snapshots" within 60 has_snapshots 200
check "200 at once: all complete" all_complete
equal "200 at once: nothing is left in incoming" 0 "$(num_parts)"

kill -HUP "$SERVER_PID"
check "SIGHUP" within 10 logged "read anew"
crash_one "after SIGHUP" "$VICTIMS/null_deref"

# It can't answer: the worker writes to the spool without it.
kill -STOP "$SERVER_PID"
crash_one "the server hangs" "$VICTIMS/null_deref"
kill -CONT "$SERVER_PID"

workers() { pgrep -P "$SERVER_PID" | wc -l; }
many=$(workers)
for pid in $(pgrep -P "$SERVER_PID" | tail -n 2); do kill -KILL "$pid"; done
all_back() { [ "$(workers)" = "$many" ]; }
check "workers that are killed are replaced" within 10 all_back
crash_one "after that" "$VICTIMS/null_deref"

children=$(pgrep -P "$SERVER_PID")
server_kill
all_gone() {
	local pid
	for pid in $children; do
		[ -e "/proc/$pid" ] && [ "$(cut -d' ' -f3 "/proc/$pid/stat" 2>/dev/null)" != Z ] && return 1
	done
	return 0
}
check "SIGKILL of the server: its workers end, too" within 10 all_gone
rm -f "$SPOOL"/*.snap
check "without a server a process ends as without a core" timeout 10 \
	bash -c '"$1" & wait $!; [ $? = 139 ]' bash "$VICTIMS/null_deref"
equal "and there is no snapshot" 0 "$(num_snapshots)"
server_start
crash_one "the next server" "$VICTIMS/null_deref"
children=$(pgrep -P "$SERVER_PID")
server_stop
equal "SIGTERM: exit status" 0 "$SERVER_STATUS"
check "SIGTERM: no worker is left" within 10 all_gone
check "SIGTERM: no socket is left" test ! -e "$SOCKET"
