#!/bin/bash
# "symbols add" keeps the files of a release by build ID, whole, each once and never in the place of
# another; "symbols list" tells what is kept; what is kept explains a crash, to us and to gdb.
. "$(dirname "$0")/lib/testlib.sh"
need "$ANALYZE" "$VICTIMS/null_deref" "$VICTIMS/div_zero"

id_of() { readelf -n "$1" | sed -n 's/.*Build ID: //p'; }
# place ID SUFFIX
place() { printf '%s' "$STORE/.build-id/${1:0:2}/${1:2}$2"; }
add() { run "$ANALYZE" symbols add --store "$STORE" "$@"; }
TAB=$'\t'

mkdir "$TMP/rel" "$TMP/rel/bin" "$TMP/rel/debug"
strip -o "$TMP/rel/bin/prog" "$VICTIMS/null_deref"
objcopy --only-keep-debug "$VICTIMS/null_deref" "$TMP/rel/debug/prog.debug"
cp "$VICTIMS/div_zero" "$TMP/rel/bin/full"
PROG=$(id_of "$VICTIMS/null_deref")
FULL=$(id_of "$VICTIMS/div_zero")

# ---------------------------------------------------------------- a file

STORE=$TMP/one
add "$TMP/rel/bin/prog"
equal "a file is added" "0 $PROG${TAB}executable$TAB$(place "$PROG" "")" "$STATUS $(cat "$TMP/out")"
check "nothing else is said" test ! -s "$TMP/err"
check "it is a copy" cmp "$TMP/rel/bin/prog" "$(place "$PROG" "")"
equal "with one name" 1 "$(stat -c %h "$(place "$PROG" "")")"
add "$TMP/rel/bin/prog"
equal "again: the same" "0 $PROG${TAB}executable$TAB$(place "$PROG" "")" "$STATUS $(cat "$TMP/out")"
add "$TMP/rel/debug/prog.debug"
equal "its debug file" "0 $PROG${TAB}debug$TAB$(place "$PROG" .debug)" "$STATUS $(cat "$TMP/out")"

cp "$TMP/rel/bin/prog" "$TMP/other"
# Of the same size, and different in one byte of its end.
printf '\377' | dd of="$TMP/other" bs=1 seek=$(($(stat -c %s "$TMP/other") - 3)) conv=notrunc status=none
check "another file of that build ID is one" sh -c '! cmp -s "$1" "$2"' sh "$TMP/other" "$TMP/rel/bin/prog"
add "$TMP/other"
equal "another file of that build ID is refused" 2 "$STATUS"
check "with a reason" grep -q "another file of its build ID.*--force" "$TMP/err"
check "and what was there still is" cmp "$TMP/rel/bin/prog" "$(place "$PROG" "")"
add --force "$TMP/other"
equal "--force: status" 0 "$STATUS"
check "--force: it is replaced" cmp "$TMP/other" "$(place "$PROG" "")"
equal "no temporary file is left" 2 "$(find "$STORE" -type f | wc -l)"

add "$TMP/no-such" /etc/passwd "$TMP/rel/bin/full" "$TMP"
equal "what can't be added: status" 2 "$STATUS"
check "what can't be added: a missing file" grep -q "no-such': No such file" "$TMP/err"
check "what can't be added: no ELF file" grep -q "/etc/passwd': not an ELF file" "$TMP/err"
check "the others are" grep -q "^$FULL${TAB}executable" "$TMP/out"
gcc -g -Wl,--build-id=none -o "$TMP/without" -x c - <<<'int main(void) { return 0; }'
add "$TMP/without"
equal "without build ID: status" 2 "$STATUS"
check "without build ID: said so" grep -q "without': it has no build ID" "$TMP/err"
mkfifo "$TMP/fifo"
add "$TMP/fifo"
equal "a FIFO: status" 2 "$STATUS"
check "a FIFO: said so" grep -q "is a FIFO" "$TMP/err"
cp "$VICTIMS/div_zero" "$TMP/"$'\033[31mred'
add "$TMP/"$'\033[31mred'"x"
check "hostile names are escaped" sh -c '! grep -q "$(printf "\033")" "$1"' sh "$TMP/err"

# ---------------------------------------------------------------- unstripped and stripped

STORE=$TMP/two
add "$TMP/rel/bin/prog" "$VICTIMS/null_deref"
equal "an unstripped one joins the stripped one" "0 $PROG${TAB}debug$TAB$(place "$PROG" .debug)" \
	"$STATUS $(tail -n 1 "$TMP/out")"
check "it is whole" cmp "$VICTIMS/null_deref" "$(place "$PROG" .debug)"
add "$TMP/rel/debug/prog.debug"
equal "then the debug file adds nothing" 0 "$STATUS"
check "and replaces nothing" cmp "$VICTIMS/null_deref" "$(place "$PROG" .debug)"
STORE=$TMP/three
add "$VICTIMS/null_deref" "$TMP/rel/bin/prog"
equal "a stripped one adds nothing to the unstripped one" \
	"0 $PROG${TAB}executable$TAB$(place "$PROG" "")" "$STATUS $(tail -n 1 "$TMP/out")"
check "which stays" cmp "$VICTIMS/null_deref" "$(place "$PROG" "")"

# ---------------------------------------------------------------- directories

STORE=$TMP/tree
ln -s ../../outside "$TMP/rel/bin/link"
printf 'text\n' >"$TMP/rel/readme"
add "$TMP/rel"
equal "a directory: status" 0 "$STATUS"
equal "a directory: all files below" 3 "$(wc -l <"$TMP/out")"
check "a directory: nothing is said of the rest" test ! -s "$TMP/err"
cp "$TMP/without" "$TMP/rel/bin/without"
gcc -g -c -o "$TMP/rel/part.o" -x c - <<<'int x;'
add "$TMP/rel"
equal "one without build ID in it: status" 2 "$STATUS"
equal "one without build ID in it: it alone is told" 1 "$(wc -l <"$TMP/err")"
rm "$TMP/rel/bin/without"

(cd "$TMP" && cp "$VICTIMS/null_deref" dz1 && cp "$VICTIMS/div_zero" dz2 && dwz -m common.dwz dz1 dz2)
STORE=$TMP/dwz
ALT=$(id_of "$TMP/common.dwz")
add "$TMP/common.dwz"
equal "an alternate file (dwz)" "0 $ALT${TAB}alternate$TAB$(place "$ALT" .debug)" "$STATUS $(cat "$TMP/out")"

mkdir "$TMP/split"
(cd "$TMP/split" && printf 'int main(int c, char **v) { return c + !v; }\n' >s.c &&
	gcc -g -gdwarf-4 -gsplit-dwarf -o s s.c && dwp -e s) >"$TMP/dwp.log" 2>&1
if [ -s "$TMP/split/s.dwp" ]; then
	STORE=$TMP/packed
	SPLIT=$(id_of "$TMP/split/s")
	add "$TMP/split"
	equal "split DWARF in a directory" "0 $SPLIT${TAB}package$TAB$(place "$SPLIT" .dwp)" \
		"$STATUS $(grep package "$TMP/out")"
	check "split DWARF: .dwo files are left out" test ! -s "$TMP/err"
	STORE=$TMP/packed2
	add "$TMP/split/s"
	equal "split DWARF beside a file that is named" 2 "$(wc -l <"$TMP/out")"
	check "split DWARF: it is a copy" cmp "$TMP/split/s.dwp" "$(place "$SPLIT" .dwp)"
	cp "$TMP/split/s.dwp" "$TMP/alone.dwp"
	add "$TMP/alone.dwp"
	check "split DWARF that belongs to nothing is told" grep -q "to which it could belong" "$TMP/err"
else
	skip "split DWARF" "dwp makes no package here"
fi

# ---------------------------------------------------------------- links, several at once

STORE=$TMP/linked
add --link "$TMP/rel/bin/prog"
equal "--link: status" 0 "$STATUS"
check "--link: the same file" test "$TMP/rel/bin/prog" -ef "$(place "$PROG" "")"
add --link "$TMP/rel/bin/prog"
equal "--link: again" 0 "$STATUS"
if [ "$(stat -c %d "$TMP")" != "$(stat -c %d /dev/shm)" ] && cp "$TMP/rel/bin/full" "/dev/shm/snap-$$"; then
	add --link "/dev/shm/snap-$$"
	equal "--link from another file system: status" 0 "$STATUS"
	check "--link from another file system: it is told" grep -q "1 file was copied" "$TMP/err"
	check "--link from another file system: it is a copy" cmp "$TMP/rel/bin/full" "$(place "$FULL" "")"
	rm "/dev/shm/snap-$$"
else
	skip "--link from another file system" "/dev/shm is on the same"
fi

STORE=$TMP/race
for i in 1 2 3 4 5 6 7 8; do
	"$ANALYZE" symbols add --store "$STORE" "$TMP/rel" >"$TMP/race.$i" 2>&1 &
	PIDS[i]=$!
done
BAD=0
for i in 1 2 3 4 5 6 7 8; do wait "${PIDS[i]}" || BAD=$((BAD + 1)); done
equal "eight at once: all succeed" 0 "$BAD"
equal "eight at once: each file once, nothing else" 3 "$(find "$STORE" -type f | wc -l)"
check "eight at once: whole" cmp "$TMP/rel/bin/full" "$(place "$FULL" "")"

if [ "$(id -u)" = 0 ] && mkdir "$TMP/small" &&
	unshare -m sh -c 'mount -t tmpfs -o size=16k none "$1" && exit 0' sh "$TMP/small" 2>"$TMP/err"; then
	STATUS=0
	unshare -m sh -c 'mount -t tmpfs -o size=16k none "$1" && "$2" symbols add --store "$1/s" "$3"; s=$?
		find "$1/s" -type f | wc -l; exit $s' sh "$TMP/small" "$ANALYZE" "$VICTIMS/null_deref" \
		>"$TMP/out" 2>"$TMP/err" || STATUS=$?
	equal "a full disk: status" 2 "$STATUS"
	check "a full disk: the reason" grep -q "No space left" "$TMP/err"
	equal "a full disk: no part is left" 0 "$(cat "$TMP/out")"
else
	skip "a full disk" "no mounts here"
fi

# ---------------------------------------------------------------- list

STORE=$TMP/tree
run "$ANALYZE" symbols list --store "$STORE"
equal "list: status" 0 "$STATUS"
check "list: an executable" grep -qx "$PROG${TAB}executable$TAB$(stat -c %s "$TMP/rel/bin/prog")$TAB$(place "$PROG" "")" "$TMP/out"
check "list: its debug file" grep -q "^$PROG${TAB}debug$TAB" "$TMP/out"
equal "list: all of them" 3 "$(wc -l <"$TMP/out")"
cp "$(place "$FULL" "")" "$(place "$PROG" "")"
run "$ANALYZE" symbols list --store "$STORE"
equal "list: of another build: status" 2 "$STATUS"
check "list: of another build: told" grep -q "it has another build ID" "$TMP/err"
run "$ANALYZE" symbols list --store "$TMP/no-such"
equal "list: no such directory" 2 "$STATUS"
run "$ANALYZE" symbols add "$TMP/rel"
equal "add without --store" 64 "$STATUS"
run "$ANALYZE" symbols add --store "$TMP/x"
equal "add without a file" 64 "$STATUS"
run "$ANALYZE" symbols list --store "$TMP/tree" x
equal "list with a file" 64 "$STATUS"
run "$ANALYZE" symbols
equal "symbols alone" 64 "$STATUS"
check "symbols alone: says what is missing" grep -q "no verb given to 'symbols'" "$TMP/err"
run "$ANALYZE" symbols subtract
check "an unknown verb" grep -q "unknown verb 'symbols subtract'" "$TMP/err"
run "$ANALYZE" symbols add --help
check "help of its verb" grep -q -- "--store=DIR" "$TMP/out"
cp "$TMP/out" "$TMP/help"
run "$ANALYZE" help symbols add
check "by help, too" cmp "$TMP/out" "$TMP/help"

# ---------------------------------------------------------------- used

# A live process, so that no crash needs the kernel's core_pattern.
STORE=$TMP/live
mkdir "$TMP/prog"
printf '#include <unistd.h>\nint deep_inside(void) { return pause(); }\nint main(void) { return deep_inside(); }\n' >"$TMP/prog/p.c"
gcc -g -O0 -o "$TMP/prog/p" "$TMP/prog/p.c"
objcopy --only-keep-debug "$TMP/prog/p" "$TMP/prog/p.debug"
"$ANALYZE" symbols add --store "$STORE" "$TMP/prog/p.debug" >/dev/null
strip "$TMP/prog/p"
"$ANALYZE" symbols add --store "$STORE" "$TMP/prog/p" >/dev/null
"$TMP/prog/p" &
LIVE+=($!)
within 5 grep -q . "/proc/$!/wchan"
sleep 0.2
run "$DEBUGGER" -o "$TMP/p.snap" "$!"
if [ -s "$TMP/p.snap" ]; then
	for option in --symbols --debug-dir; do
		run "$ANALYZE" report --no-local "$option" "$STORE" "$TMP/p.snap"
		check "the store as $option: names and lines" grep -q "deep_inside.*p\.c:2" "$TMP/out"
	done
	run gdb -nx -batch -iex "set debug-file-directory $STORE" -ex 'info line deep_inside' "$TMP/prog/p"
	check "the store as gdb's debug-file-directory" grep -q 'Line 2 of' "$TMP/out"
else
	skip "the store is used" "no snapshot of a live process here"
fi
