#!/bin/bash
# The format is what proto/snapshot.proto says: protoc, which knows nothing else, reads our files,
# and we read protoc's.
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/crashlib.sh"
need "$CLIENT" "$ANALYZE"
command -v protoc >/dev/null || {
	echo "no protoc" >&2
	exit 77
}

decode() { protoc -I "$TOP/proto" --decode=snapcrash.Snapshot snapshot.proto; }
encode() { protoc -I "$TOP/proto" --encode=snapcrash.Snapshot snapshot.proto; }

# Written by hand, as another program would: no header, so unmarked.
cat >"$TMP/hand.txt" <<'END'
metadata {
  reason: "SIGSEGV"
  fatal: true
  project_name: "hand-made"
  software_version: "1.2.3"
  device_name: "bench"
  snapshot_uuid: "0123456789abcdef"
}
tags { key: "branch" value: "main" }
threads {
  name: "worker"
  state: RUNNING
  id: 4711
}
process { pid: 4700 comm: "handmade" elf_machine: 62 elf_class: 2 elf_data: 1 }
signal { signo: 11 code: 1 tid: 4711 address: 0 }
END
check "protoc encodes the hand-written file" encode <"$TMP/hand.txt"
encode <"$TMP/hand.txt" >"$TMP/hand.snap"
run "$ANALYZE" json "$TMP/hand.snap"
# Its crashing thread has no registers, so nothing to unwind: partial.
equal "json of the hand-written file: status" 1 "$STATUS"
mv "$TMP/out" "$TMP/hand.json"
check "its json is valid by the schema" valid_report "$TMP/hand.json"
get() { equal "hand-written: $1" "$2" "$(json_get "$TMP/hand.json" "$1" 2>&1)"; }
get 'r["snapshot"]["integrity"]' unmarked
get 'r["snapshot"]["fatal"]' true
get 'r["snapshot"]["uuid"]' 30313233343536373839616263646566
get 'r["device"]["project"]' hand-made
get 'r["device"]["device"]' bench
get 'r["device"]["software_version"]' 1.2.3
get 'r["tags"]["branch"]' main
get 'r["process"]["pid"]' 4700
get 'r["process"]["tid"]' 4711
get 'r["crash"]["signal"]' SIGSEGV
get 'r["crash"]["code"]' SEGV_MAPERR
get 'r["crash"]["address"]' 0x0
get 'r["crash"]["kind"]' segv-null
get 'len(r["threads"])' 1
get 'r["threads"][0]["name"]' worker
get 'r["threads"][0]["crashed"]' true
get 'r["threads"][0]["end"]' unavailable
run "$ANALYZE" report "$TMP/hand.snap"
equal "report of the hand-written file: status" 1 "$STATUS"
check "report of the hand-written file names the signal" grep -q SIGSEGV "$TMP/out"
check "report of the hand-written file names the thread" grep -q 4711 "$TMP/out"
run "$ANALYZE" check "$TMP/hand.snap"
check "check says unmarked" grep -qw unmarked "$TMP/out"

# Unknown fields and enum values of a later version.
{
	printf '\222\001\004\030\143\140\007' # threads { state: 99  id: 7 }
	printf '\312\270\002\003abc'	      # a field nobody knows yet
} >>"$TMP/hand.snap"
run "$ANALYZE" json "$TMP/hand.snap"
check "unknown fields and enum values are no error (status $STATUS)" test "$STATUS" -le 1

if ! crash_direct protoc "$VICTIMS/null_deref"; then
	not_ok "a captured file for protoc"
	note_file "$TMP/why"
	exit 1
fi
check "protoc decodes a captured file" decode <"$SNAP"
decode <"$SNAP" >"$TMP/decoded"
for wanted in '^header {' 'magic: 5211599642860539475' 'format_version: 1' 'reason: "SIGSEGV"' \
	'fatal: true' 'signo: 11' 'comm: "null_deref"' 'state: RUNNING' 'reason: STACK' \
	'hold_time_ns: ' 'final: true' 'method: CORE_PATTERN' 'build_id: "' 'elf_machine: 62'; do
	check "decoded: $wanted" grep -q -- "$wanted" "$TMP/decoded"
done
# protoc prints fields by number; in the file the header's tag (1032, length-delimited) comes first.
equal "the header comes first" " c2 40" "$(od -An -tx1 -N2 "$SNAP")"
equal "one crashing thread" 1 "$(grep -c 'state: RUNNING' "$TMP/decoded")"
check "nothing undeclared in it" sh -c '! grep -Eq "^ *[0-9]+: " "$1"' sh "$TMP/decoded"
# The same bytes in another order no longer are what was vouched for.
encode <"$TMP/decoded" >"$TMP/again.snap"
run "$ANALYZE" check "$TMP/again.snap"
check "encoded anew it is not complete" test "$STATUS" = 1

# What Pigweed's tools show of any snapshot, they find in one of a Linux process's: they read it by
# their own messages, in which text has to be UTF-8.
pigweed() { protoc -I "$LIB" --decode=pw.snapshot.Snapshot pigweed.proto; }
CRASH_CONF='project = gizmo
device = unit-4711
software_version = 1.4.2
software_build_uuid = 00112233
'
if ! crash_direct pigweed "$VICTIMS/blocked_threads"; then
	not_ok "a captured file for Pigweed"
	note_file "$TMP/why"
	exit 1
fi
check "Pigweed's messages decode a captured file" pigweed <"$SNAP"
pigweed <"$SNAP" >"$TMP/pigweed"
for wanted in 'reason: "SIG' '^  fatal: true' 'project_name: "gizmo"' 'software_version: "1.4.2"' \
	'software_build_uuid: "\\000\\021\\"3"' 'device_name: "unit-4711"' 'snapshot_uuid: "'; do
	check "Pigweed's metadata: $wanted" grep -q -- "$wanted" "$TMP/pigweed"
done
"$ANALYZE" json --no-local "$SNAP" >"$TMP/threads.json"
num=$(json_get "$TMP/threads.json" 'len(r["threads"])')
for wanted in '^  name: "' '^  stack_start_pointer: ' '^  stack_end_pointer: ' '^  stack_pointer: '; do
	equal "Pigweed's threads: $wanted" "$num" "$(grep -c -- "$wanted" "$TMP/pigweed")"
done
equal "Pigweed's threads: one runs" 1 "$(grep -c '^  state: RUNNING' "$TMP/pigweed")"
equal "stacks hold their stack pointers" true "$(json_get "$TMP/threads.json" 'all(
	int(s["end"], 16) <= int(s["pointer"], 16) < int(s["start"], 16)
	and s["used"] == int(s["start"], 16) - int(s["pointer"], 16) and not s["overflow"]
	for s in (t["stack"] for t in r["threads"]))')"
equal "each thread has a stack of its own" "$num" \
	"$(json_get "$TMP/threads.json" 'len({t["stack"]["start"] for t in r["threads"]})')"

# A stack that overflowed is used up, or more than that.
if crash_direct overflow "$VICTIMS/stack_overflow"; then
	"$ANALYZE" json --no-local "$SNAP" >"$TMP/overflow.json"
	equal "a stack overflow" true "$(json_get "$TMP/overflow.json" '(lambda s:
		s["used"] > s["size"] - 65536)(r["threads"][0]["stack"])')"
else
	not_ok "a stack overflow for Pigweed"
	note_file "$TMP/why"
fi
