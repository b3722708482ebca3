#!/bin/bash
# A process may call itself whatever it likes: names of threads, command lines and paths must neither
# lose the crash, nor break the file, nor reach a terminal or a file name as they are.
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/crashlib.sh"
need "$CLIENT" "$ANALYZE"

# What hostile_comm's name number i is in JSON.
WANTED=(
	'a b  c --config'
	'new\nline\n1 2'
	'\\xff\\xfe\\x80 bad utf8'
	'\u001b[31mred\u001b]0;t\u0007'
	'../../../x/y'
	'x) R 1 1 1 (y'
	''
	'%s%n$(id)`id`'
)

decode() { protoc -I "$TOP/proto" --decode=snapcrash.Snapshot snapshot.proto; }
# Control bytes other than newline and tab.
no_controls() { ! LC_ALL=C grep -q "[$(printf '\001-\010\013-\037\177')]" "$1"; }

crash_and_check() { # NAME COMMAND...
	local name=$1
	shift
	if ! crash_direct names "$@"; then
		not_ok "$name: captured"
		note_file "$TMP/why"
		return 1
	fi
	ok "$name: captured"
	check "$name: complete" "$ANALYZE" check "$SNAP"
	check "$name: file name is harmless ($(printf '%s' "$SNAP_NAME" | cat -v))" \
		sh -c 'printf %s "$1" | LC_ALL=C grep -Eqx "[A-Za-z0-9][A-Za-z0-9._+\\%=@~-]*\.snap"' sh "$SNAP_NAME"
	check "$name: protoc decodes it" decode <"$SNAP"
	run "$ANALYZE" json "$SNAP"
	cp "$TMP/out" "$TMP/names.json"
	check "$name: json is valid by the schema" valid_report "$TMP/names.json"
	run "$ANALYZE" report "$SNAP"
	check "$name: report has no control bytes" no_controls "$TMP/out"
	run "$ANALYZE" report --color=never "$SNAP"
	check "$name: report without colours has none either" no_controls "$TMP/out"
	run "$ANALYZE" dump "$SNAP"
	check "$name: dump has no control bytes" no_controls "$TMP/out"
	run "$ANALYZE" signature "$SNAP"
	equal "$name: signature is one line" 1 "$(wc -l <"$TMP/out")"
}

for i in "${!WANTED[@]}"; do
	crash_and_check "name $i" "$VICTIMS/hostile_comm" "$i" xxxxxxxx || continue
	equal "name $i: thread's name" "\"${WANTED[i]}\"" \
		"$(json_get "$TMP/names.json" 'json.dumps(r["threads"][0]["name"])' 2>&1)"
	equal "name $i: process's comm" "\"${WANTED[i]}\"" \
		"$(json_get "$TMP/names.json" 'json.dumps(r["process"]["comm"])' 2>&1)"
	equal "name $i: kind" segv-null "$(json_get "$TMP/names.json" 'r["crash"]["kind"]' 2>&1)"
done

# Hostile paths: of the executable, which also stands in the mappings.
# (No backslash: /proc/PID/maps writes newlines as \012 and backslashes as they are.)
hostile=$TMP/$'dir \033[31m\n (deleted)'
mkdir "$hostile"
cp "$VICTIMS/null_deref" "$hostile/"$'\xff \n(deleted)'
if crash_and_check "hostile path" "$hostile/"$'\xff \n(deleted)'; then
	equal "hostile path: exe" "\"${TMP}/dir \\u001b[31m\\n (deleted)/\\\\xff \\n(deleted)\"" \
		"$(json_get "$TMP/names.json" 'json.dumps(r["process"]["exe"])' 2>&1)"
	equal "hostile path: still symbolised" list_process \
		"$(json_get "$TMP/names.json" 'next((f["function"] for f in r["threads"][0]["frames"] if f["function"] == "list_process"), None)' 2>&1)"
fi

# A hostile name in a symbol table.
objcopy --strip-debug --redefine-sym list_process=$'q"\\\n\t\033\177\377\302\233end' \
	"$VICTIMS/null_deref" "$TMP/hostile_symbol"
addr=$(nm "$VICTIMS/null_deref" | awk '$3 == "list_process" { print $1 }')
run "$ANALYZE" symbolize --no-cache --json "$TMP/hostile_symbol" "$addr"
equal "symbol: json" '"q\"\\\n\t\u001B\u007f\\xff\u009bend"' \
	"$(sed 's/.*"raw_function":\(.*\),"offset".*/\1/' "$TMP/out")"
run "$ANALYZE" symbolize --no-cache "$TMP/hostile_symbol" "$addr"
equal "symbol: text" '  q"\\x0a\x09\x1b\x7f\xff\xc2\x9bend+0x0' "$(sed 's/^0x[0-9a-f]*//' "$TMP/out")"
run "$ANALYZE" symbolize --no-cache --addr2line "$TMP/hostile_symbol" "$addr"
equal "symbol: as addr2line" $'q"\\\\x0a\\x09\\x1b\\x7f\\xff\\xc2\\x9bend\n??:?' "$(cat "$TMP/out")"

# The longest command line is cut, and that it was is said nowhere silently.
long=$(head -c 100000 /dev/zero | tr '\0' x)
if crash_and_check "long command line" "$VICTIMS/null_deref" "$long"; then
	check "long command line: the cut is recorded" sh -c 'grep -q "what: CMDLINE" "$1"' sh \
		<(decode <"$SNAP")
fi
