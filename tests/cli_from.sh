#!/bin/bash
# Signatures of backtraces that come as text: of gdb and of sanitizers, as they print them here of real
# crashes, of our own reports, and of the plain form; and the words of the option.
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/crashlib.sh"
need "$CLIENT" "$ANALYZE"
cd "$TMP" || exit 1

signature() { # FORMAT FILE...
	"$ANALYZE" signature --from "$@"
}
id_of() { cut -f1 | head -1; }
text_of() { cut -f2 | head -1; }

# ---- gdb's backtrace of a crash has the id of our snapshot of it

sources=("$LIB/../signatures/planted.c" "$LIB/../signatures/planted_far.c")
bugs_of() { "$1" | grep -v ' '; }
if command -v gdb >/dev/null; then
	# One of them fills its stack: of a usual one gdb prints 40,000 frames, which takes it a minute.
	small="prlimit --stack=262144"
	gdb_run() { # OPTION... -- COMMAND...: a whole session
		timeout 60 gdb -nx -batch -ex 'set debuginfod enabled off' -ex "set exec-wrapper $small" -ex run \
			"$@" 2>&1 </dev/null
	}
	levels="O0 O2"
	! sparse || levels=O2
	for level in $levels; do
		mkdir "$level"
		gcc "-$level" -g -fstack-protector-all -o "$level/planted" "${sources[@]}" || exit 1
		same=0
		all=0
		: >"different.$level"
		CRASH_WAIT=10
		for bug in $(bugs_of "$level/planted"); do
			crash_direct "$bug" timeout 20 $small "$TMP/$level/planted" "$bug" "some text" || continue
			gdb_run -ex bt -ex 'print $_siginfo' --args "$TMP/$level/planted" "$bug" "some text" \
				>"$bug.gdb"
			"$ANALYZE" signature "$SNAP" >snap.out 2>/dev/null
			signature gdb "$bug.gdb" >gdb.out
			all=$((all + 1))
			if [ "$(id_of <snap.out)" = "$(id_of <gdb.out)" ]; then
				same=$((same + 1))
			else
				cat snap.out gdb.out >>"different.$level"
			fi
		done
		# gdb hides a function that was inlined where the crash is its first instruction.
		[ "$level" = O0 ] && wanted="16 of 16" || wanted="15 of 16"
		equal "gdb's backtrace of each bug has the snapshot's id (-$level)" "$wanted" "$same of $all"
		note_file "different.$level"
	done
	# A core, and all its threads.
	if [ -x "$VICTIMS/timer_thread" ] && crash_both timer "$VICTIMS/timer_thread"; then
		gdb -nx -batch -ex 'set debuginfod enabled off' -ex 'thread apply all bt' -ex 'print $_siginfo' \
			"$VICTIMS/timer_thread" "$CORE" </dev/null >timer.gdb 2>&1
		equal "all threads of a core" "$("$ANALYZE" signature "$SNAP" 2>/dev/null | id_of)" \
			"$(signature gdb timer.gdb | id_of)"
	else
		skip "all threads of a core" "no crash of it"
	fi
	# C++ and its library: templates, exceptions, thunks, calls of nothing.
	for victim in cxx_function cxx_pure cxx_sort cxx_throw cxx_thunk cxx_virtual; do
		if [ ! -x "$VICTIMS/$victim" ] || ! crash_both "$victim" timeout 20 "$VICTIMS/$victim"; then
			skip "$victim" "no crash of it"
			continue
		fi
		gdb -nx -batch -ex 'set debuginfod enabled off' -ex bt -ex 'print $_siginfo' \
			"$VICTIMS/$victim" "$CORE" </dev/null >"$victim.gdb" 2>&1
		equal "$victim" "$("$ANALYZE" signature "$SNAP" 2>/dev/null | text_of)" \
			"$(signature gdb "$victim.gdb" | text_of)"
	done
	cat choose.gdb owner.gdb session.gdb >several.gdb
	signature gdb several.gdb choose.gdb owner.gdb session.gdb >several.out
	equal "several sessions in one file are those alone" "$(sed -n '4,$p' several.out | cut -f1)" \
		"$(head -3 several.out | cut -f1)"
	equal "each with the line where it begins" 3 "$(head -3 several.out | cut -f3 | grep -c '^several.gdb:[0-9]*$')"
else
	skip "gdb's backtraces" "no gdb"
fi

# ---- Rust: what panics is not what reports it, of a snapshot and of gdb's backtrace

cat >rows.rs <<'END'
struct Table { rows: Vec<u32> }
impl Table {
    #[inline(never)]
    fn at(&self, i: usize) -> u32 { self.rows[i] }
}
fn main() {
    let table = Table { rows: vec![1, 2, 3] };
    println!("{}", table.at(std::env::args().count() + 6));
}
END
if rustc -g -O -C panic=abort -o rows rows.rs >build.out 2>&1 && crash_both rows "$TMP/rows"; then
	"$ANALYZE" signature "$SNAP" >rows.snap.out 2>/dev/null
	equal "a panic's snapshot" " rows::Table::at | rows::main" "$(text_of <rows.snap.out | cut -d '|' -f 3-)"
	if command -v gdb >/dev/null; then
		gdb -nx -batch -ex 'set debuginfod enabled off' -ex bt rows "$CORE" </dev/null >rows.gdb 2>&1
		equal "a panic's backtrace" " rows::Table::at | rows::main" \
			"$(signature gdb rows.gdb | text_of | cut -d '|' -f 3-)"
	fi
else
	skip "a panic of Rust's" "rustc is not there, or does not compile"
fi

core_pattern_done

# ---- sanitizers, whichever compiler brings them

cat >bugs.c <<'END'
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#define KEEP __attribute__((noinline))
static int shared;
static KEEP int first_of(const char *text) { return text[0]; }
static KEEP int use_freed(void) { char *p = malloc(9); free(p); return first_of(p); }
static KEEP int read_null(void) { int *volatile p = NULL; return *p + 1; }
static KEEP int walk(volatile int n) { volatile char b[512]; b[0] = 1; return walk(n + 1) + b[0]; }
static KEEP int overflow(void) { return walk(0); }
static KEEP int lose(void) { char *volatile p = malloc(77); p = NULL; return p != NULL; }
static KEEP int add(volatile int n) { n = n + 2147483647; return n; }
static KEEP int sum(void) { return add(7); }
static void *bump(void *arg) { shared++; return arg; }
static KEEP int race(void)
{
	pthread_t t[2];
	for (int i = 0; i < 2; i++)
		pthread_create(&t[i], NULL, bump, NULL);
	return pthread_join(t[0], NULL) + pthread_join(t[1], NULL);
}
int main(int argc, char **argv)
{
	static const struct { const char *name; int (*fn)(void); } bugs[] = {{"use_freed", use_freed},
		{"read_null", read_null}, {"overflow", overflow}, {"lose", lose}, {"sum", sum}, {"race", race}};
	for (int i = 0; argc > 1 && i < 6; i++)
		if (strcmp(argv[1], bugs[i].name) == 0)
			return bugs[i].fn() & 1;
	return 0;
}
END
sanitized() { # NAME COMPILER SANITIZER BUG WANTED
	if ! $2 -g -O1 -fsanitize="$3" -pthread -o bugs.bin bugs.c >build.out 2>&1; then
		skip "$1" "$2 has no $3 sanitizer here"
		return
	fi
	# Shadow memory may be in the way of where the kernel puts things.
	ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1 setarch -R ./bugs.bin "$4" >"$4.report" 2>&1 </dev/null
	equal "$1" "$5" "$(signature asan "$4.report" 2>&1 | text_of)"
	[ "$(signature asan "$4.report" 2>/dev/null | text_of)" = "$5" ] || note_file "$4.report"
}
compilers="gcc clang"
! sparse || compilers=gcc
for compiler in $compilers; do
	command -v "$compiler" >/dev/null || { skip "sanitizers of $compiler" "no $compiler"; continue; }
	sanitized "AddressSanitizer of $compiler" "$compiler" address use_freed \
		'sanitizer | first_of | use_freed | "heap-use-after-free"'
	sanitized "AddressSanitizer of $compiler: a signal" "$compiler" address read_null "segv-null | read_null"
	sanitized "AddressSanitizer of $compiler: the stack" "$compiler" address overflow "stack-overflow | walk"
	sanitized "LeakSanitizer of $compiler" "$compiler" address lose 'sanitizer | lose | "direct leak"'
	sanitized "UndefinedBehaviorSanitizer of $compiler" "$compiler" undefined sum \
		'sanitizer | add | sum | "signed integer overflow"'
	sanitized "ThreadSanitizer of $compiler" "$compiler" thread race 'sanitizer | bump | "data race"'
done

# ---- what others pasted

while IFS=$'\t' read -r format rest; do
	printf '%s\n' "$rest" >>"wanted.$format"
done <"$LIB/../traces/expected"
for format in gdb asan plain; do
	(cd "$LIB/../traces" && signature "$format" "$format"-*.txt) | cut -f2,3 >"got.$format"
	check "pasted: $format" diff -u "wanted.$format" "got.$format"
done
equal "the same crash has one id in all of them" 1 \
	"$(cd "$LIB/../traces" && { signature gdb gdb-core.txt; signature gdb gdb-ci.txt | head -1; } | cut -f1 | sort -u | wc -l)"

# ---- our own reports: the id of what they are of

num=0
same=0
seen=0
for input in "$LIB"/../fixtures/*/snapshot.snap.xz "$LIB"/../fixtures/*/core.xz; do
	[ -e "$input" ] || continue
	seen=$((seen + 1))
	! sparse || [ $((seen % 4)) -eq 1 ] || continue
	options=(--no-local --symbols "$(dirname "$input")")
	num=$((num + 1))
	status=0
	"$ANALYZE" signature --explain "${options[@]}" "$input" >one.out 2>/dev/null || status=$?
	"$ANALYZE" json "${options[@]}" "$input" >one.json 2>/dev/null
	from=0
	signature json --explain one.json >from.out 2>from.err || from=$?
	if [ "$(cut -f1,2 one.out)" = "$(cut -f1,2 from.out)" ] && [ "$status" = "$from" ]; then
		same=$((same + 1))
	else
		diff -u one.out from.out | note_file -
	fi
	cat one.json >>all.json
done
check "there are fixtures" [ "$seen" -gt 50 ]
equal "the report of each fixture has its id, its reasons and its status" "$num" "$same"
signature json all.json >all.out 2>/dev/null
equal "all of them in one file" "$num" "$(wc -l <all.out)"
{ echo '['; sed '$!s/$/,/' all.json; echo ']'; } >array.json
signature json array.json 2>/dev/null | cut -f1,2 >array.out
check "as an array" cmp -s array.out <(cut -f1,2 all.out)
"$ANALYZE" json --pretty --no-local "$LIB/../fixtures/segv-null/snapshot.snap.xz" 2>/dev/null |
	signature json - >pretty.out 2>/dev/null
"$ANALYZE" signature --no-local "$LIB/../fixtures/segv-null/snapshot.snap.xz" >one.out 2>/dev/null
equal "for people, through a pipe" "$(id_of <one.out)" "$(id_of <pretty.out)"

# ---- the option

printf 'kind: segv\nf\n\nkind: segv\ng\n' >plain.txt
run "$ANALYZE" signature --from plain - <plain.txt
equal "standard input" "0 segv | f/-:1 segv | g/-:4" \
	"$STATUS $(cut -f2,3 "$TMP/out" | tr '\t' / | xargs)"
xz -k plain.txt
equal "a compressed one" "segv | f" "$(signature plain plain.txt.xz | text_of)"
equal "rules of one's own" "segv | g" "$(printf 'skip * f\n' >own.rules; printf 'kind: segv\nf\ng\n' |
	signature plain --rules own.rules - | text_of)"
printf 'kind: segv\nf\033[7m\n' >hostile.txt
check "what a terminal would obey is shown" sh -c '! printf "%s" "$1" | grep -q "$(printf "\033")"' sh \
	"$(printf 'kind: segv\nf\033x\n' | signature plain -)"
refused() { # NAME STATUS WORDS ARGUMENT...
	local name=$1 wanted=$2 words=$3
	shift 3
	run "$ANALYZE" signature "$@"
	equal "$name" "$wanted snapanalyze: $words" "$STATUS $(cat "$TMP/err")"
}
refused "a format that is none" 64 \
	"--from takes gdb, asan, json or plain, not 'x' (see 'snapanalyze signature --help')" --from x plain.txt
refused "no backtrace" 2 "cannot analyse 'plain.txt': there is no backtrace of gdb's in it" --from gdb plain.txt
refused "an ELF file" 2 "cannot read '$ANALYZE': is an ELF file, not text (without --from, cores are read)" \
	--from gdb "$ANALYZE"
refused "no JSON" 2 "cannot analyse 'plain.txt': line 1: no JSON begins there: '[' or '{' expected near 'kind'" \
	--from json plain.txt
refused "no file" 2 "cannot read 'none.txt': No such file or directory" --from plain none.txt
head -c 70000000 /dev/zero | tr '\0' '\n' >long.txt
refused "too long" 2 "cannot read 'long.txt': has 70000000 bytes, more than the 67108864 that text may have" \
	--from plain long.txt
run "$ANALYZE" report --from plain plain.txt
check "only who signs takes it" [ "$STATUS" -eq 64 ]
