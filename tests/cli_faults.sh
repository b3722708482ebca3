#!/bin/bash
# What a crashed process, or whoever can signal it, can do to its capture: be killed at any moment
# of it, hold it up, or be called what nobody expects. A snapshot comes all the same, and says what
# it lacks.
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/crashlib.sh"
need "$CLIENT" "$ANALYZE" "$O/tests/hanging_fs"
cd "$TMP" || exit 1

count_snaps() { find "$SPOOL" -maxdepth 1 -name '*.snap' | wc -l; }
no_client_runs() { ! pgrep -f "^$CORE_PATTERN_DIR/h " >/dev/null; }
set_client() {
	core_pattern_set "$CLIENT" --config "$CORE_PATTERN_DIR/conf" "$CORE_PATTERN_ARGS" || exit 1
}
# The same, but "begun" is there when it is about to start, and holds its pid.
set_announced_client() {
	cat >"$CORE_PATTERN_DIR/announced" <<END
#!/bin/sh
echo \$\$ >"$CORE_PATTERN_DIR/begun"
exec "$CLIENT" --config "$CORE_PATTERN_DIR/conf" "\$@" 2>/dev/null
END
	chmod 700 "$CORE_PATTERN_DIR/announced"
	rm -f "$CORE_PATTERN_DIR/begun"
	core_pattern_set "$CORE_PATTERN_DIR/announced" "$CORE_PATTERN_ARGS" || exit 1
}
# Without starting anything: what is waited for takes milliseconds.
wait_for_begun() {
	local end=$((SECONDS + 20))
	until [ -e "$CORE_PATTERN_DIR/begun" ] || [ $SECONDS -ge $end ]; do
		:
	done
}

# ---- killed while it is captured

# SIGKILL ends a dump, and the process, whatever its capture is about. One with many threads takes
# long enough to be killed in the middle.
crash_begin
attempts=0 kept=0 bad=0 partial=0
for delay in 0 0.001 0.003 0.006 0.01 0.015; do
	attempts=$((attempts + 1))
	set_announced_client
	(
		ulimit -c 0
		exec "$VICTIMS/sleeping_threads" 300 crash
	) >/dev/null 2>&1 &
	pid=$!
	wait_for_begun
	sleep "$delay"
	kill -KILL "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
done 2>/dev/null
all_kept() { [ "$(find "$SPOOL" -maxdepth 1 -name '*-sleeping_thread-*.snap' | wc -l)" -ge "$attempts" ]; }
check "killed while captured: $attempts times, as many snapshots" within 20 all_kept
# Other programs on this machine may crash as well.
for snap in "$SPOOL"/*-sleeping_thread-*.snap; do
	[ -e "$snap" ] || continue
	kept=$((kept + 1))
	timeout 20 "$ANALYZE" json --no-local "$snap" >json 2>/dev/null
	status=$?
	case $status in
	0) ;;
	1) partial=$((partial + 1)) ;;
	*)
		bad=$((bad + 1))
		note "status $status of $(basename "$snap")"
		;;
	esac
	[ "$(json_get json 'r["snapshot"]["integrity"]')" = complete ] || bad=$((bad + 1))
	[ "$(json_get json 'r["crash"]["signal"]')" = SIGSEGV ] || bad=$((bad + 1))
done
equal "killed while captured: each of $kept is whole, with its signal ($partial partial)" 0 "$bad"
equal "killed while captured: nothing is left behind" "" "$(ls "$SPOOL/incoming")"

# The client itself is killed: what it wrote until then is there. Nothing holds it up between its
# first bytes and its last, so that a try may come too late.
begins_part() {
	local part end=$((SECONDS + 10))
	until [ $SECONDS -ge $end ]; do
		for part in "$SPOOL"/incoming/*.part; do
			[ -s "$part" ] && return 0
		done
	done
	return 1
}
state=none
for _ in 1 2 3 4 5 6; do
	crash_begin
	set_announced_client
	"$VICTIMS/sleeping_threads" 1500 crash >/dev/null 2>&1 &
	pid=$!
	LIVE+=("$pid")
	wait_for_begun
	begins_part
	kill -KILL "$(<"$CORE_PATTERN_DIR/begun")"
	wait "$pid"
	part=$(find "$SPOOL/incoming" -name '*.part')
	[ -n "$part" ] || continue
	run timeout 20 "$ANALYZE" json --no-local "$part"
	state="$STATUS $(json_get "$TMP/out" 'r["snapshot"]["integrity"]')"
	[ "$state" = "0 complete" ] || break
done 2>/dev/null
equal "the client is killed: what it wrote is readable, and that it was cut is said" "1 truncated" "$state"
equal "the client is killed: the crash is there" SIGSEGV "$(json_get "$TMP/out" 'r["crash"]["signal"]')"

# ---- held up

# A file system that never gives what is mapped from it, as that of a hanging server or of the
# crashed process itself. The kernel waits for it before it says anything.
mkdir "$TMP/mnt"
"$O/tests/hanging_fs" "$TMP/mnt" >"$TMP/ready" 2>"$TMP/fs.err" &
fs=$!
LIVE+=("$fs")
if within 5 grep -q ready "$TMP/ready"; then
	CRASH_CONF='dump_time = 1s
'
	crash_begin
	set_client
	"$VICTIMS/stack_on_file" "$TMP/mnt/file" >/dev/null 2>&1 &
	pid=$!
	LIVE+=("$pid")
	if within "$CRASH_WAIT" published; then
		ok "memory that never comes: a snapshot comes"
		check "memory that never comes: nobody waits for it" within 10 no_client_runs
		timeout 20 "$ANALYZE" json --no-local "$SPOOL"/*.snap >json
		equal "memory that never comes: whole" complete \
			"$(json_get json 'r["snapshot"]["integrity"]')"
		equal "memory that never comes: which process" "$pid stack_on_file" \
			"$(json_get json '"%d %s" % (r["process"]["pid"], r["process"]["comm"])')"
		timeout 20 "$ANALYZE" dump "$SPOOL"/*.snap >dump
		check "memory that never comes: why it is not there" grep -qi "time ran out\|deadline" dump
	else
		not_ok "memory that never comes: a snapshot comes"
	fi
	{ kill -KILL "$pid" "$fs" && wait "$pid" "$fs"; } 2>/dev/null
	umount "$TMP/mnt"
	CRASH_CONF=
else
	skip "memory that never comes" "no file system of our own: $(head -n 1 "$TMP/fs.err" | cat -v)"
fi

# ---- called what nobody expects

# Nobody else's crashes from here on.
CRASH_CONF="only = $(basename "$(readlink -f "$PYTHON")")
only = victim
"
# 128 KiB of argv[0]: it is the last thing read, and cut.
cp "$VICTIMS/null_deref" "$TMP/victim"
crash_direct long_argv "$PYTHON" -c '
import os, resource, sys
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
os.execv(sys.argv[1], ["x" * 131000, "y"])' "$TMP/victim"
if [ -n "$SNAP" ]; then
	run timeout 20 "$ANALYZE" json --no-local "$SNAP"
	equal "a huge argv[0]: cut" 4096 "$(json_get "$TMP/out" 'len(r["process"]["cmdline"])')"
	timeout 20 "$ANALYZE" dump "$SNAP" >dump
	check "a huge argv[0]: that is said" grep -q "the command line: beyond the limit" dump
else
	not_ok "a huge argv[0]"
	note_file "$TMP/why"
fi

# Names with what shells, terminals, file systems and parsers take for something else.
names=('a b' 'x;reboot' '$(id)' $'e\e[2J' $'n\nl' '..' '-rf' 'q"q' "q'q" '%P%s' $'\xff\xfe')
crash_begin
set_client
for name in "${names[@]}"; do
	"$PYTHON" - "$name" <<'END'
import ctypes, os, resource, sys
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
ctypes.CDLL(None).prctl(15, os.fsencode(sys.argv[1]), 0, 0, 0)
os.kill(os.getpid(), 11)
END
done 2>/dev/null
all_named() { [ "$(count_snaps)" -ge "${#names[@]}" ]; }
check "hostile names: as many snapshots" within "$CRASH_WAIT" all_named
found=$(for snap in "$SPOOL"/*.snap; do
	timeout 20 "$ANALYZE" json --no-local "$snap" 2>/dev/null
done | "$PYTHON" -c '
import json, sys
for line in sys.stdin:
	print(ascii(json.loads(line)["process"]["comm"]))' | sort)
wanted=$("$PYTHON" -c '
import os, sys
for name in sys.argv[1:]:
	raw = os.fsencode(name)
	try:
		text = raw.decode()
	except UnicodeDecodeError:
		text = "".join("\\x%02x" % b for b in raw)
	print(ascii(text))' "${names[@]}" | sort)
equal "hostile names: as they are" "$wanted" "$found"
check "hostile names: none breaks out of the spool's names" sh -c '
	! ls -b "$1" | grep -qv "^incoming$\|^[0-9]*T[0-9]*Z-[A-Za-z0-9._+@%]*-[0-9]*-[0-9a-f]*\.snap$"' sh "$SPOOL"

# ---- what the kernel's limit on cores says

crash_direct unlimited "$PYTHON" -c '
import os, resource
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
os.kill(os.getpid(), 11)'
check "RLIMIT_CORE 0: captured" test -n "$SNAP"
