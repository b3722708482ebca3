# Sourced: cross-built programs, run under qemu-user until they crash, and their cores.
#
#   guest_machine MACHINE        sets CROSS (the compilers' prefix) and QEMU (how to run a program)
#   guest_core MACHINE PROGRAM CORE [PASSED [PAC_MASK]]
#
# guest_core leaves the guest's core in CORE, or returns 1. qemu-user writes it; where its machine's
# has no core dumps, gdb takes it through qemu's stub (guest_core.py), which needs to know how many
# signals PROGRAM handles before the one that ends it (PASSED).

# Bytes of stack: all of it is in the core.
GUEST_STACK=262144
GUEST_DIR=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

guest_machine() {
	GUEST_STUB=
	case $1 in
	x86_64) CROSS=x86_64-linux-gnu QEMU="qemu-x86_64" ;;
	aarch64) CROSS=aarch64-linux-gnu QEMU="qemu-aarch64 -cpu max" ;;
	arm) CROSS=arm-linux-gnueabihf QEMU="qemu-arm" ;;
	i386) CROSS=i686-linux-gnu QEMU="qemu-i386" ;;
	riscv64) CROSS=riscv64-linux-gnu QEMU="qemu-riscv64" GUEST_STUB=1 ;;
	mips64el) CROSS=mips64el-linux-gnuabi64 QEMU="qemu-mips64el" ;;
	mips) CROSS=mips-linux-gnu QEMU="qemu-mips" ;;
	ppc64) CROSS=powerpc64-linux-gnu QEMU="qemu-ppc64" ;;
	ppc64le) CROSS=powerpc64le-linux-gnu QEMU="qemu-ppc64le" ;;
	s390x) CROSS=s390x-linux-gnu QEMU="qemu-s390x" ;;
	sparc64) CROSS=sparc64-linux-gnu QEMU="qemu-sparc64" GUEST_STUB=1 ;;
	m68k) CROSS=m68k-linux-gnu QEMU="qemu-m68k" ;;
	*)
		echo "no machine '$1'" >&2
		return 1
		;;
	esac
	# Where Debian's cross libraries are, for programs that are linked dynamically.
	[ ! -d "/usr/$CROSS/lib" ] || QEMU="$QEMU -L /usr/$CROSS"
}

# A free TCP port.
guest_port() {
	/usr/bin/python3 -c 'import socket
s = socket.socket()
s.bind(("127.0.0.1", 0))
print(s.getsockname()[1])'
}

# qemu-user, having written the guest's core, dies of the same signal, and the kernel would hand that
# to core_pattern as a crash of its own. As the first process of a PID namespace it survives such
# signals, and is ended here when its core is whole. (The guest's tids then begin at 1, every time.)
guest_dump() { # DIR PROGRAM
	local pid child file=
	(
		cd "$1" || exit 1
		ulimit -S -c unlimited || exit 1
		# unshare takes no SIGTERM while it waits; qemu goes with it.
		# shellcheck disable=SC2086
		exec timeout -s KILL 60 unshare --pid --fork --kill-child=KILL \
			$QEMU -s "$GUEST_STACK" "$2" </dev/null >out 2>&1
	) &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		sleep 0.1
		file=$(find "$1" -name '*.core')
		child=$(guest_child "$(guest_child "$pid")")
		# Whole when it is closed.
		if [ -n "$file" ] && [ -n "$child" ] &&
			! find "/proc/$child/fd" -lname "$file" 2>/dev/null | grep -q .; then
			kill -KILL "$child"
		fi
	done
	{ wait "$pid"; } 2>/dev/null
	[ -n "$file" ]
}

guest_child() { # PID: prints the first child's
	[ -z "$1" ] || cut -d ' ' -f 1 "/proc/$1/task/$1/children" 2>/dev/null
}

guest_core() {
	local program core=$3 dir port pid status=1
	program=$(realpath "$2") || return 1
	guest_machine "$1" || return 1
	[ -z "${5:-}" ] || GUEST_STUB=1
	dir=$(mktemp -d) || return 1
	if [ -z "$GUEST_STUB" ]; then
		guest_dump "$dir" "$program" && mv "$dir"/qemu_*.core "$core" && status=0
	else
		port=$(guest_port)
		# shellcheck disable=SC2086
		timeout 60 $QEMU -s "$GUEST_STACK" -g "$port" "$program" </dev/null >"$dir/out" 2>&1 &
		pid=$!
		for _ in 1 2 3 4 5 6 7 8 9 10; do
			sleep 0.2
			CORE=$dir/core PASS=${4:-0} PAC_MASK=${5:-} timeout 60 gdb-multiarch -nx -batch \
				-ex "target remote 127.0.0.1:$port" -x "$GUEST_DIR/guest_core.py" "$program" \
				>"$dir/gdb" 2>&1
			grep -q 'Connection refused' "$dir/gdb" || break
		done
		if [ -s "$dir/core" ]; then
			mv "$dir/core" "$core"
			status=0
		else
			cat "$dir/gdb" >&2
		fi
		kill "$pid" 2>/dev/null
		{ wait "$pid"; } 2>/dev/null
	fi
	rm -rf "$dir"
	return $status
}
