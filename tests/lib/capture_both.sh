#!/bin/sh
# As core_pattern's program: gives one crash to two readers, a full core and the client.
#
#   |DIR/h DIR %P %I %s %t %d %u %g %c %F %e      (at most 127 bytes, hence the names)
#
# DIR/client is the client (a symlink), DIR/conf its configuration; the core becomes DIR/core and the
# client's exit status DIR/status, which is there only when both are whole.
#
# The kernel gives no environment and closes 1 and 2; it lets the process go when the last reader of
# stdin has closed it. That is tee here, which reads to the end: -p, because the client closes its
# end early, and that must not end the copying. fd 3, the pidfd, is inherited by both.
# Not before: whatever is opened first would become 1 and 2.
exec >/dev/null 2>&1
export PATH=/usr/sbin:/usr/bin:/sbin:/bin
dir=$1
shift
# Started through ld.so of a sanitizer, the client wants to know these.
export ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1
tee -p "$dir/core" | {
	"$dir/client" --config "$dir/conf" "$@" 2>"$dir/client.err" >&2
	echo $? >"$dir/status.part"
}
mv "$dir/status.part" "$dir/status"
