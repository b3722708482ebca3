#!/bin/bash
# libsnapcrash: what a program tells of itself, as the debugger sees it and as the program has it made
# on demand; its handler where there is no server. (Crashes that the kernel hands over:
# cli_library_crashes.sh.)
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/librarylib.sh"
need "$DEBUGGER" "$ANALYZE" "$LIBRARY"

# ---------------------------------------------------------------- what is built

check "a C program builds, by pkg-config" library_build annotated annotated.c || exit 1
check "a C++ program builds, by pkg-config" library_build words words.cc || exit 1
check "another C program builds" library_build crasher crasher.c || exit 1
check "limits and errors of the interface" "$TMP/words"

symbols() { nm -D --defined-only "$LIBRARY" | awk '$2 == "T" { sub("@.*", "", $3); print $3 }'; }
declared() { grep -o 'snapcrash_[a-z_]*(' "$O/include/snapcrash.h" | tr -d '(' | sort -u; }
equal "the shared library has what its header declares, and nothing else" \
	"$(declared)" "$(symbols | sort)"
archive_symbols() { nm -g --defined-only "$O/lib/libsnapcrash.a" | awk 'NF == 3 { print $3 }' | sort; }
[ "$SANITIZED" = yes ] || equal "so does the archive" "$(declared)" "$(archive_symbols)"
equal "its soname" libsnapcrash.so.0 \
	"$(objdump -p "$LIBRARY" | awk '$1 == "SONAME" { print $2 }')"
[ "$SANITIZED" = yes ] || equal "it needs the C library and nothing else" libc.so.6 \
	"$(objdump -p "$LIBRARY" | awk '$1 == "NEEDED" && $2 !~ /^ld-/ { print $2 }')"

# ---------------------------------------------------------------- async-signal-safe

# All that code which runs in signal handlers may use, beside what it has itself. From signal-safety(7):
allowed="clock_gettime close connect fsync getgid getpid getuid linkat memchr memcmp memcpy memset
	nanosleep poll read readlink recv send sigaction sigaddset sigismember socket strchr strcmp
	strlen strnlen uname write openat open renameat fstat stat pthread_sigmask memmove"
# System calls and no more:
allowed="$allowed getrandom mmap munmap prctl pread process_vm_readv syscall"
# Sets a flag of the thread. (POSIX.1-2024 has it on its list.)
allowed="$allowed pthread_setcancelstate"
# What compilers add: a thread's errno, a table of libgcc, a stack that is broken anyway.
allowed="$allowed __errno_location __errno __cpu_model __x86_get_cpuid_feature_leaf __stack_chk_fail __ehdr_start
	_GLOBAL_OFFSET_TABLE_ __stack_chk_guard __stack_chk_fail_local __memcpy_chk __memset_chk __memmove_chk __poll_chk __read_chk
	__readlink_chk __recv_chk __pread_chk __pread64_chk"
# The same with file offsets and times of 64 bits on machines of 32.
allowed="$allowed fstat64 stat64 open64 openat64 mmap64 pread64 __clock_gettime64 __nanosleep64
	__fstat64_time64 __stat64_time64 __prctl_time64"
not_allowed() {
	nm -u "$1" | awk '{ print $NF }' | sort -u |
		grep -vxF -f <(printf '%s\n' $allowed) || true
}
if [ "$SANITIZED" = yes ]; then
	skip "the handler uses nothing that is not async-signal-safe" "a sanitizer adds its own"
else
	equal "the handler uses nothing that is not async-signal-safe" "" \
		"$(not_allowed "$O/lib/libsnapcrash-handler.o")"
	# That this test sees such a thing.
	printf '#include <stdlib.h>\nvoid *f(void);\nvoid *f(void) { return malloc(1); }\n' >"$TMP/m.c"
	gcc -O2 -c -o "$TMP/m.o" "$TMP/m.c"
	equal "malloc() would be noticed" malloc "$(not_allowed "$TMP/m.o")"
fi

# ---------------------------------------------------------------- the debugger

# start PROGRAM ARGUMENT...: PID, once it is ready.
start() {
	# The one before it said "ready" as well.
	rm -f "$TMP/ready"
	"$@" >"$TMP/ready" 2>&1 &
	PID=$!
	LIVE+=("$PID")
	within 20 grep -qs ready "$TMP/ready" || {
		not_ok "$(basename "$1") $2 gets ready"
		note_file "$TMP/ready"
		return 1
	}
}
end() { { kill -KILL "$PID" && wait "$PID"; } 2>/dev/null; }
debug() { "$DEBUGGER" -o "$TMP/live.snap" "$PID" >/dev/null 2>"$TMP/err"; }

if start "$TMP/annotated" wait; then
	check "a live process is captured" debug
	annotated_as_it_should "live" "$TMP/live.snap"
	end
fi
if start "$TMP/annotated" threads-wait; then
	ok=yes
	for _ in 1 2 3 4 5; do
		debug || ok=no
		"$ANALYZE" dump "$TMP/live.snap" >"$TMP/dump" 2>&1 || ok=no
		# No line is half of one and half of another.
		grep 'message: "thread' "$TMP/dump" |
			grep -qvE 'message: "thread [0-3] says [0-9]+ and a tail"' && ok=no
		grep -q 'message: "thread' "$TMP/dump" || ok=no
		grep -A1 -E 'key: "(odd|even)"' "$TMP/dump" | grep 'value: ' |
			grep -qvE 'value: "(first|second) value"' && ok=no
	done
	equal "threads that go on logging: lines and tags are whole" yes "$ok"
	end
fi

if [ "$SANITIZED" = no ]; then
	check "a static program builds" library_build static annotated.c -static || exit 1
	if start "$TMP/static" wait; then
		check "a static program is captured" debug
		annotated_as_it_should "static" "$TMP/live.snap"
		end
	fi
	printf '%s\n' '#include <snapcrash.h>' 'int more(void);' \
		'int more(void) { return snapcrash_tag_set("copy", "second"); }' >"$TMP/more.c"
	gcc -shared -fPIC -I"$O/include" -o "$TMP/libmore.so" "$TMP/more.c" "$O/lib/libsnapcrash.a"
	printf '%s\n' '#include <snapcrash.h>' '#include <stdio.h>' '#include <unistd.h>' \
		'int more(void);' 'int main(void) {' \
		'snapcrash_tag_set("copy of the program", "first"); more();' \
		'puts("ready"); fflush(stdout); pause(); }' >"$TMP/two.c"
	gcc -I"$O/include" -o "$TMP/two" "$TMP/two.c" "$TMP/libmore.so" -L"$O/lib" -lsnapcrash \
		-Wl,-rpath,"$TMP:$O/lib"
	if start "$TMP/two"; then
		debug
		"$ANALYZE" json "$TMP/live.snap" >"$TMP/two.json" 2>/dev/null
		equal "two copies of the library in one process" "first second" \
			"$(json_get "$TMP/two.json" 'r["tags"]["copy of the program"] + " " + r["tags"]["copy"]')"
		end
	fi
fi

# ---------------------------------------------------------------- the handler, without a server

# install HOW [DIRECTORY]: runs the crasher; STATUS as the shell sees it.
install_run() {
	local how=$1
	rm -rf "$TMP/own"
	mkdir "$TMP/own"
	STATUS=0
	(
		ulimit -S -c 0
		cd "$TMP" || exit 1
		env --default-signal=INT,QUIT SNAPCRASH_SOCKET="$TMP/none.sock" "$TMP/crasher" "$how" \
			"${2:-$TMP/own}" "${@:3}" >"$TMP/out" 2>"$TMP/err" &
		wait $!
	) 2>/dev/null
	STATUS=$?
	SNAPS=("$TMP"/own/*.snap)
	[ -e "${SNAPS[0]}" ] || SNAPS=()
}

# installed HOW STATUS SNAPSHOTS [TEXT]: the signature begins with the text.
installed() {
	local how=$1
	install_run "$how"
	equal "crasher $how: status" "$2" "$STATUS"
	equal "crasher $how: snapshots" "$3" "${#SNAPS[@]}"
	[ "$3" -gt 0 ] && [ "${#SNAPS[@]}" -gt 0 ] || return 0
	check "crasher $how: complete" "$ANALYZE" check "${SNAPS[@]}"
	"$ANALYZE" signature "${SNAPS[0]}" >"$TMP/signature" 2>/dev/null
	equal "crasher $how: signature" "$4" "$(cut -f2 "$TMP/signature")"
	equal "crasher $how: nothing else is left" "${#SNAPS[@]}" \
		"$(find "$TMP/own" -mindepth 1 | wc -l)"
}

installed segv 139 1 "segv-null | crash"
"$ANALYZE" json "${SNAPS[0]}" >"$TMP/segv.json" 2>/dev/null
check "crasher segv: its report is as the schema says" valid_report "$TMP/segv.json"
equal "crasher segv: facts" "SIGSEGV SEGV_MAPERR 0x10 segv true true crasher 1" \
	"$(json_get "$TMP/segv.json" '" ".join(str(x) for x in (r["crash"]["signal"], r["crash"]["code"],
		r["crash"]["address"], r["tags"]["how"], str(r["snapshot"]["fatal"]).lower(),
		str(r["threads"][0]["crashed"]).lower(), r["process"]["comm"], len(r["threads"])))')"
equal "crasher segv: build IDs" True \
	"$(json_get "$TMP/segv.json" 'str(all(m["build_id"] for m in r["modules"]) and len(r["modules"]) >= 4)' |
		sed 's/true/True/')"
equal "crasher segv: its mode" 600 "$(stat -c %a "${SNAPS[0]}")"
equal "crasher segv: it is named as those in the spool" 1 \
	"$(basename "${SNAPS[0]}" | grep -cE '^20[0-9]{6}T[0-9]{6}Z-crasher-[0-9]+-[0-9a-f]{8}\.snap$')"
if [ "$SANITIZED" = yes ]; then
	# Its malloc, its frames and its interceptors are not what is looked at here.
	skip "crasher: the other ways to crash" "the victims' own sanitizer has its own mind"
else
	installed abort 134 1 "abort | main"
	installed heap 134 1 "abort | free | break_heap"
	installed trap 132 1 "ill | main"
	installed breakpoint 133 1 "signal | main"
	installed sent 139 1 "signal | main"
	installed overflow 139 1 "stack-overflow | overflow"
	installed overflow-thread 139 1 "stack-overflow | overflow"
	installed many 139 1 "segv-null | crash | thread_crash"
	installed former 42 1 "segv-null | crash"
	equal "crasher former: the former handler" "former handler: SIGSEGV" "$(cat "$TMP/out")"
	installed recover 0 2 "segv-null | crash"
	equal "crasher recover: the former handler, and what follows" \
		"former handler: right address former handler: right address goes on" \
		"$(tr '\n' ' ' <"$TMP/out" | sed 's/ $//')"
	installed ignored 0 0
	installed fork 139 2 "segv-null | crash"
	installed vfork 139 2 "segv-null | crash"
	installed undumpable 139 1 "segv-null | crash"
	installed uninstall 139 0

	# Descriptors that became others': nothing is written to them.
	install_run closed "$TMP/own" "$TMP/data"
	equal "crasher closed: status" 139 "$STATUS"
	equal "crasher closed: another file that got the numbers is as it was" 0 \
		"$(stat -c %s "$TMP/data")"

	# A descriptor instead of a directory.
	install_run segv "fd:$TMP/given.snap"
	equal "crasher with a descriptor: status" 139 "$STATUS"
	check "crasher with a descriptor: complete" "$ANALYZE" check "$TMP/given.snap"

	# Where it may not write, or the disk is full, the process ends as it would have.
	install_run segv "fd:/dev/full"
	equal "crasher with a full disk: status" 139 "$STATUS"
fi
