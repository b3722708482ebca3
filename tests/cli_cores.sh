#!/bin/bash
# ELF cores as various writers leave them: without file names, without code or headers, sparse, of very
# many segments, cut, compressed, of live processes, of other systems; and the system they are from in
# a tree of its own.
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/crashlib.sh"
need "$CLIENT" "$ANALYZE" "$O/tests/peak_rss"

NT_FILE=0x46494c45
edit() { "$PYTHON" "$LIB/edit_core.py" "$@" || exit 1; }

# The frames of a report, in words and numbers; the paths of modules may be spelt in two ways.
frames() { "$ANALYZE" report "${@:2}" "$1" 2>/dev/null | sed -n 's/  in \/.*//; /^  *#[0-9]/p'; }

# Address, build ID and symbols of every module: what must not depend on the way it was found.
modules() { "$ANALYZE" modules "$@" 2>/dev/null | awk '{ print $1, $2, $3 }'; }

same_frames() { # NAME WHOLE OTHER
	frames "$2" >"$TMP/wanted"
	frames "$3" >"$TMP/got"
	check "$1: the same frames" diff -u "$TMP/wanted" "$TMP/got"
	check "$1: there are some" grep -q '#3 ' "$TMP/wanted"
}

for victim in null_deref null_deref_nopie null_deref_static null_deref_static_pie shared_main; do
	crash_both "$victim" "$VICTIMS/$victim" || {
		not_ok "$victim gives a core"
		note_file "$TMP/why"
		exit 1
	}
done
# What core(5)'s coredump_filter leaves of a process. Bit 0: its own memory; 2: its files; 4: their
# first pages, with the build IDs.
for filter in 0x00 0x01 0x04 0x11 0x23 0x7f; do
	crash_both "filter.$filter" \
		sh -c 'echo "$1" >/proc/self/coredump_filter && exec "$2"' sh "$filter" "$VICTIMS/shared_main" || {
		not_ok "a core with coredump_filter $filter"
		note_file "$TMP/why"
		exit 1
	}
done
core_pattern_done
cd "$TMP" || exit 1

# ---------------------------------------------------------------- without NT_FILE

for victim in null_deref null_deref_nopie null_deref_static null_deref_static_pie shared_main; do
	edit "$victim.core" "$victim.nameless" no-note=$NT_FILE
	modules "$victim.core" >wanted
	modules "$victim.nameless" >got
	check "$victim without NT_FILE: the same modules" diff -u wanted got
	same_frames "$victim without NT_FILE" "$victim.core" "$victim.nameless"
	run "$ANALYZE" json "$victim.nameless"
	equal "$victim without NT_FILE: status" 0 "$STATUS"
	equal "$victim without NT_FILE: the program is named" "$VICTIMS/$victim" \
		"$(json_get out 'r["process"]["exe"]')"
	check "$victim without NT_FILE: valid JSON" \
		valid_report out
done
run "$ANALYZE" json shared_main.nameless
equal "libraries are named by the dynamic linker's list" "ld-linux-x86-64.so.2 libc.so.6 libshared.so" \
	"$(json_get out '" ".join(sorted(m["name"] for m in r["modules"] if ".so" in m["name"]))')"
# Nothing but registers and ELF headers: no list, no stack.
edit null_deref.core bare no-note=$NT_FILE no-note=6 no-bytes=code
run "$ANALYZE" modules bare
equal "modules without NT_FILE and auxiliary vector: by their headers, nameless" 3 \
	"$(grep -c ' - ' out)"

# ---------------------------------------------------------------- sparse

edit shared_main.core no-code no-bytes=code
same_frames "no code in the core" shared_main.core no-code
edit filter.0x7f.core no-read-only no-bytes=read-only
run "$ANALYZE" report no-read-only
equal "nothing that is read-only in the core: status" 1 "$STATUS"
check "nothing that is read-only in the core: it says why" \
	grep -q 'lacks the first pages of .* of its .* modules' out

for filter in 0x11 0x7f; do
	run "$ANALYZE" report "filter.$filter.core"
	equal "coredump_filter $filter: status" 0 "$STATUS"
	# Of another process, whose values are its own.
	frames "filter.$filter.core" --variables=none >got
	frames shared_main.core --variables=none >wanted
	check "coredump_filter $filter: the frames of the whole core" diff -u wanted got
done
# Without the stack, but with the files: the innermost frame.
run "$ANALYZE" report filter.0x04.core
equal "coredump_filter 0x04: status" 1 "$STATUS"
check "coredump_filter 0x04: the innermost frame" grep -q '#0 .*shared_main.c' out
for filter in 0x00 0x01 0x23; do
	run "$ANALYZE" json "filter.$filter.core"
	equal "coredump_filter $filter: status" 1 "$STATUS"
	equal "coredump_filter $filter: the modules have no build ID" "4 null" \
		"$(json_get out '" ".join(map(str, [sum(m["build_id"] is None for m in r["modules"]), r["modules"][0]["build_id"] or "null"]))')"
	check "coredump_filter $filter: it says why" \
		grep -q 'lacks the first pages of 4 of its 5 modules' out
done
# ---------------------------------------------------------------- very many segments

edit null_deref.core many odd-segments=70000
edit null_deref.core many.cut odd-segments=70000 no-section-header
same_frames "70,000 segments" null_deref.core many
same_frames "70,000 segments, cut before the header that counts them" null_deref.core many.cut
run "$ANALYZE" check many
equal "70,000 segments: complete" "0 1" "$STATUS $(grep -c complete out)"
run "$ANALYZE" check many.cut
equal "70,000 segments, cut before the header that counts them: truncated" "1 1" \
	"$STATUS $(grep -c truncated out)"
# They are 4 MB in the file. KiB; loose, for sanitizers.
run timeout 60 "$O/tests/peak_rss" peak "$ANALYZE" check many
read -r peak _ <peak
check "70,000 segments: in bounded memory ($peak KiB)" test "$peak" -lt 300000

# ---------------------------------------------------------------- cut

edit null_deref.core where >regions
cut_at() { # NAME BYTES WORDS
	head -c "$2" null_deref.core >cut
	run timeout 20 "$ANALYZE" check cut
	equal "cut $1: status" 1 "$STATUS"
	check "cut $1: $3" grep -q "truncated.*$3" out
	run timeout 20 "$ANALYZE" json cut
	equal "cut $1: json's status" 1 "$STATUS"
	check "cut $1: valid JSON" valid_report out
	run timeout 20 "$ANALYZE" report cut
	equal "cut $1: report's status" 1 "$STATUS"
}
region() { awk -v name="$1" -v column="$2" '$1 == name { print $column }' regions; }
cut_at "within the program headers" $((($(region phdrs 2) + $(region phdrs 3)) / 2)) \
	"the file ends within its program headers"
cut_at "before the notes" "$(region notes 2)" "the file ends within its notes"
cut_at "within the first thread's note" $(($(region notes 2) + 100)) "the file ends within its notes"
cut_at "within the notes" $(($(region notes 3) - 8)) "the file ends within its notes"
check "cut within the notes: the signal and the registers are there" \
	sh -c 'grep -q "^SIGSEGV .* in null_deref" out && grep -q rip out'
cut_at "before the memory" "$(region memory 2)" "the file ends before its last segment"
cut_at "within the memory" $((($(region memory 2) + $(region memory 3)) / 2)) \
	"the file ends before its last segment"
head -c 40 null_deref.core >cut
run "$ANALYZE" check cut
equal "cut within the ELF header: refused" "2 1" "$STATUS $(wc -l <err)"

# ---------------------------------------------------------------- compressed, as systemd-coredump has them

name=core.null_deref.0.0123456789abcdef0123456789abcdef.4711.1700000000000000
frames null_deref.core >wanted
while read -r tool suffix; do
	command -v "$tool" >/dev/null || {
		skip "compressed by $tool" "it is not installed"
		continue
	}
	"$tool" -c <null_deref.core >"$name.$suffix"
	frames "$name.$suffix" >got
	check "a core in .$suffix: the same frames" diff -u wanted got
	# More than any block, so that something comes out before the cut.
	"$tool" -c <filter.0x7f.core >whole.packed
	head -c "$(($(stat -c %s whole.packed) * 2 / 3))" whole.packed >cut.packed
	run "$ANALYZE" check cut.packed
	if [ "$tool" = lz4 ] && [ "$STATUS" = 2 ]; then
		# Blocks of 4 MB: nothing was whole.
		equal "a core in .lz4, cut within its first block: refused" 1 "$(wc -l <err)"
		continue
	fi
	equal "a core in .$suffix, cut: status" 1 "$STATUS"
	check "a core in .$suffix, cut: truncated" \
		grep -q 'truncated: the compressed file ends early: [0-9]* bytes could be decompressed' out
	run "$ANALYZE" report - <cut.packed
	equal "a core in .$suffix, cut, from stdin: status" 1 "$STATUS"
	check "a core in .$suffix, cut, from stdin: what is there is shown" grep -q '^SIGSEGV .* in shared_main' out
done <<'END'
zstd zst
lz4 lz4
xz xz
gzip gz
END

# ---------------------------------------------------------------- gcore

if command -v gcore >/dev/null; then
	"$VICTIMS/sleeping_threads" >/dev/null 2>&1 &
	live=$!
	LIVE+=("$live")
	within 10 sh -c '[ "$(ls /proc/$1/task | wc -l)" -gt 3 ]' sh "$live"
	run timeout 60 gcore -o gcore "$live"
	if [ -e "gcore.$live" ]; then
		run "$ANALYZE" json "gcore.$live"
		equal "gcore of a live process: status" 0 "$STATUS"
		equal "gcore of a live process: no signal" "none null" \
			"$(json_get out 'r["crash"]["kind"] + " " + str(r["crash"]["signal"] or "null")')"
		# Of a thread each: how many, and that every stack was followed to its end.
		equal "gcore of a live process: threads" "$(ls "/proc/$live/task" | wc -l)" \
			"$(json_get out 'len(r["threads"])')"
		equal "gcore of a live process: every stack is complete" "complete" \
			"$(json_get out '" ".join({t["end"] for t in r["threads"]})')"
		edit "gcore.$live" gcore.nameless no-note=$NT_FILE
		same_frames "gcore without NT_FILE" "gcore.$live" gcore.nameless
	else
		not_ok "gcore of a live process"
		note_file "$TMP/err"
	fi
else
	skip "gcore of a live process" "gdb is not installed"
fi

# ---------------------------------------------------------------- of other systems

foreign() { # NAME WORDS FILE
	for verb in report json check modules dump signature; do
		run timeout 10 "$ANALYZE" "$verb" "$3"
		equal "$1: $verb refuses it in one line" "2 1 1" \
			"$STATUS $(wc -l <err) $(grep -c -- "$2" err)"
	done
}
foreign_bytes() { # NAME WORDS BYTES: as printf(1) takes them
	# shellcheck disable=SC2059
	{
		printf "$3"
		head -c 4096 /dev/zero
	} >foreign
	foreign "$1" "$2" foreign
}
patched() { # OFFSET BYTES
	cp null_deref.core foreign
	# shellcheck disable=SC2059
	printf "$2" | dd of=foreign bs=1 seek="$1" conv=notrunc status=none
}
foreign_bytes "a minidump" "is a minidump (of Windows, Breakpad or Crashpad)" 'MDMP\223\247\0\0'
foreign_bytes "a Mach-O core" "is a Mach-O file" '\317\372\355\376\7\0\0\1'
foreign_bytes "a kernel's dump" "is a kernel's memory dump" 'KDUMP   \6\0\0\0'
foreign_bytes "a tombstone" "is a tombstone of Android" '*** *** *** *** *** ***\n'
patched 7 '\11'
foreign "a core of FreeBSD" "is a core of FreeBSD, not of Linux" foreign
patched 7 '\6'
foreign "a core of Solaris" "is a core of Solaris, not of Linux" foreign
# A machine of which nothing is known: what is the same everywhere is shown.
patched 18 '\136\0'
run "$ANALYZE" report foreign
equal "a core of an unknown machine: status" 1 "$STATUS"
check "a core of an unknown machine: signal and program" grep -q '^SIGSEGV .* in null_deref' out
check "a core of an unknown machine: it says so" grep -q 'nothing is known about those of ELF machine 94' out

# ---------------------------------------------------------------- --sysroot

# The device's files, at their paths; and only they.
mkdir -p "root$VICTIMS" root/usr/lib/x86_64-linux-gnu root/usr/lib/debug/.build-id elsewhere
cp "$VICTIMS/shared_main" elsewhere/moved
ln -s "/moved_by_link" "root$VICTIMS/shared_main"
cp "$VICTIMS/shared_main" root/moved_by_link
cp "$VICTIMS/libshared.so" "root$VICTIMS/"
libc=$("$ANALYZE" modules shared_main.core | awk '/libc\.so\.6/ { print $4 }')
cp "$libc" "root$libc" 2>/dev/null || { mkdir -p "root$(dirname "$libc")" && cp "$libc" "root$libc"; }
libc_id=$("$ANALYZE" modules shared_main.core | awk '/libc\.so\.6/ { print $2 }')

run "$ANALYZE" json --sysroot root shared_main.core
equal "--sysroot: status" 0 "$STATUS"
symbol_file() { json_get out "next((m['symbol_file'] or 'none') for m in r['modules'] if m['name'] == '$1')"; }
equal "--sysroot: a module by its path, through a link of that system" "root$VICTIMS/shared_main" \
	"$(symbol_file shared_main)"
equal "--sysroot: a library by its path" "root$libc" "$(symbol_file libc.so.6)"
equal "--sysroot: this machine's own files are not looked at" none "$(symbol_file ld-linux-x86-64.so.2)"
run "$ANALYZE" json --sysroot root --no-local shared_main.core
equal "--sysroot with --no-local: the same" "root$libc" "$(symbol_file libc.so.6)"

# By build ID: its debug file, beside the library.
if [ -e "/usr/lib/debug/.build-id/${libc_id:0:2}/${libc_id:2}.debug" ]; then
	mkdir -p "root/usr/lib/debug/.build-id/${libc_id:0:2}"
	cp "/usr/lib/debug/.build-id/${libc_id:0:2}/${libc_id:2}.debug" \
		"root/usr/lib/debug/.build-id/${libc_id:0:2}/"
	run "$ANALYZE" json --sysroot root shared_main.core
	equal "--sysroot: a debug file by build ID" \
		"root/usr/lib/debug/.build-id/${libc_id:0:2}/${libc_id:2}.debug" "$(symbol_file libc.so.6)"
else
	skip "--sysroot: a debug file by build ID" "the C library's is not installed"
fi
# An executable that moved, by a link under its build ID (as Fedora has them).
exe_id=$("$ANALYZE" modules shared_main.core | awk '/shared_main/ { print $2 }')
rm "root$VICTIMS/shared_main"
mkdir -p "root/usr/lib/.build-id/${exe_id:0:2}"
ln -s ../../../../moved_by_link "root/usr/lib/.build-id/${exe_id:0:2}/${exe_id:2}"
run "$ANALYZE" json --sysroot root shared_main.core
equal "--sysroot: an executable by build ID" "root/usr/lib/.build-id/${exe_id:0:2}/${exe_id:2}" \
	"$(symbol_file shared_main)"
rm -r root/usr/lib/.build-id

# A link that leaves the tree leads nowhere.
ln -s "$TMP/elsewhere/moved" "root$VICTIMS/shared_main"
run "$ANALYZE" json --sysroot root shared_main.core
equal "--sysroot: an absolute link does not leave it" "1 none" "$STATUS $(symbol_file shared_main)"
rm "root$VICTIMS/shared_main"
up=$(printf '%s' "$VICTIMS" | sed 's|[^/]*/|../|g; s|[^/]*$|..|')
ln -s "$up/../../../../../../$TMP/elsewhere/moved" "root$VICTIMS/shared_main"
run "$ANALYZE" json --sysroot root shared_main.core
equal "--sysroot: nor does a relative one" "1 none" "$STATUS $(symbol_file shared_main)"
rm "root$VICTIMS/shared_main"

# Another build at that path.
cp "$VICTIMS/null_deref" "root$VICTIMS/shared_main"
run "$ANALYZE" json --sysroot root shared_main.core
equal "--sysroot: a file of another build is not used" "1 mismatch" \
	"$STATUS $(json_get out "next(m['symbols'] for m in r['modules'] if m['name'] == 'shared_main')")"
rm "root$VICTIMS/shared_main"
# A FIFO there must not block.
mkfifo "root$VICTIMS/shared_main"
run timeout 10 "$ANALYZE" json --sysroot root shared_main.core
equal "--sysroot: a FIFO is not opened" 1 "$STATUS"
# --symbols goes before it.
run "$ANALYZE" json --sysroot root --symbols elsewhere shared_main.core
equal "--symbols goes before --sysroot" "elsewhere/moved" "$(symbol_file shared_main)"

for wrong in nowhere shared_main.core; do
	run "$ANALYZE" report --sysroot "$wrong" shared_main.core
	equal "--sysroot=$wrong: wrong usage" "64 1" "$STATUS $(wc -l <err)"
done
