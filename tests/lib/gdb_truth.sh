#!/bin/bash
# gdb_truth.sh OUT.json core PROGRAM CORE     what gdb says of a core
# gdb_truth.sh OUT.json live PID              ... of a live process, which goes on afterwards
set -u
lib=$(cd "$(dirname "$0")" && pwd)
out=$1
case $2 in
core) target=("$3" "$4") ;;
live) target=(-p "$3") ;;
*) exit 64 ;;
esac
# No init files, no scripts that come with libraries, no network. libthread_db is not needed: thread
# ids are the kernel's.
unset DEBUGINFOD_URLS
rm -f "$out"
TRUTH=$out gdb -nx -batch -iex 'set auto-load off' -iex 'set debuginfod enabled off' \
	-iex 'set libthread-db-search-path /nonexistent' \
	"${target[@]}" -x "$lib/gdb_truth.py" </dev/null >"$out.log" 2>&1
if [ ! -s "$out" ]; then
	tail -n 20 "$out.log" >&2
	exit 1
fi
