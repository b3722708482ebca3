#!/bin/bash
# Debug files that name other files: nothing but a regular file of the right build ID is opened,
# least of all by libdw itself. A FIFO there would block whoever opens it for reading.
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/crashlib.sh"
need "$CLIENT" "$ANALYZE"

cd "$TMP" || exit 1
cat >crash.c <<'END'
static int value(int *p)
{
	return *p + 1;
}

int main(int argc, char **argv)
{
	(void)argv;
	return value((int *)(long)(argc - 1));
}
END

# report NAME SNAPSHOT: it must come, soon, and with the names that the executable itself has.
reports() {
	run timeout 20 "$ANALYZE" json --no-local --symbols "$TMP/symbols" "$2"
	cp out "$TMP/report.json"
	equal "$1: the crashing function is named" "value" \
		"$(json_get report.json 'r["threads"][0]["frames"][0]["function"]')"
	equal "$1: in time" 1 "$STATUS" # partial: libc's symbols are left out on purpose
}

crash() { # NAME
	rm -rf symbols && mkdir symbols && cp crash symbols/
	crash_direct "$1" "$TMP/crash" || {
		not_ok "$1: a crash"
		note_file "$TMP/why"
		return 1
	}
}

# DW_AT_dwo_name: the file that a skeleton unit names.
for version in 4 5; do
	rm -f ./*.dwo
	gcc -g -gdwarf-$version -gsplit-dwarf -O0 -o crash crash.c || exit 1
	dwo=$(readelf --debug-dump=info crash 2>/dev/null | sed -n 's/.*dwo_name.*: *//p' | head -n 1)
	if [ ! -e "$dwo" ]; then
		not_ok "DWARF $version: gcc names a .dwo file"
		continue
	fi
	rm "$dwo"
	mkfifo "$dwo"
	crash "dwo$version" && reports "a FIFO as DW_AT_dwo_name, DWARF $version" "$SNAP"
done

# .gnu_debugaltlink: path, NUL, build ID.
for kind in FIFO directory device; do
	rm -rf target
	case $kind in
	FIFO) mkfifo target ;;
	directory) mkdir target ;;
	device) ln -s /dev/zero target ;;
	esac
	gcc -g -O0 -o crash crash.c || exit 1
	printf '%s\0ABCDEFGHIJKLMNOPQRST' "$TMP/target" >link
	objcopy --add-section .gnu_debugaltlink=link crash || exit 1
	crash "alt-$kind" && reports "a $kind as .gnu_debugaltlink" "$SNAP"
	run timeout 20 "$ANALYZE" report --symbols symbols "$SNAP"
	equal "a $kind as .gnu_debugaltlink, local files allowed" 0 "$STATUS"
done

# A mapping's path is the target's word: what stands there now may be anything.
gcc -g -O0 -o crash crash.c || exit 1
crash gone && {
	rm crash
	mkfifo crash
	run timeout 20 "$ANALYZE" report "$SNAP"
	equal "a FIFO at the module's path" 1 "$STATUS"
	check "the report says what is there" grep -q "is a FIFO, not a regular file" out
	rm crash
	gcc -g -O1 -o crash crash.c
	run "$ANALYZE" json "$SNAP"
	cp out mismatch.json
	equal "another build at the module's path" mismatch \
		"$(json_get mismatch.json '[m["symbols"] for m in r["modules"] if m["name"] == "crash"][0]')"
}
