#!/bin/bash
# snapcrash-server: the hand-over, clients that lie, its life. cli_server_crashes.sh has real crashes.
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/serverlib.sh"
need "$CLIENT" "$SERVER" "$ANALYZE"
PEER=("$PYTHON" "$LIB/link_peer.py")

server_conf
server_start
client_run
check "a snapshot" within 20 has_snapshots 1
check "the server has published it" within 5 logged "(by-hand) of uid 0, signal 11: published: "
check "it is complete" all_complete
equal "only its owner may read it" 600 "$(stat -c %a "$SPOOL"/*.snap)"
equal "nothing is left in incoming" 0 "$(num_parts)"
equal "the socket is root's alone" "600 0" "$(stat -c '%a %u' "$SERVER_SOCKET")"
cp "$SPOOL"/*.snap "$TMP/good.snap"
rm -f "$SPOOL"/*.snap

# ---------------------------------------------------------------- clients that lie

# Before anything is granted: cut off, with a reason in the log, and nothing happens to the spool.
for how in noise empty-packet huge other-version other-magic short long pid-0 no-end-of-text \
	servers-message complete-first; do
	: >"$TMP/server.log"
	run timeout 10 "${PEER[@]}" client "$how" "$SERVER_SOCKET"
	equal "client $how: cut off" closed "$(cat "$TMP/out")"
	case $how in
	other-version) why="it is of another version" ;;
	noise | empty-packet | huge | other-magic) why="it is no message of ours" ;;
	complete-first) why="it is out of place" ;;
	*) why="it is malformed" ;;
	esac
	check "client $how: the log says why" within 5 logged "bytes: $why"
done
: >"$TMP/server.log"
run timeout 10 "${PEER[@]}" client silent "$SERVER_SOCKET"
equal "client silent: cut off" closed "$(cat "$TMP/out")"
check "client silent: the log says why" within 5 logged "asks for nothing"
equal "none of them left anything" "0 0" "$(num_snapshots) $(num_parts)"

# Descriptors that nobody asked for are not kept.
before=$(ls "/proc/$SERVER_PID/fd" | wc -l)
run timeout 10 "${PEER[@]}" client descriptors "$SERVER_SOCKET"
check "client descriptors: granted all the same" grep -q ^granted "$TMP/out"
no_more_fds() { [ "$(ls "/proc/$SERVER_PID/fd" | wc -l)" -le "$before" ]; }
check "client descriptors: the server keeps none" within 5 no_more_fds

# It says that a file is whole.
run timeout 10 "${PEER[@]}" client whole "$SERVER_SOCKET" "$TMP/good.snap"
check "client whole: done" grep -q '^done 0 2023.*-liar-.*-abababab.snap$' "$TMP/out"
check "client whole: the file is the same" cmp "$TMP/good.snap" "$SPOOL"/*-liar-*.snap
run timeout 10 "${PEER[@]}" client whole "$SERVER_SOCKET" "$TMP/good.snap"
check "the same name once more: another one is found" grep -q '^done 0 2023.*-liar-' "$TMP/out"
rm -f "$SPOOL"/*.snap
run timeout 10 "${PEER[@]}" client slow "$SERVER_SOCKET" "$TMP/good.snap"
check "client slow: done" grep -q '^done 0' "$TMP/out"
check "client slow: the file is the same" cmp "$TMP/good.snap" "$SPOOL"/*-liar-*.snap
rm -f "$SPOOL"/*.snap
run timeout 10 "${PEER[@]}" client nothing-written "$SERVER_SOCKET"
equal "client nothing-written: not published" closed "$(sed -n 2p "$TMP/out")"
check "client nothing-written: its file is removed" within 5 has_parts 0
equal "client nothing-written: nothing in the spool" 0 "$(num_snapshots)"

# A user who is not root gets nothing, even where the socket lets him.
if setpriv --reuid=65534 --clear-groups true 2>/dev/null; then
	chmod 755 "$TMP"
	run timeout 10 setpriv --reuid=65534 --clear-groups "${PEER[@]}" client silent "$SERVER_SOCKET"
	check "not root: can't connect" test "$STATUS" -ne 0
	chmod 666 "$SERVER_SOCKET"
	: >"$TMP/server.log"
	run timeout 10 setpriv --reuid=65534 --clear-groups "${PEER[@]}" client whole "$SERVER_SOCKET"
	check "not root at an open socket: cut off" sh -c '! grep -q granted "$1"' sh "$TMP/out"
	check "not root: the log says so" within 5 logged "of uid 65534 is cut off: it is not root's"
	chmod 600 "$SERVER_SOCKET"
	chmod 700 "$TMP"
else
	skip "not root" "no setpriv here"
fi

server_stop
equal "SIGTERM: status" 0 "$SERVER_STATUS"
check "SIGTERM: the socket is gone" test ! -e "$SERVER_SOCKET"
