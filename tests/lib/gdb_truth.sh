#!/bin/bash
# gdb_truth.sh OUT.json core PROGRAM CORE     what gdb says of a core
# gdb_truth.sh OUT.json live PID              ... of a live process, which goes on afterwards
# gdb_truth.sh LIST list                      ... of many cores: each line is OUT.json<TAB>PROGRAM<TAB>CORE
#
# GDB=PROGRAM is another gdb. GDB_SYSROOT=DIR and GDB_DEBUG_DIR=DIR say where libraries and debug files
# are, if not this machine's own.
set -u
lib=$(cd "$(dirname "$0")" && pwd)
out=$1
export TRUTH=$1
case $2 in
core) target=("$3" "$4") ;;
live) target=(-p "$3") ;;
list)
	unset TRUTH
	export TRUTH_LIST=$1
	target=()
	;;
*) exit 64 ;;
esac
# No init files, no scripts that come with libraries, no network. libthread_db is not needed: thread
# ids are the kernel's.
unset DEBUGINFOD_URLS
places=()
[ -z "${GDB_SYSROOT:-}" ] || places+=(-iex "set sysroot $GDB_SYSROOT")
[ -z "${GDB_DEBUG_DIR:-}" ] || places+=(-iex "set debug-file-directory $GDB_DEBUG_DIR")
[ "$2" = list ] || rm -f "$out"
"${GDB:-gdb}" -nx -batch -iex 'set auto-load off' -iex 'set debuginfod enabled off' \
	-iex 'set libthread-db-search-path /nonexistent' "${places[@]}" \
	"${target[@]}" -x "$lib/gdb_truth.py" </dev/null >"$out.log" 2>&1
if [ ! -s "$out" ]; then
	tail -n 20 "$out.log" >&2
	exit 1
fi
