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

# DW_AT_dwo_name: the file that a skeleton unit names. (clang leaves .debug_aranges out: then every
# unit's own DIE is asked for its addresses.)
for compiler in "gcc -gdwarf-4" "gcc -gdwarf-5" "clang -gdwarf-4" "clang -gdwarf-5"; do
	rm -f ./*.dwo
	$compiler -g -gsplit-dwarf -O0 -o crash crash.c || exit 1
	dwo=$(readelf --debug-dump=info crash 2>/dev/null | sed -n 's/.*dwo_name.*: *//p' | head -n 1)
	if [ ! -e "$dwo" ]; then
		not_ok "$compiler names a .dwo file"
		continue
	fi
	rm "$dwo"
	mkfifo "$dwo"
	crash dwo && reports "a FIFO as DW_AT_dwo_name, $compiler" "$SNAP"
	"$ANALYZE" modules --missing --symbols "$TMP" --no-cache "$SNAP" >listed 2>"$TMP/err"
	check "a FIFO as DW_AT_dwo_name, $compiler: said why it is not used" \
		grep -q "tried: split, split: .*$dwo: not a regular file" listed
	rm "$dwo"
	"$ANALYZE" modules --missing --symbols "$TMP" --no-cache "$SNAP" >listed 2>"$TMP/err"
	check "no file as DW_AT_dwo_name, $compiler: said so" \
		grep -q "tried: split, split: .*$dwo: not found" listed
	"$ANALYZE" report --symbols "$TMP" --no-cache "$SNAP" >listed 2>"$TMP/err"
	check "no file as DW_AT_dwo_name, $compiler: the report says what is missing" \
		grep -q "split debug information (.dwo) is missing" listed
	check "no file as DW_AT_dwo_name, $compiler: variables say why" \
		grep -q "variables of .* are not known where .*$dwo: not found" listed
done

# .gnu_debugaltlink: a file that holds what several programs have in common (dwz). What both call
# main is there, so that whoever reads the name without care opens the file.
sed 's/value/other/' crash.c >other.c
link_to_common() {
	rm -rf common.debug
	gcc -g -O0 -o crash crash.c && gcc -g -O0 -o other other.c &&
		dwz -m common.debug -M "$TMP/common.debug" crash other
}
for kind in FIFO directory device nothing; do
	link_to_common || exit 1
	rm common.debug
	case $kind in
	FIFO) mkfifo common.debug ;;
	directory) mkdir common.debug ;;
	device) ln -s /dev/zero common.debug ;;
	esac
	crash "alt-$kind" || continue
	reports "$kind as .gnu_debugaltlink" "$SNAP"
	run timeout 20 "$ANALYZE" report --symbols symbols "$SNAP"
	equal "$kind as .gnu_debugaltlink, local files allowed" 0 "$STATUS"
done
link_to_common || exit 1
crash alt && {
	run "$ANALYZE" json "$SNAP"
	cp out alt.json
	equal "the file of .gnu_debugaltlink itself: line of main" 9 \
		"$(json_get alt.json '[f["line"] for f in r["threads"][0]["frames"] if f["function"] == "main"][0]')"
	mkdir -p elsewhere && mv common.debug elsewhere/
	run "$ANALYZE" json --no-local --symbols symbols --symbols elsewhere "$SNAP"
	cp out alt.json
	equal "the same, found by its build ID" main \
		"$(json_get alt.json 'r["threads"][0]["frames"][1]["function"]')"
}

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
