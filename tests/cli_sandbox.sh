#!/bin/bash
# What reads hostile files are workers, which die alone: killed, too slow, too large; and with files
# that change under them. Many inputs: order, and what the bad ones cost.
. "$(dirname "$0")/lib/testlib.sh"
need "$DEBUGGER" "$ANALYZE"

cd "$TMP" || exit 1

# same NAME: the last run has printed what is in "wanted".
same() { check "$1" cmp wanted out; }

# A program that waits in one of two functions, which lie pages apart, and snapshots of both.
cat >waits.c <<'END'
#include <unistd.h>
__attribute__((noinline, aligned(4096))) int first(void) { pause(); return 1; }
__attribute__((noinline, aligned(65536))) int second(void) { pause(); return 2; }
int main(int argc, char **argv) { (void)argv; return argc > 1 ? second() : first(); }
END
mkdir trees
gcc -g -O1 -o trees/waits waits.c || exit 1
snapshot() { # NAME ARGUMENT...
	local name=$1 pid
	shift
	"$TMP/trees/waits" "$@" &
	pid=$!
	within 10 sh -c "grep -q pause /proc/$pid/syscall || grep -q '^34 ' /proc/$pid/syscall"
	"$DEBUGGER" -o "$name.snap" "$pid" >/dev/null 2>&1
	{ kill -KILL "$pid" && wait "$pid"; } 2>/dev/null # its file is to be written to
	[ -s "$name.snap" ] || {
		not_ok "a snapshot of a waiting program"
		exit 1
	}
}
snapshot a
snapshot b two
SYMBOLS=(--no-local --symbols "$TMP/trees")

# ---------------------------------------------------------------- with and without

for verb in report json signature check modules dump; do
	options=()
	case $verb in check | dump) ;; *) options=("${SYMBOLS[@]}") ;; esac
	run "$ANALYZE" "$verb" --no-sandbox "${options[@]}" a.snap none.snap b.snap
	mv out wanted
	mv err wanted_err
	wanted_status=$STATUS
	run "$ANALYZE" "$verb" "${options[@]}" a.snap none.snap b.snap
	same "$verb: the same with a sandbox and without"
	equal "$verb: the same status" "$wanted_status" "$STATUS"
	check "$verb: the same words, but one line" sh -c '
		head -n 1 wanted_err | grep -q "^snapanalyze: --no-sandbox: " && tail -n +2 wanted_err | cmp - err'
done
check "--no-sandbox says so in --help" sh -c '"$1" json --help | grep -A 1 -e "--no-sandbox" | grep -q "take it over"' \
	sh "$ANALYZE"

for bad in --worker-memory=1M --worker-memory=x --worker-time=0 --worker-time=9999999 --worker-output=-1 \
	--worker-inputs=0 --worker-requests=0x; do
	run "$ANALYZE" json "$bad" a.snap
	equal "$bad: usage" "64 1" "$STATUS $(grep -c "^snapanalyze: ${bad%%=*} takes a number" err)"
done

# ---------------------------------------------------------------- killed

# The process that works for the one with this id.
worker_of() { ps -o pid= --ppid "$1" | tr -d ' ' | head -n 1; }
has_worker() { [ -n "$(worker_of "$1")" ]; }

# Starts snapanalyze, which comes to wait for its standard input: ours to say when.
mkfifo stdin
waits_for_stdin() { # ARGUMENT...
	"$ANALYZE" "$@" <stdin >out 2>err &
	PARENT=$!
	exec 9>stdin
	within 20 has_worker "$PARENT"
	WORKER=$(worker_of "$PARENT")
	# It reads.
	within 20 grep -q '^0 0x0 ' "/proc/$WORKER/syscall"
}
ends() {
	STATUS=0
	wait "$PARENT" || STATUS=$?
	exec 9>&-
}

run "$ANALYZE" json "${SYMBOLS[@]}" a.snap b.snap
mv out wanted
# Its limits are its own, whatever ours are.
files=$(ulimit -S -n)
ulimit -S -c "$(ulimit -H -c)" -n "$(ulimit -H -n)"
waits_for_stdin json --jobs 1 "${SYMBOLS[@]}" a.snap - b.snap
ulimit -S -c 0 -n "$files"
equal "a worker of its own" 1 "$(ps -o pid= --ppid "$PARENT" | wc -l)"
check "which can't be attached to, and has no new privileges" sh -c '
	grep -q "NoNewPrivs:.1" "/proc/$1/status"' sh "$WORKER"
if [ -z "${SANITIZE:-}" ]; then
	equal "whose system calls are filtered" 2 "$(awk '/^Seccomp:/ { print $2 }' "/proc/$WORKER/status")"
	check "whose memory is limited" grep -q '^Max data size  *2147483648 ' "/proc/$WORKER/limits"
else
	skip "whose system calls are filtered" "a build with sanitizers"
fi
check "and that leaves no core" grep -q '^Max core file size  *0  *0 ' "/proc/$WORKER/limits"
check "and writes no endless file" grep -q "^Max file size  *$((65 << 30))  *$((65 << 30)) " "/proc/$WORKER/limits"
check "and has no more than 4096 files" \
	test "$(awk '/^Max open files/ { print $4; print $5 }' "/proc/$WORKER/limits" | sort -n | tail -n 1)" -le 4096
kill -KILL "$WORKER"
ends
equal "a killed worker: status" 2 "$STATUS"
equal "a killed worker: the reason, alone" \
	"snapanalyze: cannot analyse standard input: its worker was ended by SIGKILL" "$(cat err)"
same "a killed worker: the others are there"

# What is in /proc of one that can't be attached to is root's, whoever it runs for.
if chmod 755 . && chmod 644 a.snap && setpriv --reuid 65534 --regid 65534 --clear-groups "$ANALYZE" --version >/dev/null 2>&1; then
	setpriv --reuid 65534 --regid 65534 --clear-groups "$ANALYZE" json --no-cache --no-local - <stdin >out 2>err &
	PARENT=$!
	exec 9>stdin
	within 20 has_worker "$PARENT"
	within 20 grep -q '^0 0x0 ' "/proc/$(worker_of "$PARENT")/syscall"
	equal "nobody can attach to a worker, be it of the same user" "65534 0" \
		"$(stat -c %u "/proc/$PARENT/environ") $(stat -c %u "/proc/$(worker_of "$PARENT")/environ")"
	exec 9>&-
	wait "$PARENT"
else
	skip "nobody can attach to a worker" "another user may not execute $ANALYZE"
fi

waits_for_stdin json "${SYMBOLS[@]}" -
kill -KILL "$PARENT"
{ wait "$PARENT"; } 2>/dev/null
check "a killed parent leaves no worker" within 10 sh -c '! kill -0 "$1" 2>/dev/null' sh "$WORKER"
exec 9>&-

# ---------------------------------------------------------------- a module's files

# Files that end while they are mapped: reading on is a SIGBUS. The first input has them open, the
# second is waited for, the third needs more of them.
if [ -z "${SANITIZE:-}" ]; then
	cp trees/waits kept
	waits_for_stdin json --no-cache --jobs 1 "${SYMBOLS[@]}" a.snap - b.snap
	truncate -s 0 trees/waits
	echo "this is no snapshot" >&9
	exec 9>&-
	ends
	cp kept trees/waits
	equal "a symbol file cut while mapped: status" 2 "$STATUS"
	equal "a symbol file cut while mapped: words of the bad input alone" 1 "$(wc -l <err)"
	equal "a symbol file cut while mapped: all reports" 2 "$(wc -l <out)"
	tail -n 1 out >second.json
	equal "a symbol file cut while mapped: the module says why" \
		"its files are left out: a worker that read them was ended by SIGBUS" \
		"$(json_get second.json '[m["why"] for m in r["modules"] if m["path"].endswith("waits")][0]')"
	equal "a symbol file cut while mapped: the rest is there" main \
		"$(head -n 1 out >first.json; json_get first.json '[f["function"] for f in r["threads"][0]["frames"]][2]')"
else
	skip "a symbol file cut while mapped" "a build with sanitizers reports it itself"
fi

# ---------------------------------------------------------------- limits

# A core of which a compressed file claims very much, in a form that takes long.
"$PYTHON" - <<'END'
import lzma, random
head = bytes([0x7f]) + b"ELF\2\1\1" + bytes(9) + b"\4\0" + b"\x3e\0" + bytes(44)
bits = random.Random(1).getrandbits(8 << 20)
part = lzma.compress(f"{bits:b}".encode()[:1 << 20], preset=1)
with open("bomb.core.xz", "wb") as f:
    f.write(lzma.compress(head))
    for _ in range(300):
        f.write(part)
END
run "$ANALYZE" json --worker-time=1 "${SYMBOLS[@]}" a.snap bomb.core.xz b.snap
equal "too slow: status" 2 "$STATUS"
equal "too slow: the reason" "snapanalyze: cannot analyse 'bomb.core.xz': its worker took more than 1 s of CPU time (--worker-time)" \
	"$(cat err)"
same "too slow: the others are there"

# Who gives no input: ten times the CPU time, by the clock.
run "$ANALYZE" json "${SYMBOLS[@]}" a.snap b.snap
mv out wanted
waits_for_stdin json --jobs 1 --worker-time=1 "${SYMBOLS[@]}" a.snap - b.snap
ends
equal "nobody writes: status" 2 "$STATUS"
equal "nobody writes: the reason" "snapanalyze: cannot analyse standard input: its worker took more than 10 s (--worker-time)" \
	"$(cat err)"
same "nobody writes: the others are there"

if [ -z "${SANITIZE:-}" ]; then
	{ cat a.snap; head -c 100000000 /dev/zero; } >large.snap
	run "$ANALYZE" json --worker-memory=64M "${SYMBOLS[@]}" a.snap large.snap b.snap
	equal "too large: status" 2 "$STATUS"
	check "too large: the reason, in one line" sh -c '[ $(wc -l <err) -eq 1 ] && grep -q "large.snap.: out of memory" err'
	same "too large: the others are there"
else
	skip "too large" "a build with sanitizers has no limit of memory"
fi

run "$ANALYZE" report --worker-requests=1 "${SYMBOLS[@]}" a.snap
equal "too many files asked for: status and reason" \
	"2 snapanalyze: cannot analyse 'a.snap': its worker asked for files more than 1 times (--worker-requests)" \
	"$STATUS $(cat err)"

# What others may have put into a cache or a store is read in workers, too.
mkdir store
"$ANALYZE" symbols add --store store trees/waits >added 2>/dev/null
"$ANALYZE" json --cache kept.d "${SYMBOLS[@]}" a.snap >/dev/null
for list in "symbols list --store store" "cache list --cache kept.d"; do
	# shellcheck disable=SC2086
	run "$ANALYZE" $list
	equal "$list: status" 0 "$STATUS"
	check "$list: something" test -s out
	mv out wanted
	# shellcheck disable=SC2086
	run "$ANALYZE" $list --no-sandbox
	same "$list: the same without a sandbox"
	if [ -z "${SANITIZE:-}" ] && command -v strace >/dev/null; then
		# shellcheck disable=SC2086
		strace -f -qq -o trace "$ANALYZE" $list >/dev/null
		check "$list: in a worker, whose system calls are filtered" \
			grep -q 'SECCOMP_SET_MODE_FILTER.* = 0$' trace
		# Where the kernel has it: landlock_create_ruleset(2), asked for its version.
		! "$PYTHON" -c 'import ctypes, sys; sys.exit(ctypes.CDLL(None).syscall(444, None, 0, 1) < 1)' ||
			check "$list: and whose files are denied once more" grep -q 'landlock_restrict_self(.* = 0$' trace
	else
		skip "$list: in a worker" "a build with sanitizers, or no strace"
	fi
done
equal "symbols list: what was added" "$(cut -f 1,2 added)" "$(run "$ANALYZE" symbols list --store store; cut -f 1,2 out)"

# ---------------------------------------------------------------- many inputs

mkdir batch
for i in $(seq -w 0 999); do
	case $i in
	*[05]) ln a.snap "batch/$i.snap" ;;
	*) ln b.snap "batch/$i.snap" ;;
	esac
done
poison() { rm "batch/$1.snap"; }
poison 007 && ln bomb.core.xz batch/007.snap
poison 500 && ln bomb.core.xz batch/500.snap
poison 100 && echo "some text" >batch/100.snap
poison 200 && : >batch/200.snap
poison 300 && mkfifo batch/300.snap
poison 400 && mkdir batch/400.snap
poison 450 && ln -s /dev/zero batch/450.snap
poison 600 && ln -s nowhere batch/600.snap
poison 700 && cp trees/waits batch/700.snap
if [ -z "${SANITIZE:-}" ]; then
	poison 999 && ln large.snap batch/999.snap
else
	poison 999 && head -c 10 a.snap >batch/999.snap
fi
run "$ANALYZE" json --worker-time=5 --worker-memory=64M "${SYMBOLS[@]}" batch/*.snap
equal "1,000 inputs, 10 of them bad: status" 2 "$STATUS"
equal "1,000 inputs, 10 of them bad: 990 reports" 990 "$(wc -l <out)"
equal "1,000 inputs, 10 of them bad: 10 reasons" 10 "$(wc -l <err)"
for i in 007 100 200 300 400 450 500 600 700 999; do
	equal "the reason of $i" 1 "$(grep -c "^snapanalyze: cannot [a-z]* 'batch/$i.snap': " err)"
done
mv out ordered
sed 's/.*"file":"\([^"]*\)".*/\1/' ordered >names
check "1,000 inputs: in their order" sort -c names

run "$ANALYZE" json --worker-time=5 --worker-memory=64M --jobs 4 --unordered --worker-inputs 30 \
	"${SYMBOLS[@]}" batch/*.snap
equal "--unordered: status" 2 "$STATUS"
check "--unordered: the same reports" sh -c 'sort ordered >x && sort out | cmp - x'
run "$ANALYZE" signature --worker-inputs 1 "${SYMBOLS[@]}" batch/00[1-6].snap
mv out wanted
run "$ANALYZE" signature --jobs 3 "${SYMBOLS[@]}" batch/00[1-6].snap
same "a worker for each input: the same"

# Told on a terminal only.
cat >on_pty.py <<'END'
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
    os.execv(sys.argv[1], sys.argv[1:])
said = b""
try:
    while chunk := os.read(fd, 4096):
        said += chunk
except OSError:
    pass
sys.stdout.write(said.decode(errors="replace"))
END
"$PYTHON" on_pty.py "$ANALYZE" json --no-cache --worker-inputs 1 "${SYMBOLS[@]}" batch/[0123]??.snap >shown
check "progress on a terminal" grep -q '[0-9]* of 400 inputs' shown
