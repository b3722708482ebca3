# Sourced by scripts that let the kernel hand crashes to a program of theirs.
#
#   core_pattern_take                    waits for the lock, saves the machine's settings; where
#                                        that is impossible: reason on stderr, exit 77
#   core_pattern_set PROGRAM [ARGUMENT]  crashes now go to PROGRAM; may be repeated
#   core_pattern_write PATTERN           the same by a whole pattern
#   core_pattern_release                 restores and drops the lock
#   core_pattern_done                    the same, for good: this script's programs will not crash any
#                                        more, and tests/run may start the next that has to have it
#
# The settings are restored on every way out of the script, SIGKILL included, by the guardian that
# core_pattern_guard.py leaves behind; core_pattern_release only makes it wait until that is done.
# CORE_PATTERN_DIR is a private directory for the helper's files with a short path (core_pattern
# has 127 bytes); core_pattern_release removes it.

CORE_PATTERN_DIR=
CORE_PATTERN_LIB=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# What the client expects (docs/capture.rst); the hostile string is last.
CORE_PATTERN_ARGS='%P %I %s %t %d %u %g %c %F %e'

core_pattern_take() {
	local status=0
	CORE_PATTERN_DIR=$(mktemp -d /tmp/sc.XXXXXX) || exit 1
	/usr/bin/python3 "$CORE_PATTERN_LIB/core_pattern_guard.py" "$$" "$CORE_PATTERN_DIR" \
		</dev/null || status=$?
	if [ "$status" -ne 0 ]; then
		rm -rf "$CORE_PATTERN_DIR"
		CORE_PATTERN_DIR=
		exit "$status"
	fi
	core_pattern_probe || {
		core_pattern_release
		exit 77
	}
}

# In a container core_pattern can often be written, but its program then runs outside, where our
# files are not. So crash something and see whether the kernel's helper reaches us.
core_pattern_probe() {
	local mark=$CORE_PATTERN_DIR/reached i
	printf '#!/bin/sh\n: >"%s"\nexec cat >/dev/null\n' "$mark" >"$CORE_PATTERN_DIR/probe"
	chmod 700 "$CORE_PATTERN_DIR/probe"
	core_pattern_set "$CORE_PATTERN_DIR/probe" || return 77
	# The subshell keeps bash's "Segmentation fault" out of the output.
	(sh -c 'kill -SEGV $$' & wait $!) >/dev/null 2>&1
	for i in 1 2 3 4 5 6 7 8 9 10; do
		[ -e "$mark" ] && return 0
		sleep 0.2
	done
	echo "core_pattern: the kernel runs its program where our files are not (a container?)" >&2
	return 77
}

core_pattern_set() {
	local program=$1
	shift
	[ "$CORE_PATTERN_DIR/h" -ef "$program" ] || ln -sfn "$program" "$CORE_PATTERN_DIR/h"
	core_pattern_write "|$CORE_PATTERN_DIR/h${*:+ $*}"
}

core_pattern_write() {
	local pattern=$1 got=
	if [ "${#pattern}" -gt 127 ]; then
		echo "core_pattern: longer than 127 bytes: $pattern" >&2
		return 1
	fi
	# The kernel cuts what is too long without a word: read it back.
	if ! printf '%s\n' "$pattern" 2>/dev/null >/proc/sys/kernel/core_pattern ||
		! IFS= read -r got </proc/sys/kernel/core_pattern || [ "$got" != "$pattern" ]; then
		echo "core_pattern: the kernel does not take it" >&2
		return 1
	fi
}

core_pattern_release() {
	[ -n "$CORE_PATTERN_DIR" ] || return 0
	local answer
	# Opened read-write, so that neither open waits for a guardian that may have gone.
	exec {answer}<>"$CORE_PATTERN_DIR/released"
	echo release >"$CORE_PATTERN_DIR/control"
	if ! read -r -t 10 -u "$answer"; then
		echo "core_pattern: its guardian does not answer" >&2
	fi
	exec {answer}>&-
	rm -rf "$CORE_PATTERN_DIR"
	CORE_PATTERN_DIR=
}

core_pattern_done() {
	core_pattern_release
	[ -z "${CORE_PATTERN_DONE:-}" ] || : >"$CORE_PATTERN_DONE"
}
