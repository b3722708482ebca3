#!/bin/bash
# The capture half built for itself: how large its programs are and how they are hardened, what is
# installed, for other machines, and without shared libraries; and that what was built works: on cores
# recorded on those machines, and on a real crash.
. "$(dirname "$0")/lib/testlib.sh"
# shellcheck source=tests/lib/crashlib.sh
. "$LIB/crashlib.sh"
need "$CLIENT" "$DEBUGGER" "$ANALYZE"
if [ -n "${SANITIZE:-}" ]; then
	echo "these builds have no sanitizers" >&2
	exit 77
fi
cd "$TOP" || exit 1
# Of the make that may have started this.
unset MAKEFLAGS MAKELEVEL MFLAGS CC CFLAGS
PROGRAMS="snapcrash-client snapcrash-debugger snapcrash-server snapcrashctl"

# build NAME ARGUMENT...: the capture half, into O/NAME; BUILT is that directory.
build() {
	local name=$1
	BUILT=$O/$name
	shift
	# Without debug information, which takes a fifth of the time: the programs are looked at stripped.
	check "$name: make capture" nice make --no-print-directory -s -j"$(nproc)" DEVELOPER=1 DEBUG_INFO=-g0 \
		O="$BUILT" "$@" capture
}

hardened() { # FILE READELF all|""
	local text
	text=$("$2" -hldW "$1") || return 1
	grep -q 'Type: *DYN' <<<"$text" || echo "it is not position-independent"
	grep -q 'GNU_RELRO' <<<"$text" || echo "no RELRO"
	grep -q 'BIND_NOW\|Flags:.*NOW' <<<"$text" || echo "its relocations are not bound at the start"
	grep -q 'GNU_STACK.*RW ' <<<"$text" || echo "its stack is executable, or not told"
	"$2" -sW "$1" | grep -q '__stack_chk_' || echo "no stack protector"
	# musl has no functions that check.
	[ "$3" != all ] || "$2" -sW "$1" | grep -q '_chk@' || echo "no fortified calls"
}
check_hardening() { # NAME READELF [all]
	local program
	for program in $PROGRAMS; do
		equal "$1: $program is hardened" "" "$(hardened "$BUILT/bin/$program" "$2" "${3:-}" 2>&1)"
	done
}
check_sizes() { # NAME ARGUMENT...
	local name=$1
	shift
	check "$name: no program has more than 300 KiB" \
		make --no-print-directory -s O="$BUILT" "$@" sizes
	[ -s "$TMP/check.out" ] && note_file "$TMP/check.out"
}

# ---------------------------------------------------------------- static programs

# First, for the others of core_pattern not to wait.
static_works() { # NAME
	local name=$1
	for program in $PROGRAMS; do
		check "$name: $program needs no library" \
			sh -c '! readelf -dlW "$1" | grep "NEEDED\|INTERP"' sh "$BUILT/bin/$program"
	done
	check_hardening "$name" readelf
	check_sizes "$name" STATIC=1
	rm -f "$TMP/live.out"
	"$VICTIMS/sleeping_threads" 3 >"$TMP/live.out" &
	local pid=$!
	LIVE+=("$pid")
	within 20 grep -qs ready "$TMP/live.out"
	run "$BUILT/bin/snapcrash-debugger" -o "$TMP/live.snap" "$pid"
	equal "$name: the debugger's status" 0 "$STATUS"
	"$ANALYZE" json "$TMP/live.snap" >"$TMP/live.json" 2>/dev/null
	equal "$name: what it captured" "$pid 4 complete" "$(json_get "$TMP/live.json" \
		'"%d %d %s" % (r["process"]["pid"], len(r["threads"]), r["threads"][0]["end"])' 2>&1)"
	{ kill -KILL "$pid" && wait "$pid"; } 2>/dev/null
	CLIENT=$BUILT/bin/snapcrash-client
	if crash_direct "static" "$VICTIMS/null_deref"; then
		check "$name: a crash: complete" "$ANALYZE" check "$SNAP"
		"$ANALYZE" json "$SNAP" >"$TMP/snap.json" 2>/dev/null
		equal "$name: a crash: what it was" "segv-null SEGV_MAPERR complete" "$(json_get "$TMP/snap.json" \
			'"%s %s %s" % (r["crash"]["kind"], r["crash"]["code"], r["threads"][0]["end"])' 2>&1)"
	else
		not_ok "$name: a crash is captured"
		note_file "$TMP/why"
	fi
	core_pattern_release
	CLIENT=$BIN/snapcrash-client
}
# What is compiled for it is the plain build's; it is linked otherwise.
! whole || { build static STATIC=1 && static_works static; }
if command -v musl-gcc >/dev/null; then
	build static-musl STATIC=1 CC=musl-gcc && static_works static-musl
else
	skip "static-musl" "there is no musl-gcc"
fi
core_pattern_done

# ---------------------------------------------------------------- this machine

BUILT=$O
PROGRAMS="snapcrash-client snapcrash-debugger" check_hardening "this machine" readelf
PROGRAMS="snapcrash-server snapcrashctl snapanalyze" check_hardening "this machine" readelf all
# The programs as a whole are not marked: Debian's start files are not.
if [ "$(uname -m)" = x86_64 ]; then
	unmarked() { for object in "$@"; do readelf -nW "$object" | grep -q 'IBT, SHSTK' || echo "$object"; done; }
	equal "this machine: all objects have control-flow protection" "" \
		"$(unmarked "$BUILT"/{common,capture,capture/*,analyze,analyze/*}/*.o)"
fi
check_sizes "this machine"
check "a program that is too large is an error" \
	sh -c '! make --no-print-directory -s O="$1" SIZE_LIMIT=100000 sizes >/dev/null' sh "$O"

check "make install" make --no-print-directory -s O="$O" DESTDIR="$TMP/root" prefix=/usr install-capture
for file in bin/snapcrash-debugger bin/snapcrashctl libexec/snapcrash/snapcrash-client \
	libexec/snapcrash/snapcrash-server include/snapcrash.h lib/libsnapcrash.a lib/libsnapcrash.so \
	lib/pkgconfig/snapcrash.pc lib/systemd/system/snapcrash.service lib/sysusers.d/snapcrash.conf \
	lib/tmpfiles.d/snapcrash.conf lib/sysctl.d/60-snapcrash.conf share/doc/snapcrash/snapcrash.conf; do
	check "make install: /usr/$file" test -s "$TMP/root/usr/$file"
done
equal "make install: nothing anywhere else" usr "$(ls "$TMP/root")"
check "make install: nothing of the analysis" test ! -e "$TMP/root/usr/bin/snapanalyze"

# ---------------------------------------------------------------- recorded cores

# What a report says of the threads and the signal, for two to be compared. Without a siginfo the address
# is the instruction's, which takes code, and the snapshot has none.
facts='
import json, sys
r = json.load(open(sys.argv[1], encoding="utf-8"))
c = r["crash"]
print(r["device"]["arch"], c["signo"], c["signal"], c["code"], c["address"] if c["code"] else None)
for t in r["threads"]:
    print(t["crashed"], t["registers"])
'
# recorded NAME FIXTURE COMMAND...: the client COMMAND makes of the fixture's core what the analysis
# finds in the core itself.
recorded() {
	local name="$1: $2" fixture=$2
	shift 2
	rm -rf "$TMP/spool"
	xz -dc "tests/fixtures/$fixture/core.xz" >"$TMP/core"
	printf 'spool = %s\nsocket = %s\n' "$TMP/spool" "$TMP/none.sock" >"$TMP/conf"
	"$ANALYZE" json --no-local "$TMP/core" >"$TMP/core.json" 2>/dev/null
	local signo
	signo=$(json_get "$TMP/core.json" 'r["crash"]["signo"]')
	# A number that no process has: it is gone, and only the notes tell.
	run timeout 60 "$@" --config "$TMP/conf" 4194303 4194303 "$signo" 1700000000 1 0 0 0 '' recorded \
		<"$TMP/core"
	equal "$name: partial, for the process is gone" 1 "$STATUS"
	local snapshots=("$TMP/spool"/*.snap)
	check "$name: a complete file" "$ANALYZE" check "${snapshots[0]}" || { note_file "$TMP/err"; return; }
	"$ANALYZE" json --no-local "${snapshots[0]}" >"$TMP/snap.json" 2>/dev/null
	equal "$name: signal, threads and registers" "$("$PYTHON" -c "$facts" "$TMP/core.json" 2>&1)" \
		"$("$PYTHON" -c "$facts" "$TMP/snap.json" 2>&1)"
}

# The cores of every machine, read on this one.
for fixture in aarch64-deep aarch64-threads arm-deep arm-threads riscv64-deep riscv64-threads i386-deep \
	i386-threads guest-pac guest-pac-threads; do
	recorded "this machine" "$fixture" "$CLIENT"
done

# ---------------------------------------------------------------- other machines

# Prefix, ELF machine as readelf calls it, emulator, fixtures.
while read -r cross machine emulator fixtures; do
	triple=${cross%-}
	if ! command -v "${cross}gcc" >/dev/null; then
		skip "$triple" "there is no ${cross}gcc ('make deps-cross' installs it)"
		continue
	fi
	# Debian's source package, by the Makefile itself.
	build "$triple" CROSS="$cross" || continue
	equal "$triple: the programs' machine" "$machine" \
		"$(readelf -h "$BUILT/bin/snapcrash-client" | sed -n 's/^ *Machine: *//p' | tr ' ' _)"
	check_hardening "$triple" readelf
	check_sizes "$triple" CROSS="$cross"
	if ! command -v "$emulator" >/dev/null; then
		skip "$triple: at work" "there is no $emulator"
		continue
	fi
	for program in $PROGRAMS; do
		run "$emulator" -L "/usr/$triple" "$BUILT/bin/$program" --version
		equal "$triple: $program --version" "$("$BIN/$program" --version)" "$(cat "$TMP/out")"
	done
	for fixture in ${fixtures//,/ }; do
		recorded "$triple" "$fixture" "$emulator" -L "/usr/$triple" "$BUILT/bin/snapcrash-client"
	done
done <<'END'
aarch64-linux-gnu- AArch64 qemu-aarch64 aarch64-deep,aarch64-threads,guest-pac-threads
arm-linux-gnueabihf- ARM qemu-arm arm-deep,arm-threads
riscv64-linux-gnu- RISC-V qemu-riscv64 riscv64-deep,riscv64-threads
i686-linux-gnu- Intel_80386 qemu-i386 i386-deep,i386-threads
END
