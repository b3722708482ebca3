#!/bin/bash
# What is kept of symbols between runs: that it is used, that it grows, and that no answer depends on
# it, whatever it holds; "cache build".
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/crashlib.sh"
need "$ANALYZE" "$CLIENT" "$VICTIMS/tail_call" "$VICTIMS/cxx_sort" "$VICTIMS/null_deref"

cd "$TMP" || exit 1
SNAPS=
for name in null_deref tail_call tail_ambiguous cxx_sort cxx_throw cxx_virtual in_qsort; do
	if crash_direct $name "$VICTIMS/$name"; then
		SNAPS="$SNAPS $SNAP"
	else
		not_ok "a crash of $name"
		note_file why
	fi
done
core_pattern_done

cat >one.c <<'END'
#include <stdlib.h>

static inline int twice(int v)
{
	return 2 * v + rand();
}

__attribute__((noinline)) int one(int v)
{
	return twice(v) * twice(v + 1);
}
END
cat >main.c <<'END'
int one(int v);

int main(int argc, char **argv)
{
	(void)argv;
	return one(argc);
}
END
gcc -g -O2 -o prog one.c main.c || exit 1
cat >cxx.cc <<'END'
#include <algorithm>
#include <map>
#include <string>
#include <vector>

namespace {
int length(const std::string &name) { return int(name.size()); }
} // namespace

int main(int argc, char **argv)
{
	std::vector<std::string> names(argv, argv + argc);
	std::map<std::string, int> lengths;
	for (const auto &name : names)
		lengths[name] += length(name);
	std::sort(names.begin(), names.end(), [](const auto &a, const auto &b) { return a.size() < b.size(); });
	return lengths[names[0]];
}
END
g++ -g -O2 -o cxx cxx.cc || exit 1

C=$TMP/c
id_of() { readelf -n "$1" | sed -n 's/.*Build ID: //p'; }
entry() { echo "$C/symbols/$(id_of "$1")"; }
holds() { "$ANALYZE" cache list --cache "$C" --json | "$PYTHON" -c '
import json, sys
print(*(r["holds"] for r in map(json.loads, sys.stdin) if r["kind"] == "symbols" and r["key"] == sys.argv[1]))' "$(id_of "$1")"; }
addresses() { objdump -d -j .text "$1" | sed -n 's/^ *\([0-9a-f]*\):\t.*/\1/p'; }
addresses prog >prog.addrs
addresses cxx >cxx.addrs
# symbolize FILE OPTION...: all the addresses of the program of this name.
symbolize() {
	local file=$1
	shift
	timeout 60 "$ANALYZE" symbolize --json --no-local "$@" "$file" <"${file##*/}.addrs"
}
symbolize prog --no-cache >prog.json
symbolize cxx --no-cache >cxx.json
ID=$(id_of prog)

# Lines, names and functions of a file with the same build ID and of the same size, gone: who reads them
# has nothing to say.
garble() { # FROM TO
	"$PYTHON" - "$1" "$2" <<'END'
import re, subprocess, sys
data = bytearray(open(sys.argv[1], "rb").read())
table = subprocess.run(["readelf", "-SW", sys.argv[1]], capture_output=True, text=True).stdout
for name, off, size in re.findall(r"\] (\.(?:debug_\S+|symtab|strtab)) +\S+ +\S+ +(\S+) +(\S+)", table):
    off, size = int(off, 16), int(size, 16)
    data[off:off + size] = b"\xff" * size
open(sys.argv[2], "wb").write(data)
END
	chmod +x "$2"
}

# ---------------------------------------------------------------- build

build() { run timeout 60 "$ANALYZE" cache build --no-local --cache "$C" "$@"; }
built() { awk '{ print $1, $3 }' out; }
build prog
equal "build: an ELF file: what is printed" "0 $ID prog" "$STATUS $(built)"
equal "build: an ELF file: how many bytes" "$(stat -c %s "$(entry prog)")" "$(awk '{ print $2 }' out)"
check "build: without a word beside" test ! -s err
check "list: what it holds" sh -c 'echo "$1" | grep -q "^2 of 2 units, [0-9]* names, [0-9]* symbols\$"' sh "$(holds prog)"
run "$ANALYZE" cache list --cache "$C"
check "list: in words, too" grep -q "^symbols  *$ID .*  2 of 2 units, " out
rm -r "$C"
build prog cxx
equal "build: several: one line each" "0 $ID prog
$(id_of cxx) cxx" "$STATUS $(built)"
check "build: several: each is kept" test -s "$(entry prog)" -a -s "$(entry cxx)"
rm -r "$C"
mkdir tree && cp prog tree/anything
build --symbols tree "$ID"
equal "build: by build ID" "0 $ID $ID" "$STATUS $(built)"
check "build: by build ID: it is kept" test -s "$(entry prog)"
symbolize prog --cache "$C" >out
check "build: by build ID: the same answers" cmp out prog.json
rm -r "$C"

build missing prog
equal "build: a missing file, and one that is there" "2 $ID prog snapanalyze: cannot open 'missing': No such file or directory" \
	"$STATUS $(built) $(cat err)"
echo text >text
build text
equal "build: text" "2 snapanalyze: cannot analyse 'text': it is neither a snapshot nor an ELF core" "$STATUS $(cat err)"
build "${ID%?}0"
equal "build: an unknown build ID" "2 snapanalyze: no file of build ID ${ID%?}0: no file of its build ID was found" "$STATUS $(cat err)"
gcc -g -Wl,--build-id=none -o nameless one.c main.c
build nameless
equal "build: without build ID" "2 snapanalyze: cannot keep the symbols of 'nameless': it has no build ID, by which it would be kept" \
	"$STATUS $(cat err)"
run "$ANALYZE" cache build --no-cache prog
equal "build --no-cache" "2 snapanalyze: --no-cache leaves nothing to build" "$STATUS $(cat err)"
run "$ANALYZE" cache build
equal "build: no FILE is wrong usage" 64 "$STATUS"
rm -rf "$C"

# A program of many units: this one.
timeout 60 "$ANALYZE" symbolize --json --no-cache --no-local --jobs 1 "$ANALYZE" < <(addresses "$ANALYZE" | awk 'NR % 50 == 0' | tee many) >many.json
for jobs in 1 2 5; do
	rm -rf "$C"
	build --jobs $jobs "$ANALYZE"
	equal "build --jobs $jobs: status" 0 "$STATUS"
	timeout 60 "$ANALYZE" symbolize --json --cache "$C" --no-local "$ANALYZE" <many >out
	check "build --jobs $jobs: the same answers" cmp out many.json
	check "build --jobs $jobs: all units" sh -c 'set -- $1; test "$1" -gt 50 && test "$1" -le "$3"' sh "$(holds "$ANALYZE")"
done
rm -rf "$C"

# ---------------------------------------------------------------- it is used

build prog cxx
for name in prog cxx; do
	mkdir -p garbled && garble $name garbled/$name
	equal "$name, garbled: it is of the same build" "$(id_of $name) $(stat -c %s $name)" "$(id_of garbled/$name) $(stat -c %s garbled/$name)"
	symbolize garbled/$name --no-cache >out
	check "$name, garbled: without the cache nothing is known" sh -c '! grep -q "\"line\":[0-9]" out'
	symbolize garbled/$name --cache "$C" >out
	check "$name, garbled: all answers are in the cache" cmp out $name.json
	symbolize $name --cache "$C" >out
	check "$name: the same answers" cmp out $name.json
	for form in "" --addr2line; do
		"$ANALYZE" symbolize $form --no-cache $name <$name.addrs >wanted
		"$ANALYZE" symbolize $form --cache "$C" garbled/$name <$name.addrs >out
		check "$name: the same answers, ${form:-text}" cmp out wanted
	done
done
rm -r "$C"

# Runs fill it by themselves.
"$ANALYZE" symbolize --no-local --cache "$C" prog "$(nm prog | sed -n 's/ T one//p')" >out
check "a first run: the answer" grep -q " one+0x0 " out
check "a first run keeps what it found" test -s "$(entry prog)"
symbolize garbled/prog --cache "$C" >out
check "a second run uses it: of a small program, all" cmp out prog.json
BEFORE=$(stat -c '%i %Y' "$(entry prog)")
symbolize prog --cache "$C" >out
equal "a run that finds out nothing new writes nothing" "$BEFORE" "$(stat -c '%i %Y' "$(entry prog)")"
rm -r "$C"
symbolize prog --no-cache --cache "$C" >out
check "--no-cache writes nothing" test ! -e "$C"
rm -rf "$XDG_CACHE_HOME"
symbolize prog --no-cache >out
check "--no-cache writes nothing in the default directory either" test ! -e "$XDG_CACHE_HOME"
symbolize prog >out
check "the default directory" test -s "$XDG_CACHE_HOME/snapcrash/symbols/$ID"

# Of large programs what was needed, and more with every run.
{
	echo 'enum many {'
	seq -f '	a_rather_long_name_of_a_constant_%.0f,' 520000
	echo '};'
	echo 'enum many two(int v) { return (enum many)v; }'
} >two.c
sed 's/one(argc)/one(argc) + two(argc)/; 1s/^/int two(int v); /' main.c >main_two.c
gcc -g -O2 -o large one.c two.c main_two.c || exit 1
at() { nm large | sed -n "s/ T $1\$//p"; }
ask() { "$ANALYZE" symbolize --no-local "$@" large "$(at one)" "$(at two)" "$(at main)"; }
check "a large program is large" test "$(size -A large | awk '$1 == ".debug_info" { print $2 }')" -gt 4400000
ask --no-cache >large.txt
units() { holds large | sed 's/,.*//'; }
"$ANALYZE" symbolize --no-local --cache "$C" large "$(at one)" >out
equal "a large program: one unit is kept" "1 of 3 units" "$(units)"
"$ANALYZE" symbolize --no-local --cache "$C" large "$(at main)" >out
equal "a large program: and another" "2 of 3 units" "$(units)"
garble large garbled/large
"$ANALYZE" symbolize --no-local --cache "$C" garbled/large "$(at one)" "$(at main)" >out
check "a large program: both are told from the cache" sh -c 'sed -n "/one+/p; /main+/p" large.txt | cmp - out'
ask --cache "$C" >out
check "a large program: the same answers" cmp out large.txt
equal "a large program: all are kept" "3 of 3 units" "$(units)"
rm -r "$C"
"$ANALYZE" symbolize --no-local --cache "$C" large "$(at one)" >out
build large
equal "build: of what a run has begun with, all" "3 of 3 units" "$(units)"
rm -r "$C"

# ---------------------------------------------------------------- crashes

crashes() {
	local name=$1 verb
	shift
	for verb in report json; do
		"$ANALYZE" $verb --no-cache "$@" >wanted 2>wanted.err
		"$ANALYZE" $verb --cache "$C" "$@" >first 2>first.err
		"$ANALYZE" $verb --cache "$C" "$@" >second 2>second.err
		check "$name: $verb, filling the cache" cmp first wanted
		check "$name: $verb, from the cache" cmp second wanted
		check "$name: $verb, the same words on stderr" sh -c 'cmp first.err wanted.err && cmp second.err wanted.err'
	done
}
for snap in $SNAPS; do
	crashes "a crash of $(basename "$snap" .snap)" "$snap"
done
check "of these something is kept" sh -c 'test "$(ls "$1" | wc -l)" -ge 7' sh "$C/symbols"
rm -r "$C"
# shellcheck disable=SC2086
crashes "several at once" $SNAPS
rm -r "$C"
run timeout 60 "$ANALYZE" cache build --cache "$C" "$TMP/cxx_sort.snap"
check "build: a snapshot: its modules" sh -c 'grep -q "  $1/cxx_sort\$" out && ! grep -q vdso out' sh "$VICTIMS"
equal "build: a snapshot: as many as there are" "$("$ANALYZE" json --no-cache cxx_sort.snap | "$PYTHON" -c '
import json, sys
print(len({m["build_id"] for m in json.load(sys.stdin)["modules"] if m["symbol_file"] and m["name"] != "[vdso]"}))')" "$(wc -l <out)"
crashes "after build" "$TMP/cxx_sort.snap"
for name in aarch64-inlined aarch64-pac arm-deep; do
	fixture=$TOP/tests/fixtures/$name
	[ -e "$fixture" ] || { not_ok "no fixture $name"; continue; }
	mkdir "$name" && for file in "$fixture"/*.xz; do xz -dc "$file" >"$name/$(basename "$file" .xz)"; done
	crashes "$name" --no-local --symbols "$name" "$name/core"
done

# ---------------------------------------------------------------- whatever it holds

build prog cxx
cp "$(entry prog)" good
cat >damage.py <<'END'
# Flips a bit at many places: the answers stay, and the entry is made anew.
import random, subprocess, sys
analyze, cache, entry, num = sys.argv[1:]
num = int(num)
good = open(entry, "rb").read()
wanted = open("prog.json", "rb").read()
addresses = open("prog.addrs", "rb").read()
def answer(program):
    run = subprocess.run([analyze, "symbolize", "--json", "--no-local", "--cache", cache, program],
                         input=addresses, capture_output=True, timeout=30)
    assert (run.returncode, run.stderr) == (0, b""), run
    return run.stdout
random.seed(1)
# The header, and everything behind its page, the rest of which is padding.
for place in [*range(0, 300, 7), *(random.randrange(4096, len(good)) for _ in range(num)), len(good) - 1]:
    bad = bytearray(good)
    bad[place] ^= 1 << random.randrange(8)
    open(entry, "wb").write(bad)
    assert answer("prog") == wanted, place
    assert open(entry, "rb").read() != bad, f"{place}: not made anew"
    assert answer("garbled/prog") == wanted, f"{place}: made anew, but not whole"
for place in range(300, 4096, 97):
    bad = bytearray(good)
    bad[place] ^= 255
    open(entry, "wb").write(bad)
    assert answer("prog") == wanted, place
open(entry, "wb").write(good)
END
garble prog garbled/prog
places=50
! whole || places=150
! sparse || places=15
check "bits flipped anywhere: the same answers, and made anew" "$PYTHON" damage.py "$ANALYZE" "$C" "$(entry prog)" $places
other_entry() { # NAME: the entry is made of what comes on standard input
	cat >bad && cp bad "$(entry prog)"
	run symbolize prog --cache "$C"
	equal "$1: without a word" "0 " "$STATUS $(cat err)"
	check "$1: the same answers" cmp out prog.json
	check "$1: made anew" cmp "$(entry prog)" good
}
SIZE=$(stat -c %s good)
for len in 1 8 100 399 4095 4096 $((SIZE / 2)) $((SIZE - 1)); do
	[ "$len" -lt "$SIZE" ] && head -c "$len" good | other_entry "cut to $len bytes"
done
{ cat good; printf x; } | other_entry "a byte too many"
printf rubbish | other_entry "rubbish"
head -c "$SIZE" /dev/zero | other_entry "zeros"
head -c "$SIZE" /dev/urandom | other_entry "noise"
other_entry "another build's" <"$(entry cxx)"
cat >version.py <<'END'
# The same with another version, in a header that is right otherwise.
import struct, sys
table = []
for i in range(256):
    for _ in range(8):
        i = i >> 1 ^ (0x82f63b78 if i & 1 else 0)
    table.append(i)
def crc32c(data):
    crc = 0xffffffff
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 255]
    return crc ^ 0xffffffff
data = bytearray(open("good", "rb").read())
end = next(i for i in range(16, 1024, 4) if struct.unpack_from("<I", data, i)[0] == crc32c(data[:i]))
version = struct.unpack_from("<I", data, 8)[0]
struct.pack_into("<I", data, 8, version + int(sys.argv[1]))
struct.pack_into("<I", data, end, crc32c(data[:end]))
sys.stdout.buffer.write(data)
END
"$PYTHON" version.py 0 >same && check "a header can be made that is right" cmp same good
# shellcheck disable=SC2094
"$PYTHON" version.py 1 | other_entry "another version"
cp good "$(entry prog)"
chmod 000 "$(entry prog)"
symbolize prog --cache "$C" >out
check "an entry that may not be read: the same answers" cmp out prog.json
rm "$(entry prog)" && mkdir "$(entry prog)"
run symbolize prog --cache "$C"
check "a directory in its place: the same answers" sh -c 'cmp out prog.json && test ! -s err'
rmdir "$(entry prog)" && ln -s "$TMP/good" "$(entry prog)" && garble prog garbled/prog
symbolize garbled/prog --cache "$C" >out
check "a link in its place is not followed" sh -c '! cmp -s out prog.json'
rm -r "$C"

# The same damage where stacks are followed by it.
run "$ANALYZE" cache build --cache "$C" "$TMP/tail_call.snap"
"$ANALYZE" json --no-cache "$TMP/tail_call.snap" >wanted
for entry in "$C"/symbols/*; do
	"$PYTHON" - "$entry" <<'END'
import sys
data = bytearray(open(sys.argv[1], "rb").read())
# Every page but the first, which would be found out at once.
for i in range(5000, len(data), 4096):
    data[i] ^= 4
open(sys.argv[1], "wb").write(data)
END
done
run "$ANALYZE" json --cache "$C" "$TMP/tail_call.snap"
check "a report from damaged entries is the same" cmp out wanted
run "$ANALYZE" json --cache "$C" "$TMP/tail_call.snap"
check "... and the next one" cmp out wanted
rm -r "$C"

# ---------------------------------------------------------------- files that come later

mkdir later && strip -o later/prog prog && strip -g -o later/symbols prog
objcopy --only-keep-debug prog later/prog.debug.away
(cd later && cp prog.debug.away prog.debug && objcopy --add-gnu-debuglink=prog.debug prog && rm prog.debug)
symbolize later/prog --cache "$C" >out
check "stripped: no line is known" sh -c '! grep -q "\"line\":[0-9]" out'
cp later/prog.debug.away later/prog.debug
symbolize later/prog --cache "$C" >out
check "its debug file came: all is known" cmp out prog.json
rm later/prog.debug
symbolize later/prog --cache "$C" >out
check "its debug file went: only what is there is told" sh -c '! grep -q "\"line\":[0-9]" out'
rm -r "$C"
cp later/symbols later/prog
build later/prog
equal "build: only a symbol table" "no debug information" "$(holds prog | sed 's/,.*//')"
symbolize later/prog --no-cache >wanted
symbolize later/prog --cache "$C" >out
check "a symbol table: the same answers" cmp out wanted
garble later/prog garbled/prog
symbolize garbled/prog --cache "$C" >out
check "a symbol table: they are in the cache" cmp out wanted
symbolize prog --cache "$C" >out
check "the same build with debug information: all is known" cmp out prog.json
mkdir -p split && for source in one main; do gcc -g -O2 -gsplit-dwarf -c -o split/$source.o $source.c; done
(cd split && gcc -o prog one.o main.o && mkdir away)
symbolize split/prog --no-cache >wanted
mv split/*.dwo split/away
symbolize split/prog --no-cache >less
symbolize split/prog --cache "$C" >out
check "no .dwo files: the same answers" cmp out less
symbolize split/prog --cache "$C" >out
check "no .dwo files: again" cmp out less
check "no .dwo files: less is known" sh -c '! cmp -s less wanted'
mv split/away/*.dwo split
symbolize split/prog --cache "$C" >out
check "the .dwo files came: all is known" cmp out wanted
symbolize split/prog --cache "$C" >out
check "the .dwo files came: again" cmp out wanted
rm -r "$C"

# ---------------------------------------------------------------- where it can't be kept

if [ "$(id -u)" = 0 ] && mkdir "$TMP/disk" && unshare -m mount -t tmpfs none "$TMP/disk" 2>/dev/null; then
	# on_disk SIZE COMMAND: in a small file system at disk; all addresses of prog are in prog.addrs.
	on_disk() { unshare -m sh -c 'mount -t tmpfs -o mode=700,size="$1" none disk && eval "$2"' sh "$1" "$2"; }
	ASK="\"$ANALYZE\" symbolize --json --no-local"
	run on_disk 16k "head -c 12k /dev/zero >filler; XDG_CACHE_HOME=disk $ASK prog <prog.addrs; find disk -type f -name 'tmp*' >&2"
	equal "a full disk: without a word, and nothing is left" "0 " "$STATUS $(cat err)"
	check "a full disk: the same answers" cmp out prog.json
	run on_disk 40k "XDG_CACHE_HOME=disk $ASK cxx <cxx.addrs; find disk -name 'tmp*' >&2; find disk -name $(id_of cxx) >&2"
	equal "a disk too small for it: without a word, and nothing is left" "0 " "$STATUS $(cat err)"
	check "a disk too small for it: the same answers" cmp out cxx.json
	run on_disk 40k "\"$ANALYZE\" cache build --cache disk/cache cxx"
	equal "build: a disk too small" "2 snapanalyze: cannot keep the symbols of 'cxx': " "$STATUS $(sed "s/\('cxx': \).*/\1/" err)"
	garble prog garbled/prog
	run on_disk 1M "XDG_CACHE_HOME=disk $ASK prog <prog.addrs >/dev/null; mount -o remount,ro disk;
		XDG_CACHE_HOME=disk $ASK garbled/prog <prog.addrs && XDG_CACHE_HOME=disk $ASK cxx <cxx.addrs"
	equal "a read-only disk: without a word" "0 " "$STATUS $(cat err)"
	check "a read-only disk: what is kept is used, what is not is found out" sh -c 'cat prog.json cxx.json | cmp - out'
else
	skip "a full disk, a read-only disk" "no mounts here"
fi

# Any number at once, and one that prunes meanwhile.
for round in 1 2 3; do
	rm -rf "$C"
	pids=()
	for i in 1 2 3 4 5 6; do
		"$ANALYZE" symbolize --json --no-local --cache "$C" cxx <cxx.addrs >"at_once.$i" 2>&1 &
		pids+=($!)
	done
	"$ANALYZE" cache prune --all --cache "$C" >/dev/null 2>&1
	wait "${pids[@]}"
	check "six at once ($round): the same answers" sh -c 'for i in 1 2 3 4 5 6; do cmp "at_once.$i" cxx.json || exit 1; done'
	symbolize garbled/cxx --cache "$C" >out
	symbolize cxx --cache "$C" >again
	check "six at once ($round): nothing is left but entries" sh -c 'cmp again cxx.json && ! ls "$1/symbols" | grep tmp' sh "$C"
done
