#!/bin/bash
# snapcrash-server as a service: command line, configuration, activation, signals, logs, limits, the hook.
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/serverlib.sh"
need "$CLIENT" "$SERVER" "$ANALYZE"
PEER=("$PYTHON" "$LIB/link_peer.py")

# ---------------------------------------------------------------- command line and configuration

run "$SERVER" --help
equal "--help: status" 0 "$STATUS"
check "--help: usage" grep -q '^usage: snapcrash-server' "$TMP/out"
run "$SERVER" --version
equal "--version" "0 snapcrash-server" "$STATUS $(cut -d' ' -f1 "$TMP/out")"
run timeout 60 "$SERVER" --nonsense
equal "an unknown option: status" 64 "$STATUS"
run timeout 60 "$SERVER" --log=loud
equal "an unknown log: status" 64 "$STATUS"
printf 'spool = %s\n\nno such key = x\n' "$TMP/x" >"$TMP/bad.conf"
run timeout 60 "$SERVER" --config "$TMP/bad.conf"
equal "a bad configuration: status" 64 "$STATUS"
equal "a bad configuration: file and line" \
	"snapcrash-server: $TMP/bad.conf:3: unknown key 'no such key'" "$(cat "$TMP/err")"
run timeout 60 "$SERVER" --config "$TMP/none.conf"
equal "no configuration where one is named: status" 64 "$STATUS"
check "nothing was made by any of these" test ! -e "$TMP/x"

# ---------------------------------------------------------------- as systemd starts it

server_conf
rm -f "$TMP/manager" "$TMP/server.log"
"$PYTHON" "$LIB/service_manager.py" --listen server="$SERVER_SOCKET" --watchdog 200 \
	-- "$SERVER" --config "$SERVER_CONF" >"$TMP/manager" 2>"$TMP/server.log" &
manager=$!
LIVE+=("$manager")
# Before it can accept anything: connections wait in the socket.
within 30 test -S "$SERVER_SOCKET"
client_run
check "activated by a socket: a snapshot" within 20 has_snapshots 1
check "... published by the server" within 20 logged "published: "
check "READY=1 is notified" within 20 grep -qsx READY=1 "$TMP/manager"
fed() { [ "$(grep -cx WATCHDOG=1 "$TMP/manager")" -ge 3 ]; }
check "the watchdog is fed" within 30 fed
: >"$TMP/manager"
kill -HUP "$manager"
check "SIGHUP: RELOADING=1" within 20 grep -qsx RELOADING=1 "$TMP/manager"
check "SIGHUP: READY=1" within 20 grep -qsx READY=1 "$TMP/manager"
kill -TERM "$manager"
check "SIGTERM: STOPPING=1" within 20 grep -qsx STOPPING=1 "$TMP/manager"
check "SIGTERM: ends well" within 30 grep -qsx 'ended 0' "$TMP/manager"
check "the passed socket is left to who passed it" test -S "$SERVER_SOCKET"
rm -f "$SERVER_SOCKET"
# Of another type, or of no use.
server_conf
run timeout 60 "$PYTHON" "$LIB/service_manager.py" --stream server="$SERVER_SOCKET" -- \
	"$SERVER" --config "$SERVER_CONF"
check "a socket of another type: refused" grep -qx 'ended 2' "$TMP/out"
check "a socket of another type: the log says why" grep -q "of type SOCK_SEQPACKET" "$TMP/err"
rm -f "$SERVER_SOCKET"
rm -f "$TMP/manager" "$TMP/server.log"
"$PYTHON" "$LIB/service_manager.py" --listen other="$SERVER_DIR/other.sock" -- \
	"$SERVER" --config "$SERVER_CONF" >"$TMP/manager" 2>"$TMP/server.log" &
manager=$!
LIVE+=("$manager")
check "a socket that nobody needs: told" within 30 logged "nothing listens on the socket 'other'"
check "... and its own is made" within 30 test -S "$SERVER_SOCKET"
kill -TERM "$manager"
within 30 grep -qsx 'ended 0' "$TMP/manager"
# Found by its path, whatever it is called.
server_conf
rm -f "$TMP/manager" "$TMP/server.log"
"$PYTHON" "$LIB/service_manager.py" --listen unit.socket="$SERVER_SOCKET" -- \
	"$SERVER" --config "$SERVER_CONF" >"$TMP/manager" 2>"$TMP/server.log" &
manager=$!
LIVE+=("$manager")
within 30 grep -qsx READY=1 "$TMP/manager"
check "a socket with the path: taken" sh -c '! grep -q "nothing listens" "$1"' sh "$TMP/server.log"
kill -TERM "$manager"
within 30 grep -qsx 'ended 0' "$TMP/manager"
rm -f "$SERVER_SOCKET"

# ---------------------------------------------------------------- SIGTERM, SIGHUP

server_conf 'dump_time = 20s'
server_start
client_run
cp "$SPOOL"/*.snap "$TMP/good.snap"
rm -f "$SPOOL"/*.snap
"${PEER[@]}" client slow "$SERVER_SOCKET" "$TMP/good.snap" >"$TMP/slow" &
LIVE+=($!)
within 30 grep -qs granted "$TMP/slow"
kill -TERM "$SERVER_PID"
check "SIGTERM: who writes can finish" within 30 grep -q '^done 0' "$TMP/slow"
wait "$SERVER_PID"
equal "SIGTERM: then it ends" 0 "$?"
check "SIGTERM: the snapshot is there" has_snapshots 1
equal "SIGTERM: no process of it is left" "" "$(pgrep -f -- "--config $SERVER_CONF" | tr '\n' ' ')"

server_conf
server_start
echo 'hook_time = soon' >>"$SERVER_CONF"
kill -HUP "$SERVER_PID"
check "SIGHUP, a bad configuration: told" within 20 logged \
	"the configuration stays as it was: $SERVER_CONF:"
client_run
check "... and it works on" within 20 has_snapshots 1
sed -i '$d' "$SERVER_CONF"
echo 'ignore = ignored*' >>"$SERVER_CONF"
kill -HUP "$SERVER_PID"
check "SIGHUP, a good one: told" within 20 logged "the configuration was read anew"
rm -f "$SPOOL"/*.snap
run timeout 60 "$PYTHON" "$LIB/link_peer.py" client whole "$SERVER_SOCKET" "$TMP/good.snap"
check "... and what it does not ignore goes on" grep -q '^done 0' "$TMP/out"
server_stop

# ---------------------------------------------------------------- limits

server_conf $'rate_burst = 2\nrate_interval = 1h'
server_start
for i in 1 2 3 4; do
	run timeout 60 "${PEER[@]}" client whole "$SERVER_SOCKET" "$TMP/good.snap"
	# On a busy machine it may say first that it waits.
	grep -v '^queued' "$TMP/out" | head -n 1 | cut -d' ' -f1,2 | sed 's/ .*part//' >>"$TMP/answers"
done
equal "a crash loop: two, then none" "granted granted refused 1 refused 1 " "$(tr '\n' ' ' <"$TMP/answers")"
check "what is skipped is counted" within 20 grep -qE $'^2\t[^\t]*\t[^\t]*\t11\t0\trate\t/bin/liar$' \
	"$SPOOL/skipped"
equal "... and the log is not filled with it" 1 "$(grep -c "is refused: too many crashes" "$TMP/server.log")"
server_stop
server_conf $'ignore = /bin/liar\nmax_files = 2'
server_start
run timeout 60 "${PEER[@]}" client whole "$SERVER_SOCKET" "$TMP/good.snap"
equal "an ignored program: refused" "refused 2" "$(cat "$TMP/out")"
for i in 1 2 3; do
	client_run
done
check "no more files than are allowed" within 20 has_snapshots 2
server_stop
check "what is ignored is counted when it ends, too" within 20 grep -qs ignored "$SPOOL/skipped"

# ---------------------------------------------------------------- the hook

cat >"$TMP/hook" <<END
#!/bin/bash
{
	echo "args \$*"
	echo "name \$SNAPCRASH_NAME"
	echo "env \$(tr '\\0' '\\n' </proc/\$\$/environ | cut -d= -f1 | sort | tr '\\n' ' ')"
	echo "ids \$(id -u) \$(id -g) \$(id -G)"
	grep -E '^(NoNewPrivs|CapEff|SigBlk|SigIgn)' /proc/\$\$/status
	echo "fds \$(ls /proc/self/fd | tr '\\n' ' ')"
	echo "dir \$(pwd)"
	echo "core \$(grep 'Max core' /proc/\$\$/limits | tr -s ' ')"
	cksum <&0
	(echo x >/proc/self/fd/0) 2>/dev/null && echo written
} >"$TMP/hooks/out.part" 2>&1
mv "$TMP/hooks/out.part" "$TMP/hooks/out"
END
chmod 755 "$TMP/hook" "$TMP"
mkdir -m 777 "$TMP/hooks"
server_conf "hook = /bin/bash $TMP/hook  one two"
server_start
client_run
check "the hook: is started" within 30 test -e "$TMP/hooks/out"
got() { sed -n "s/^$1[ 	:]*//p" "$TMP/hooks/out"; }
equal "the hook: its arguments" "one two" "$(got args)"
equal "the hook: the name" "$(basename "$SPOOL"/*.snap)" "$(got name)"
equal "the hook: nothing else in its environment but PATH and what bash adds" \
	"PATH SNAPCRASH_NAME " "$(got env)"
equal "the hook: nobody" "$(id -u nobody) $(id -g nobody) $(id -g nobody)" "$(got ids)"
equal "the hook: gains nothing" 1 "$(got NoNewPrivs)"
equal "the hook: no capability" 0000000000000000 "$(got CapEff)"
# But what bash blocks itself while it starts a program: SIGINT, SIGTERM, SIGCHLD.
check "the hook: no signal is blocked" test $((0x$(got SigBlk) & ~0x14002)) = 0
equal "the hook: its descriptors" "0 1 2 3 " "$(got fds)"
equal "the hook: its directory" / "$(got dir)"
check "the hook: a crash of it starts no handler" grep -q "Max core file size 1 1 bytes" "$TMP/hooks/out"
check "the hook: reads the snapshot" grep -qxF "$(cksum <"$(echo "$SPOOL"/*.snap)")" "$TMP/hooks/out"
check "the hook: can't write it" sh -c '! grep -q written "$1"' sh "$TMP/hooks/out"
check "the hook: the log says how it ended" within 20 logged ".snap: done"
server_stop

server_conf "hook = /bin/bash -c exit\\ 3"
cat >"$TMP/hook" <<END
cat <&7 >/dev/null || exit 9
exit 3
END
server_conf "hook = /bin/bash $TMP/hook
hook_fd = 7"
server_start
client_run
check "a hook that fails, and reads from 7: told" within 30 logged ".snap: exit status 3"
server_stop
cat >"$TMP/hook" <<END
(sleep 77; :) &
sleep 77
END
server_conf "hook = /bin/bash $TMP/hook
hook_time = 1s"
server_start
client_run
check "a hook that hangs: is killed" within 30 logged "it took too long and was killed"
hooks_are_gone() { ! pgrep -u nobody -x sleep >/dev/null; }
check "... and what it has started with it" within 20 hooks_are_gone
server_stop
cat >"$TMP/hook" <<END
until [ -e $TMP/hooks/go ]; do sleep 0.1; done
END
server_conf "hook = /bin/bash $TMP/hook"
server_start
for i in 1 2 3 4; do
	run timeout 60 "${PEER[@]}" client whole "$SERVER_SOCKET" "$TMP/good.snap"
done
kill -TERM "$SERVER_PID"
check "hooks that wait when the server stops: left out, and told" within 20 logged \
	"the hook was not started for 2 snapshots: the server stops"
: >"$TMP/hooks/go"
wait "$SERVER_PID"
equal "... and those that ran have finished" 2 "$(grep -c "\.snap: done" "$TMP/server.log")"
server_conf "hook = $TMP/no-such-program
hook_user = nobody"
server_start
client_run
check "a hook that is not there: told" within 30 logged "it can't be started: No such file or directory"
server_stop
server_conf "hook = /bin/true
hook_user = no-such-user"
server_start
client_run
check "a user who is not there: told" within 30 logged "there is no such user as hook_user"
server_stop

# ---------------------------------------------------------------- logs

server_conf
hostile=$'a\e[31m\nb'
logs() { # WHERE: in a mount namespace of its own, where the sockets are ours
	unshare -m "$PYTHON" - "$SERVER" "$SERVER_CONF" "$1" "$SERVER_SOCKET" <<'END'
import os, socket, stat, subprocess, sys
server, conf, where, path = sys.argv[1:5]
for directory in ("/run", "/dev"):
    subprocess.run(["mount", "-t", "tmpfs", "none", directory], check=True)
os.makedirs("/run/systemd/journal")
os.mknod("/dev/null", 0o666 | stat.S_IFCHR, os.makedev(1, 3))
sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sock.bind("/run/systemd/journal/socket" if where == "journal" else "/dev/log")
sock.settimeout(10)
process = subprocess.Popen([server, "--config", conf, "--log=" + where], stderr=subprocess.PIPE)
print(sock.recv(4096))
client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
client.connect(path)
client.send(b"noise")
print(sock.recv(4096))
process.terminate()
print("stderr", process.communicate(timeout=10)[1])
END
}
if unshare -m true 2>/dev/null; then
	run logs journal
	check "--log=journal: fields" grep -q "PRIORITY=6.*SYSLOG_IDENTIFIER=snapcrash-server.*MESSAGE=ready at" "$TMP/out"
	check "--log=journal: nothing on stderr" grep -qx "stderr b''" "$TMP/out"
	run logs syslog
	check "--log=syslog" grep -q "^b.<30>snapcrash-server\[[0-9]*\]: ready at" "$TMP/out"
	check "--log=syslog: a warning" grep -q "^b.<28>snapcrash-server\[[0-9]*\]: client" "$TMP/out"
else
	skip "--log" "no mount namespaces here"
fi
server_conf
server_start --log=stderr
client_run "$hostile"
check "a hostile name is escaped" within 20 logged '(a\x1b[31m\x0ab)'
equal "... and never as it is" 0 "$(grep -c $'\e' "$TMP/server.log")"
server_stop
# As systemd does it: $JOURNAL_STREAM names what stderr is, and there is no journal's socket.
if [ ! -e /run/systemd/journal/socket ]; then
	JOURNAL_STREAM=$(stat -c %d:%i "$TMP/server.log") "$SERVER" --config "$SERVER_CONF" \
		2>"$TMP/server.log" &
	SERVER_PID=$!
	LIVE+=("$SERVER_PID")
	check "\$JOURNAL_STREAM: lines begin with their level" within 30 grep -q '^<6>ready at' "$TMP/server.log"
	server_stop
fi

# ---------------------------------------------------------------- the client's own rights

# With a core that does not go on, it waits in the middle of the capture.
server_conf
client_victim
mkfifo "$TMP/stream"
"$CLIENT" --config "$SERVER_CONF" "$CLIENT_VICTIM" "$CLIENT_VICTIM" 11 1700000000 1 0 0 0 "" by-hand \
	<"$TMP/stream" 2>"$TMP/err" &
client=$!
exec 8>"$TMP/stream"
head -c 800 "$TMP/core" >&8
writes() { [ "$(num_parts)" = 1 ] && grep -q '^NoNewPrivs:	1' "/proc/$client/status"; }
check "a client that captures: gains no rights any more" within 30 writes
# CAP_CHOWN, CAP_DAC_READ_SEARCH, CAP_NET_ADMIN, CAP_SYS_PTRACE, CAP_SYS_ADMIN
permitted=$(sed -n 's/^CapPrm:	//p' "/proc/$client/status")
equal "... has five capabilities at most" 0 $((0x$permitted & ~((1 << 0) | (1 << 2) | (1 << 12) | (1 << 19) | (1 << 21))))
if [ -z "${SANITIZE:-}" ]; then
	equal "... has a limit of memory" $((64 << 20)) \
		"$(sed -n 's/^Max address space *\([0-9]*\) .*/\1/p' "/proc/$client/limits")"
fi
exec 8>&-
wait "$client"
check "... and publishes what there is" has_snapshots 1
# Once the process is let go, the rest waits until it has ended, 200 ms at most: this one lives on.
waited=$("$PYTHON" - "$CLIENT" "$SERVER_CONF" "$CLIENT_VICTIM" "$TMP/core" <<'END'
import os, subprocess, sys, time
client, conf, pid, core = sys.argv[1:]
os.dup2(os.pidfd_open(int(pid)), 3)
start = time.monotonic()
with open(core, "rb") as stdin:
    subprocess.run([client, "--config", conf, pid, pid, "11", "1700000000", "1", "0", "0", "0", "3", "by-hand"],
                   stdin=stdin, stderr=subprocess.DEVNULL, pass_fds=[3])
print(int((time.monotonic() - start) * 1000))
END
)
check "a client lets the process end before it goes on ($waited ms)" [ "$waited" -ge 200 ]
check "... and publishes" has_snapshots 2
