#!/bin/sh
# A core_pattern program that writes down how it was started, and keeps the core (cli_chain.sh).
#
#   |DIR/former %E WORD...      DIR/former is a link to this
#
# DIR/tag: what the executable's path has in it if its crash is of interest.
#
# DIR/got.argv: NUL after each word; DIR/got.state: what it found open, where, its limits; DIR/got.core.
# Each appears when it is whole. The kernel gives no environment.
#
# Before anything is opened here:
open=
for fd in 0 1 2 3 4 5 6 7 8 9; do
	[ -e "/proc/$$/fd/$fd" ] && open="$open $fd"
done
exec >/dev/null 2>&1
PATH=/usr/bin:/bin
dir=${0%/*}
read -r tag <"$dir/tag"
case $1 in
*"$tag"*) ;;
*) exec cat ;;
esac
printf '%s\0' "$0" "$@" >"$dir/argv.part"
{
	echo "open:$open"
	readlink "/proc/$$/fd/3" | sed 's/[0-9]//g'
	readlink "/proc/$$/cwd"
	echo "environment: $(tr '\0' ' ' <"/proc/$$/environ")"
	# By the shell itself: while it starts a program it blocks all signals.
	while read -r line; do
		case $line in
		Uid:* | Gid:* | CapEff:* | SigIgn:* | SigBlk:*) echo "$line" ;;
		esac
	done <"/proc/$$/status"
	echo "nice: $(cut -d ' ' -f 19 "/proc/$$/stat")"
	grep -E '^Max (core file|address space)' "/proc/$$/limits"
} >"$dir/state.part"
cat >"$dir/core.part"
mv "$dir/argv.part" "$dir/got.argv"
mv "$dir/state.part" "$dir/got.state"
mv "$dir/core.part" "$dir/got.core"
exit 0
