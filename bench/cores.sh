#!/bin/bash
# Makes the cores that bench/report_speed.py reads: cores.sh DIR VICTIMS BIG_GDB
#
# DIR/tiny.core, DIR/threads.core (64 threads of 20 frames) and DIR/big.core (a big program, crashed
# while it reads its own symbols). What is there already is kept. The machine's core_pattern is restored.
# Exit status 77: the kernel's core_pattern can't be used here.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
. "$here/../tests/lib/core_pattern.sh"
mkdir -p "$1"
dir=$(cd "$1" && pwd)
victims=$(cd "$2" && pwd)
big=$(realpath "$3")
if [ -e "$dir/tiny.core" ] && [ -e "$dir/threads.core" ] && [ -e "$dir/big.core" ]; then
	exit 0
fi

trap core_pattern_release EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
core_pattern_take
printf '#!/bin/sh\nexec cat >"%s/part"\n' "$CORE_PATTERN_DIR" >"$CORE_PATTERN_DIR/save"
chmod 700 "$CORE_PATTERN_DIR/save"
core_pattern_set "$CORE_PATTERN_DIR/save"

take() { # NAME
	local size=-1
	# The kernel waits for its helper only if core_pipe_limit says so: until the file grows no more.
	until [ -s "$CORE_PATTERN_DIR/part" ] && [ "$size" = "$(stat -c %s "$CORE_PATTERN_DIR/part")" ]; do
		size=$(stat -c %s "$CORE_PATTERN_DIR/part" 2>/dev/null || echo -1)
		sleep 1
	done
	mv "$CORE_PATTERN_DIR/part" "$dir/$1.core"
	echo "cores: $1: $((size / 1000000)) MB" >&2
}

[ -e "$dir/tiny.core" ] || {
	("$victims/null_deref" & wait $!) >/dev/null 2>&1 || true
	take tiny
}
[ -e "$dir/threads.core" ] || {
	("$victims/many_threads" & wait $!) >/dev/null 2>&1 || true
	take threads
}
[ -e "$dir/big.core" ] || {
	# One thread, so that it is the one that reads; and it is to end by the signal, without a word of
	# its own about it.
	"$big" -nx -batch -iex 'maint set worker-threads 0' -iex 'maint set backtrace-on-fatal-signal off' \
		-ex 'echo begins\n' -ex 'maint expand-symtabs' "$big" >"$dir/big.out" 2>&1 </dev/null &
	pid=$!
	until grep -q begins "$dir/big.out"; do
		kill -0 "$pid" 2>/dev/null || {
			echo "cores: $big ended too early: $(cat "$dir/big.out")" >&2
			exit 1
		}
		sleep 0.1
	done
	sleep 1
	kill -SEGV "$pid"
	wait "$pid" 2>/dev/null || true
	rm "$dir/big.out"
	take big
}
