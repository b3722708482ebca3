#!/bin/bash
# libsnapcrash and crashes that the kernel hands over: what programs tell of themselves is found in
# their memory, whatever they made of it; and who has had a snapshot made gets no second one.
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/crashlib.sh"
. "$LIB/serverlib.sh"
. "$LIB/librarylib.sh"
need "$CLIENT" "$SERVER" "$ANALYZE" "$LIBRARY"

check "the programs build" library_build annotated annotated.c || exit 1
check "the programs build" library_build crasher crasher.c || exit 1

# crashed NAME COMMAND...: SNAP, complete.
crashed() {
	local name=$1
	shift
	crash_direct "$name" "$@" || {
		not_ok "$name: a snapshot"
		note_file "$TMP/why"
		return 1
	}
	check "$name: complete" "$ANALYZE" check "$SNAP"
}
tag() { json_get "$TMP/tags.json" 'r["tags"].get("'"$1"'")'; }
read_tags() { "$ANALYZE" json "$SNAP" >"$TMP/tags.json" 2>/dev/null; }

crashed annotated "$TMP/annotated" crash && annotated_as_it_should "crash" "$SNAP"
if [ "$SANITIZED" = no ]; then
	check "a static program builds" library_build static annotated.c -static || exit 1
	crashed static "$TMP/static" crash && annotated_as_it_should "static" "$SNAP"
fi
crashed forked "$TMP/annotated" fork && read_tags && {
	equal "forked: the child's own tag" yes "$(tag child)"
	equal "forked: its parent's" 1.2.4 "$(tag release)"
}
for i in 1 2 3; do
	crashed "threads$i" "$TMP/annotated" threads || continue
	"$ANALYZE" dump "$SNAP" >"$TMP/dump" 2>&1
	# Who is interrupted while it writes holds its place: the next round's line for that place is left
	# out, and its own comes too old. Then it may be in the middle of another one: two for each of four.
	equal "threads that log while it crashes: at most two lines of each are lost" yes "$(
		n=$(grep -c 'message: ' "$TMP/dump")
		[ "$n" -ge 248 ] && [ "$n" -le 256 ] && echo yes || echo "$n"
	)"
	equal "and no line is half of another" "" \
		"$(grep 'message: "thread' "$TMP/dump" |
			grep -vE 'message: "thread [0-3] says [0-9]+ and a tail"')"
done

# ---------------------------------------------------------------- hostile areas

for seed in 1 2 3; do
	crashed "scribble$seed" "$TMP/annotated" scribble "$seed" || continue
	run timeout 20 "$ANALYZE" json "$SNAP"
	check "scribble$seed: can be analysed ($STATUS)" test "$STATUS" -le 1
	check "scribble$seed: and is no larger than it may be" test "$(stat -c %s "$SNAP")" -lt 2097152
done
crashed ones "$TMP/annotated" ones
crashed unmapped "$TMP/annotated" unmapped && {
	read_tags
	# Between a sanitizer's own mappings the area does not stand alone.
	[ "$SANITIZED" = yes ] || equal "unmapped: said so" 1 "$(json_get "$TMP/tags.json" \
		'sum(o["count"] for o in r["omissions"] if o["what"] == "annotation")')"
}

# ---------------------------------------------------------------- the handler and core_pattern

# both HOW: crasher, with a server, and core_pattern's client behind the handler.
both() {
	crash_begin
	mkdir -p "$TMP/own"
	rm -f "$TMP/own"/*
	core_pattern_set "$CLIENT" --config "$CORE_PATTERN_DIR/conf" "$CORE_PATTERN_ARGS" || exit 1
	crash_run env SNAPCRASH_SOCKET="$APP" "$TMP/crasher" "$@"
}
skipped_library() { grep -q 'library' "$SPOOL/skipped" 2>/dev/null; }

crash_begin
SPOOL=$CORE_PATTERN_DIR/spool
APP=$CORE_PATTERN_DIR/app
CRASH_CONF="app_socket = $APP
"
crash_begin
sed -i "s|^socket = .*|socket = $CORE_PATTERN_DIR/server.sock|" "$CORE_PATTERN_DIR/conf"
SERVER_CONF=$CORE_PATTERN_DIR/conf
server_start
# crash_begin() makes the spool anew; the server would miss it.
crash_begin() { rm -f "$SPOOL"/*.snap "$SPOOL/skipped"; }
both segv "$TMP/own"
equal "handler, server and core_pattern: status" 139 "$CRASH_STATUS"
check "handler, server and core_pattern: the client leaves it at that" within 20 skipped_library
equal "handler, server and core_pattern: one snapshot" 1 "$(num_snapshots)"
check "handler, server and core_pattern: no file is left" within 5 has_parts 0
check "handler, server and core_pattern: it is the handler's" \
	grep -q 'method: 5' <("$ANALYZE" dump "$SPOOL"/*.snap)
server_stop

# Without the server the kernel's client knows more than the process itself.
both segv "$TMP/own"
check "handler and core_pattern, no server: the client's" within 20 published
check "handler and core_pattern, no server: is whole" "$ANALYZE" check "$SPOOL"/*.snap
equal "handler and core_pattern, no server: the process's own" 1 \
	"$(find "$TMP/own" -name '*.snap' | wc -l)"
