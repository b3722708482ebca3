#!/bin/bash
# "snapanalyze symbolize": what it prints, which addresses and files it takes, and that its answers are
# those of addr2line and llvm-symbolizer, whichever way the debug information was written.
. "$(dirname "$0")/lib/testlib.sh"
need "$ANALYZE" "$DEBUGGER"

cd "$TMP" || exit 1
# Where its object files are, no other test looks.
HERE=$(pwd -P)

cat >lab.c <<'END'
static inline __attribute__((always_inline)) int inner(int v)
{
	__asm__ volatile("here:\n\t.globl here\n\tnop" : "+r"(v));
	return v;
}
static inline __attribute__((always_inline)) int middle(int v)
{
	return inner(v) + 1;
}
__attribute__((noinline)) int outer(int v)
{
	return middle(v) * 2;
}
END
cat >main.c <<'END'
#include <stdio.h>

int outer(int v);

int main(int argc, char **argv)
{
	return printf("%s %d\n", argv[0], outer(argc)) < 0;
}
END
cat >work.c <<'END'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int square(int v)
{
	return v * v + rand();
}

static inline int twice(int v)
{
	return square(v) + square(v + 1);
}

struct list {
	struct list *next;
	int value;
};

static int sum(const struct list *list)
{
	int result = 0;
	for (; list; list = list->next)
		result += twice(list->value);
	return result;
}

__attribute__((noinline)) static int compare(const void *a, const void *b)
{
	const int *x = a, *y = b;
	if (__builtin_expect(!x || !y, 0))
		abort();
	return *x < *y ? -1 : *x > *y;
}

__attribute__((noinline)) int work(int n)
{
	int values[64];
	struct list items[64];
	for (int i = 0; i < 64; i++) {
		values[i] = rand() % n;
		items[i] = (struct list){i ? &items[i - 1] : NULL, values[i]};
	}
	qsort(values, 64, sizeof(int), compare);
	return sum(&items[63]) + values[n % 64];
}

int main(int argc, char **argv)
{
	char *copy = strdup(argv[0]);
	printf("%s %d\n", copy, work(argc + 5));
	free(copy);
	return 0;
}
END
cat >shapes.cc <<'END'
#include <cstdio>
#include <string>
#include <vector>

namespace shapes {

class shape {
public:
	virtual ~shape() {}
	virtual double area() const = 0;
};

template <typename T> class box : public shape {
	T width, height;

public:
	box(T w, T h) : width(w), height(h) {}
	double area() const override { return double(width) * double(height); }
	bool operator()(const box &other) const { return area() < other.area(); }
};

struct longer {
	__attribute__((noinline)) bool operator()(const std::string &a, const std::string &b) const
	{
		return a.size() > b.size();
	}
};

#ifndef NOT_HIDDEN
namespace {
#endif
inline __attribute__((always_inline)) int hidden(const std::string &name)
{
	int result = 0;
	for (char c : name)
		result = result * 31 + c;
	return result;
}
#ifndef NOT_HIDDEN
} // namespace
#endif

__attribute__((noinline)) int count(const std::vector<std::string> &names)
{
	int result = std::printf("%zu\n", names.size());
	for (const auto &name : names)
		result += longer()(name, names[0]) ? hidden(name) + std::puts("longer") : 1;
	return result;
}

__attribute__((noinline)) double total(const std::vector<const shape *> &all)
{
	double sum = std::printf("%zu\n", all.size());
	for (auto *one : all)
		sum += one->area();
	return sum;
}

} // namespace shapes

int main(int argc, char **argv)
{
	if (argc > 100)
		return std::puts("too many");
	std::vector<std::string> names(argv, argv + argc);
	shapes::box<int> one(argc, 2);
	shapes::box<double> two(argc, 2.5);
	std::vector<const shapes::shape *> all = {&one, &two};
	std::printf("%d %g %d\n", shapes::count(names), shapes::total(all), int(one(one)));
	return 0;
}
END

# symbolize OPTION... FILE [ADDRESS...]: nothing of this machine's but FILE, and nothing kept.
symbolize() { timeout 60 "$ANALYZE" symbolize --no-cache --no-local "$@"; }
# ask OPTION... FILE [ADDRESS...]: likewise, to be looked at.
ask() { run symbolize "$@" </dev/null; }
# address FILE SYMBOL, as nm has it.
address() { nm "$1" | sed -n "s/^0*\([0-9a-f]*\) [a-zA-Z] $2\$/\1/p" | head -n 1; }
# functions FILE SYMBOL...: the addresses of their instructions.
functions() {
	local file=$1 symbol
	shift
	for symbol; do objdump --disassemble="$symbol" "$file"; done | sed -n 's/^ *\([0-9a-f]*\):\t.*/\1/p'
}
# all FILE: the addresses of all instructions in functions that have a size.
all() {
	functions "$1" $(nm -S "$1" | awk 'NF == 4 && tolower($3) ~ /[tw]/ && $4 != "_start" { print $4 }')
}
id_of() { readelf -n "$1" | sed -n 's/.*Build ID: //p'; }
complaint() { equal "$1" "snapanalyze: $2" "$(cat err)"; }

# ---------------------------------------------------------------- what is printed

gcc -g -O2 -o lab lab.c main.c || exit 1
AT=$(address lab here)
OFFSET=$(printf 0x%x $((0x$AT - 0x$(address lab outer))))
INDENT=$(printf "%$((${#AT} + 4))s" "")
TEXT="0x$AT  inner  $HERE/lab.c:3:2  [inlined]
${INDENT}middle  $HERE/lab.c:8:9  [inlined]
${INDENT}outer+$OFFSET  $HERE/lab.c:12:9"
JSON='{"address":"0x'$AT'","frames":[{"inline":true,"function":"inner","raw_function":"inner","offset":null,"file":"'$HERE'/lab.c","line":3,"column":2},{"inline":true,"function":"middle","raw_function":"middle","offset":null,"file":"'$HERE'/lab.c","line":8,"column":9},{"inline":false,"function":"outer","raw_function":"outer","offset":"'$OFFSET'","file":"'$HERE'/lab.c","line":12,"column":9}]}'
ADDR2LINE="inner
$HERE/lab.c:3
middle
$HERE/lab.c:8
outer
$HERE/lab.c:12"
ask lab "$AT"
equal "text: the chain of inlined functions" "0 $TEXT" "$STATUS $(cat out)"
ask --json lab "$AT"
equal "--json: the chain of inlined functions" "0 $JSON" "$STATUS $(cat out)"
ask --addr2line lab "$AT"
equal "--addr2line: the chain of inlined functions" "0 $ADDR2LINE" "$STATUS $(cat out)"
check "nothing is said beside" test ! -s err

# What is not known: one address in no function, one in a function without lines.
START=$(address lab _start)
ask lab 1 "$START"
equal "text: what is not known" "0 0x1  ??
0x$START  _start+0x0" "$STATUS $(cat out)"
ask --json lab 1 "$START"
equal "--json: what is not known is null" '0 {"address":"0x1","frames":[]}
{"address":"0x'$START'","frames":[{"inline":false,"function":"_start","raw_function":"_start","offset":"0x0","file":null,"line":null,"column":null}]}' \
	"$STATUS $(cat out)"
ask --addr2line lab 1 "$START"
equal "--addr2line: what is not known" "0 ??
??:0
_start
??:?" "$STATUS $(cat out)"

ask --json --addr2line lab "$AT"
equal "--json --addr2line is wrong usage" 64 "$STATUS"
ask
equal "no FILE is wrong usage" 64 "$STATUS"
run symbolize --help
check "--help: no word of snapshots, which it does not take" sh -c '! grep -qi "inputs are snapshots" out'
symbolize lab "$AT" >/dev/full 2>err
equal "the output can't be written" "74 snapanalyze: cannot write to standard output" "$? $(cat err)"

# Each line is valid JSON, hostile names and all.
printf 'int main(void)\n{\n\treturn 0;\n}\n' >$'h\033[31m"\\\xff.c'
gcc -g -o hostile $'h\033[31m"\\\xff.c'
ask --json hostile "$(address hostile main)"
check "--json: a hostile file name is valid JSON" "$PYTHON" -c '
import json
name = json.loads(open("out", encoding="utf-8").read())["frames"][0]["file"]
assert name.endswith("/h\x1b[31m\"\\\\xff.c"), name'
for form in --json "" --addr2line; do
	ask $form hostile "$(address hostile main)"
	check "${form:-text}: it does not reach a terminal" sh -c '! grep -q "$(printf "\033")" out && grep -q "h.*31m" out'
done

# ---------------------------------------------------------------- addresses

answers() { printf '%s\n' "$TEXT" "$TEXT" "$TEXT"; }
ask lab "$AT" "0x$AT" "0X$(printf %s "$AT" | tr a-f A-F)"
equal "arguments: with and without 0x, in either case" "0 $(answers)" "$STATUS $(cat out)"
printf '%s\n0x%s\n  000%s\t \r\n' "$AT" "$AT" "$AT" | run symbolize lab
equal "standard input: with and without 0x, spaces, CRLF" "0 $(answers)" "$STATUS $(cat out)"
printf '%s' "$AT" | run symbolize lab
equal "standard input: no newline at the end" "0 $TEXT" "$STATUS $(cat out)"
printf '' | run symbolize lab
equal "standard input: nothing" "0 " "$STATUS $(cat out err)"

printf '%s\n' 1 "" zz -1 0x 10000000000000000 ffffffffffffffff 0x1g "1 2" >garbage
printf '1\0\n' >>garbage
run symbolize lab <garbage
equal "no addresses: status" 2 "$STATUS"
equal "no addresses: one answer each" \
	"0x1  ??|??|??|??|??|??|0xffffffffffffffff  ??|??|??|??|" "$(tr '\n' '|' <out)"
equal "no addresses: a complaint each" "snapanalyze: no hexadecimal address: ''
snapanalyze: no hexadecimal address: 'zz'
snapanalyze: no hexadecimal address: '-1'
snapanalyze: no hexadecimal address: '0x'
snapanalyze: no hexadecimal address: '10000000000000000'
snapanalyze: no hexadecimal address: '0x1g'
snapanalyze: no hexadecimal address: '1 2'
snapanalyze: no hexadecimal address: '1\\x00'" "$(cat err)"
run symbolize --json lab <garbage
equal "--json: no addresses: one answer each" "2 10 8" \
	"$STATUS $(wc -l <out) $(grep -cx '{"address":null,"frames":\[\]}' out)"
run symbolize --addr2line lab <garbage
equal "--addr2line: no addresses: one answer each" "2 20 10" "$STATUS $(wc -l <out) $(grep -cx '??:0' out)"
ask lab "" $'\033[31m' "$AT"
equal "arguments that are no addresses" "2 ??
??
$TEXT" "$STATUS $(cat out)"
check "arguments that are no addresses: told, escaped" grep -q "address: '.x1b\[31m'" err
for len in 4096 65535 65536 65537 200000; do
	{ head -c "$len" /dev/zero | tr '\0' 1; printf '\n%s\n' "$AT"; } | run symbolize lab
	equal "a line of $len bytes: one answer, and the next one" "2 ??
$TEXT" "$STATUS $(cat out)"
	equal "a line of $len bytes: one complaint" 1 "$(wc -l <err)"
done
run symbolize lab <&-
equal "standard input is closed" "2 snapanalyze: cannot read standard input: Bad file descriptor" "$STATUS $(cat err)"
run symbolize lab <.
equal "standard input is a directory" "2 snapanalyze: cannot read standard input: Is a directory" "$STATUS $(cat err)"

# Somebody writes one address and waits for the answer.
coproc ASKED { exec timeout 60 "$ANALYZE" symbolize --no-cache --json lab 2>/dev/null; }
# shellcheck disable=SC2153
ASKED_OUT=${ASKED[0]} ASKED_IN=${ASKED[1]} ASKED_BY=$ASKED_PID
echo "$AT" >&"$ASKED_IN" && read -r -t 20 FIRST <&"$ASKED_OUT"
equal "interactive: an answer at once" "$JSON" "${FIRST:-}"
echo zz >&"$ASKED_IN" && read -r -t 20 SECOND <&"$ASKED_OUT"
equal "interactive: to what is no address, too" '{"address":null,"frames":[]}' "${SECOND:-}"
echo "0x$AT" >&"$ASKED_IN" && read -r -t 20 THIRD <&"$ASKED_OUT"
equal "interactive: and again" "$JSON" "${THIRD:-}"
eval "exec $ASKED_IN>&-"
wait "$ASKED_BY"
equal "interactive: the status at the end" 2 $?

# Many in one go, in lines that are cut by every read, and one by one.
g++ -g -O2 -o shapes shapes.cc || exit 1
all shapes >shapes.addrs
"$PYTHON" -c '
import random
addresses = open("shapes.addrs").read().split()
random.seed(1)
print("\n".join(random.choice(addresses) for _ in range(10000)))' >many
run symbolize --json shapes <many
cp out many.json
equal "10,000 addresses in one go: one answer each" "0 10000" "$STATUS $(wc -l <out)"
check "10,000 addresses in one go: each is valid JSON, of its address" "$PYTHON" -c '
import json
for asked, line in zip(open("many"), open("many.json")):
    answer = json.loads(line)
    assert answer["address"] == "0x" + asked.strip(), line
    for frame in answer["frames"]:
        assert sorted(frame) == sorted(["inline", "function", "raw_function", "offset", "file", "line", "column"])'
check "10,000 addresses one by one: the same" "$PYTHON" -c '
import subprocess, sys
p = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
for asked, wanted in zip(open("many", "rb"), open("many.json", "rb")):
    p.stdin.write(asked)
    p.stdin.flush()
    got = p.stdout.readline()
    assert got == wanted, (asked, got, wanted)
p.stdin.close()
assert p.wait() == 0' timeout 60 "$ANALYZE" symbolize --no-cache --json shapes
head -n 40 many | while read -r a; do symbolize --json shapes "$a"; done >single.json
check "a process for each: the same" sh -c 'head -n 40 many.json | cmp - single.json'
for form in "" --addr2line --json; do
	symbolize $form shapes <many >one_go
	split -n l/7 many many.part.
	for part in many.part.*; do symbolize $form shapes $(cat "$part"); done >arguments
	check "${form:-text}: as arguments: the same" cmp one_go arguments
done

# ---------------------------------------------------------------- files

bad_file() { # NAME FILE COMPLAINT
	run timeout 20 "$ANALYZE" symbolize --no-cache "$2" 1
	equal "FILE that is $1" "2  snapanalyze: $3" "$STATUS $(cat out) $(cat err)"
}
mkfifo fifo && echo text >text && : >empty && head -c 20 lab >head && gcc -g -c -o object.o lab.c
xz -dc "$TOP/tests/fixtures/aarch64-deep/snapshot.snap.xz" >crash.snap
"$ANALYZE" export --no-cache -o crash.core crash.snap 2>/dev/null
bad_file "missing" missing "cannot open 'missing': No such file or directory"
bad_file "a directory" . "cannot open '.': is a directory, not a regular file"
bad_file "a FIFO" fifo "cannot open 'fifo': is a FIFO, not a regular file"
bad_file "a device" /dev/zero "cannot open '/dev/zero': is a device, not a regular file"
bad_file "text" text "cannot read 'text': not an ELF file"
bad_file "empty" empty "cannot read 'empty': not an ELF file"
bad_file "cut in its header" head "cannot read 'head': not an ELF file"
bad_file "a core" crash.core "cannot read 'crash.core': neither an executable nor a library"
bad_file "a snapshot" crash.snap "cannot read 'crash.snap': not an ELF file"
bad_file "an object file" object.o "cannot read 'object.o': neither an executable nor a library"
bad_file "called by a hostile name" $'x\033[31m' "cannot open 'x\\x1b[31m': No such file or directory"

# ---------------------------------------------------------------- build IDs, debug files

ID=$(id_of lab)
mkdir -p tree/sub "dbg/.build-id/${ID:0:2}"
cp lab tree/sub/whatever
ask --symbols tree "$ID" "$AT"
equal "a build ID: found in a tree" "0 $TEXT" "$STATUS $(cat out)"
ask --symbols tree "$(printf %s "$ID" | tr a-f A-F)" "$AT"
equal "a build ID in capitals" "0 $TEXT" "$STATUS $(cat out)"
mv tree/sub/whatever "dbg/.build-id/${ID:0:2}/${ID:2}.debug"
ask --debug-dir dbg "$ID" "$AT"
equal "a build ID: found in a debug directory" "0 $TEXT" "$STATUS $(cat out)"
ask --symbols tree "$ID" "$AT"
equal "an unknown build ID: status" 2 "$STATUS"
complaint "an unknown build ID: told" "no file of build ID $ID: no file of its build ID was found"
ask --symbols tree abc "$AT"
equal "a word that is no build ID" "2 snapanalyze: cannot open 'abc': No such file or directory" "$STATUS $(cat err)"

objcopy --only-keep-debug lab lab.debug
strip -o stripped lab
ask lab.debug "$AT"
equal "the debug file alone" "0 $TEXT" "$STATUS $(cat out)"
ask stripped "$AT"
equal "a stripped file alone" "0 0x$AT  ??" "$STATUS $(cat out)"
ask --debug-dir dbg stripped "$AT"
equal "a stripped file, its debug file by build ID" "0 $TEXT" "$STATUS $(cat out)"
mkdir linked && cp stripped linked/lab && cp lab.debug linked/ && (cd linked && objcopy --add-gnu-debuglink=lab.debug lab)
ask linked/lab "$AT"
equal "a stripped file, its debug file by .gnu_debuglink" "0 $TEXT" "$STATUS $(cat out)"
mkdir elsewhere && ln -s ../linked/lab elsewhere/lab
ask elsewhere/lab "$AT"
equal "... beside where it really is" "0 $TEXT" "$STATUS $(cat out)"
gcc -g -O1 -o other lab.c main.c && objcopy --only-keep-debug other linked/lab.debug
ask linked/lab "$AT"
equal "... not one of another build" "0 0x$AT  ??" "$STATUS $(cat out)"

# As Fedora's builds make it.
nm lab --format=posix --defined-only | awk '$2 == "T" || $2 == "t" { print $1 }' | sort >names
objcopy -S --remove-section .comment --keep-symbols=names lab.debug mini && xz mini
cp stripped mini_lab && objcopy --add-section .gnu_debugdata=mini.xz mini_lab
ask mini_lab "$AT"
equal "MiniDebugInfo: names" "0 0x$AT  outer+$OFFSET" "$STATUS $(cat out)"

# ---------------------------------------------------------------- however it is written

# The same code, so the same answers.
gcc -g -O2 -o work work.c || exit 1
objdump -d work | sed -n 's/^ *\([0-9a-f]*\):\t.*/\1/p' >work.addrs
symbolize --json work <work.addrs >work.json
check "a program to compare with: most is known" "$PYTHON" -c '
import json
answers = [json.loads(l)["frames"] for l in open("work.json")]
assert sum(any(f["inline"] for f in a) for a in answers) > 10, "inlined"
assert sum(bool(a and a[0]["line"]) for a in answers) > 100, "lines"'
code_of() { objdump -d "$1" | tail -n +4; }
same() { # NAME OPTION... FILE
	local name=$1
	shift
	if ! cmp -s <(code_of work) <(code_of "${*: -1}"); then
		not_ok "$name: other code: nothing is shown by it"
		return
	fi
	run symbolize --json "$@" <work.addrs
	check "$name" cmp out work.json
}
built() { # NAME OPTION...
	local name=$1
	shift
	if gcc -g -O2 -o built "$@" work.c 2>err; then
		same "$name" built
	else
		skip "$name" "$(tail -n 1 err)"
	fi
}
for version in 2 3 4 5; do built "DWARF $version" "-gdwarf-$version"; done
built "DWARF of 64 bits" -gdwarf64
built "-flto" -flto
built "-fdebug-types-section" -fdebug-types-section
built "-fdebug-types-section, DWARF 4" -fdebug-types-section -gdwarf-4
for way in zlib-gabi zlib-gnu zstd; do
	built "debug sections compressed by $way" "-Wl,--compress-debug-sections=$way"
done
objcopy --remove-section .debug_aranges work no_aranges && same "no .debug_aranges" no_aranges
strip -g -o no_debug work && objcopy --only-keep-debug work work.debug && objcopy --add-gnu-debuglink=work.debug no_debug
same "code and debug information apart" no_debug
rm work.debug

cp work dwz_one && gcc -g -O2 -o dwz_two lab.c main.c && cp dwz_one dwz_alone
if dwz dwz_alone 2>err && dwz -m common -M common dwz_one dwz_two 2>err; then
	same "dwz" dwz_alone
	same "dwz, with a file in common" dwz_one
	run symbolize --addr2line dwz_two "$(address dwz_two here)"
	equal "dwz, the other one" "$ADDR2LINE" "$(cat out)"
else
	skip "dwz" "$(tail -n 1 err)"
fi

# Split DWARF: files beside, a package, neither.
for version in 4 5; do
	mkdir "split$version"
	for source in work lab main; do
		gcc -g -O2 -gdwarf-$version -gsplit-dwarf -c -o "split$version/$source.o" $source.c || not_ok "-gsplit-dwarf"
	done
	(cd "split$version" && gcc -o work work.o && gcc -o lab lab.o main.o)
	same "split DWARF $version: .dwo files" "split$version/work"
	# One unit of each, so that a package has to be looked through.
	if [ "$version" = 4 ]; then
		(cd "split4" && dwp -o work.dwp work.dwo main.dwo lab.dwo) || not_ok "dwp"
	else
		(cd "split5" && "$PYTHON" "$TOP/bench/pack_dwp.py" work.dwp work.dwo main.dwo lab.dwo) || not_ok "pack_dwp.py"
	fi
	cp "split$version/work.dwp" "split$version/lab.dwp"
	rm "split$version"/*.dwo
	same "split DWARF $version: a package" "split$version/work"
	ask --addr2line "split$version/lab" "$(address "split$version/lab" here)"
	equal "split DWARF $version: another unit of the package" "$ADDR2LINE" "$(cat out)"
	rm "split$version/work.dwp" "split$version/lab.dwp"
	ask --addr2line "split$version/lab" "$(address "split$version/lab" here)"
	equal "split DWARF $version: no .dwo file: function and line are told" "0 outer
$HERE/lab.c:3" "$STATUS $(cat out)"
done

# Not where code is by default.
gcc -g -O2 -Wl,-Ttext-segment=0x7000000 -o high lab.c main.c
ask --addr2line high "$(address high here)"
equal "a program that does not begin at 0" "$ADDR2LINE" "$(cat out)"
gcc -g -O2 -no-pie -o fixed lab.c main.c
ask --addr2line fixed "$(address fixed here)"
equal "a program at a fixed address" "$ADDR2LINE" "$(cat out)"

# Prelinked: moved after its debug file was made, and so of the same build ID.
for base in 0x400000 0x30000000; do
	gcc -g -O2 -no-pie -Wl,--build-id=0x0123456789abcdef01234567,-Ttext-segment="$base" -o "at_$base" \
		lab.c main.c
done
mkdir unmoved && objcopy --only-keep-debug at_0x400000 unmoved/lab.debug
strip -o moved at_0x30000000
ask --addr2line --symbols unmoved moved "$(address at_0x30000000 here)"
equal "a debug file of other addresses than its executable" "$ADDR2LINE" "$(cat out)"
ask --json --symbols unmoved moved "$(address at_0x30000000 here)"
equal "... where its function begins" "0x$(printf %x $((0x$(address at_0x30000000 here) - 0x$(address at_0x30000000 outer))))" \
	"$(json_get out 'r["frames"][-1]["offset"]')"
objcopy --strip-debug at_0x400000 unmoved/lab.debug
ask --symbols unmoved moved "$(address at_0x30000000 main)"
equal "... its symbol table" "0x$(address at_0x30000000 main)  main+0x0" "$(cat out)"

for machine in arm-linux-gnueabihf:-marm arm-linux-gnueabihf:-mthumb aarch64-linux-gnu: riscv64-linux-gnu:; do
	compiler=${machine%%:*}-gcc
	flags=${machine#*:}
	if ! command -v "$compiler" >/dev/null; then
		skip "code of ${machine%:}" "no $compiler here"
		continue
	fi
	# shellcheck disable=SC2086
	"$compiler" -g -O2 $flags -shared -nostdlib -o cross.so lab.c || not_ok "$compiler"
	ask --addr2line cross.so "$(address cross.so here)"
	equal "code of ${machine%:}" "$ADDR2LINE" "$(cat out)"
	# nm shows the bit that says Thumb; code is at even addresses.
	WANTED=$(printf %x $(($(readelf -sW cross.so | awk '$8 == "outer" { print "0x" $2; exit }') & ~1)))
	ask cross.so "$WANTED"
	check "code of ${machine%:}: a function's start" grep -q "outer+0x0 " out
done

# ---------------------------------------------------------------- names and lines

# Functions that have no linkage name in DWARF are qualified all the same.
name_at() { symbolize --json "$1" "$2" >named && json_get named "' < '.join(f['function'] for f in r['frames'])"; }
LONGER=$(nm -C shapes | sed -n 's/^0*\([0-9a-f]*\) . shapes::longer::operator().*/\1/p')
check "names: operator()" sh -c 'echo "$1" | grep -q "shapes::longer::operator()\$"' sh "$(name_at shapes "$LONGER")"
nm shapes | sed -n 's/.* \(_ZN6shapes5count.*\)/\1/p' | head -n 1 >count
functions shapes "$(cat count)" | symbolize --json shapes >counted
check "names: an inlined function without linkage name is qualified" grep -q \
	'"function":"shapes::(anonymous namespace)::hidden","raw_function":"hidden"' counted
functions shapes "$(cat count)" | symbolize --addr2line shapes >counted
check "names: --addr2line prints it as it is" grep -qx hidden counted
check "names: --addr2line prints parameters" grep -q '^shapes::count(std::vector<.*> const&)$' counted
symbolize shapes "$LONGER" >counted
check "names: text prints none" grep -q 'shapes::longer::operator()+0x0 ' counted
# Two functions of one name and file, told apart by what they are templates of.
nm -C shapes | sed -n 's/^0*\([0-9a-f]*\) . shapes::box<.*>::area.*/\1/p' | symbolize shapes >boxes
check "names: parameters of templates" sh -c 'grep -q "shapes::box<int>::area+0x0" boxes && grep -q "shapes::box<double>::area+0x0" boxes'

COLD=$(address work compare.cold)
if [ -n "$COLD" ]; then
	ask work "$COLD"
	check ".cold: the function, and where in that part" grep -q "^0x$COLD  compare+0x0  $HERE/work.c:[23][0-9]" out
else
	not_ok ".cold: the compiler made none"
fi

# objdump names the stubs, too.
for linking in -Wl,-z,lazy -Wl,-z,now -fcf-protection=full,-Wl,-z,lazy; do
	gcc -g -O2 ${linking/,-Wl/ -Wl} -o stubs work.c
	objdump -d stubs | sed -n 's/^0*\([0-9a-f]*\) <\([a-z]*@plt\)>:/\1 \2/p' >wanted
	cut -d ' ' -f 1 wanted | symbolize --json stubs |
		"$PYTHON" -c '
import json, sys
for line in sys.stdin:
    r = json.loads(line)
    print(r["address"][2:], *(f["function"] + " " * bool(f["file"]) for f in r["frames"]))' >got
	check "stubs of $linking: their names" sh -c 'grep -q "qsort@plt" wanted && diff wanted got'
done

# Code that no line stands for: row 0, which clang writes.
cat >zero.c <<'END'
int other(int v, int w);

int zero(int v)
{
	int result;
	if (v)
		result = other(3, v);
	else
		result = other(4, v);
	return result + 1;
}
END
if command -v clang >/dev/null; then
	clang -g -O2 -fPIC -shared -o zero.so zero.c
	functions zero.so zero | symbolize --json zero.so >zeros
	check "line 0: the file, and no line" grep -q '"function":"zero",.*"file":".*/zero.c","line":null,"column":null' zeros
	check "line 0: others have theirs" grep -q '"file":".*/zero.c","line":10,' zeros
	functions zero.so zero | symbolize --addr2line zero.so >zeros
	check "line 0: --addr2line" grep -qx '.*/zero.c:?' zeros
	functions zero.so zero | symbolize zero.so >zeros
	check "line 0: text" grep -q '/zero.c$' zeros
	# Not even if the row has a column. (gas leaves line 0 out.)
	cat >column.s <<'END'
	.file 1 "column.c"
	.globl column
	.type column, @function
column:	.loc 1 7 3
	nop
	.loc 1 0 5
	nop
	.size column, . - column
after:
	.section .debug_line, "", @progbits
lines:
	.section .debug_abbrev, "", @progbits
	.byte 1, 0x11, 0, 0x10, 0x17, 0x11, 0x01, 0x12, 0x06, 0, 0, 0
	.section .debug_info, "", @progbits
	.long unit_end - unit
unit:	.short 4
	.long 0
	.byte 8, 1
	.long lines
	.quad column
	.long after - column
unit_end:
	.section .note.GNU-stack, "", @progbits
END
	clang -shared -o column.so column.s 2>err || not_ok "line 0 with a column: $(cat err)"
	functions column.so column | symbolize --json column.so >zeros
	equal "line 0: no column either" '"line":7,"column":3 "line":null,"column":null' \
		"$(grep -o '"line":[^}]*' zeros | tr '\n' ' ' | sed 's/ $//')"
else
	skip "line 0" "no clang here"
fi

cat >geo.rs <<'END'
mod shapes {
    pub struct Square(pub u64);
    pub trait Area {
        fn area(&self) -> u64;
    }
    impl Area for Square {
        #[inline(never)]
        fn area(&self) -> u64 {
            twice(self.0) * self.0
        }
    }
    #[inline(always)]
    fn twice(v: u64) -> u64 {
        std::hint::black_box(v) * 2
    }
}

fn main() {
    use shapes::Area;
    let n = std::env::args().count() as u64;
    println!("{}", shapes::Square(n).area());
}
END
for mangling in v0 legacy; do
	# Which of the two is the default, and needs no permission, changes with the version.
	if ! { rustc -g -O -C symbol-mangling-version=$mangling -o geo geo.rs ||
		RUSTC_BOOTSTRAP=1 rustc -g -O -Z unstable-options -C symbol-mangling-version=$mangling -o geo geo.rs; } >err 2>&1; then
		skip "Rust, $mangling names" "$(command -v rustc >/dev/null && grep -m 1 error err || echo no rustc here)"
		continue
	fi
	AREA=$(nm geo | sed -n 's/^0*\([0-9a-f]*\) . _.*geo.*4area.*/\1/p')
	equal "Rust, $mangling names: demangled, without hash" "<geo::shapes::Square as geo::shapes::Area>::area" \
		"$(name_at geo "$AREA" | sed 's/.* < //')"
	check "Rust, $mangling names: inlined functions" sh -c 'echo "$1" | grep -q "geo::shapes::twice < <geo"' sh "$(name_at geo "$AREA")"
done

# ---------------------------------------------------------------- what others say

# Byte for byte. Left out are addresses in no function: there addr2line takes the last one before them.
# clang's DWARF 5 is, too: addr2line 2.40 does not read ranges by index and misses inlined functions.
as_addr2line() { # NAME FILE
	all "$2" >addrs
	addr2line -f -i -C -e "$2" <addrs | sed 's/ (discriminator [0-9]*)$//' >theirs
	symbolize --addr2line "$2" <addrs >ours
	check "--addr2line as addr2line: $1, $(wc -l <addrs) addresses" diff theirs ours
}
for compiler in gcc clang; do
	if ! command -v $compiler >/dev/null; then
		skip "--addr2line as addr2line: $compiler" "no $compiler here"
		continue
	fi
	compiler_cxx=${compiler/gcc/g}++
	compiler_cxx=${compiler_cxx/clang++/clang++}
	for version in 4 5; do
		[ $compiler$version = clang5 ] && continue
		for level in -O0 -O2; do
			$compiler -g -gdwarf-$version $level -o compared work.c
			as_addr2line "C by $compiler $level, DWARF $version" compared
		done
		# What has no linkage name and begins where a symbol does, inlined or a part, addr2line calls
		# by that symbol; there is none here, without exceptions.
		$compiler_cxx -g -gdwarf-$version -O2 -fno-exceptions -DNOT_HIDDEN -o compared shapes.cc
		as_addr2line "C++ by $compiler -O2, DWARF $version" compared
	done
done

cat >sorted.cc <<'END'
#include <algorithm>
#include <cstdio>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace {
std::map<std::string, std::function<int(int)>> makers;
} // namespace

int main(int argc, char **argv)
{
	std::vector<std::string> names(argv, argv + argc);
	makers["twice"] = [](int v) { return 2 * v; };
	makers["more"] = [&names](int v) { return v + int(names.size()); };
	std::sort(names.begin(), names.end(), [](const auto &a, const auto &b) { return a.size() < b.size(); });
	int sum = 0;
	for (const auto &name : names)
		for (auto &maker : makers)
			sum += maker.second(int(name.size() + maker.first.size()));
	return std::printf("%d\n", sum) < 0;
}
END
if command -v llvm-symbolizer >/dev/null; then
	for compiler in g++ clang++; do
		command -v $compiler >/dev/null || continue
		$compiler -g -O2 -o sorted sorted.cc || not_ok "$compiler"
		check "as llvm-symbolizer: C++ by $compiler" "$PYTHON" "$TOP/bench/symbolize_truth.py" --snapanalyze "$ANALYZE" \
			--number 4000 sorted
	done
else
	skip "as llvm-symbolizer" "no llvm-symbolizer here"
fi

# ---------------------------------------------------------------- --path-map

mapped() { # NAME WANTED OPTION...
	local name=$1 wanted=$2
	shift 2
	ask "$@" lab "$AT"
	equal "--path-map: $name" "$wanted" "$(sed -n 's/.*  \([^ ]*lab.c\):3:2.*/\1/p' out)"
}
mapped "a directory" /src/lab.c --path-map "$HERE=/src"
mapped "with a slash at the end of both" /src/lab.c --path-map "$HERE/=/src/"
mapped "to nothing" /lab.c --path-map "$HERE="
mapped "the whole path" x.c/lab.c --path-map "$HERE/lab.c=x.c/lab.c"
mapped "whole components only" "$HERE/lab.c" --path-map "${HERE%?}=/src"
mapped "one that does not fit" "$HERE/lab.c" --path-map "/nowhere=/src"
mapped "of two that fit the last" /two/lab.c --path-map "$HERE=/one" --path-map "$HERE=/two"
mapped "of two the one that fits" /one/lab.c --path-map "$HERE=/one" --path-map "/nowhere=/two"
mapped "not twice" /one/lab.c --path-map "/one=/two" --path-map "$HERE=/one"
mapped "with = in TO" /a=b/lab.c --path-map "$HERE=/a=b"
for form in --json --addr2line ""; do
	ask $form --path-map "$HERE=/src" lab "$AT"
	equal "--path-map: ${form:-text}: all frames" 3 "$(grep -o '/src/lab.c' out | wc -l)"
done
# More inlined functions than fit on a page.
{
	echo 'static inline __attribute__((always_inline)) int f0(int v) { __asm__ volatile("deep:\n\t.globl deep\n\tnop"); return v; }'
	for i in $(seq 1 40); do
		echo "static inline __attribute__((always_inline)) int f$i(int v) { return f$((i - 1))(v); }"
	done
	echo 'int main(int argc, char **argv) { (void)argv; return f40(argc); }'
} >deep.c
gcc -g -O2 -o deep deep.c
ask --path-map "$HERE=/src" deep "$(address deep deep)"
equal "--path-map: of forty inlined functions each" "42 42" "$(wc -l <out) $(grep -c '/src/deep.c' out)"
for bad in "" x =x; do
	ask --path-map "$bad" lab "$AT"
	equal "--path-map '$bad' is wrong usage" "64 snapanalyze: --path-map takes FROM=TO, not '$bad' (see 'snapanalyze symbolize --help')" \
		"$STATUS $(cat err)"
done

# In reports.
# Frames of many files, since what was mapped last is remembered.
{
	for i in $(seq 200); do
		printf '#line 1 "/build/d%d/file.c"\n__attribute__((noinline)) int f%d(int v) { return %s + 1; }\n' \
			"$i" "$i" "$([ "$i" = 1 ] && echo "inner()" || echo "f$((i - 1))(v)")"
	done
} >files.h
cat >waits.c <<'END'
#include <unistd.h>

static inline __attribute__((always_inline)) int inner(void)
{
	return pause();
}

#include "files.h"
#line 10 "waits.c"
__attribute__((noinline)) int outer(int deep)
{
	return deep > 0 ? outer(deep - 1) + 1 : f200(0);
}

int main(void)
{
	return outer(100);
}
END
gcc -g -O2 -fno-optimize-sibling-calls -o waits waits.c
./waits &
LIVE+=($!)
if within 10 sh -c 'grep -q "pause\|do_" "/proc/$1/wchan" || grep -q "^34 " "/proc/$1/syscall"' sh $! 2>/dev/null &&
	"$DEBUGGER" -o live.snap $! >/dev/null 2>err; then
	files() { json_get out "' '.join(sorted({f['file'] for f in r['threads'][0]['frames'] if f['file'] and 'waits' in f['file']}))"; }
	run "$ANALYZE" json --no-cache live.snap
	equal "json: paths as they are" "$HERE/waits.c" "$(files)"
	equal "json: enough frames" True "$(json_get out "sum('waits' in (f['file'] or '') for f in r['threads'][0]['frames']) > 100" | sed 's/true/True/')"
	run "$ANALYZE" json --no-cache --path-map "$HERE=/src" live.snap
	equal "--path-map in json: all frames" "/src/waits.c" "$(files)"
	run "$ANALYZE" json --no-cache --path-map /build=/src live.snap
	equal "--path-map in json: each of many files" "$(seq -f /src/d%.0f/file.c 200)" \
		"$(json_get out "'\n'.join(f['file'] for f in r['threads'][0]['frames'] if f['file'] and 'file.c' in f['file'])")"
	run "$ANALYZE" report --no-cache --path-map "$HERE=/one" --path-map "$HERE=/src" live.snap
	check "--path-map in reports: the last that fits" sh -c 'grep -q "/src/waits.c" out && ! grep -q "/one/\|$1/waits.c" out' sh "$HERE"
	run "$ANALYZE" report --no-cache --path-map "$HERE" live.snap
	equal "--path-map in reports: wrong usage" 64 "$STATUS"
else
	skip "--path-map in reports" "no snapshot of a live process: $(cat err)"
fi
