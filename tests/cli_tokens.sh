#!/bin/bash
# Texts of a Pigweed device are tokenised: what they say, by databases of each form.
. "$(dirname "$0")/lib/testlib.sh"
need "$ANALYZE"

SCHEMA=$TOP/docs/report.schema.json
check "made" "$LIB/tokenised.py" "$TMP" || exit 1
DEVICE=$TMP/device.snap

report() { # FILE OPTION...: into $TMP/out
	run "$ANALYZE" report --no-local --sections="${SECTIONS:-log}" "${@:2}" "$1"
}
json() { # FILE NAME OPTION...: into $TMP/NAME.json
	"$ANALYZE" json --no-local "${@:3}" "$1" >"$TMP/$2.json" 2>"$TMP/err"
	check "$2: valid by the schema" "$PYTHON" "$LIB/validate_json.py" "$SCHEMA" "$TMP/$2.json"
	check "$2: nothing to complain of" test ! -s "$TMP/err"
}

# ---------------------------------------------------------------- the report

cat >"$TMP/expected" <<'END'
Log
  100000 ticks info: WIFI: Connected to home-net, channel 11 (rssi -70) (../wifi/station.cc:71, thread Worker thread)
  100250 ticks warning: ENV: Temperature is 36.5 C, fan at 80% (env.cc:12, flags 0x2)
  100300 ticks info: MAIN: plain text, costs $5
  100301 ticks info: before State is RUNNING after
  100302 ticks error: free(0x20001000) of 1099511627776 bytes (line 9)
  (4 entries were lost here)
  200000 ticks info: Old truncated te[...]
  warning: Packet 1 lost after 3 (ambiguous, or: "Retry 1 of 3")
  +5 ticks fatal: Check failed: index (9) < <[%s ERROR (si)]> (<[%d SKIPPED]>)
  error: $NBIAAA==: $XuoVDQI= (unknown token 0x0d15ea5e)
  info: IDLE (2 bytes left over)
  info: M: not tokenised
END
report "$DEVICE" --tokens "$TMP/domains.csv"
check "the log, by CSV with domains" diff -u "$TMP/expected" "$TMP/out"
report "$DEVICE" --tokens "$TMP/tokens.csv"
check "the log, by CSV" diff -u "$TMP/expected" "$TMP/out"
report "$DEVICE" --tokens "$TMP/tokens.binary"
check "the log, by the binary form" diff -u "$TMP/expected" "$TMP/out"
report "$DEVICE" --tokens "$TMP/tokens.binary" --no-sandbox
check "the log, without a sandbox" diff -u "$TMP/expected" "$TMP/out"
# A token that is named with a domain is of that one, if the database tells any.
sed 's/"states"/"other"/' "$TMP/domains.csv" >"$TMP/other.csv"
report "$DEVICE" --tokens "$TMP/other.csv"
check "another domain: not replaced" grep -qF 'before State is ${states}#' "$TMP/out"

# Real files of compilers: of 64 bits, and of 32.
check "an ELF file is made" gcc -o "$TMP/program" "$TMP/tokens.c"
report "$DEVICE" --tokens "$TMP/program"
check "the log, by an ELF file" diff -u "$TMP/expected" "$TMP/out"
if command -v arm-linux-gnueabihf-gcc >/dev/null; then
	arm-linux-gnueabihf-gcc -nostdlib -static -Wl,-e,main -o "$TMP/firmware.elf" "$TMP/tokens.c"
	report "$DEVICE" --tokens "$TMP/firmware.elf"
	check "the log, by an ELF file for ARM" diff -u "$TMP/expected" "$TMP/out"
	report "$DEVICE" --elf "$TMP/firmware.elf"
	check "the log, by the firmware itself" diff -u "$TMP/expected" "$TMP/out"
	# As Pigweed's linker scripts have it, not loaded.
	arm-linux-gnueabihf-objcopy --set-section-flags .pw_tokenizer.entries=contents,readonly "$TMP/firmware.elf"
	arm-linux-gnueabihf-strip "$TMP/firmware.elf"
	report "$DEVICE" --tokens "$TMP/firmware.elf"
	check "the log, by a stripped one" diff -u "$TMP/expected" "$TMP/out"
else
	skip "an ELF file for ARM" "no arm-linux-gnueabihf-gcc here"
fi

# A directory, and several databases, of which each has a part.
mkdir "$TMP/databases" "$TMP/halves"
cp "$TMP/domains.csv" "$TMP/databases/x.pw_tokenizer.csv"
echo "no database" >"$TMP/databases/README"
report "$DEVICE" --tokens "$TMP/databases"
check "the log, by a directory" diff -u "$TMP/expected" "$TMP/out"
sed -n '1~2p' "$TMP/domains.csv" >"$TMP/halves/a.csv"
sed -n '2~2p' "$TMP/domains.csv" >"$TMP/halves/b.csv"
report "$DEVICE" --tokens "$TMP/halves/a.csv" --tokens "$TMP/halves/b.csv"
check "the log, by two" diff -u "$TMP/expected" "$TMP/out"
report "$DEVICE" --tokens "$TMP/tokens.csv" --tokens "$TMP/tokens.binary"
check "the log, by the same twice" diff -u "$TMP/expected" "$TMP/out"

SECTIONS=notes report "$DEVICE" --tokens "$TMP/domains.csv"
cat >"$TMP/expected.notes" <<'END'
Left out, and noted at capture
  - 2 texts are of no token that is known: shown as base64: 0x0d15ea5e, 0x00001234
  - 1 text can mean something else: a token has several strings that fit
  - 2 texts can't be put together wholly: arguments of tokens are missing, broken or too many
END
check "the notes" diff -u "$TMP/expected.notes" "$TMP/out"
SECTIONS=process report "$DEVICE" --tokens "$TMP/domains.csv"
check "the project" grep -q '^  Project    thermostat$' "$TMP/out"

# Without a database, nothing is lost.
report "$DEVICE"
check "no database: base64" grep -qF '100301 ticks info: before $' "$TMP/out"
check "no database: which token" grep -qF '(unknown token 0x0d15ea5e)' "$TMP/out"
check "no database: text is text" grep -qF '100300 ticks info: MAIN: plain text, costs $5' "$TMP/out"
SECTIONS=notes report "$DEVICE"
check "no database: said" grep -q 'texts are tokenised, shown as base64 without a database (--tokens)' "$TMP/out"

# ---------------------------------------------------------------- JSON

json "$DEVICE" device --tokens "$TMP/domains.csv"
ask() { # NAME EXPRESSION
	json_get "$TMP/$1.json" "$2"
}
equal "reason" "Check failed: index (9) < size (8)" "$(ask device 'r["snapshot"]["reason"]')"
equal "what it said of its end counts" assert "$(ask device 'r["crash"]["kind"]')"
"$ANALYZE" json --no-local "$DEVICE" >"$TMP/bare.json"
equal "without a database it is not understood" unknown "$(ask bare 'r["crash"]["kind"]')"
equal "project and device" "thermostat kitchen" "$(ask device 'r["device"]["project"] + " " + r["device"]["device"]')"
equal "names of threads" "Worker thread,Idle,Worker thread" "$(ask device '",".join(t["name"] for t in r["threads"])')"
equal "message" "Connected to home-net, channel 11 (rssi -70)" "$(ask device 'r["logs"][0]["message"]')"
equal "module, file, line, thread" "WIFI ../wifi/station.cc 71 Worker thread" \
	"$(ask device '" ".join(str(r["logs"][0][n]) for n in ("module", "file", "line", "thread"))')"
equal "kinds" "whole,whole,null,nested,whole,null,whole,whole,whole,unknown,whole,null" \
	"$(ask device '",".join(e["token_kind"] or "null" for e in r["logs"])')"
equal "token" "0xd15ea5e" "$(ask device 'r["logs"][9]["token"]')"
equal "raw" "XuoVDQI=" "$(ask device 'r["logs"][9]["raw"]')"
equal "raw of text" null "$(ask device 'r["logs"][2]["raw"]')"
equal "ambiguous" "7" "$(ask device '",".join(str(i) for i, e in enumerate(r["logs"]) if e["ambiguous"])')"
equal "the other message" "Retry 1 of 3" "$(ask device '"|".join(r["logs"][7]["other_messages"])')"
equal "errors, left over" "2 0 0 2" \
	"$(ask device '" ".join(str(r["logs"][i][n]) for i in (8, 10) for n in ("argument_errors", "bytes_left_over"))')"
equal "ticks" "100000,100250,100300,100301,100302,None,200000,None,None,None,None,None" \
	"$(ask device '",".join(str(e["ticks"]) for e in r["logs"])')"
equal "times as they were" "None 250" "$(ask device 'str(r["logs"][1]["timestamp"]) + " " + str(r["logs"][1]["time_since_last"])')"
equal "dropped" 4 "$(ask device 'r["logs"][5]["dropped"]')"
equal "fields" "request=17" "$(ask device '",".join(f["key"] + "=" + f["value"] for f in r["logs"][11]["fields"])')"
equal "no time of any calendar" 0 "$(ask device 'sum(e["time"] is not None for e in r["logs"])')"

# Within another, the same.
json "$TMP/outer.snap" outer --tokens "$TMP/domains.csv"
equal "related: the same log" true "$(ask outer 'r["related"][0]["logs"] == r["logs"]')"
equal "related: the same reason" "Check failed: index (9) < size (8)" "$(ask outer 'r["related"][0]["snapshot"]["reason"]')"

# ---------------------------------------------------------------- Linux

json "$TMP/linux.snap" linux
equal "Linux: nothing is changed" 0 "$(ask linux 'sum(e["token_kind"] is not None or e["raw"] is not None for e in r["logs"])')"
check "Linux: bytes that are no text stay" test "$(ask linux '"\\x" in r["logs"][0]["message"]')" = true
reason=$(ask linux 'r["snapshot"]["reason"]')
equal "Linux: the reason stays" '$' "${reason:0:1}"
json "$TMP/linux.snap" tokens --tokens "$TMP/domains.csv"
equal "Linux with a database: the log" "Connected to home-net, channel 11 (rssi -70)" "$(ask tokens 'r["logs"][0]["message"]')"
equal "Linux with a database: what is not known stays" null "$(ask tokens 'r["logs"][9]["raw"]')"
equal "Linux with a database: the rest stays" "$reason $reason" \
	"$(ask tokens 'r["snapshot"]["reason"] + " " + r["threads"][0]["name"]')"

# ---------------------------------------------------------------- other verbs

for verb in "signature" "dedup" "dedup --json" "dump"; do
	# shellcheck disable=SC2086
	run "$ANALYZE" $verb --tokens "$TMP/domains.csv" "$DEVICE"
	check "$verb takes --tokens" test "$STATUS" -lt 2
done
"$ANALYZE" dump --tokens "$TMP/domains.csv" "$DEVICE" | grep ' says: ' | sed 's/^ *//' | sort -u >"$TMP/says"
"$ANALYZE" dump "$DEVICE" >"$TMP/dump"
check "dump: what texts say" grep -qxF 'project_name says: "thermostat"' "$TMP/says"
check "dump: of a log" grep -qxF 'message says: "before State is RUNNING after"' "$TMP/says"
equal "dump: of threads" 1 "$(grep -cxF 'name says: "Worker thread"' "$TMP/says")"
check "dump: the rest is the same" diff -u "$TMP/dump" \
	<("$ANALYZE" dump --tokens "$TMP/domains.csv" "$DEVICE" | grep -v ' says: ')
run "$ANALYZE" dedup --tokens "$TMP/domains.csv" --project thermostat --json "$DEVICE"
check "dedup: chosen by a project that was a token" grep -q 'device.snap' "$TMP/out"

# ---------------------------------------------------------------- what is wrong with databases

refused() { # NAME PATH WORDS
	run "$ANALYZE" report --tokens "$2" "$DEVICE"
	equal "$1: status" 64 "$STATUS"
	equal "$1: words" "snapanalyze: $3" "$(cat "$TMP/err")"
	check "$1: nothing is printed" test ! -s "$TMP/out"
}
printf '00000001,,"fine"\n00000002,2020-02-30x,"date"\n' >"$TMP/date.csv"
refused "no such file" "$TMP/none" "cannot open '$TMP/none': No such file or directory"
refused "a date" "$TMP/date.csv" "$TMP/date.csv:2: no date of removal, YYYY-MM-DD or blanks"
head -c 40 "$TMP/tokens.binary" >"$TMP/cut.db"
refused "cut short" "$TMP/cut.db" "no token database '$TMP/cut.db': cut short: no room for the entries of 13 tokens in 40 bytes"
refused "an ELF file without tokens" "$ANALYZE" \
	"no token database '$ANALYZE': it has no tokens, no section .pw_tokenizer.entries"
mkdir "$TMP/empty"
refused "an empty directory" "$TMP/empty" \
	"no token database '$TMP/empty': it has no file *.csv, *.binary or *.db, and no ELF file"
mkfifo "$TMP/fifo"
refused "a FIFO" "$TMP/fifo" "cannot open '$TMP/fifo': is a FIFO, not a regular file"
cp "$TMP/date.csv" "$TMP/"$'\033[31m.csv'
refused "a hostile name" "$TMP/"$'\033[31m.csv' "$TMP/\\x1b[31m.csv:2: no date of removal, YYYY-MM-DD or blanks"
