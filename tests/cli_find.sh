#!/bin/bash
# Where the files of a module are found, in which order, and what is said of those that are not.
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

# analyze OPTION... FILE: the JSON report, in out.
analyze() {
	run timeout 30 "$ANALYZE" json "$@"
	[ "$STATUS" -le 1 ] || note_file err
}
# module NAME EXPRESSION: over the module m.
module() { json_get out "(lambda m: $2)(next(m for m in r['modules'] if m['name'] == '$1'))"; }
frames() { json_get out "' '.join(f['function'] or '?' for f in r['threads'][0]['frames'][:2])"; }
line() { json_get out "r['threads'][0]['frames'][0]['line']"; }
# fates MODULE WHERE: those of its candidates there.
fates() {
	module "$1" "' '.join(c['role'] + ':' + c['fate'] for c in m['candidates'] if c['where'] == '$2')"
}
id_of() { readelf -n "$1" | sed -n 's/.*Build ID: //p'; }

gcc -g -O0 -o crash crash.c || exit 1
crash_direct crash "$TMP/crash" || { note_file why; exit 1; }
CRASH=$SNAP
ID=$(id_of crash)
mkdir keep && mv crash keep/whole
cp keep/whole keep/stripped
objcopy --only-keep-debug keep/whole keep/crash.debug
strip keep/stripped
cp keep/stripped keep/linked
(cd keep && objcopy --add-gnu-debuglink=crash.debug linked)
# A debug file of the same program, built otherwise; and one that does not say what it is.
gcc -g -O1 -o keep/other crash.c
objcopy --only-keep-debug keep/other keep/other.debug
objcopy --remove-section .note.gnu.build-id keep/crash.debug keep/nameless.debug
objcopy --remove-section .note.gnu.build-id keep/other.debug keep/other_nameless.debug
cp keep/stripped keep/linked_nameless
(cd keep && cp nameless.debug crash.debug.tmp && mkdir n && mv crash.debug.tmp n/crash.debug &&
	cd n && objcopy --add-gnu-debuglink=crash.debug ../linked_nameless)

# ---------------------------------------------------------------- trees and paths

mkdir tree && cp keep/whole tree/any_name
analyze --no-local --symbols tree "$CRASH"
equal "--symbols: found by build ID" "value main $TMP/crash.c" \
	"$(frames) $(json_get out "r['threads'][0]['frames'][0]['file']")"
equal "--symbols: its candidate" "symbols:tree/any_name:ok" \
	"$(module crash "':'.join(m['candidates'][0][k] for k in ('where', 'path', 'fate'))")"
equal "--symbols: nothing else was tried" 1 "$(module crash "len(m['candidates'])")"
check "the report is valid by the schema" valid_report out

rm tree/any_name
cp keep/stripped tree/bin && cp keep/crash.debug tree/z.debug
analyze --no-local --symbols tree "$CRASH"
equal "a stripped executable and its debug file" "value main 3 dwarf executable:ok debug:ok" \
	"$(frames) $(line) $(module crash "m['symbols']") $(fates crash symbols)"

# Of two with code, the one that was not stripped gives the debug information.
rm tree/z.debug && cp keep/whole tree/whole
analyze --no-local --symbols tree "$CRASH"
equal "a stripped executable, and elsewhere the whole one" "value main 3 executable:ok debug:ok" \
	"$(frames) $(line) $(fates crash symbols)"
rm tree/*

analyze "$CRASH"
equal "nothing there: this is told" "none local:not-found" \
	"$(module crash "m['symbols'] + ' ' + m['candidates'][0]['where'] + ':' + m['candidates'][0]['fate']")"
equal "nothing there: the debug directory was tried, too" "debug:not-found executable:not-found" \
	"$(fates crash debug-dir)"
analyze --no-local "$CRASH"
equal "--no-local: nothing was tried" 0 "$(module crash "len(m['candidates'])")"

cp keep/other crash
analyze "$CRASH"
equal "another build at the path" "mismatch executable:wrong-build-id its build ID is $(id_of crash)" \
	"$(module crash "m['symbols']") $(fates crash local) $(module crash "m['candidates'][0]['detail']")"
objcopy --remove-section .note.gnu.build-id crash
analyze "$CRASH"
equal "one without build ID at the path" "mismatch executable:no-build-id" \
	"$(module crash "m['symbols']") $(fates crash local)"
printf 'not an ELF file' >crash
analyze "$CRASH"
equal "no ELF file at the path" "none executable:malformed" "$(module crash "m['symbols']") $(fates crash local)"
head -c 3000 keep/whole >crash
analyze "$CRASH"
equal "a cut ELF file at the path" "none" "$(module crash "m['symbols']")"
rm crash && mkdir crash
analyze "$CRASH"
equal "a directory at the path" "executable:not-a-file" "$(fates crash local)"
rmdir crash && mkfifo crash
analyze "$CRASH"
equal "a FIFO at the path" "executable:not-a-file is a FIFO, not a regular file" \
	"$(fates crash local) $(module crash "m['candidates'][0]['detail']")"
rm crash
if command -v setpriv >/dev/null && [ "$(id -u)" = 0 ]; then
	cp keep/whole crash && chmod 0 crash
	chmod 755 "$TMP" && cp "$CRASH" public.snap && chmod 644 public.snap
	run setpriv --reuid=65534 --clear-groups "$ANALYZE" json public.snap
	if [ "$STATUS" -le 1 ]; then
		equal "a file that may not be read" "executable:no-permission" "$(fates crash local)"
	else
		skip "a file that may not be read" "the program can't be run by another user"
	fi
	rm -f crash
else
	skip "a file that may not be read" "not root"
fi

# The same answers for the second input of a run.
cp keep/other crash
run "$ANALYZE" json "$CRASH" "$CRASH"
equal "a second input: the same candidates" "True 3" "$("$PYTHON" -c '
import json
a, b = (json.loads(l)["modules"] for l in open("out"))
print(a == b, len(next(m for m in a if m["name"] == "crash")["candidates"]))')"
rm crash

# ---------------------------------------------------------------- .build-id

mkdir -p "dbg/.build-id/${ID:0:2}"
cp keep/crash.debug "dbg/.build-id/${ID:0:2}/${ID:2}.debug"
cp keep/stripped tree/bin
analyze --no-local --symbols tree --debug-dir dbg "$CRASH"
equal "--debug-dir: the debug file" "value main 3 debug:ok" "$(frames) $(line) $(fates crash debug-dir)"
analyze --no-local --debug-dir dbg "$CRASH"
equal "only the debug file: names, no unwinding" "value dwarf" \
	"$(json_get out "r['threads'][0]['frames'][0]['function']") $(module crash "m['symbols']")"
equal "only the debug file: it is said" \
	"only its debug file was found: unwinding needs the executable or library too" \
	"$(module crash "m['why']")"
cp keep/other.debug "dbg/.build-id/${ID:0:2}/${ID:2}.debug"
analyze --no-local --symbols tree --debug-dir dbg "$CRASH"
equal "--debug-dir: a debug file of another build" "? ? debug:wrong-build-id executable:not-found" \
	"$(frames) $(fates crash debug-dir)"
rm -r dbg tree/bin

# ---------------------------------------------------------------- .gnu_debuglink

for place in "." ".debug"; do
	mkdir -p here/$place
	cp keep/linked here/bin
	cp keep/crash.debug "here/$place/crash.debug"
	# The index would find it by build ID.
	mv here/bin crash
	[ "$place" = . ] && cp keep/crash.debug crash.debug
	[ "$place" = . ] || { mkdir -p .debug && cp keep/crash.debug .debug/; }
	analyze "$CRASH"
	equal ".gnu_debuglink: $place beside the executable" "value main 3 debug:ok" \
		"$(frames) $(line) $(fates crash debuglink | tr ' ' '\n' | tail -n 1)"
	rm -rf here .debug crash.debug
done
mkdir -p "dbg$TMP" && cp keep/crash.debug "dbg$TMP/"
analyze --debug-dir dbg "$CRASH"
equal ".gnu_debuglink: below a debug directory" "value main 3 debug:not-found debug:not-found debug:ok" \
	"$(frames) $(line) $(fates crash debuglink)"
rm -r dbg

cp keep/other.debug crash.debug
analyze "$CRASH"
equal ".gnu_debuglink: a file of another build" "? ? debug:wrong-build-id" \
	"$(frames) $(fates crash debuglink | cut -d ' ' -f 1)"
check ".gnu_debuglink: it is said" grep -q "crash.debug' is another one's: its build ID is" out
cp keep/other_nameless.debug crash.debug
analyze "$CRASH"
equal ".gnu_debuglink: a file without build ID, of another CRC" "? ? debug:crc-differs" \
	"$(frames) $(fates crash debuglink | cut -d ' ' -f 1)"
# Changed afterwards (dwz and the like), but of the right build.
cp keep/crash.debug crash.debug && printf x >>crash.debug
analyze "$CRASH"
equal ".gnu_debuglink: the build ID counts, not the CRC" "value main 3" "$(frames) $(line)"
cp keep/linked_nameless crash && cp keep/nameless.debug crash.debug
analyze "$CRASH"
equal ".gnu_debuglink: without build ID the CRC counts" "value main 3 debug:ok" \
	"$(frames) $(line) $(fates crash debuglink)"
rm crash.debug && mkfifo crash.debug
analyze "$CRASH"
equal ".gnu_debuglink: a FIFO is not opened" "debug:not-a-file" "$(fates crash debuglink | cut -d ' ' -f 1)"
rm crash.debug

# Inside a tree, where a file without build ID is found by the link alone.
rm crash && mkdir -p tree/usr && cp keep/linked_nameless tree/usr/bin && cp keep/nameless.debug tree/usr/crash.debug
analyze --no-local --symbols tree "$CRASH"
equal ".gnu_debuglink: beside the executable in a tree" "value main 3 debug:ok" \
	"$(frames) $(line) $(fates crash debuglink)"
rm -r tree/usr

# Links that lead elsewhere are not followed.
link_with() { # NAME: a link of that content
	cp keep/stripped crash
	"$PYTHON" -c 'import sys
name = sys.argv[1].encode() + b"\0"
open("link", "wb").write(name + b"\0" * (-len(name) % 4) + b"\x12\x34\x56\x78")' "$1"
	objcopy --add-section .gnu_debuglink=link crash
}
for name in ../crash.debug /etc/passwd .. ''; do
	link_with "$name"
	analyze "$CRASH"
	equal ".gnu_debuglink '$name' is refused" "debug:refused" "$(fates crash debuglink)"
done
printf 'no end' >link && cp keep/stripped crash && objcopy --add-section .gnu_debuglink=link crash
analyze "$CRASH"
equal ".gnu_debuglink without end is refused" "debug:refused" "$(fates crash debuglink)"
rm crash

# In a system of its own, with its own links.
mkdir -p "root$TMP" "root/usr/lib/debug$TMP" && cp keep/linked "root$TMP/crash"
cp keep/crash.debug "root/usr/lib/debug$TMP/"
analyze --sysroot root "$CRASH"
equal ".gnu_debuglink below --sysroot" "value main 3 root/usr/lib/debug$TMP/crash.debug" \
	"$(frames) $(line) $(module crash "m['symbol_file']")"
rm "root/usr/lib/debug$TMP/crash.debug" && cp keep/crash.debug elsewhere.debug
ln -s "$TMP/elsewhere.debug" "root$TMP/crash.debug"
analyze --sysroot root "$CRASH"
equal ".gnu_debuglink below --sysroot: a link does not leave it" "? ? debug:not-found" \
	"$(frames) $(fates crash debuglink | cut -d ' ' -f 1)"
rm -r root elsewhere.debug

# ---------------------------------------------------------------- MiniDebugInfo

# As Fedora's builds make it: the symbols of functions, in an ELF file of their own.
nm keep/whole --format=posix --defined-only | awk '$2 == "T" || $2 == "t" { print $1 }' | sort >funcs
objcopy --only-keep-debug keep/whole mini.debug
objcopy -S --remove-section .gdb_index --remove-section .comment --keep-symbols=funcs mini.debug mini
with_mini() { # FILE
	cp keep/stripped crash
	objcopy --add-section .gnu_debugdata="$1" crash
}
xz -k mini && with_mini mini.xz
analyze "$CRASH"
equal "MiniDebugInfo: names" "value main symtab mini:ok" \
	"$(frames) $(module crash "m['symbols']") $(fates crash debugdata)"
equal "MiniDebugInfo: the file that has it" "$TMP/crash" "$(module crash "m['symbol_file']")"
cp keep/crash.debug crash.debug && objcopy --add-gnu-debuglink=crash.debug crash
analyze "$CRASH"
equal "MiniDebugInfo: not needed beside a debug file" "value main 3 []" \
	"$(frames) $(line) $(module crash "[c for c in m['candidates'] if c['where'] == 'debugdata']")"
rm crash.debug

bad_mini() { # NAME FILE WHY
	with_mini "$2"
	analyze "$CRASH"
	equal "MiniDebugInfo that is $1" "? ? mini:malformed its .gnu_debugdata$3" \
		"$(frames) $(fates crash debugdata) $(module crash "[c['detail'] for c in m['candidates'] if c['where'] == 'debugdata'][0]")"
}
head -c 200 mini.xz >cut.xz && bad_mini cut cut.xz ": it is cut short"
printf 'not xz at all' >no.xz && bad_mini "not xz" no.xz ": it is not in the xz format"
{ head -c 100 mini.xz; printf 'xxxxxxxx'; tail -c +109 mini.xz; } >broken.xz && bad_mini broken broken.xz ": it is corrupt"
head -c 80000000 /dev/zero | xz >bomb.xz && bad_mini "a bomb" bomb.xz ": it unpacks to more than 67108864 bytes"
xz -k --lzma2=dict=1GiB -c mini >hungry.xz && bad_mini "hungry" hungry.xz ": it takes too much memory to unpack"
echo 'no ELF' | xz >text.xz && bad_mini "no ELF file" text.xz ", unpacked: not an ELF file"
cp keep/stripped nosyms && xz -f nosyms && bad_mini "without symbols" nosyms.xz ", unpacked: it is without a symbol table"
rm -f crash bomb.xz

# ---------------------------------------------------------------- the alternate file

# What two debug files have in common lies in a third (dwz).
cp keep/whole alt_one && sed 's/value/other/' crash.c >other.c && gcc -g -O0 -o alt_two other.c
rm -f common.debug
dwz -m common.debug -M ../../common.debug alt_one alt_two || not_ok "dwz"
mkdir -p "dbg/.build-id/${ID:0:2}" "tree"
objcopy --only-keep-debug alt_one "dbg/.build-id/${ID:0:2}/${ID:2}.debug"
cp keep/stripped tree/bin
ALT=$(readelf -n common.debug | sed -n 's/.*Build ID: //p')
mv common.debug keep/
alt() { module crash "' '.join(c['fate'] for c in m['candidates'] if c['role'] == 'alternate')"; }

analyze --no-local --symbols tree --debug-dir dbg "$CRASH"
equal "no alternate file: what was tried" "not-found not-found not-found" "$(alt)"
check "no alternate file: it is said" grep -q "part of its debug information is in another file that was not found: '../../common.debug' (build ID $ALT)" out
cp keep/common.debug dbg/
analyze --no-local --symbols tree --debug-dir dbg "$CRASH"
equal "an alternate file by its relative name" "value main 3 ok null" \
	"$(frames) $(line) $(alt) $(module crash "m['why']")"
cp keep/other.debug dbg/common.debug
analyze --no-local --symbols tree --debug-dir dbg "$CRASH"
equal "an alternate file of another build" "wrong-build-id" "$(alt | cut -d ' ' -f 1)"
rm dbg/common.debug && mkdir -p "dbg/.build-id/${ALT:0:2}"
cp keep/common.debug "dbg/.build-id/${ALT:0:2}/${ALT:2}.debug"
analyze --no-local --symbols tree --debug-dir dbg "$CRASH"
equal "an alternate file by its build ID" "value main 3 not-found ok" "$(frames) $(line) $(alt)"
rm "dbg/.build-id/${ALT:0:2}/${ALT:2}.debug" && cp keep/common.debug tree/
analyze --no-local --symbols tree --debug-dir dbg "$CRASH"
equal "an alternate file in a tree" "value main 3 ok" "$(frames) $(line) $(alt)"
rm tree/common.debug

# Debian's: /usr/lib/debug/.dwz/..., wherever the debug directory is.
cp keep/whole alt_one && gcc -g -O0 -o alt_two other.c && rm -f common.debug
dwz -m common.debug -M /usr/lib/debug/.dwz/none/common.debug alt_one alt_two || not_ok "dwz"
objcopy --only-keep-debug alt_one "dbg/.build-id/${ID:0:2}/${ID:2}.debug"
mkdir -p dbg/.dwz/none && mv common.debug dbg/.dwz/none/
analyze --no-local --symbols tree --debug-dir dbg "$CRASH"
equal "an alternate file in .dwz of another debug directory" "value main 3 ok null" \
	"$(frames) $(line) $(alt | sed 's/.* //') $(module crash "m['why']")"
mkdir -p root/usr/lib/debug "root$TMP" && mv dbg/.dwz dbg/.build-id root/usr/lib/debug/
cp keep/stripped "root$TMP/crash"
analyze --sysroot root "$CRASH"
equal "an alternate file by its absolute name below --sysroot" "value main 3 ok" "$(frames) $(line) $(alt)"
rm -r root/usr/lib/debug/.dwz && mkdir -p root/usr/lib/debug/.dwz/none && mkfifo root/usr/lib/debug/.dwz/none/common.debug
analyze --sysroot root "$CRASH"
equal "an alternate file that is a FIFO" "not-a-file" "$(alt | cut -d ' ' -f 1)"
rm -r root dbg tree/bin

printf 'x' >link && cp keep/whole crash && objcopy --add-section .gnu_debugaltlink=link crash
analyze "$CRASH"
equal "a malformed .gnu_debugaltlink" "value main 3 refused" "$(frames) $(line) $(alt)"
rm crash

# ---------------------------------------------------------------- the package note

note() { # JSON: crash with that note in a segment
	"$PYTHON" - "$1" <<'END'
import struct, sys
text = sys.argv[1].encode() + b"\0"
text += b"\0" * (-len(text) % 4)
data = struct.pack("<III", 4, len(text), 0xcafe1a7e) + b"FDO\0" + text
with open("note.s", "w") as f:
    f.write('.section .note.package, "a", %note\n.balign 4\n')
    f.write(".byte " + ",".join(map(str, data)) + "\n")
END
}
package() { module packed "m['package'] and ' '.join(str(m['package'][k]) for k in ('type', 'name', 'version', 'architecture', 'os_cpe'))"; }
note '{"type":"deb","name":"hello","version":"2.10-3","architecture":"amd64","osCpe":"cpe:/o:debian:debian_linux:12"}'
gcc -g -O0 -Wl,-z,noexecstack -o packed crash.c note.s
crash_both packed "$TMP/packed" || { note_file why; exit 1; }
analyze "$SNAP"
equal "the package note" "deb hello 2.10-3 amd64 cpe:/o:debian:debian_linux:12" "$(package)"
check "the report with it is valid by the schema" valid_report out
rm packed
analyze "$CORE"
equal "the package note without the file: of its first page" \
	"deb hello 2.10-3 amd64 cpe:/o:debian:debian_linux:12" "$(package)"
packed_with() { # NAME WANTED JSON
	note "$3"
	gcc -g -O0 -Wl,-z,noexecstack "-Wl,--build-id=0x$PACKED" -o packed crash.c note.s
	analyze "$SNAP"
	equal "a package note that is $1" "$2" "$(package)"
}
PACKED=$(module packed "m['build_id']")
packed_with "no JSON" "null" 'hello'
packed_with "an array" "null" '["deb"]'
packed_with "of other types" "None None None None None" '{"type":1,"name":{"a":[]},"version":null}'
packed_with "too long" "deb None None None None" "{\"type\":\"deb\",\"name\":\"$(printf '%0999d' 0)\"}"
packed_with "deep" "null" "$(printf '[%.0s' $(seq 4000))"
rm -f packed

# ---------------------------------------------------------------- --trust-path

gcc -g -O0 -Wl,--build-id=none -o nameless crash.c
cp nameless keep/nameless
crash_direct nameless "$TMP/nameless" || { note_file why; exit 1; }
NAMELESS=$SNAP
analyze "$NAMELESS"
equal "without build ID, and no --trust-path: nothing is used" "? none 0 it has no build ID" \
	"$(json_get out "r['threads'][0]['frames'][0]['function'] or '?'") $(module nameless "m['symbols']") $(module nameless "len(m['candidates'])") $(module nameless "m['why']")"
analyze --trust-path "$NAMELESS"
equal "--trust-path: by its path" "value main 3 executable:ok found by its path alone: it has no build ID" \
	"$(frames) $(line) $(fates nameless local) $(module nameless "m['why']")"
cp keep/whole nameless
analyze --trust-path "$NAMELESS"
equal "--trust-path: a file with a build ID is another" "mismatch executable:wrong-build-id it has a build ID, and the module has none" \
	"$(module nameless "m['symbols']") $(fates nameless local) $(module nameless "m['candidates'][0]['detail']")"
rm nameless && mkdir -p tree/a && cp keep/nameless tree/a/nameless
analyze --no-local --trust-path --symbols tree "$NAMELESS"
equal "--trust-path: by its name in a tree" "value main 3 executable:ok" "$(frames) $(line) $(fates nameless symbols)"
analyze --no-local --symbols tree "$NAMELESS"
equal "... not without --trust-path" "none" "$(module nameless "m['symbols']")"
mkdir -p "root$TMP" && cp keep/nameless "root$TMP/"
analyze --trust-path --sysroot root "$NAMELESS"
equal "--trust-path: below --sysroot" "value main 3 executable:ok" "$(frames) $(line) $(fates nameless sysroot)"
rm -r root tree/a
mkfifo nameless
analyze --trust-path "$NAMELESS"
equal "--trust-path: a FIFO" "executable:not-a-file" "$(fates nameless local)"
rm nameless
# Gone while it ran: what is there now is not it.
cat >deleted.c <<'END'
#include <unistd.h>

int main(int argc, char **argv)
{
	(void)argc;
	return unlink(argv[0]) + *(volatile int *)0;
}
END
gcc -g -O0 -Wl,--build-id=none -o deleted deleted.c && cp deleted keep/deleted
crash_direct deleted "$TMP/deleted" || { note_file why; exit 1; }
cp keep/deleted deleted
analyze --trust-path "$SNAP"
equal "--trust-path: not at the path of a deleted file" "True none 0" \
	"$(module deleted "str(m['deleted']) + ' ' + m['symbols'] + ' ' + str(len(m['candidates']))")"
# With a build ID the path is tried all the same: that decides.
gcc -g -O0 -o deleted deleted.c && cp deleted keep/deleted
crash_direct deleted "$TMP/deleted" || { note_file why; exit 1; }
analyze "$SNAP"
equal "a deleted file" "True none executable:not-found" \
	"$(module deleted "str(m['deleted']) + ' ' + m['symbols']") $(fates deleted local)"
cp keep/deleted deleted
analyze "$SNAP"
equal "a deleted file that came back: the build ID decides" "dwarf executable:ok" \
	"$(module deleted "m['symbols']") $(fates deleted local)"
rm deleted

# A build ID that the input lacks: any file there may be it.
cp keep/whole crash
crash_both filtered bash -c 'echo 0x21 >/proc/self/coredump_filter && exec "$1"' sh "$TMP/crash" || { note_file why; exit 1; }
analyze "$CORE"
equal "a core without first pages" "none its build ID could not be read" "$(module crash "m['symbols'] + ' ' + m['why']")"
analyze --trust-path "$CORE"
equal "... with --trust-path" "value main 3 found by its path alone: its build ID is not known" \
	"$(frames) $(line) $(module crash "m['why']")"
cp keep/stripped crash && mkdir -p "dbg/.build-id/${ID:0:2}" && cp keep/crash.debug "dbg/.build-id/${ID:0:2}/${ID:2}.debug"
analyze --trust-path --debug-dir dbg "$CORE"
equal "... and the debug file by the file's build ID" "value main 3 debug:ok" "$(frames) $(line) $(fates crash debug-dir)"
rm -r dbg crash

# ---------------------------------------------------------------- addresses

# A library whose first segment is not at 0, in a core that lacks its ELF header: where it was mapped
# follows from the file.
cat >high.c <<'END'
int high(int *p)
{
	return *p + 1;
}
END
printf 'int high(int *p);\nint main(void)\n{\n\treturn high(0) + 1;\n}\n' >calls.c
gcc -g -O0 -fPIC -shared -Wl,-Ttext-segment=0x10000000 -o libhigh.so high.c
gcc -g -O0 -o calls calls.c -L. -lhigh '-Wl,-rpath,$ORIGIN'
crash_both high bash -c 'echo 0x21 >/proc/self/coredump_filter && exec "$1"' sh "$TMP/calls" || { note_file why; exit 1; }
analyze --trust-path "$CORE"
equal "a library linked for a high address: its place follows from the file" "high main 3" "$(frames) $(line)"
equal "... its offsets are its own addresses" "0x10001" \
	"$(json_get out "r['threads'][0]['frames'][0]['module_offset'][:7]")"
analyze "$SNAP"
equal "... the same from a snapshot" "high main 3 0x10001" \
	"$(frames) $(line) $(json_get out "r['threads'][0]['frames'][0]['module_offset'][:7]")"
rm libhigh.so calls

# ---------------------------------------------------------------- modules

mkdir none
cp keep/stripped crash
run "$ANALYZE" modules --debug-dir none "$CRASH"
check "modules: a line for each, details below" "$PYTHON" -c '
import re
lines = open("out").read().splitlines()
heads = [l for l in lines if not l.startswith("    ")]
assert len(heads) == 4, heads
assert all(re.match("[0-9a-f]{16}-[0-9a-f]{16}  [0-9a-f]{40}  [a-z]+ +[/\\[]", l) for l in heads), heads'
run "$ANALYZE" modules --missing --debug-dir none "$CRASH"
sed -n "/ $ID /,/^[0-9a-f]/p" out | grep '^    ' >details
cat >wanted <<END
    tried: local, executable: $TMP/crash: used
    tried: debug-dir, debug: none/.build-id/${ID:0:2}/${ID:2}.debug: not found
    tried: debug-dir, executable: none/.build-id/${ID:0:2}/${ID:2}: not found
    get: debuginfod-find debuginfo $ID
    get: snapanalyze symbols add FILE --store DIR, and --symbols DIR here, FILE being the debug file
END
check "modules --missing: what was tried, and how to get the rest" diff -u wanted details
check "modules --missing: not the vDSO" sh -c '! grep -q vdso out'
rm crash
run "$ANALYZE" modules --missing "$CRASH"
check "modules --missing: how to get the executable" grep -q "^    get: debuginfod-find executable $ID$" out
cp keep/whole crash
run "$ANALYZE" modules "$CRASH"
equal "modules: nothing more of what is complete" "" "$(sed -n "/ $ID /,/^[0-9a-f]/p" out | grep '^    ')"
rm crash
run "$ANALYZE" modules "$NAMELESS"
check "modules: --trust-path is named where it would help" grep -q '^    get: --trust-path' out

packages() { # JSON: what modules says how to get
	note "$1"
	gcc -O0 -s -Wl,-z,noexecstack "-Wl,--build-id=0x$PACKED" -o packed crash.c note.s
	run "$ANALYZE" modules packed.snap
	grep -E '^    (package|get: (apt|dnf))' out
}
equal "modules: Debian's package" "    package: deb hello 2.10-3 amd64
    get: apt-get install hello-dbgsym=2.10-3" \
	"$(packages '{"type":"deb","name":"hello","version":"2.10-3","architecture":"amd64"}')"
equal "modules: a package whose name is a command" '    package: deb hello; $(reboot) 1' \
	"$(packages '{"type":"deb","name":"hello; $(reboot)","version":"1"}')"
equal "modules: a package whose name is an option" '    package: deb -o 1' \
	"$(packages '{"type":"deb","name":"-o","version":"1"}')"
equal "modules: a package with an escape sequence" '    package: deb \x1b[31mred 1' \
	"$(packages '{"type":"deb","name":"\u001b[31mred","version":"1"}')"

# A program that prints its own backtrace has debug files mapped, which are no modules to unwind with:
# that one lies below the program's own code, and comes first.
cat >mapped.c <<'END'
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

int main(int argc, char **argv)
{
	struct stat st;
	int fd = argc > 1 ? open(argv[1], O_RDONLY) : -1;
	if (fd < 0 || fstat(fd, &st) != 0 ||
		mmap((void *)0x10000000, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_FIXED, fd, 0) !=
			(void *)0x10000000)
		return 1;
	return *(volatile int *)(long)(argc - 2);
}
END
gcc -g -O2 -fomit-frame-pointer -o mapped mapped.c
objcopy --only-keep-debug mapped mapped.debug
strip mapped
objcopy --add-gnu-debuglink=mapped.debug mapped
crash_direct mapped "$TMP/mapped" "$TMP/mapped.debug" || { note_file why; exit 1; }
analyze --debug-dir none "$SNAP"
equal "a debug file that the process had mapped: both are modules" "mapped mapped.debug" \
	"$(json_get out "' '.join(sorted(m['name'] for m in r['modules'] if m['name'].startswith('mapped')))")"
equal "... the executable is found all the same" executable:ok \
	"$(module mapped "next(c['role'] + ':' + c['fate'] for c in m['candidates'] if c['path'].endswith('/mapped'))")"
equal "... and unwound by" "main cfi" \
	"$(json_get out "r['threads'][0]['frames'][0]['function'] + ' ' + r['threads'][0]['frames'][1]['trust']")"
