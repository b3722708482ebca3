#!/bin/bash
# The spool's limits, rights and dangers, with a server and without: real crashes through core_pattern.
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/crashlib.sh"
. "$LIB/serverlib.sh"
need "$CLIENT" "$SERVER" "$DEBUGGER" "$ANALYZE"
[ "$(id -u)" = 0 ] || {
	skip "all" "only root can set core_pattern"
	exit 77
}

mkdir -p "$SERVER_DIR"
core_pattern_take
SPOOL=$CORE_PATTERN_DIR/spool
# Users of the tests look for what they may read.
chmod 755 "$TMP" "$CORE_PATTERN_DIR"
core_pattern_set "$CLIENT" --config "$CORE_PATTERN_DIR/conf" "$CORE_PATTERN_ARGS" || exit 1

MOUNTED=
unmount() {
	[ -z "$MOUNTED" ] || umount -l "$MOUNTED"
	MOUNTED=
}
trap 'unmount; cleanup' EXIT

# with_server, without_server: what keeps the limits from the next conf on.
WITH_SERVER=
with_server() { WITH_SERVER=1; }
without_server() { WITH_SERVER=; }
stop_server() {
	[ -z "$SERVER_PID" ] || server_stop
	SERVER_PID=
}
# conf LINES [TMPFS-OPTIONS]: a fresh spool, and these lines. No crash may be under way.
conf() {
	stop_server
	unmount
	rm -rf "$SPOOL"
	mkdir -m 700 "$SPOOL"
	if [ -n "${2:-}" ]; then
		mount -t tmpfs -o "mode=700,$2" tmpfs "$SPOOL" || return 1
		MOUNTED=$SPOOL
	fi
	SERVER_CONF=$CORE_PATTERN_DIR/conf
	printf 'spool = %s\nsocket = %s\napp_socket = none\n%s\n' "$SPOOL" "$CORE_PATTERN_DIR/sock" "$1" \
		>"$SERVER_CONF"
	[ -z "$WITH_SERVER" ] || server_start
}
# Executables that crash as told: copies of the shell.
for name in a b c; do
	cp /bin/sh "$TMP/$name"
done
# crash NAME [TIMES]: as many crashes, one after the other.
crash() {
	local i
	(
		cd / || exit 1
		for ((i = 0; i < ${2:-1}; i++)); do
			env --default-signal=INT,QUIT "$TMP/$1" -c 'kill -SEGV $$' &
			wait $!
		done
	) >/dev/null 2>&1
}
# snapshots NAME: how many there are of an executable.
snapshots() { find "$SPOOL" -maxdepth 1 -name "*Z-$1-*.snap" | wc -l; }
has() { [ "$(snapshots "$1")" = "$2" ]; }
# The count of a line of the record, by executable and reason; nothing if there is none.
skipped() { awk -F'\t' -v exe="$TMP/$1" -v why="$2" '$7 == exe && $6 == why { print $1 }' "$SPOOL/skipped" 2>/dev/null; }
has_skipped() { [ "$(skipped "$1" "$2")" = "$3" ]; }
quiet() { [ "$(num_parts)" = 0 ]; }
nobody_writes() { ! find /proc/[0-9]*/fd \( -lname "$SPOOL/*.snap*" -o -lname "$SPOOL/*.part*" \) 2>/dev/null | grep -q .; }

reads() { # UID GID FILE
	setpriv --reuid "$1" --regid "$2" --clear-groups cat "$3" >/dev/null 2>&1
}
may_read() { # NAME WANTED: "user other group", + or -
	local got='' file
	file=$(echo "$SPOOL"/*Z-"$2"-*.snap)
	reads 1001 1001 "$file" && got+=+ || got+=-
	reads 1002 1002 "$file" && got+=+ || got+=-
	reads 1003 60 "$file" && got+=+ || got+=-
	equal "$1" "$3" "$got"
}
as_user() {
	(
		cd / || exit 1
		env --default-signal=INT,QUIT setpriv --reuid 1001 --regid 1001 --clear-groups "$@" &
		wait $!
	) >/dev/null 2>&1
}
cat >"$TMP/privileged.c" <<'END'
#define _GNU_SOURCE
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>
int main(int argc, char **argv)
{
	(void)argv;
	/* It had been root before it became a user. */
	if (argc > 1 && (setresgid(1001, 1001, 1001) < 0 || setresuid(1001, 1001, 1001) < 0))
		return 1;
	prctl(PR_SET_DUMPABLE, 1);
	return raise(SIGSEGV);
}
END
gcc -O1 -o "$TMP/was_root" "$TMP/privileged.c"
cp "$TMP/was_root" "$TMP/is_setuid"
cp "$TMP/was_root" "$TMP/is_setgid"
chmod 4755 "$TMP/is_setuid"
chgrp 60 "$TMP/is_setgid"
chmod 2755 "$TMP/is_setgid"

limits_hold() { # WHO keeps them, for the names of the cases
	local who=$1
	# ---------------------------------------------------------------- as it is without configuration

	conf ""
	crash a
	check "$who: a snapshot" within "$CRASH_WAIT" has a 1
	equal "$who: root alone may read it" "600 0 0" "$(stat -c '%a %u %g' "$SPOOL"/*.snap)"
	equal "$who: root alone may look into the spool" "700 700" "$(stat -c %a "$SPOOL" "$SPOOL/incoming" | tr '\n' ' ' | sed 's/ $//')"
	equal "$who: its origin" "0 $TMP/a" "$("$PYTHON" -c '
import os, sys
print(os.fsdecode(os.getxattr(sys.argv[1], "user.snapcrash")))' "$SPOOL"/*.snap)"
	check "$who: nothing is said to be skipped" test ! -e "$SPOOL/skipped"

	# ---------------------------------------------------------------- which

	conf "ignore = $TMP/a
ignore = c uid=4711"
	crash a 2
	crash b
	crash c
	check "$who: ignored: recorded" within "$CRASH_WAIT" has_skipped a ignored 2
	check "$who: others are not ignored" within "$CRASH_WAIT" has b 1
	check "$who: another user's is not ignored" within "$CRASH_WAIT" has c 1
	equal "$who: ignored: no snapshot" 0 "$(snapshots a)"

	conf "only = $TMP/[bc]
ignore = c"
	crash a
	crash b
	crash c
	check "$who: only: the others are recorded" within "$CRASH_WAIT" has_skipped a ignored 1
	check "$who: only, and ignored: recorded" within "$CRASH_WAIT" has_skipped c ignored 1
	check "$who: only: a snapshot" within "$CRASH_WAIT" has b 1
	equal "$who: only: no other snapshot" "0 0" "$(snapshots a) $(snapshots c)"

	# ---------------------------------------------------------------- how many

	# A sanitized client takes ten times as long.
	local loop=300
	[ -z "$WITH_SERVER" ] || loop=100
	[ -z "${SANITIZE:-}" ] || loop=30
	conf "rate_burst = 5
rate_interval = 1h"
	crash b
	crash a "$loop"
	check "$who: crash loop: what is left out is counted" within "$CRASH_WAIT" has_skipped a rate $((loop - 5))
	equal "$who: crash loop: the burst is captured" 5 "$(snapshots a)"
	equal "$who: crash loop: another executable is captured" 1 "$(snapshots b)"
	equal "$who: crash loop: one line" 1 "$(grep -c "/a$" "$SPOOL/skipped")"
	check "$who: crash loop: the line" grep -qP \
		'^\d+\t\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\t\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\t11\t0\trate\t/' "$SPOOL/skipped"
	check "$who: crash loop: what was captured is whole" all_complete

	conf "max_files = 4"
	crash a
	within "$CRASH_WAIT" has a 1
	sleep 1.1 # names tell seconds: a is to be the oldest
	crash b 8
	within "$CRASH_WAIT" quiet
	check "$who: max_files: so many are left" within 5 has_snapshots 4
	check "$who: max_files: the last of another executable stays" has a 1

	size=$(du -k "$SPOOL"/*Z-b-*.snap | awk 'NR == 1 { print $1 }')
	max=$((size * 3 + size / 2))
	conf "max_bytes = ${max}K"
	crash a
	within "$CRASH_WAIT" has a 1
	sleep 1.1
	crash b 6
	within "$CRASH_WAIT" quiet
	fits() { [ "$(du -ck "$SPOOL"/*.snap | tail -n 1 | cut -f1)" -le "$max" ]; }
	check "$who: max_bytes: no more is left" within 5 fits
	check "$who: max_bytes: nor much less" test "$(num_snapshots)" -ge 2
	check "$who: max_bytes: the last of another executable stays" has a 1

	conf "max_files = 2"
	crash a
	crash b
	within "$CRASH_WAIT" has_snapshots 2
	crash c
	check "$who: each the last: the new one is what does not fit" within "$CRASH_WAIT" has_skipped c full 1
	equal "$who: each the last: they stay" "1 1 0" "$(snapshots a) $(snapshots b) $(snapshots c)"

	# ---------------------------------------------------------------- whose

	conf "owner_access = yes"
	as_user "$TMP/a" -c 'kill -SEGV $$'
	as_user "$TMP/is_setuid"
	as_user "$TMP/is_setgid"
	("$TMP/was_root" x & wait $!) >/dev/null 2>&1
	crash b
	within "$CRASH_WAIT" has_snapshots 5
	may_read "$who: owner access: his own" a +--
	may_read "$who: owner access: a setuid program's" is_setuid ---
	may_read "$who: owner access: a setgid program's" is_setgid ---
	may_read "$who: owner access: one that had been root" was_root ---
	may_read "$who: owner access: root's" b ---
	equal "$who: owner access: files stay root's" "0 0" \
		"$(stat -c '%u %g' "$SPOOL"/*.snap | sort -u)"
	equal "$who: owner access: the spool can't be listed" 701 "$(stat -c %a "$SPOOL")"
	check "$who: owner access: but not written to" test "$(stat -c %a "$SPOOL/incoming")" = 700

	conf "group = 60"
	as_user "$TMP/a" -c 'kill -SEGV $$'
	within "$CRASH_WAIT" has_snapshots 1
	may_read "$who: a group: who is in it" a --+
	equal "$who: a group: the spool" "750 60" "$(stat -c '%a %g' "$SPOOL")"
	crash_name=$(getent group 60 | cut -d: -f1)
	conf "group = $crash_name
owner_access = yes
ignore = b"
	as_user "$TMP/a" -c 'kill -SEGV $$'
	crash b
	within "$CRASH_WAIT" has_snapshots 1
	may_read "$who: a group by name, and the user" a +-+
	within "$CRASH_WAIT" has_skipped b ignored 1
	equal "$who: the group may read what was skipped" "640 60" "$(stat -c '%a %g' "$SPOOL/skipped")"

	conf "group = no-such-group"
	as_user "$TMP/a" -c 'kill -SEGV $$'
	within "$CRASH_WAIT" has_snapshots 1
	may_read "$who: a group that is none" a ---

	# ---------------------------------------------------------------- a full disk

	if conf "min_free = 0" size=1M; then
		crash a
		within "$CRASH_WAIT" has_snapshots 1
		whole_kb=$(du -k "$SPOOL"/*.snap | cut -f1)
		truncated=0 readable=0 none=0 tried=0 bad=
		for ((free_kb = 4; free_kb <= whole_kb + 8; free_kb += 4)); do
			rm -rf "$SPOOL"/* "$SPOOL"/.rate
			# What the directories and the record of rates take is not in it.
			mkdir -m 700 "$SPOOL/incoming"
			avail_kb=$(df -k --output=avail "$SPOOL" | tail -n 1)
			head -c $(((avail_kb - free_kb) * 1024)) /dev/zero >"$SPOOL/balloon"
			crash a
			within "$CRASH_WAIT" quiet
			tried=$((tried + 1))
			if ! has_snapshots 1; then
				none=$((none + 1))
				continue
			fi
			run "$ANALYZE" check "$SPOOL"/*.snap
			if [ "$STATUS" = 1 ] && grep -q truncated "$TMP/out"; then
				truncated=$((truncated + 1))
				run "$ANALYZE" report "$SPOOL"/*.snap
				if [ "$STATUS" -le 1 ] && grep -q "the disk was full: [0-9]* of its [0-9]* bytes" "$TMP/out"; then
					readable=$((readable + 1))
				else
					bad+=" ${free_kb}K"
					cp "$TMP/out" "$TMP/full.out"
				fi
			elif [ "$STATUS" != 0 ]; then
				bad+=" ${free_kb}K"
				cp "$TMP/out" "$TMP/full.out"
			fi
		done
		note "1 MiB: $tried tries: $truncated truncated, $none with nothing left"
		equal "$who: 1 MiB, filling at every write: what is written can be read, and says so" "" "$bad"
		[ -z "$bad" ] || note_file "$TMP/full.out"
		check "$who: 1 MiB, filling at every write: mostly something is written" \
			test "$readable" -ge 3
		check "$who: 1 MiB, filling at every write: with next to nothing free, no file" test "$none" -le 2

		# Nothing to spare: by itself it leaves a 64th of the disk free.
		conf "" size=1M
		crash a
		within "$CRASH_WAIT" has_snapshots 1
		mv "$SPOOL"/*.snap "$TMP/"
		# Its client has it open for a while yet, and so on the disk.
		within "$CRASH_WAIT" nobody_writes
		avail_kb=$(df -k --output=avail "$SPOOL" | tail -n 1)
		head -c $(((avail_kb - 12) * 1024)) /dev/zero >"$SPOOL/balloon"
		crash a
		check "$who: too little free: recorded" within "$CRASH_WAIT" has_skipped a disk 1
		equal "$who: too little free: no snapshot" 0 "$(num_snapshots)"

		# Room is made at the expense of one's own.
		conf "min_free = 850K" size=1M
		crash a
		within "$CRASH_WAIT" has a 1
		sleep 1.1
		crash b
		within "$CRASH_WAIT" has b 1
		sleep 1.1
		crash b 6
		within "$CRASH_WAIT" quiet
		check "$who: min_free: the last of another executable stays" has a 1
		free_kb=$(df -k --output=avail "$SPOOL" | tail -n 1)
		check "$who: min_free: it is kept" test "$free_kb" -ge 850

		conf "min_free = 0
min_free_inodes = 30" size=1M,nr_inodes=40
		crash a
		crash b 12
		within "$CRASH_WAIT" quiet
		free_inodes=$(df --output=iavail "$SPOOL" | tail -n 1)
		check "$who: min_free_inodes: they are kept" test "$free_inodes" -ge 30
		check "$who: min_free_inodes: the last of another executable stays" has a 1
		unmount
	else
		skip "a full disk" "tmpfs can't be mounted here"
	fi

}

without_server
limits_hold "no server"
with_server
limits_hold "server"
stop_server
unmount

# ---------------------------------------------------------------- what others put there

# By hand, for what the client has to say. No server is there.
core_pattern_done
server_conf
mkdir "$TMP/elsewhere"
echo precious >"$TMP/precious"

rm -rf "$SPOOL"
ln -s "$TMP/elsewhere" "$SPOOL"
client_run
equal "spool a link: status" 2 "$STATUS"
check "spool a link: what it says" grep -qF "the spool or its incoming is a symbolic link" "$SERVER_DIR/err"
equal "spool a link: nothing is written there" "" "$(ls "$TMP/elsewhere")"

server_conf
ln -s "$TMP/elsewhere" "$SPOOL/incoming"
client_run
equal "incoming a link: status" 2 "$STATUS"
check "incoming a link: what it says" grep -qF "the spool or its incoming is a symbolic link" "$SERVER_DIR/err"
equal "incoming a link: nothing is written there" "" "$(ls "$TMP/elsewhere")"

server_conf
chown 65534 "$SPOOL"
client_run
equal "another user's spool: status" 2 "$STATUS"
check "another user's spool: what it says" grep -qF "is another user's" "$SERVER_DIR/err"

server_conf
mkdir -m 700 "$SPOOL/incoming"
ln -s "$TMP/precious" "$SPOOL/skipped"
ln -s "$TMP/precious" "$SPOOL/.skipped.new"
ln -s "$TMP/precious" "$SPOOL/.rate"
ln -s "$TMP/precious" "$SPOOL/20200101T000000Z-by%2Dhand-1-00000000.snap"
ln -s "$TMP/precious" "$SPOOL/incoming/0000000000000000.part"
mkfifo "$SPOOL/20200101T000001Z-by%2Dhand-1-00000000.snap"
mkdir "$SPOOL/20200101T000002Z-by%2Dhand-1-00000000.snap"
printf 'max_files = 1\n' >>"$SERVER_CONF"
client_run
# What sleeps by hand does not dump core: partial.
equal "links in it: a snapshot" "1 1" "$STATUS $(find "$SPOOL" -maxdepth 1 -type f -name '*.snap' | wc -l)"
printf 'ignore = *\n' >>"$SERVER_CONF"
client_run
equal "links in it: ignored" 2 "$STATUS"
equal "links in it: what they point to" precious "$(cat "$TMP/precious")"
check "links in it: the record takes the place of one" test ! -L "$SPOOL/skipped" -a -s "$SPOOL/skipped"
equal "links in it: those that are no files of ours stay" 5 \
	"$(find "$SPOOL" \( -name '2020*' -o -name '*.part' -o -name .rate \) | wc -l)"

server_conf
if mount -t tmpfs -o ro,mode=700 tmpfs "$SPOOL" 2>/dev/null; then
	MOUNTED=$SPOOL
	begin=$(date +%s)
	client_run
	took=$(($(date +%s) - begin))
	unmount
	equal "read-only spool: status" 2 "$STATUS"
	check "read-only spool: what it says" grep -qF "Read-only file system" "$SERVER_DIR/err"
	check "read-only spool: it does not hold the process" test "$took" -le 5
else
	skip "read-only spool" "tmpfs can't be mounted here"
fi

# It neither counts what is free nor has attributes.
server_conf $'min_free = 1M\nmin_free_inodes = 10\ngroup = 60\nowner_access = yes\nmax_files = 2'
if mount -t ramfs -o mode=700 ramfs "$SPOOL" 2>/dev/null; then
	MOUNTED=$SPOOL
	for ((i = 0; i < 3; i++)); do
		client_run
	done
	equal "a spool without attributes: the limits are kept" "1 2" "$STATUS $(num_snapshots)"
	equal "a spool without attributes: the group may read it" "640 60
640 60" "$(stat -c '%a %g' "$SPOOL"/*.snap)"
	unmount
else
	skip "a spool without attributes" "ramfs can't be mounted here"
fi

server_conf
rmdir "$SPOOL"
echo file >"$SPOOL"
client_run
equal "spool a file: status" 2 "$STATUS"
check "spool a file: what it says" grep -qF "Not a directory" "$SERVER_DIR/err"

# ---------------------------------------------------------------- snapshots of live processes

server_conf $'max_files = 2\ngroup = 60'
sleep 1000 &
LIVE+=($!)
for ((i = 0; i < 3; i++)); do
	run "$DEBUGGER" --config "$SERVER_CONF" "${LIVE[-1]}"
	newest=$(cat "$TMP/out")
done
equal "live: the limits are kept" 2 "$(num_snapshots)"
check "live: the new one is there" test -s "$newest"
equal "live: the group may read it" "640 60" "$(stat -c '%a %g' "$newest")"
equal "live: its origin" "0:app $(readlink -f "$(command -v sleep)")" "$("$PYTHON" -c '
import os, sys
print(os.fsdecode(os.getxattr(sys.argv[1], "user.snapcrash")))' "$newest")"
rm -rf "$SPOOL"
ln -s "$TMP/elsewhere" "$SPOOL"
run "$DEBUGGER" --config "$SERVER_CONF" "${LIVE[-1]}"
equal "live: spool a link: status" 2 "$STATUS"
equal "live: spool a link: what it says" \
	"snapcrash-debugger: cannot create a file in the spool '$SPOOL': the spool or its incoming is a symbolic link" \
	"$(cat "$TMP/err")"
