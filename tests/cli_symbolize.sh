#!/bin/bash
# "snapanalyze symbolize": what it prints, which addresses and files it takes, and that its answers are
# those of addr2line and llvm-symbolizer, whichever way the debug information was written.
. "$(dirname "$0")/lib/testlib.sh"
need "$ANALYZE"

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

namespace {
inline __attribute__((always_inline)) int hidden(const std::string &name)
{
	int result = 0;
	for (char c : name)
		result = result * 31 + c;
	return result;
}
} // namespace

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
check "--help: no word of snapshots, which it does not take" sh -c '! grep -qi "snapshot" out'
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
