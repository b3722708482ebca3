#!/bin/bash
# snapcrashctl on this machine's real core_pattern: switched on, tried, looked after, switched off.
. "$(dirname "$0")/lib/testlib.sh"
CTL=$BIN/snapcrashctl
need "$CTL" "$CLIENT"

# What leads the kernel to a program must be root's, up to "/": the tree may not be.
core_pattern_take
D=$CORE_PATTERN_DIR
SPOOL=$D/spool
SAVED=$D/run/saved
ln -s "$CLIENT" "$D/snapcrash-client"
# Whatever else crashes on this machine meanwhile is no business of this test.
OWN=$(printf 'only = %s\nonly = %s/*' "$(realpath "$CTL")" "$TMP")
printf 'spool = %s\nsocket = %s/run/s.sock\nclient = %s/snapcrash-client\n%s\n' "$SPOOL" "$D" "$D" "$OWN" \
	>"$D/conf"

ctl() { run "$CTL" --config "$D/conf" "$@"; }
pattern() { cat /proc/sys/kernel/core_pattern; }
limit() { cat /proc/sys/kernel/core_pipe_limit; }
settings() { echo "$(pattern) $(limit)"; }
put() { printf '%s\n' "$1" >/proc/sys/kernel/core_pattern; }
OURS="|$D/snapcrash-client --config $D/conf %P %I %s %t %d %u %g %c %F %e"
FORMER="|$D/former %P  %e"
put "$FORMER"
echo 7 >/proc/sys/kernel/core_pipe_limit

status_is() { # NAME STATUS [WORDS]: of the last run; the words are somewhere in its output
	equal "$1: status" "$2" "$STATUS" || {
		note_file "$TMP/out"
		note_file "$TMP/err"
	}
	[ $# -lt 3 ] || check "$1: says '$3'" grep -qF -e "$3" "$TMP/out" "$TMP/err"
}

# ---------------------------------------------------------------- enable, disable

ctl test
status_is "test while it is off" 2 "crashes do not go to us"
check "test while it is off: crashes nothing" sh -c '! grep -q crashed "$1"' sh "$TMP/out"
ctl disable
status_is "disable while it is off" 0 "do not go to snapcrash"
equal "disable while it is off: changes nothing" "$FORMER 7" "$(settings)"

ctl enable
status_is "enable" 0 "$D/snapcrash-client"
equal "enable: settings" "$OURS 256" "$(settings)"
equal "enable: save" "$(printf 'snapcrash saved 1\ncore_pattern %s\ncore_pipe_limit 7\nours %s' "$FORMER" "$OURS")" \
	"$(cat "$SAVED")"
equal "enable: modes of save, spool, incoming" "600 700 700" \
	"$(stat -c %a "$SAVED" "$SPOOL" "$SPOOL/incoming" | xargs)"
equal "enable: leaves nothing in the spool" "" "$(ls "$SPOOL/incoming")"

ctl enable
status_is "enable again" 0
check "enable again: keeps the save" grep -qxF "core_pattern $FORMER" "$SAVED"
ctl disable
status_is "disable" 0 "no longer"
equal "disable: settings" "$FORMER 7" "$(settings)"
check "disable: no save is left" test ! -e "$SAVED"

# Somebody else has set core_pattern meanwhile.
ctl enable
put "|$D/other %P"
ctl disable
status_is "disable when the pattern is another's" 1 "|$D/other %P"
equal "disable when the pattern is another's: it stays" "|$D/other %P" "$(pattern)"
check "disable when the pattern is another's: no save is left" test ! -e "$SAVED"
put "$FORMER"
echo 7 >/proc/sys/kernel/core_pipe_limit
ctl enable
put "core.%p"
ctl enable
check "enable after another's pattern: saves that one" grep -qxF "core_pattern core.%p" "$SAVED"
ctl disable
equal "disable after that" "core.%p 256" "$(settings)"

# Ours, but set by hand: there is nothing to go back to.
put "$OURS"
ctl enable
check "enable when ours was set by hand: does not save it" test ! -e "$SAVED"
ctl enable --chain
status_is "enable --chain with no handler known" 2 "not known"
ctl disable
status_is "disable when ours was set by hand" 1 "not saved"
equal "disable when ours was set by hand: the kernel's default" "core 0" "$(settings)"

# A client that is started with another configuration is another's.
put "|$D/snapcrash-client --config $D/other.conf %P %I %s %t %d %u %g %c %F %e"
BEFORE=$(settings)
ctl disable
status_is "disable when the client is another configuration's" 0
equal "disable when the client is another configuration's: it stays" "$BEFORE" "$(settings)"

# ---------------------------------------------------------------- what it refuses

put "$FORMER"
BEFORE=$(settings)
refuses() { # NAME STATUS WORDS [OPTION]...: enable does, and changes nothing
	local name="enable refuses $1" status=$2 words=$3
	shift 3
	ctl enable "$@"
	status_is "$name" "$status" "$words"
	equal "$name: settings stay" "$BEFORE" "$(settings)"
	check "$name: no save" test ! -e "$SAVED"
}
CONF=$(cat "$D/conf")
with() { printf '%s\n%s\n' "$CONF" "$1" >"$D/conf"; }

with "client = $D/none"
refuses "a client that is not there" 2 "No such file"
with "client = $D"
refuses "a client that is a directory" 2 "no regular file"
cp "$CLIENT" "$D/copy"
with "client = $D/copy"
chmod 644 "$D/copy"
refuses "a client that is not executable" 2 "not executable"
chmod 775 "$D/copy"
refuses "a client that its group can write" 2 "can be changed by others"
chmod 755 "$D/copy"
chown 65534 "$D/copy"
refuses "a client that belongs to another" 2 "and not to root"
mkdir -m 777 "$D/open"
chown 0 "$D/copy"
mv "$D/copy" "$D/open/snapcrash-client"
with "client = $D/open/snapcrash-client"
refuses "a client in a directory that others can write" 2 "can be changed by others"
ln -s "$D/open/snapcrash-client" "$D/link"
with "client = $D/link"
refuses "a link to such a client" 2 "can be changed by others"
long=$D/$(printf 'x%.0s' {1..100})
ln -s "$CLIENT" "$long"
with "client = $long"
refuses "a pattern that is too long" 2 "the kernel takes 127"
ln -s "$CLIENT" "$D/a b"
with "client = $D/a b"
refuses "a path with blanks" 2 "blanks"
ln -s "$CLIENT" "$D/a%p"
with "client = $D/a%p"
refuses "a path with %" 2 "blanks"
with "spool = $D/former/x"
: >"$D/former"
refuses "a spool that can't be made" 2 "spool"
with "nonsense"
refuses "a wrong configuration" 64 "conf:6:"
printf '%s\n' "$CONF" >"$D/conf"
refuses "--chain with --socket" 64 "exclude" --chain --socket
refuses "--socket without one in the configuration" 64 "coredump_socket" --socket
put core
BEFORE=$(settings)
refuses "--chain after a plain file" 2 "'core' is no program" --chain
put "$FORMER"
BEFORE=$(settings)

if [ -e "$SAVED" ]; then rm "$SAVED"; fi
ln -s "$D/victim" "$SAVED"
ctl enable
status_is "enable where a link stands in place of the save" 2 "not root's alone"
equal "enable where a link stands in place of the save: settings stay" "$BEFORE" "$(settings)"
rm "$SAVED"

cp "$CTL" "$CLIENT" "$D/open"
chmod 755 "$D/open"
mkdir -p "$D/open/nowhere"
run setpriv --reuid 65534 --clear-groups env -C / "$CTL" --config "$D/conf" enable
check "enable by a plain user fails" test "$STATUS" -ne 0
equal "enable by a plain user: settings stay" "$BEFORE" "$(settings)"

# Nobody has to know where the client is: it is beside snapcrashctl, or installed with it.
mkdir -p "$D/i/bin" "$D/i/libexec/snapcrash"
cp "$CTL" "$D/i/bin"
cp "$CLIENT" "$D/i/libexec/snapcrash"
printf 'spool = %s\nsocket = %s/run/s.sock\n%s\n' "$SPOOL" "$D" "$OWN" >"$D/conf"
run "$D/i/bin/snapcrashctl" --config "$D/conf" enable
status_is "enable of an installed one" 0 "$D/i/libexec/snapcrash/snapcrash-client"
equal "enable of an installed one: settings" \
	"|$D/i/libexec/snapcrash/snapcrash-client --config $D/conf %P %I %s %t %d %u %g %c %F %e 256" "$(settings)"
run "$D/i/bin/snapcrashctl" --config "$D/conf" disable
rm "$D/i/libexec/snapcrash/snapcrash-client"
run "$D/i/bin/snapcrashctl" --config "$D/conf" enable
status_is "enable of one without its client" 2 "neither"
cp "$CLIENT" "$D/i/bin"
chmod 775 "$D/i/bin/snapcrash-client"
run "$D/i/bin/snapcrashctl" --config "$D/conf" enable
status_is "enable in a build directory" 0 "warning: whoever can change the client is root"
run "$D/i/bin/snapcrashctl" --config "$D/conf" disable
rm -r "$D/i"
printf '%s\n' "$CONF" >"$D/conf"

# Two at once: one after the other, and what is saved is what was there before both.
"$CTL" --config "$D/conf" enable >"$TMP/a" 2>&1 &
A=$!
"$CTL" --config "$D/conf" enable >"$TMP/b" 2>&1 &
wait "$A" && wait "$!"
equal "two at once: status" 0 "$?"
check "two at once: the save is the former handler" grep -qxF "core_pattern $FORMER" "$SAVED"

# ---------------------------------------------------------------- status

# json_is NAME EXPRESSION WANTED: of what status --json says
json_is() {
	ctl status --json
	equal "status --json: $1" "$3" "$(json_get "$TMP/out" "$2" 2>&1)"
}
ctl status
status_is "status" 0 "The next crash will be captured."
check "status: nothing speaks against it" sh -c '! grep -Eq "^(warn|BAD)" "$1"' sh "$TMP/out"
check "status: the server is missing" grep -q "^note  no server runs" "$TMP/out"
json_is "captured" 'r["captured"], r["state"], r["core_pattern"], r["core_pipe_limit"], r["server"]' \
	"(True, 'note', '$OURS', 256, False)"
json_is "spool" '{k: r["spool"][k] for k in ("path", "files", "bytes", "max_files", "abandoned")}' \
	"{'path': '$SPOOL', 'files': 0, 'bytes': 0, 'max_files': 1000, 'abandoned': 0}"

echo 0 >/proc/sys/kernel/core_pipe_limit
ctl status
status_is "status: no waiting" 2 "core_pipe_limit is 0"
echo 16 >/proc/sys/kernel/core_pipe_limit
put "core"
ctl status
status_is "status: a file" 2 "core_pattern is 'core'"
put "$(printf '|%s/x\033[31m %%e' "$D")"
ctl status
status_is "status: another's program" 2 "enable"
check "status: another's program: no control characters" sh -c '! LC_ALL=C grep -q "$(printf "\033")" "$1"' sh "$TMP/out"
put "|$D/snapcrash-client --config $D/conf %p %e"
ctl status
status_is "status: wrong words" 2 "must end with '%P"
put "|$D/none/snapcrash-client --config $D/conf %P %I %s %t %d %u %g %c %F %e"
ctl status
status_is "status: no client" 2 "No such file"
put "|$D/snapcrash-client --config $D/other.conf %P %I %s %t %d %u %g %c %F %e"
ctl status
status_is "status: another configuration" 1 "another configuration"
put "|$D/snapcrash-client --chain --config $D/conf %P %I %s %t %d %u %g %c %F %e"
ctl status
status_is "status: a chain to a handler that is not there" 1 "the core is not handed on"
put "$OURS"
with "spol = /x"
ctl status
status_is "status: a wrong configuration" 1 "conf:6: unknown key 'spol'"
with "min_free = 900G"
ctl status
status_is "status: too little free space" 2 "too little free space"
with "ignore = x*"
ctl status
status_is "status: filters" 0 "1 'ignore' and 2 'only' lines"
with "spool = $D/conf"
ctl status
status_is "status: a spool that is none" 2 "can't be used"
with "spool = $D/not-yet"
ctl status
status_is "status: no spool yet" 0 "the first crash makes it"
printf '%s\n' "$CONF" >"$D/conf"
(
	ulimit -c 1 2>/dev/null
	# In units of 512 bytes or more: the exact value takes another program.
	prlimit --pid $BASHPID --core=1:1
	ctl status
	status_is "status: RLIMIT_CORE" 1 "RLIMIT_CORE is 1"
)
mkdir -p "$D/run"
"$PYTHON" -c '
import socket, sys, time
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.bind(sys.argv[1])
s.listen(0)
time.sleep(1000)' "$D/run/s.sock" &
LIVE+=("$!")
listens() { ctl status && grep -q "the server listens at '$D/run/s.sock'" "$TMP/out"; }
check "status: a server that listens" within 10 listens
hangs() { ctl status; grep -q "does not answer" "$TMP/out"; }
check "status: a server that does not accept" within 10 hangs
{ kill "${LIVE[-1]}" && wait "${LIVE[-1]}"; } 2>/dev/null
ctl status
status_is "status: a server that is gone" 0 "no server runs"
rm "$D/run/s.sock"

# What was left unfinished, and what is being written.
PART=0123456789abcdef.part
EMPTY=fedcba9876543210.part
HELD=0123456789012345.part
ctl test --keep
cut() { head -c 6000 "$SPOOL"/*.snap >"$SPOOL/incoming/$1"; }
cut "$PART"
: >"$SPOOL/incoming/$EMPTY"
cut "$HELD"
exec {held}<"$SPOOL/incoming/$HELD"
flock -x "$held"
echo x >"$SPOOL/incoming/other"
ctl rm --all
json_is "unfinished ones" 'r["spool"]["writing"], r["spool"]["abandoned"]' "(1, 2)"
ctl status
status_is "status: unfinished ones" 0 "2 unfinished snapshots were abandoned"
ctl adopt
status_is "adopt" 0 "1 snapshot adopted, 1 of them truncated"
check "adopt: says which" grep -q "^$PART: is '.*snapcrash%2Dtest.*\.snap' now, truncated$" "$TMP/out"
check "adopt: says what was empty" grep -q "^$EMPTY: was empty" "$TMP/out"
check "adopt: says what is being written" grep -q "^1 is still being written" "$TMP/out"
equal "adopt: leaves what is being written, and what is not ours" "$HELD other" "$(ls "$SPOOL/incoming" | xargs)"
ctl list
check "adopt: is listed as truncated" grep -q " truncated  *snapcrash-test" "$TMP/out"
ctl adopt
status_is "adopt of nothing" 0 "0 snapshots adopted"
exec {held}<&-
rm "$SPOOL/incoming"/*
ctl rm --all
printf '3\t2026-11-22T23:59:26Z\t2026-11-23T01:36:52Z\t11\t1000\trate\t/opt/x\\x0ay\n' >"$SPOOL/skipped"
ctl status
status_is "status: skipped crashes" 0 "3 crashes were skipped so far, the last at 2026-11-23T01:36:52Z: rate ('/opt/x"
ctl list
status_is "list: skipped crashes" 0 "/opt/x"
ctl list --json
equal "list --json: skipped crashes" "{'count': 3, 'first': '2026-11-22T23:59:26Z', 'last': '2026-11-23T01:36:52Z', 'signo': 11, 'uid': 1000, 'reason': 'rate', 'exe': '/opt/x\\\\x0ay'}" \
	"$(json_get "$TMP/out" 'r["skipped"][0]')"
rm "$SPOOL/skipped"

# ---------------------------------------------------------------- test, list, get, rm

ctl test
status_is "test" 0 "Crashes are captured."
equal "test: each step is good" 7 "$(grep -c '^ok ' "$TMP/out")"
equal "test: removes its snapshot" "" "$(ls "$SPOOL" | grep snap)"
ctl list
status_is "list of an empty spool" 0 "0 snapshots"
ctl get --last
status_is "get --last of an empty spool" 2 "no snapshot"
ctl test --keep
status_is "test --keep" 0 "it stays"
equal "test --keep: keeps its snapshot" 1 "$(ls "$SPOOL" | grep -c '\.snap$')"

hostile=$'\033[31m\nx %P'
cp "$VICTIMS/null_deref" "$TMP/$hostile"
("$TMP/$hostile" & wait $!) >/dev/null 2>&1
two() { [ "$(ls "$SPOOL" | grep -c '\.snap$')" = 2 ]; }
check "a process with a hostile name is captured" within 30 two
# What may lie there, and is nothing of ours.
: >"$SPOOL/20261123T013652Z-a-1-781f1014.snap.gz"
ln -s /etc/passwd "$SPOOL/20261123T013652Z-link-1-781f1014.snap"
mkdir "$SPOOL/20261123T013652Z-dir-1-781f1014.snap"
head -c 3000 "$(ls "$SPOOL"/*x*.snap | tail -n 1)" >"$SPOOL/20210101T000000Z-cut-2-781f1014.snap"
echo garbage >"$SPOOL/20210101T000000Z-bad-3-781f1014.snap"

ctl list
status_is "list" 1 "20210101T000000Z-bad-3-781f1014.snap: "
check "list: no control characters" sh -c '! LC_ALL=C grep -q "$(printf "\033")" "$1"' sh "$TMP/out"
equal "list: rows" 6 "$(wc -l <"$TMP/out")"
check "list: a row" grep -Eq \
	"^20[-0-9]+ [:0-9]+ +[0-9]+  SIGSEGV +[0-9.]+K  complete +snapcrash-test +.*/snapcrashctl  +20.*Z-snapcrash%2Dtest-[0-9]+-[0-9a-f]{8}\.snap$" \
	"$TMP/out"
check "list: a cut one" grep -Eq ' truncated .* 20210101T000000Z-cut-2-781f1014.snap$' "$TMP/out"
ctl list --json
equal "list --json" "4 truncated unreadable SIGSEGV 11 True" "$("$PYTHON" -c '
import json, sys
r = json.load(open(sys.argv[1], encoding="utf-8"))
s = r["snapshots"]
by = {x["comm"]: x for x in s}
h = by["\x1b[31m\nx %P"]
print(len(s), by["cut"]["state"], by["bad"]["state"], h["signal"], h["signo"], h["exe"].endswith("/\x1b[31m\nx %P"))' \
	"$TMP/out" 2>&1)"

cd "$TMP" || exit 1
ctl get --last
status_is "get --last" 0
NAME=$(cat "$TMP/out")
check "get --last: the newest, under its name" cmp "$NAME" "$SPOOL/$NAME"
equal "get: only its owner may read it" 600 "$(stat -c %a "$NAME")"
ctl get --last
status_is "get does not overwrite" 2 "File exists"
ctl get "$NAME" -o "$TMP/copy"
check "get -o: the same" cmp "$TMP/copy" "$SPOOL/$NAME"
ctl get -o - "$NAME"
check "get -o -: the same" cmp "$TMP/out" "$SPOOL/$NAME"
ln -s "$TMP/nowhere" "$TMP/dangling"
ctl get "$NAME" -o "$TMP/dangling"
status_is "get does not follow a link" 2
check "get does not follow a link: nothing is there" test ! -e "$TMP/nowhere"
ctl get "$NAME" -o /dev/full
status_is "get to a full device" 2 "No space"
for bad in ../conf "$SPOOL/$NAME" incoming 20261123T013652Z-a-1-781f1014.snap.gz ""; do
	ctl get "$bad"
	status_is "get of '$bad'" 2 "no snapshot's name"
done
ctl get 20261123T013652Z-link-1-781f1014.snap
status_is "get of a link" 2
check "get of a link: nothing is there" test ! -e 20261123T013652Z-link-1-781f1014.snap
ctl get 20261123T013652Z-dir-1-781f1014.snap
status_is "get of a directory" 2 "no regular file"
ctl get
status_is "get without a name" 64

: >"$D/precious.snap"
ctl rm "../precious.snap" "$D/precious.snap" incoming . ""
status_is "rm of what is no snapshot" 2 "no snapshot's name"
check "rm of what is no snapshot: it stays" test -e "$D/precious.snap" -a -d "$SPOOL/incoming"
ctl rm "$NAME" 20261123T013652Z-none-1-781f1014.snap
status_is "rm of one that is there and one that is not" 1 "1 snapshot removed"
check "rm: it is gone" test ! -e "$SPOOL/$NAME"
ctl rm --older-than 30d
status_is "rm --older-than" 0 "2 snapshots removed"
equal "rm --older-than: the younger one stays" 1 "$(find "$SPOOL" -maxdepth 1 -type f -name '*.snap' | wc -l)"
ctl rm --all
status_is "rm --all" 0 "1 snapshot removed"
equal "rm --all: what is no snapshot stays" \
	"20261123T013652Z-a-1-781f1014.snap.gz 20261123T013652Z-dir-1-781f1014.snap 20261123T013652Z-link-1-781f1014.snap incoming" \
	"$(ls -I skipped "$SPOOL" | xargs)"
check "rm --all: what a link leads to stays" test -s /etc/passwd
ctl rm
status_is "rm without a name" 64
ctl rm --older-than 7
status_is "rm --older-than without a unit" 64 "no time"
ctl rm --all x
status_is "rm --all with a name" 64

# Limits and filters hold for the child as for others; it is said at once that this is why.
with "ignore = snapcrashctl"
ctl test
status_is "test of what is not wanted" 2 "no crashes of this program"
with "spool = $D/once
rate_burst = 1
rate_interval = 1h"
ctl test
status_is "test within the rate" 0
ctl test
status_is "test over the rate" 2 "was skipped because of a limit ('rate'"

# The server's socket, where the kernel has that.
ctl disable
with "coredump_socket = $D/core.sock
app_socket = none"
ctl enable --socket
if grep -q "Linux 6.17" "$TMP/err"; then
	status_is "enable --socket on an older kernel" 2
	skip "enable --socket" "this kernel has no such sockets"
else
	status_is "enable --socket without a server" 1 "crashes are lost until"
	equal "enable --socket: settings" "@@$D/core.sock 256" "$(settings)"
	ctl status
	status_is "status: a socket without a server" 2 "nobody listens at '$D/core.sock'"
	ctl test --wait 1s
	status_is "test: a socket without a server" 2 "no snapshot"
	"$BIN/snapcrash-server" --config "$D/conf" --log=stderr >"$TMP/server.log" 2>&1 &
	SERVER=$!
	LIVE+=("$SERVER")
	socket_listens() { ctl status && [ "$STATUS" = 0 ]; }
	check "status: a socket with a server" within 20 socket_listens
	ctl test
	status_is "test: a socket with a server" 0 "Crashes are captured."
	ctl enable --socket
	status_is "enable --socket with a server" 0 "$D/core.sock"
	kill "$SERVER"
	wait "$SERVER"
	ctl disable
	status_is "disable after --socket" 0
	equal "disable after --socket: settings" "$FORMER 0" "$(settings)"
	ln -s "$D" "$D/linked"
	with "coredump_socket = $D/linked/core.sock"
	BEFORE=$(settings)
	refuses "a socket behind a link" 2 "links" --socket
fi

# A client that can't do its work is found out, and the kernel's log is shown.
mkdir "$D/broken"
printf '#!/bin/sh\nexec >/dev/kmsg; echo snapcrash-test-$$ is broken; exec cat >/dev/null\n' >"$D/broken/snapcrash-client"
chmod 755 "$D/broken/snapcrash-client"
with "client = $D/broken/snapcrash-client"
ctl enable
ctl test --wait 1s
status_is "test of a client that writes nothing" 2 "snapshot"
check "test of a client that writes nothing: shows the kernel's log" grep -q "log: snapcrash-test-.* is broken" "$TMP/err"
ctl disable
equal "all is as it was" "$FORMER 0" "$(settings)"
