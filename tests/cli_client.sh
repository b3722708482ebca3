#!/bin/bash
# snapcrash-client where things are not as they should be: its configuration, its spool, its input.
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/crashlib.sh"
need "$CLIENT"

decode() { protoc -I "$TOP/proto" --decode=snapcrash.Snapshot snapshot.proto; }
notes() { decode <"$SNAP" | grep -c '^notes: '; }

crash_both plain "$VICTIMS/null_deref" || {
	not_ok "a crash is captured"
	note_file "$TMP/why"
	exit 1
}
ok "a crash is captured"
equal "spool: only its owner may read it" "700" "$(stat -c %a "$SPOOL")"
equal "snapshot: only its owner may read it" "600" "$(stat -c %a "$SPOOL"/*.snap)"
equal "nothing is left in incoming" "" "$(ls "$SPOOL/incoming")"
check "its name is time, comm, pid and uuid" sh -c \
	'echo "$1" | grep -Eqx "[0-9]{8}T[0-9]{6}Z-null_deref-[0-9]+-[0-9a-f]{8}\.snap"' sh "$SNAP_NAME"
equal "nothing to note" 0 "$(notes)"
cp "$CORE" "$TMP/core"

# Of more mappings than there is room for, those where the crash was are among those that are told.
if crash_both many "$VICTIMS/many_mappings"; then
	check "many mappings: some are left out" sh -c '"$1" report "$2" | grep -q "left out.*mappings"' sh "$ANALYZE" "$SNAP"
	run "$ANALYZE" import "$CORE" -o "$TMP/many.imported"
	for input in "$SNAP" "$CORE" "$TMP/many.imported"; do
		check "many mappings, ${input##*.}: what is mapped there is known" sh -c \
			'"$1" report "$2" | head -3 | grep -q "which lies in read-only memory"' sh "$ANALYZE" "$input"
	done
else
	not_ok "many mappings"
	note_file "$TMP/why"
fi

# A typo must not lose a crash, and must not pass unnoticed.
CRASH_CONF=$'no such key\nspol = /nowhere\nfoo = bar = baz\n'
if crash_direct conf "$VICTIMS/null_deref"; then
	ok "bad lines in the configuration: captured all the same"
	check "bad lines in the configuration: noted ($(notes))" test "$(notes)" -ge 1
else
	not_ok "bad lines in the configuration: captured all the same"
	note_file "$TMP/why"
fi
CRASH_CONF=

# Many at once: every one is kept.
crash_begin
core_pattern_set "$CLIENT" --config "$CORE_PATTERN_DIR/conf" "$CORE_PATTERN_ARGS" || exit 1
(
	pids=()
	for i in 1 2 3 4 5 6 7 8; do
		"$VICTIMS/null_deref" &
		pids+=($!)
	done
	wait "${pids[@]}"
) >/dev/null 2>&1
all_eight() { [ "$(find "$SPOOL" -maxdepth 1 -name '*.snap' | wc -l)" = 8 ]; }
check "eight crashes at once: eight snapshots" within 20 all_eight

# Of many threads, whose numbers another process's are among: each has the name that the kernel knows.
crash_begin
names_of() { (cd /proc/"$1"/task && grep -H . -- */comm | sed 's|/comm:| |'); } # PID
ready_twice() { grep -qs ready "$TMP/1.out" && grep -qs ready "$TMP/2.out"; }
core_pattern_set "$CLIENT" --config "$CORE_PATTERN_DIR/conf" "$CORE_PATTERN_ARGS" || exit 1
(
	"$VICTIMS/waiting_threads" 1000 >"$TMP/1.out" 2>&1 &
	first=$!
	"$VICTIMS/waiting_threads" 1000 >"$TMP/2.out" 2>&1 &
	second=$!
	within 20 ready_twice
	names_of "$first" >"$TMP/1.names"
	names_of "$second" >"$TMP/2.names"
	kill -SEGV "$first" "$second"
	wait "$first" "$second"
) 2>/dev/null
both() { [ "$(find "$SPOOL" -maxdepth 1 -name '*.snap' | wc -l)" = 2 ]; }
check "two crashes of many threads: two snapshots" within 20 both
for snap in "$SPOOL"/*.snap; do
	"$ANALYZE" json "$snap" >"$TMP/names.json"
	json_get "$TMP/names.json" '"\n".join("%d %s" % (t["tid"], t["name"]) for t in sorted(r["threads"], key=lambda t: t["tid"]))'
done | sort -n >"$TMP/names" 2>&1
equal "two crashes of many threads: all have their names" "$(sort -n "$TMP/1.names" "$TMP/2.names")" "$(cat "$TMP/names")"

# A crash is released long before anybody has written a large file.
crash_begin
cat >"$CORE_PATTERN_DIR/slow" <<END
#!/bin/bash
exec >/dev/null 2>&1
"$CLIENT" --config "$CORE_PATTERN_DIR/conf" "\$@" 0<&0 &
exec 0<&-
wait
sleep 1
: >"$CORE_PATTERN_DIR/slow.done"
END
chmod 700 "$CORE_PATTERN_DIR/slow"
core_pattern_set "$CORE_PATTERN_DIR/slow" "$CORE_PATTERN_ARGS" || exit 1
crash_run "$VICTIMS/null_deref"
check "the process is gone while its helper still works" test ! -e "$CORE_PATTERN_DIR/slow.done"
within 10 test -e "$CORE_PATTERN_DIR/slow.done"
core_pattern_release

# Started by hand, with input that no kernel sends: nothing is captured, nothing published.
mkdir "$TMP/spool"
printf 'spool = %s\nsocket = %s\n' "$TMP/spool" "$TMP/none.sock" >"$TMP/conf"
sleep 1000 &
sleeper=$!
LIVE+=("$sleeper")
head -c 1000 "$TMP/core" >"$TMP/cut"
head -c 100000 /dev/urandom >"$TMP/noise"
: >"$TMP/empty"
for input in noise empty cut; do
	run timeout 30 "$CLIENT" --config "$TMP/conf" "$sleeper" "$sleeper" 11 1700000000 1 0 0 0 "" comm \
		<"$TMP/$input"
	check "input $input: not complete (status $STATUS)" test "$STATUS" -ge 1 -a "$STATUS" -le 2
	# That there was a crash may be recorded all the same, but not as if nothing were missing.
	for file in "$TMP/spool"/*.snap; do
		[ -e "$file" ] || continue
		run "$ANALYZE" report "$file"
		equal "input $input: report of what is published: status" 1 "$STATUS"
	done
	rm -f "$TMP/spool"/*.snap
done
# A pid that is not the core's process (it was reused, say): nothing of that process may be taken.
run timeout 30 "$CLIENT" --config "$TMP/conf" "$sleeper" "$sleeper" 11 1700000000 1 0 0 0 "" comm \
	<"$TMP/core"
check "another process's pid (status $STATUS): its name is not in the file" sh -c '
	for file in "$1"/*.snap; do
		[ -e "$file" ] || exit 0
		grep -q "/bin/sleep" "$file" && exit 1
	done; exit 0' sh "$TMP/spool"
check "another process's pid: it lives" kill -0 "$sleeper"
run timeout 30 "$CLIENT" --config "$TMP/conf" not a number of words
equal "wrong number of words: status" 64 "$STATUS"
run timeout 30 "$CLIENT" --config "$TMP/conf" x "$sleeper" 11 1700000000 1 0 0 0 "" comm <"$TMP/core"
check "a pid that is no number (status $STATUS): refused or noted" test "$STATUS" -ge 1

# No spool to be had.
: >"$TMP/file"
printf 'spool = %s\n' "$TMP/file/spool" >"$TMP/conf"
run timeout 30 "$CLIENT" --config "$TMP/conf" "$sleeper" "$sleeper" 11 1700000000 1 0 0 0 "" comm <"$TMP/core"
equal "a spool that cannot be made: status" 2 "$STATUS"

# Started by the kernel the client has no standard error: what it says goes to the kernel's log.
crash_begin
printf 'spool = %s\n' "$TMP/file/spool" >"$CORE_PATTERN_DIR/conf"
core_pattern_set "$CLIENT" --config "$CORE_PATTERN_DIR/conf" "$CORE_PATTERN_ARGS" || exit 1
crash_run "$VICTIMS/null_deref"
if dmesg >/dev/null 2>&1; then
	check "a crash without a spool shows in the kernel's log" within 10 sh -c \
		'dmesg | grep -F "snapcrash-client: cannot create a file in the spool" | grep -qF "$1/file/spool"' \
		sh "$TMP"
else
	skip "a crash without a spool shows in the kernel's log" "it can't be read here"
fi
