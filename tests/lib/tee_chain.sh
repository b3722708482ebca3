#!/bin/bash
# As core_pattern's program: keeps a crash's whole core, and has the client hand it on as well
# (cli_chain.sh).
#
#   |DIR/h DIR %P %I %s %t %d %u %g %c %F %e
#
# DIR/client is the client (a symlink), DIR/conf its configuration; the core becomes DIR/whole.core.
# As in capture_both.sh, nothing may be opened before 1 and 2, and tee goes on when the client ends.
exec >/dev/null 2>&1
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
dir=$1
shift
# Whatever else crashes on this machine meanwhile is no business of the test.
case $(readlink "/proc/$1/exe") in
*"$(cat "$dir/tag")"*) ;;
*) exit ;;
esac
export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1
{
	tee -p "$dir/whole.part"
	mv "$dir/whole.part" "$dir/whole.core"
} | "$dir/client" --chain --config "$dir/conf" "$@" 2>"$dir/client.err"
