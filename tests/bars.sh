#!/bin/bash
# Figures of the client on this machine: how long it holds a crashed process, and what memory it
# takes. For information, and for the comparison of one version with another: nothing is judged here.
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/crashlib.sh"
need "$CLIENT" "$O/tests/peak_rss"

ROUNDS=${ROUNDS:-15}
decode() { protoc -I "$TOP/proto" --decode=snapcrash.Snapshot snapshot.proto; }

# A subset of the client's arguments would do, but these are the real ones; through the launcher
# that reads the peak.
crash_measured() { # MiB: hold time in microseconds, peak in KiB, size in bytes
	local hold
	crash_begin
	rm -f "$CORE_PATTERN_DIR/r"
	# Short names: 127 bytes.
	ln -sfn "$CLIENT" "$CORE_PATTERN_DIR/c"
	ln -sfn "$CORE_PATTERN_DIR/conf" "$CORE_PATTERN_DIR/f"
	core_pattern_set "$O/tests/peak_rss" "$CORE_PATTERN_DIR/r" "$CORE_PATTERN_DIR/c" \
		--config "$CORE_PATTERN_DIR/f" "$CORE_PATTERN_ARGS" || exit 1
	crash_run "$@"
	within 60 test -e "$CORE_PATTERN_DIR/r" || {
		echo "the client did not end" >&2
		exit 1
	}
	crash_take bars || {
		cat "$TMP/why" >&2
		exit 1
	}
	hold=$(decode <"$SNAP" | sed -n 's/^  hold_time_ns: //p' | tail -n 1)
	echo "$((hold / 1000)) $(cut -d' ' -f1 "$CORE_PATTERN_DIR/r") $(stat -c %s "$SNAP")"
}

median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }

echo "client: hold time, peak memory and file size; medians of $ROUNDS, interleaved" >&2
# The first crash of all pays for the page cache.
crash_measured "$VICTIMS/heap" 1 >/dev/null
scenarios=("heap 1" "heap 1024" "many_threads" "sleeping_threads 1000 crash")
for ((i = 0; i < ROUNDS; i++)); do
	for scenario in "${scenarios[@]}"; do
		read -ra command <<<"$scenario"
		# What is measured is this crash, not the former one's teardown and fsync.
		sleep 0.2
		crash_measured "$VICTIMS/${command[0]}" "${command[@]:1}" >>"$TMP/figures.${scenario// /-}"
	done
done
printf '%-32s %14s %14s %14s\n' scenario "hold (us)" "peak (KiB)" "file (bytes)"
for scenario in "${scenarios[@]}"; do
	file=$TMP/figures.${scenario// /-}
	printf '%-32s %14d %14d %14d\n' "$scenario" "$(cut -d' ' -f1 "$file" | median)" \
		"$(cut -d' ' -f2 "$file" | median)" "$(cut -d' ' -f3 "$file" | median)"
done
awk -v big="$(cut -d' ' -f1 "$TMP/figures.heap-1024" | median)" \
	-v small="$(cut -d' ' -f1 "$TMP/figures.heap-1" | median)" \
	'BEGIN { printf "hold time of a 1 GiB heap over a 1 MiB heap: %.2f\n", big / small }'
