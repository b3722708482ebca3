#!/bin/bash
# snapcrashctl enable --chain: the former handler gets what the kernel would have given it, and
# nothing that it does is of any harm to the snapshot.
. "$(dirname "$0")/lib/testlib.sh"
CTL=$BIN/snapcrashctl
need "$CTL" "$CLIENT"
SPECIFIERS='%E %s %d %u %g %c %h %e %f %F %% x%e,%s%Qy %p %P %i %I %t %C'

core_pattern_take
D=$CORE_PATTERN_DIR
SPOOL=$D/spool
ln -s "$CLIENT" "$D/snapcrash-client"
ln -s "$CLIENT" "$D/client"
ln -s "$LIB/former_handler.sh" "$D/former"
# Whatever else crashes on this machine meanwhile is no business of this test.
basename "$TMP" >"$D/tag"
mkdir "$TMP/v"
cp "$VICTIMS"/{null_deref,hostile_comm,blocked_threads,heap} "$TMP/v"
VICTIMS=$TMP/v
printf 'spool = %s\nsocket = %s/run/s.sock\nclient = %s/snapcrash-client\nchain_time = 60s\nonly = %s/*\n' \
	"$SPOOL" "$D" "$D" "$TMP" >"$D/conf"
ctl() { run "$CTL" --config "$D/conf" "$@"; }
put() { printf '%s\n' "$1" >/proc/sys/kernel/core_pattern; }

# What the client said: its standard error is the kernel's log.
log_mark() {
	MARK="snapcrash-test mark $$ $RANDOM"
	echo "$MARK" >/dev/kmsg
}
log_since() { timeout 1 dd if=/dev/kmsg bs=8192 iflag=nonblock 2>/dev/null | sed "1,/$MARK/d" | grep snapcrash-client; }
logged() { log_since | grep -qF -- "$1"; }

crash() { # COMMAND...: its pid is VICTIM
	rm -f "$D"/got.* "$SPOOL"/*.snap
	log_mark
	(
		cd "$TMP" || exit 1
		"$@" </dev/null >/dev/null 2>&1 &
		echo $! >"$TMP/pid"
		wait $!
	) 2>/dev/null
	VICTIM=$(cat "$TMP/pid")
}
handed_on() { [ -e "$D/got.core" ]; }
published() { [ "$(find "$SPOOL" -name '*.snap' | wc -l)" = 1 ]; }
captured() { # NAME: and complete
	check "$1: a snapshot" within 30 published
	ctl list
	equal "$1: it is complete" complete "$(sed -n 2p "$TMP/out" | grep -ow complete)"
}

# The words, a line each, without the numbers that differ from crash to crash.
words() { "$PYTHON" -c '
import sys
w = open(sys.argv[1], "rb").read().split(b"\0")[:-1]
print(len(w))
for x in w[:-6]: print(x)' "$1"; }
# pid, tid as it sees them itself and as the host does; time; processor
numbers() { tr '\0' '\n' <"$1" | tail -n 6 | xargs; }

compare() { # NAME COMMAND...: the kernel's own way, and ours
	local name=$1
	shift
	put "|$D/former  $SPECIFIERS "
	echo 16 >/proc/sys/kernel/core_pipe_limit
	crash "$@"
	check "$name: the kernel starts the handler" within 20 handed_on || return
	words "$D/got.argv" >"$TMP/kernel.words"
	read -r -a kernel_numbers <<<"$(numbers "$D/got.argv")"
	cp "$D/got.state" "$TMP/kernel.state"
	readelf -lW "$D/got.core" | sed -n '/Program Headers/,$p' >"$TMP/kernel.headers"
	ctl enable --chain
	equal "$name: enable --chain" 0 "$STATUS"
	crash "$@"
	check "$name: so do we" within 20 handed_on || return
	words "$D/got.argv" >"$TMP/our.words"
	check "$name: with the same words" diff "$TMP/kernel.words" "$TMP/our.words"
	check "$name: in the same state" diff "$TMP/kernel.state" "$D/got.state"
	read -r -a our_numbers <<<"$(numbers "$D/got.argv")"
	readelf -lW "$D/got.core" | sed -n '/Program Headers/,$p' >"$TMP/our.headers"
	captured "$name"
	ctl disable
	equal "$name: disable" 0 "$STATUS"
}

compare "plain" setarch -R "$VICTIMS/null_deref"
equal "plain: pids and tids" "$VICTIM $VICTIM $VICTIM $VICTIM" "${our_numbers[*]:0:4}"
check "plain: time (${our_numbers[4]})" test "$(($(date +%s) - our_numbers[4]))" -lt 60
check "plain: processor (${our_numbers[5]})" test "${our_numbers[5]}" -lt "$(getconf _NPROCESSORS_CONF)"
check "plain: the same segments in the core" diff "$TMP/kernel.headers" "$TMP/our.headers"
check "plain: readelf reads its notes" sh -c 'eu-readelf -n "$1" | grep -q SIGINFO' sh "$D/got.core"
gdb -batch -nx -ex bt "$VICTIMS/null_deref" "$D/got.core" >"$TMP/gdb" 2>&1
check "plain: gdb reads it" grep -q "^#[0-9].* main (" "$TMP/gdb"
check "plain: the log tells" logged "bytes of core on to '$D/former', exit status 0"
check "plain: the log tells how much" logged "handed $(stat -c %s "$D/got.core") bytes"
check "plain: the snapshot notes it" grep -q "goes on to the former handler" "$SPOOL"/*.snap

for i in 0 3 4 6; do
	compare "hostile name $i" "$VICTIMS/hostile_comm" $i
done
mkdir "$TMP/a b"
cp "$VICTIMS/null_deref" "$TMP/a b/%p \$(id)"
compare "hostile path" "$TMP/a b/%p \$(id)"

compare "in namespaces" unshare --pid --fork --uts --mount-proc --kill-child \
	sh -c 'hostname inside-it; "$1"; :' sh "$VICTIMS/null_deref"
equal "in namespaces: pid and tid as seen there" "${kernel_numbers[0]} ${kernel_numbers[2]}" \
	"${our_numbers[0]} ${our_numbers[2]}"
check "in namespaces: the host's are others" test "${our_numbers[0]}" -ne "${our_numbers[1]}"
check "in namespaces: the name of the host there" grep -q inside-it "$TMP/our.words"

# A core that was read by both ways at once: not a byte is missing, and none is there twice.
put "|$D/former %E %P"
ctl enable --chain
core_pattern_set "$LIB/tee_chain.sh" "$D" "$CORE_PATTERN_ARGS"
whole() { [ -e "$D/whole.core" ] && handed_on; }
for victim in "null_deref" "blocked_threads" "heap 40"; do
	rm -f "$D/whole.core"
	# shellcheck disable=SC2086
	crash "$VICTIMS"/$victim
	check "$victim: its whole core is handed on" within 30 whole
	check "$victim: byte by byte ($(stat -c %s "$D/got.core"))" cmp "$D/whole.core" "$D/got.core"
done
ctl enable --chain

# Handlers that do not do what they should. The victim is held no longer than chain_time.
sed -i 's/^chain_time = .*/chain_time = 3s/' "$D/conf"
handler() { # SCRIPT: what it does
	printf '#!/bin/sh\n%s\n' "$1" >"$D/bad"
	chmod 755 "$D/bad"
	put "|$D/bad %P %e"
	ctl enable --chain
}
# It ends by itself, long after the victim.
handler 'exec sleep 30 <&-'
crash "$VICTIMS/heap" 4
captured "a handler that closes its input"
check "a handler that closes its input: the log tells" within 10 logged "did not read them all"
handler "echo \$\$ >$D/sleeper; exec sleep 30"
begun=$(date +%s%N)
crash "$VICTIMS/heap" 4
took=$((($(date +%s%N) - begun) / 1000000))
captured "a handler that does not read"
check "a handler that does not read: the victim is held until chain_time ($took ms)" \
	test "$took" -ge 2500 -a "$took" -lt 15000
check "a handler that does not read: the log tells" within 10 logged "it took too long"
kill "$(cat "$D/sleeper")"
handler 'exit 7'
crash "$VICTIMS/heap" 4
captured "a handler that gives up"
check "a handler that gives up: the log tells" within 10 logged "exit status 7"
handler 'kill -9 $$'
crash "$VICTIMS/heap" 4
captured "a handler that is killed"
check "a handler that is killed: the log tells" within 10 logged "ended by signal 9"
handler 'exec cat >/dev/null'
rm "$D/bad"
crash "$VICTIMS/null_deref"
captured "a handler that is gone"
check "a handler that is gone: the log tells" within 10 logged "No such file or directory"
ctl status
equal "a handler that is gone: status tells" 1 "$STATUS"
rm "$D/run/saved"
crash "$VICTIMS/null_deref"
captured "no save"
check "no save: the log tells" within 10 logged "none was saved"

# A former handler of which the kernel would not wait.
printf '#!/bin/sh\ncat >/dev/null; exec sleep 2\n' >"$D/slow"
chmod 755 "$D/slow"
ctl disable
put "|$D/slow"
echo 0 >/proc/sys/kernel/core_pipe_limit
ctl enable --chain
begun=$(date +%s%N)
crash "$VICTIMS/null_deref"
took=$((($(date +%s%N) - begun) / 1000000))
check "a handler that nobody waited for: nor do we ($took ms)" test "$took" -lt 1800
# The client does, and is still there.
within 10 logged "exit status 0"

# Even where there is to be no snapshot, the former handler gets its core.
ctl disable
printf 'ignore = *\n' >>"$D/conf"
put "|$D/former %E %P"
ctl enable --chain
crash "$VICTIMS/null_deref"
check "a crash that is ignored is handed on" within 20 handed_on
equal "a crash that is ignored: no snapshot" 0 "$(find "$SPOOL" -name '*.snap' | wc -l)"
ctl disable
