#!/bin/bash
# Fields of a snapshot that are not ours: listed, decoded by a .proto of the user's or a descriptor set,
# and kept by whatever goes over a snapshot.
. "$(dirname "$0")/lib/testlib.sh"
need "$ANALYZE"
command -v protoc >/dev/null || {
	echo "no protoc" >&2
	exit 77
}
SCHEMA=$TOP/docs/report.schema.json
unset COLUMNS

mkdir -p "$TMP/protos/power"
cat >"$TMP/protos/power/rails.proto" <<'END'
syntax = "proto3";
package demo.power;
enum Level { UNKNOWN = 0; LOW = 1; GOOD = 2; }
message Rail { string name = 1; sint32 millivolts = 2; Level level = 3; }
END
mkdir -p "$TMP/own"
cat >"$TMP/own/common.proto" <<'END'
syntax = "proto2";
package demo;
message Stats { optional uint64 switches = 1; repeated uint32 samples = 2 [packed = true]; map<string, int64> counts = 3; }
END
cat >"$TMP/own/device.proto" <<'END'
syntax = "proto3";
package demo;
import "common.proto";
import "power/rails.proto";
message Board {
  string name = 1;
  repeated demo.power.Rail rails = 2;
  oneof kind { double volt = 3; bytes blob = 4; }
  float temperature = 6;
  map<int32, demo.power.Level> levels = 7;
}
message ThreadFields { Stats stats = 1040; bool realtime = 1041; }
message DeviceSnapshot {
  Board board = 8;
  map<string, uint32> counters = 9;
  MetadataFields metadata = 16;
  repeated ThreadFields threads = 18;
  bytes trace = 21;
  repeated fixed32 words = 2000;
  message MetadataFields { string build_host = 1050; }
}
// The whole snapshot of such a device.
message Whole {
  Board board = 8;
  map<string, uint32> counters = 9;
  Metadata metadata = 16;
  repeated Thread threads = 18;
  bytes trace = 21;
  repeated fixed32 words = 2000;
  uint32 odd = 3000;
  message Metadata { bytes reason = 1; bool fatal = 2; string build_host = 1050; }
  message Thread { bytes name = 1; uint64 id = 12; Stats stats = 1040; bool realtime = 1041; bytes other = 1042; }
}
END
cat >"$TMP/whole.txt" <<'END'
board {
  name: "rev \"B\"\033[31m"
  rails { name: "vdd" millivolts: -3300 level: GOOD }
  rails { name: "io" level: LOW }
  volt: 0.1
  temperature: 36.6
  levels { key: -2 value: GOOD }
}
counters { key: "resets" value: 2 }
counters { key: "boots" value: 1 }
metadata { reason: "watchdog" fatal: true build_host: "ci-1" }
threads { name: "main" id: 7 stats { switches: 18446744073709551615 samples: 1 samples: 2 counts { key: "k" value: -5 } } realtime: true }
threads { name: "idle" id: 8 other: "\001\002" }
trace: "\001\002\003"
words: 1
words: 4294967295
odd: 5
END
PROTOS=(--proto-path "$TMP/protos")
protoc -I "$TMP/own" -I "$TMP/protos" --encode=demo.Whole device.proto <"$TMP/whole.txt" >"$TMP/x.snap" 2>"$TMP/protoc.err"
check "protoc makes the snapshot" test -s "$TMP/x.snap"

# ---------------------------------------------------------------- without a declaration

cat >"$TMP/wanted" <<'END'
Other fields
  8: bytes, 1 time, 63 bytes
  9: bytes, 2 times, 19 bytes
  21 trace_data: bytes, 1 time, 3 bytes
  2000: bytes, 1 time, 8 bytes
  3000: varint, 1 time, 1 byte
  metadata.1050: bytes, 1 time, 4 bytes
  threads.1040: bytes, 1 time, 31 bytes
  threads.1041: varint, 1 time, 1 byte
  threads.1042: bytes, 1 time, 2 bytes
END
run "$ANALYZE" report --sections=fields "$TMP/x.snap"
check "the list" diff "$TMP/wanted" "$TMP/out"
run "$ANALYZE" report "$TMP/x.snap"
check "it is a section of the report" sh -c 'grep -A9 "^Other fields" "$1" | diff "$2" -' sh "$TMP/out" "$TMP/wanted"
run "$ANALYZE" report --brief "$TMP/x.snap"
check "not of the brief one" sh -c '! grep -q "Other fields" "$1"' sh "$TMP/out"
run "$ANALYZE" report --sections=cause "$TMP/x.snap"
check "not among others" sh -c '! grep -q "Other fields" "$1"' sh "$TMP/out"
run "$ANALYZE" json "$TMP/x.snap"
mv "$TMP/out" "$TMP/plain.json"
check "json: valid by the schema" "$PYTHON" "$LIB/validate_json.py" "$SCHEMA" "$TMP/plain.json"
get() { equal "json: $1" "$2" "$(json_get "$TMP/plain.json" "$1" 2>&1)"; }
get '[f["path"] for f in r["fields"]]' \
	"['8', '9', '21', '2000', '3000', 'metadata.1050', 'threads.1040', 'threads.1041', 'threads.1042']"
get '[(f["number"], f["wire"], f["count"], f["bytes"], f["name"], f["decoded"]) for f in r["fields"]][1]' \
	"(9, 'bytes', 2, 19, None, None)"
get '{(f["type"], f["overlay"]) for f in r["fields"]}' '{(None, None)}'
get 'r["fields_left_out"]' 0
run "$ANALYZE" dump "$TMP/x.snap"
check "dump: what is within a record" grep -qxF "        threads.1042: bytes, 1 time, 2 bytes" "$TMP/out"
equal "dump: nothing twice" 1 "$(grep -c 'field 2000' "$TMP/out")"
check "dump: nothing twice, below" sh -c '! grep -q "2000: bytes" "$1"' sh "$TMP/out"

# Groups, which proto2 had: fields like others, whatever is in them, and kept.
"$PYTHON" -B - "$LIB" "$TMP/x.snap" "$TMP/groups.snap" "$TMP/marked.snap" <<'END'
import struct
import sys

sys.path.insert(0, sys.argv[1])
from snapshot_records import CHECKPOINT, HEADER, crc32c, delimited, read_snapshot, varint

group = varint(9 << 3 | 3) + varint(1 << 3) + b"\x05" + varint(2 << 3 | 3) + varint(2 << 3 | 4) + varint(9 << 3 | 4)
data = read_snapshot(sys.argv[2]) + group
open(sys.argv[3], "wb").write(data)
header = delimited(HEADER, struct.pack("<BQBB", 1 << 3 | 1, int.from_bytes(b"SNAPCRSH", "little"), 2 << 3, 1))
data = header + data
data += delimited(CHECKPOINT, struct.pack("<BQBIBB", 1 << 3 | 1, len(data), 2 << 3 | 5, crc32c(data), 3 << 3, 1))
open(sys.argv[4], "wb").write(data)
END
for each in "groups unmarked" "marked complete"; do
	read -r name integrity <<<"$each"
	run "$ANALYZE" check "$TMP/$name.snap"
	check "groups: $integrity" grep -q ": $integrity[,:]" "$TMP/out"
	run "$ANALYZE" report --sections=fields "$TMP/$name.snap"
	check "groups: $integrity: a field as others" grep -qxF "  9: mixed, 3 times, 23 bytes" "$TMP/out"
	run "$ANALYZE" dump "$TMP/$name.snap"
	check "groups: $integrity: what is in it" grep -q "08 05 13 14" "$TMP/out"
done

# ---------------------------------------------------------------- with one

cat >"$TMP/wanted" <<'END'
Other fields
  8 board (demo.Board): bytes, 1 time, 63 bytes
    board {
      name: "rev \"B\"\033[31m"
      rails {
        name: "vdd"
        millivolts: -3300
        level: GOOD
      }
      rails {
        name: "io"
        level: LOW
      }
      volt: 0.1
      temperature: 36.6
      levels {
        key: -2
        value: GOOD
      }
    }
  9 counters (map<string, uint32>): bytes, 2 times, 19 bytes
    counters {
      key: "boots"
      value: 1
    }
    counters {
      key: "resets"
      value: 2
    }
  21 trace (bytes): bytes, 1 time, 3 bytes
    trace: "\001\002\003"
  2000 words (fixed32): bytes, 1 time, 8 bytes
    words: [1, 4294967295]
  3000: varint, 1 time, 1 byte
  metadata.1050 build_host (string): bytes, 1 time, 4 bytes
    metadata:
      build_host: "ci-1"
  threads.1040 stats (demo.Stats): bytes, 1 time, 31 bytes
    threads[0], thread 7:
      stats {
        switches: 18446744073709551615
        samples: [1, 2]
        counts {
          key: "k"
          value: -5
        }
      }
  threads.1041 realtime (bool): varint, 1 time, 1 byte
    threads[0], thread 7:
      realtime: true
  threads.1042: bytes, 1 time, 2 bytes
END
DEVICE=$TMP/own/device.proto:demo.DeviceSnapshot
run "$ANALYZE" report --sections=fields --proto "$DEVICE" "${PROTOS[@]}" "$TMP/x.snap"
check "decoded by a .proto that imports others" diff "$TMP/wanted" "$TMP/out"
equal "nothing on stderr" "" "$(cat "$TMP/err")"
run "$ANALYZE" report --sections=fields --proto "$DEVICE" "${PROTOS[@]}" --no-sandbox "$TMP/x.snap"
check "the same without the sandbox" diff "$TMP/wanted" "$TMP/out"
(
	cd "$TMP/own" || exit 1
	run "$ANALYZE" report --sections=fields --proto device.proto:DeviceSnapshot --proto-path ../protos ../x.snap
	check "the same by paths that are relative, and a short name" diff "$TMP/wanted" "$TMP/out"
	cp device.proto @-odd.proto
	run "$ANALYZE" report --sections=fields --proto=@-odd.proto:DeviceSnapshot --proto-path ../protos ../x.snap
	check "the same by a file whose name could be an option's" diff "$TMP/wanted" "$TMP/out"
	rm ./@-odd.proto
)
run "$ANALYZE" json --proto "$DEVICE" "${PROTOS[@]}" "$TMP/x.snap"
mv "$TMP/out" "$TMP/decoded.json"
check "json: decoded, valid by the schema" "$PYTHON" "$LIB/validate_json.py" "$SCHEMA" "$TMP/decoded.json"
get() { equal "json: $1" "$2" "$(json_get "$TMP/decoded.json" "$1" 2>&1)"; }
get '[f["decoded"][0]["value"] for f in r["fields"] if f["path"] == "8"]' \
	"[{'board': {'name': 'rev \"B\"\\x1b[31m', 'rails': [{'name': 'vdd', 'millivolts': -3300, 'level': 'GOOD'}, {'name': 'io', 'level': 'LOW'}], 'volt': 0.1, 'temperature': 36.6, 'levels': {'-2': 'GOOD'}}}]"
get '[f["decoded"][0] for f in r["fields"] if f["path"] == "threads.1040"]' \
	"[{'within': 'threads[0]', 'tid': 7, 'value': {'stats': {'switches': '18446744073709551615', 'samples': [1, 2], 'counts': {'k': -5}}}}]"
get '[f["decoded"][0]["value"] for f in r["fields"] if f["path"] == "21"]' "[{'trace': '010203'}]"
get '[(f["name"], f["type"], f["overlay"]) for f in r["fields"] if f["path"] == "9"]' \
	"[('counters', 'map<string, uint32>', 'demo.DeviceSnapshot')]"
get '[f["decoded"] for f in r["fields"] if f["path"] == "3000"]' '[None]'
run "$ANALYZE" dump --proto "$DEVICE" "${PROTOS[@]}" "$TMP/x.snap"
check "dump: decoded below its record" sh -c 'sed -n "/field 2000/,\$p" "$1" | grep -qxF "          words: [1, 4294967295]"' sh "$TMP/out"
check "dump: decoded within a record" grep -qxF '              switches: 18446744073709551615' "$TMP/out"

# A descriptor set, with no protoc anywhere.
protoc -I "$TMP/own" -I "$TMP/protos" --include_imports --descriptor_set_out="$TMP/device.binpb" device.proto
run env PATH="$TMP/none" "$ANALYZE" report --sections=fields --proto "$TMP/device.binpb:demo.DeviceSnapshot" "$TMP/x.snap"
check "decoded by a descriptor set, without protoc" diff "$TMP/wanted" "$TMP/out"
# Without what it imports.
protoc -I "$TMP/own" -I "$TMP/protos" --descriptor_set_out="$TMP/alone.desc" device.proto
run "$ANALYZE" report --sections=fields --proto "$TMP/alone.desc:demo.DeviceSnapshot" "$TMP/x.snap"
check "types that a set lacks: as far as it goes" grep -qF "demo.Stats stats" "$TMP/out"
check "types that a set lacks: the rest" grep -qxF "      temperature: 36.6" "$TMP/out"

# Two of them: the first that declares a number.
cat >"$TMP/second.proto" <<'END'
syntax = "proto3";
message Second { uint32 mine = 3000; bytes board_again = 8; repeated Threads threads = 18; message Threads { bytes other = 1042; } }
END
run "$ANALYZE" report --sections=fields --proto "$DEVICE" "${PROTOS[@]}" --proto "$TMP/second.proto:Second" "$TMP/x.snap"
check "two messages: the second one's" grep -qxF "  3000 mine (uint32): varint, 1 time, 1 byte" "$TMP/out"
check "two messages: the first counts" grep -qF "  8 board (demo.Board)" "$TMP/out"
check "two messages: both within threads" sh -c 'grep -qxF "      other: \"\\001\\002\"" "$1" && grep -qF "  threads.1040 stats" "$1"' sh "$TMP/out"

# Several inputs, more than one worker, and one of them within another.
"$PYTHON" "$LIB/make_related.py" "$TMP/outer.snap" <(xz -dc "$TOP/tests/fixtures/segv-null/snapshot.snap.xz") "$TMP/x.snap"
run "$ANALYZE" json --jobs 2 --proto "$DEVICE" "${PROTOS[@]}" "$TMP/outer.snap" "$TMP/x.snap" "$TMP/outer.snap"
mv "$TMP/out" "$TMP/several.json"
check "several: valid by the schema" "$PYTHON" "$LIB/validate_json.py" "$SCHEMA" "$TMP/several.json"
equal "several: each its own fields, those of a related snapshot with that" "0 9, 9, 0 9" "$("$PYTHON" -c '
import json, sys
print(", ".join(" ".join(str(len(s["fields"])) for s in [r] + r["related"]) for r in map(json.loads, open(sys.argv[1]))))' "$TMP/several.json")"
run "$ANALYZE" report --sections=fields --proto "$DEVICE" "${PROTOS[@]}" "$TMP/outer.snap"
check "report of a related snapshot" sh -c 'sed -n "/^Other fields/,\$p" "$1" | diff "$2" -' sh "$TMP/out" "$TMP/wanted"
xz -dc "$TOP/tests/fixtures/segv-null/core.xz" >"$TMP/core"
run "$ANALYZE" json --no-local --proto "$DEVICE" "${PROTOS[@]}" "$TMP/core"
mv "$TMP/out" "$TMP/core.json"
equal "of a core there are none" '[]' "$(json_get "$TMP/core.json" 'r["fields"]')"

# ---------------------------------------------------------------- what is wrong

# wrong NAME WORDS ARGUMENT...: usage error that says so, and no report
wrong() {
	local name=$1 words=$2
	shift 2
	run "$@" "$TMP/x.snap"
	equal "$name: status" 64 "$STATUS"
	check "$name: no output" test ! -s "$TMP/out"
	equal "$name: one line" 1 "$(wc -l <"$TMP/err")"
	check "$name: says '$words'" grep -qF -- "$words" "$TMP/err"
}
REPORT=("$ANALYZE" report)
wrong "no protoc" "needs protoc to be read (Debian's package protobuf-compiler), which is not in PATH" \
	env PATH="$TMP/none" "${REPORT[@]}" --proto "$DEVICE"
wrong "no imports" "protoc cannot compile '$TMP/own/device.proto': power/rails.proto: File not found" \
	"${REPORT[@]}" --proto "$DEVICE"
printf 'syntax = "proto3";\nmessage X {\n  int32 a 5;\n}\n' >"$TMP/bad.proto"
wrong "a syntax error" "protoc cannot compile '$TMP/bad.proto': bad.proto:3:11: Missing field number." \
	"${REPORT[@]}" --proto "$TMP/bad.proto:X"
wrong "no such message" "has no message 'demo.Nothing'; it has demo.Board, demo.DeviceSnapshot, demo.DeviceSnapshot.MetadataFields, demo.ThreadFields, demo.Whole" \
	"${REPORT[@]}" --proto "$TMP/own/device.proto:demo.Nothing" "${PROTOS[@]}"
wrong "no such message in a set" "has no message 'Nothing'; it has demo.Board" "${REPORT[@]}" --proto "$TMP/device.binpb:Nothing"
wrong "a name that several have" "has several messages 'Metadata': " "${REPORT[@]}" --proto "$TMP/several.proto:Metadata" \
	--proto-path "$(printf 'message A { message Metadata {} } message B { message Metadata {} }' >"$TMP/several.proto" && echo "$TMP")"
wrong "no message given" "--proto takes FILE:MESSAGE" "${REPORT[@]}" --proto "$TMP/own/device.proto"
wrong "no such file" "cannot open '$TMP/nothing.proto': No such file or directory" "${REPORT[@]}" --proto "$TMP/nothing.proto:X"
mkfifo "$TMP/fifo"
wrong "a FIFO" "cannot open '$TMP/fifo'" "${REPORT[@]}" --proto "$TMP/fifo:X"
wrong "no such directory" "--proto-path '$TMP/none': No such file or directory" "${REPORT[@]}" --proto "$DEVICE" --proto-path "$TMP/none"
mkdir "$TMP/a:b"
wrong "a directory that protoc can't be told of" "protoc takes no directory with a colon in its name: '$TMP/a:b'" \
	"${REPORT[@]}" --proto "$DEVICE" --proto-path "$TMP/a:b"
head -c 4096 "$ANALYZE" >"$TMP/junk"
wrong "neither text nor a set" "is neither a descriptor set nor the text of a .proto" "${REPORT[@]}" --proto "$TMP/junk:X"
head -c 200 "$TMP/device.binpb" >"$TMP/cut.binpb"
wrong "a set that is cut" "'$TMP/cut.binpb' is neither a descriptor set nor the text of a .proto" "${REPORT[@]}" --proto "$TMP/cut.binpb:X"
printf '\n\003"\001x' >"$TMP/broken.binpb"
wrong "a broken set" "cannot read '$TMP/broken.binpb': broken descriptor set" "${REPORT[@]}" --proto "$TMP/broken.binpb:X"
mkdir "$TMP/fake"
printf '#!/bin/sh\nkill -9 $$\n' >"$TMP/fake/protoc"
chmod +x "$TMP/fake/protoc"
wrong "a protoc that is ended" "it was ended by signal 9" env PATH="$TMP/fake:$PATH" "${REPORT[@]}" --proto "$DEVICE"
printf '#!/bin/sh\nprintf "a\\n\\033[31mb\\n" >&2\nexit 3\n' >"$TMP/fake/protoc"
wrong "a protoc that says odd things" ": a; \\x1b[31mb" env PATH="$TMP/fake:$PATH" "${REPORT[@]}" --proto "$DEVICE"
# What it is given: our options and the user's file, and nothing of an input.
printf '#!/bin/sh\nprintf "%%s\\n" "$@" >"%s"\nexit 1\n' "$TMP/args" >"$TMP/fake/protoc"
cp "$TMP/x.snap" "$TMP/\$(touch owned).snap"
run env PATH="$TMP/fake:$PATH" "${REPORT[@]}" --proto "$DEVICE" "${PROTOS[@]}" "$TMP/\$(touch owned).snap"
equal "what protoc is given" \
	"--proto_path=$TMP/own --proto_path=$TMP/protos --include_imports --descriptor_set_out=/proc/self/fd/1 $TMP/own/device.proto" \
	"$(xargs <"$TMP/args")"

# ---------------------------------------------------------------- kept

# A writer of another version that did not come to its end.
mkdir -p "$TMP/spool/incoming"
chmod 700 "$TMP/spool" "$TMP/spool/incoming"
printf 'spool = %s\n' "$TMP/spool" >"$TMP/conf"
PART=$TMP/spool/incoming/0123456789abcdef.part
xz -dc "$TOP/tests/fixtures/segv-null/snapshot.snap.xz" | "$PYTHON" -c '
import sys
sys.path.insert(0, sys.argv[1])
from snapshot_records import CHECKPOINT, records
data = sys.stdin.buffer.read()
rest = [r for number, r in records(data) if number != CHECKPOINT]
own = [r for number, r in records(open(sys.argv[2], "rb").read())]
# Ours and the others in turn.
out = rest[:1] + [r for pair in zip(rest[1:], own + [b""] * len(rest)) for r in pair]
sys.stdout.buffer.write(b"".join(out))' "$LIB" "$TMP/x.snap" >"$TMP/written"
if [ -x "$BIN/snapcrashctl" ]; then
	cp "$TMP/written" "$PART"
	chmod 600 "$PART"
	run "$BIN/snapcrashctl" --config "$TMP/conf" adopt
	run "$BIN/snapcrashctl" --config "$TMP/conf" get --last -o "$TMP/got.snap"
	check "adopted, and got out of the spool: all bytes as they were" cmp -n "$(stat -c %s "$TMP/written")" \
		"$TMP/written" "$TMP/got.snap"
	check "it became longer by its end" test "$(stat -c %s "$TMP/got.snap")" -gt "$(stat -c %s "$TMP/written")"
	run "$ANALYZE" report --no-local --sections=fields --proto "$DEVICE" "${PROTOS[@]}" "$TMP/got.snap"
	check "and they are decoded" grep -qxF '      name: "rev \"B\"\033[31m"' "$TMP/out"
else
	skip "kept by adoption" "no snapcrashctl here"
fi
