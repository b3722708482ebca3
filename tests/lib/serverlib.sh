# Sourced after testlib.sh by tests of the server. No crash is needed: the client is started by hand, with
# a stored core and a process that sleeps.
#
#   server_conf [LINES]   a fresh spool, and SERVER_CONF, which names it and SERVER_SOCKET
#   server_start [ARG]... starts the server with it; SERVER_PID, its log in $TMP/server.log
#   server_stop           SIGTERM, and waits; SERVER_STATUS
#   server_rss            sum of what it and its children have in memory, in KiB
#   logged TEXT           whether its log has the text; "within 5 logged TEXT" waits for it
#   client_run [COMM]     STATUS, $SERVER_DIR/err
#   has_snapshots N       whether so many are in the spool; has_parts N: in its incoming

SERVER=$BIN/snapcrash-server
SERVER_PID=
SERVER_DIR=$TMP/s
mkdir -p -m 755 "$SERVER_DIR"

server_conf() {
	SPOOL=$SERVER_DIR/spool
	rm -rf "$SPOOL"
	mkdir -p -m 755 "$SERVER_DIR"
	mkdir -m 700 "$SPOOL"
	SERVER_SOCKET=$SERVER_DIR/sock
	SERVER_CONF=$SERVER_DIR/conf
	printf 'spool = %s\nsocket = %s\napp_socket = none\n%s\n' "$SPOOL" "$SERVER_SOCKET" "${1:-}" \
		>"$SERVER_CONF"
}

server_start() {
	# The one before it was ready as well.
	rm -f "$TMP/server.log"
	"$SERVER" --config "$SERVER_CONF" "$@" >"$TMP/server.log" 2>&1 &
	SERVER_PID=$!
	LIVE+=("$SERVER_PID")
	within 20 logged "ready at" || {
		not_ok "the server starts"
		note_file "$TMP/server.log"
		exit 1
	}
}

server_stop() {
	SERVER_STATUS=0
	kill -TERM "$SERVER_PID"
	wait "$SERVER_PID" || SERVER_STATUS=$?
}

server_kill() {
	{ kill -KILL "$SERVER_PID" && wait "$SERVER_PID"; } 2>/dev/null
}

server_rss() {
	ps -o rss= -p "$SERVER_PID" --ppid "$SERVER_PID" | awk '{ n += $1 } END { print n }'
}

logged() { grep -qsF -- "$1" "$TMP/server.log"; }

num_snapshots() { find "$SPOOL" -maxdepth 1 -name '*.snap' | wc -l; }
num_parts() { find "$SPOOL/incoming" -name '*.part' 2>/dev/null | wc -l; }
has_snapshots() { [ "$(num_snapshots)" = "$1" ]; }
has_parts() { [ "$(num_parts)" = "$1" ]; }
all_complete() {
	local bad=0 file
	for file in "$SPOOL"/*.snap; do
		"$ANALYZE" check "$file" >"$SERVER_DIR/integrity" 2>&1 || {
			bad=1
			cat "$SERVER_DIR/integrity"
		}
	done
	return $bad
}

# What stands for the crashed process and its core.
client_victim() {
	[ -z "${CLIENT_VICTIM:-}" ] || return 0
	sleep 1000 &
	CLIENT_VICTIM=$!
	LIVE+=("$CLIENT_VICTIM")
	xz -dc "$TOP/tests/fixtures/aarch64-threads/core.xz" >"$TMP/core"
}

client_run() {
	client_victim
	STATUS=0
	"$CLIENT" --config "$SERVER_CONF" "$CLIENT_VICTIM" "$CLIENT_VICTIM" 11 1700000000 1 0 0 0 "" \
		"${1:-by-hand}" <"$TMP/core" >"$SERVER_DIR/out" 2>"$SERVER_DIR/err" || STATUS=$?
}

# held_ms SNAPSHOT: for how long the client held the process, as it says.
held_ms() {
	protoc -I "$TOP/proto" --decode=snapcrash.Snapshot snapshot.proto <"$1" |
		sed -n 's/^ *hold_time_ns: \([0-9]*\)$/\1/p' | awk '{ print int($1 / 1000000) }'
}
