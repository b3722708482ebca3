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
check "the server has published it" within 20 logged "(by-hand) of uid 0, signal 11: published: "
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
	run timeout 60 "${PEER[@]}" client "$how" "$SERVER_SOCKET"
	equal "client $how: cut off" closed "$(cat "$TMP/out")"
	case $how in
	other-version) why="it is of another version" ;;
	noise | empty-packet | huge | other-magic) why="it is no message of ours" ;;
	complete-first) why="it is out of place" ;;
	*) why="it is malformed" ;;
	esac
	check "client $how: the log says why" within 20 logged "bytes: $why"
done
: >"$TMP/server.log"
run timeout 60 "${PEER[@]}" client silent "$SERVER_SOCKET"
equal "client silent: cut off" closed "$(cat "$TMP/out")"
check "client silent: the log says why" within 20 logged "asks for nothing"
equal "none of them left anything" "0 0" "$(num_snapshots) $(num_parts)"

# Descriptors that nobody asked for are not kept.
before=$(ls "/proc/$SERVER_PID/fd" | wc -l)
run timeout 60 "${PEER[@]}" client descriptors "$SERVER_SOCKET"
check "client descriptors: granted all the same" grep -q ^granted "$TMP/out"
no_more_fds() { [ "$(ls "/proc/$SERVER_PID/fd" | wc -l)" -le "$before" ]; }
check "client descriptors: the server keeps none" within 20 no_more_fds

# It says that a file is whole.
run timeout 60 "${PEER[@]}" client whole "$SERVER_SOCKET" "$TMP/good.snap"
check "client whole: done" grep -q '^done 0 2023.*-liar-.*-abababab.snap$' "$TMP/out"
check "client whole: the file is the same" cmp "$TMP/good.snap" "$SPOOL"/*-liar-*.snap
run timeout 60 "${PEER[@]}" client whole "$SERVER_SOCKET" "$TMP/good.snap"
check "the same name once more: another one is found" grep -q '^done 0 2023.*-liar-' "$TMP/out"
rm -f "$SPOOL"/*.snap
run timeout 60 "${PEER[@]}" client slow "$SERVER_SOCKET" "$TMP/good.snap"
check "client slow: done" grep -q '^done 0' "$TMP/out"
check "client slow: the file is the same" cmp "$TMP/good.snap" "$SPOOL"/*-liar-*.snap
rm -f "$SPOOL"/*.snap
run timeout 60 "${PEER[@]}" client nothing-written "$SERVER_SOCKET"
equal "client nothing-written: not published" closed "$(sed -n 2p "$TMP/out")"
check "client nothing-written: its file is removed" within 20 has_parts 0
equal "client nothing-written: nothing in the spool" 0 "$(num_snapshots)"

# A user who is not root gets nothing, even where the socket lets him.
if setpriv --reuid=65534 --clear-groups true 2>/dev/null; then
	chmod 755 "$TMP"
	run timeout 60 setpriv --reuid=65534 --clear-groups "${PEER[@]}" client silent "$SERVER_SOCKET"
	check "not root: can't connect" test "$STATUS" -ne 0
	chmod 666 "$SERVER_SOCKET"
	: >"$TMP/server.log"
	run timeout 60 setpriv --reuid=65534 --clear-groups "${PEER[@]}" client whole "$SERVER_SOCKET"
	check "not root at an open socket: cut off" sh -c '! grep -q granted "$1"' sh "$TMP/out"
	check "not root: the log says so" within 20 logged "of uid 65534 is cut off: it is not root's"
	chmod 600 "$SERVER_SOCKET"
	chmod 700 "$TMP"
else
	skip "not root" "no setpriv here"
fi

server_stop
equal "SIGTERM: status" 0 "$SERVER_STATUS"
check "SIGTERM: the socket is gone" test ! -e "$SERVER_SOCKET"

# ---------------------------------------------------------------- writers that end early

check_of() { "$ANALYZE" check "$1" 2>&1; }
adopted() { # NAME EXPECTED: one snapshot, and what check says of it
	check "$1: a snapshot" within 30 has_snapshots 1 || return
	check "$1: $2" sh -c 'case $1 in *": $2"*) ;; *) echo "$1"; exit 1 ;; esac' sh \
		"$(check_of "$SPOOL"/*.snap)" "$2"
	equal "$1: nothing is left in incoming" 0 "$(num_parts)"
	rm -f "$SPOOL"/*.snap
}

server_conf 'dump_time = 1s'
# What a server that was killed has left, and what a writer still has.
mkdir "$SPOOL/incoming"
head -c 1000 "$TMP/good.snap" >"$SPOOL/incoming/0123456789abcdef.part"
server_start
adopted "half a snapshot, left in the spool" truncated
check "its name is its own" logged "-$CLIENT_VICTIM-"
server_stop
mkdir -p "$SPOOL/incoming"
cp "$TMP/good.snap" "$SPOOL/incoming/0123456789abcdef.part"
: >"$SPOOL/incoming/0123456789abcde0.part"
# As long as somebody has its lock, it is his.
head -c 1000 "$TMP/good.snap" >"$SPOOL/incoming/0123456789abcde1.part"
exec 9<"$SPOOL/incoming/0123456789abcde1.part"
flock -x 9
ln -s /etc/passwd "$SPOOL/incoming/0123456789abcde2.part"
mkfifo "$SPOOL/incoming/0123456789abcde3.part"
: >"$SPOOL/incoming/notes.txt"
server_start
check "a whole snapshot, left in the spool: published" within 30 has_snapshots 1
check "it is complete" all_complete
check "an empty one is removed" within 20 test ! -e "$SPOOL/incoming/0123456789abcde0.part"
equal "what somebody writes, and what is no file of ours, is left alone" \
	"0123456789abcde1.part 0123456789abcde2.part 0123456789abcde3.part notes.txt" \
	"$(ls "$SPOOL/incoming" | tr '\n' ' ' | sed 's/ $//')"
exec 9<&-
rm -rf "$SPOOL"/*.snap "$SPOOL"/incoming/*

run timeout 60 "${PEER[@]}" client quit "$SERVER_SOCKET"
adopted "client quit" truncated
run timeout 60 "${PEER[@]}" client noise-written "$SERVER_SOCKET"
adopted "client noise-written" truncated
run timeout 60 "${PEER[@]}" client noise-then "$SERVER_SOCKET"
adopted "client noise-then" truncated
run timeout 60 "${PEER[@]}" client hang "$SERVER_SOCKET"
equal "client hang: is killed" 137 "$STATUS"
check "client hang: the log says so" within 20 logged "takes too long and is killed"
adopted "client hang" truncated
run timeout 60 "${PEER[@]}" client twice "$SERVER_SOCKET"
check "client twice: cut off" within 20 logged "out of place"
check "client twice: nothing written, nothing kept" within 20 has_parts 0
server_stop

# ---------------------------------------------------------------- the queue

server_conf $'max_dumps = 1\nmax_queue = 1\ndump_time = 3s'
server_start
"${PEER[@]}" client hang "$SERVER_SOCKET" >"$TMP/first" &
first=$!
within 20 grep -q hangs "$TMP/first"
"${PEER[@]}" client whole "$SERVER_SOCKET" "$TMP/good.snap" >"$TMP/second" &
second=$!
LIVE+=("$first" "$second")
check "one too many waits" within 20 grep -q queued "$TMP/second"
run timeout 20 "${PEER[@]}" client whole "$SERVER_SOCKET" "$TMP/good.snap"
equal "two too many: refused" "refused 4" "$(cat "$TMP/out")"
{ kill -9 "$first" && wait "$first"; } 2>/dev/null
check "who waited has his turn" within 30 grep -q '^done 0' "$TMP/second"
server_stop

# ---------------------------------------------------------------- servers that lie

server_conf
client_run
check "no server: a snapshot" has_snapshots 1

# lying_server HOW: in a directory of its own, for several wait side by side.
lying_server() {
	local peer
	SERVER_DIR=$TMP/lies/$1
	mkdir -p "$SERVER_DIR"
	server_conf
	"${PEER[@]}" server "$1" "$SERVER_SOCKET" "$SPOOL" >"$SERVER_DIR/peer" 2>&1 &
	peer=$!
	within 20 grep -qs ready "$SERVER_DIR/peer"
	client_run
	{ kill -9 "$peer" && wait "$peer"; } 2>/dev/null
	: >"$SERVER_DIR/ended"
}

lies=(closes reads-nothing answers-nothing accepts-nothing full queued-once queued-always noise short
	other-version clients-message refused-for-no-reason refused-busy granted-nothing granted-two
	granted-not-empty granted-pipe granted-null granted-directory granted-then-closes
	granted-then-silent complete-then-closes complete-then-error complete-then-noise)
for ((i = 0; i < ${#lies[@]}; i += 6)); do
	for how in "${lies[@]:i:6}"; do
		(
			trap - EXIT
			lying_server "$how"
		) &
	done
	# Not for what sleeps until the end.
	for how in "${lies[@]:i:6}"; do
		within 30 test -e "$TMP/lies/$how/ended"
	done
done
for how in "${lies[@]}"; do
	SERVER_DIR=$TMP/lies/$how
	SPOOL=$SERVER_DIR/spool
	check "server $how: a snapshot" has_snapshots 1
	check "server $how: it is complete" all_complete
	held=$(held_ms "$SPOOL"/*.snap)
	# A second, and what a busy machine needs.
	limit=1800
	[ "$how" != queued-always ] || limit=4800
	check "server $how: how long the process is held ($held ms)" test "$held" -le "$limit"
done
check "the snapshot says that the server did not give the file" \
	grep -q "the server gave no file" "$TMP/lies/queued-always/spool"/*.snap
SERVER_DIR=$TMP/s

# The real one, stopped.
server_conf
server_start
kill -STOP "$SERVER_PID"
client_run
check "server stopped: a snapshot" has_snapshots 1
held=$(held_ms "$SPOOL"/*.snap)
check "server stopped: the process is held no longer than a second ($held ms)" test "$held" -le 1800
kill -CONT "$SERVER_PID"
client_run
check "server goes on: another one" has_snapshots 2
server_kill
client_run
check "server killed: another one" has_snapshots 3
check "its socket is left behind" test -S "$SERVER_SOCKET"
server_start
client_run
check "server started anew at the old socket: another one" has_snapshots 4
check "... which it has published" within 20 logged "published: "
check "all are complete" all_complete

# ---------------------------------------------------------------- one server at a time

run timeout 60 "$SERVER" --config "$SERVER_CONF"
equal "a second server: status" 2 "$STATUS"
check "a second server: says why" grep -qF "another server uses the spool '$SPOOL' already" "$TMP/err"
mkdir "$SERVER_DIR/other"
printf 'spool = %s\nsocket = %s\n' "$SERVER_DIR/other" "$SERVER_SOCKET" >"$TMP/other.conf"
run timeout 60 "$SERVER" --config "$TMP/other.conf"
equal "a second server at the socket: status" 2 "$STATUS"
check "a second server at the socket: says why" \
	grep -qF "another server listens at '$SERVER_SOCKET' already" "$TMP/err"
client_run
check "the first one goes on" within 20 has_snapshots 5
server_stop
printf 'spool = %s\nsocket = %s\n' "$SERVER_DIR/other" "$SERVER_DIR/file" >"$TMP/other.conf"
echo precious >"$SERVER_DIR/file"
run timeout 60 "$SERVER" --config "$TMP/other.conf"
equal "a file where the socket should be: status" 2 "$STATUS"
equal "a file where the socket should be: stays" precious "$(cat "$SERVER_DIR/file")"
ln -s "$SERVER_DIR/other" "$SERVER_DIR/link"
printf 'spool = %s\nsocket = %s\n' "$SERVER_DIR/link" "$SERVER_SOCKET" >"$TMP/other.conf"
run timeout 60 "$SERVER" --config "$TMP/other.conf"
equal "a spool that is a link: status" 2 "$STATUS"
check "a spool that is a link: says so" grep -q "is a symbolic link" "$TMP/err"
