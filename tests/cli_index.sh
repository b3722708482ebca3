#!/bin/bash
# The index: what is read once, what is learned of symbols later, what several writers and a sudden end
# do to it, what arrives while it is watched.
. "$(dirname "$0")/lib/testlib.sh"
need "$ANALYZE"
cd "$TMP" || exit 1

FIXTURES=$TOP/tests/fixtures
NAMES="segv-null cxx-inline thread"
mkdir symbols stripped base spool
for name in $NAMES; do
	xz -dkc "$FIXTURES/$name/snapshot.snap.xz" >"base/$name.snap"
	xz -dkc "$FIXTURES/$name/$name.xz" >"symbols/$name"
	objcopy --strip-debug "symbols/$name" "stripped/$name"
done
make_one() { # BASE FILE NUMBER [NAME=VALUE...]
	local base=$1 file=$2 number=$3
	shift 3
	"$PYTHON" "$LIB/edit_snapshot.py" "base/$base.snap" "$file" "uuid=$(printf '%032x' "$number")" "$@"
}
ingest() { run timeout 120 "$ANALYZE" ingest --no-local "$@"; }
# The groups of an index: lines "COUNT ID".
groups() {
	timeout 60 "$ANALYZE" dedup --index "$1" --json >groups.json 2>groups.err || note_file groups.err
	json_get groups.json '"\n".join(str(g["count"]) + " " + g["id"] for g in r["groups"])'
}
id_of() { "$ANALYZE" signature --no-local "$@" | cut -f1; }
query() { # DB SQL
	"$PYTHON" -c 'import sqlite3, sys
for row in sqlite3.connect(sys.argv[1]).execute(sys.argv[2]): print(*row)' "$@"
}
whole() { equal "$1: the index is whole" ok "$(query "$2" "PRAGMA integrity_check")"; }

# ---- once

make_one segv-null spool/1.snap 1
make_one segv-null spool/2.snap 2
make_one thread spool/3.snap 3
ingest --symbols symbols spool --index once.db
equal "ingest: what was done" "0 files: 3, new crashes: 3" "$STATUS $(cat out)"
ingest --symbols symbols spool --index once.db
equal "ingest: nothing is read twice" "0 files: 3, new crashes: 0, read before: 3" "$STATUS $(cat out)"
cp spool/1.snap copy.snap
ingest --symbols symbols copy.snap spool --index once.db
equal "ingest: a copy costs no analysis" "0 files: 4, new crashes: 0, read before: 3, copies: 1" "$STATUS $(cat out)"
equal "ingest: nor does it count" "2 1" "$(groups once.db | cut -d' ' -f1 | tr '\n' ' ' | sed 's/ $//')"
mkdir moved
mv spool/2.snap moved/
ingest --symbols symbols moved --index once.db
equal "ingest: what was moved is found" "$TMP/moved/2.snap" "$(query once.db "SELECT file FROM crashes WHERE file LIKE '%/2.snap'")"
make_one cxx-inline spool/3.snap 33
ingest --symbols symbols spool --index once.db
equal "ingest: a file with another snapshot" "files: 2, new crashes: 1, read before: 1" "$(cat out)"
equal "ingest: both count, the first has no file any more" "4 1" \
	"$(query once.db 'SELECT count(*), sum(completeness < 0) FROM crashes')"
ingest --index once.db --symbols symbols spool/none.snap "$LIB/testlib.sh"
equal "ingest: what can't be analysed is told" "2 2" "$STATUS $(grep -c "none.snap'\|testlib.sh'" err)"
run "$ANALYZE" dedup --index once.db --unique
equal "dedup --index: examples of what has files" 2 "$(wc -l <out)"
# As dedup is asked with files, they are added.
make_one thread new.snap 44
run "$ANALYZE" dedup --no-local --symbols symbols --index once.db new.snap --json
equal "dedup --index: files are added" "[2, 2, 1]" "$(json_get out '[g["count"] for g in r["groups"]]')"
run "$ANALYZE" dedup --index once.db --keep 1 --delete
equal "dedup --index --keep --delete: a file went" "$TMP/moved/2.snap" "$(cat out)"
# Those that are gone already are not the ones that stay.
mkdir gone
for number in 71 72 73; do make_one cxx-inline gone/$number.snap $number; done
ingest --symbols symbols gone --index gone.db
run "$ANALYZE" dedup --index gone.db --unique
rm "$(cat out)"
run "$ANALYZE" dedup --index gone.db --keep 1 --delete
equal "--delete: what is gone does not count as kept" "1 1" "$(wc -l <out) $(find gone -name '*.snap' | wc -l)"
run "$ANALYZE" dedup --index gone.db --json
equal "--delete: all three count" 3 "$(json_get out 'r["crashes"]')"
equal "dedup --index: crashes whose files went count on" "2 2 1" \
	"$(groups once.db | cut -d' ' -f1 | tr '\n' ' ' | sed 's/ $//')"
whole once once.db

# ---- what has no uuid, and what was not whole

mkdir cores
"$ANALYZE" export --no-local base/segv-null.snap -o cores/one.core >/dev/null 2>&1
cp cores/one.core cores/two.core
ingest cores --index cores.db
ln -s cores link
ingest link ./cores "$TMP/cores/../cores" --index cores.db
equal "cores: by whatever path, each once" 2 "$(query cores.db 'SELECT count(*) FROM crashes')"
touch cores/one.core
ingest cores --index cores.db
equal "cores: one that was touched is the same" "2 0" \
	"$(query cores.db 'SELECT count(*), sum(completeness < 0) FROM crashes')"
for w in 1 2 3; do timeout 120 "$ANALYZE" ingest --no-local cores --index cores2.db >"writer.$w" 2>&1 & writers[w]=$!; done
wait "${writers[@]}"
equal "cores: three writers count each once" 2 "$(query cores2.db 'SELECT count(*) FROM crashes')"
mkdir part
head -c 2500 base/cxx-inline.snap >part/x.snap
ingest --symbols symbols part --index part.db
cp base/cxx-inline.snap part/x.snap
ingest --symbols symbols part --index part.db
equal "what was a part at first is read again" "1 $(id_of --symbols symbols base/cxx-inline.snap)" "$(groups part.db)"
run sh -c '"$1" ingest --no-local - --index stdin.db <base/thread.snap' sh "$ANALYZE"
equal "standard input" "1" "$(query stdin.db 'SELECT count(*) FROM crashes')"
"$ANALYZE" json --no-local cores/one.core >reports.json 2>/dev/null
"$ANALYZE" json --no-local base/thread.snap >>reports.json 2>/dev/null
ingest base/thread.snap --index texts.db
ingest --from json reports.json --index texts.db
equal "--from: one that is known costs no other in its file" 2 "$(query texts.db 'SELECT count(*) FROM crashes')"
for ((i = 0; i < 3000; i++)); do printf 'f%d\ng\nmain_loop_of_a_program_with_a_long_name_that_is_as_long_as_names_are\nh\ni\nj\nk\nl\n\n' $((i % 7)); done >long.txt
ingest --from plain long.txt --index long.db
equal "--from: thousands of backtraces in one file" "0 3000 7" "$STATUS $(query long.db 'SELECT count(*), count(DISTINCT signature) FROM crashes')"
printf 'tail * nothing\n' >own.rules
ingest --rules own.rules base --index part.db
equal "an index that was made by other rules" \
	"2 snapanalyze: the index was made with other --rules: ids would not be the same; begin another one" "$STATUS $(cat err)"
equal "the index's mode" 600 "$(stat -c %a part.db)"
run "$ANALYZE" dedup --index typo.db
equal "an index that is not there" "2 snapanalyze: cannot open the index 'typo.db': No such file or directory" "$STATUS $(cat err)"
check "and is not made by looking" [ ! -e typo.db ]

# ---- who may not write to it

as_reader() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
if [ "$(id -u)" = 0 ] && as_reader true 2>/dev/null; then
	chmod 755 "$TMP"
	mkdir "read only?"
	cp "$ANALYZE" reader
	make_one segv-null "read only?/1.snap" 901
	make_one segv-null "read only?/2.snap" 902
	ingest "read only?/1.snap" --index "read only?/a%41#.db"
	chmod 644 "read only?/a%41#.db"
	ask() { run as_reader timeout 60 ./reader dedup --index "read only?/a%41#.db" "$@"; }
	ask --unique
	equal "a reader: nobody writes" "0 $TMP/read only?/1.snap" "$STATUS $(cat out)"
	equal "a reader: nothing is left beside it" "1.snap 2.snap a%41#.db" "$(ls "read only?" | tr '\n' ' ' | sed 's/ $//')"
	ask --similar
	equal "a reader: what is to be kept can't be" \
		"2 snapanalyze: the index 'read only?/a%41#.db' can't be used: attempt to write a readonly database" "$STATUS $(cat err)"
	# Somebody who writes: what was added is in the log, and only there.
	"$PYTHON" - "read only?/a%41#.db" "$ANALYZE" <<'END' >writer.out 2>&1 &
import os, sqlite3, subprocess, sys, time
db = sqlite3.connect(sys.argv[1])
db.execute("SELECT count(*) FROM crashes").fetchall()
subprocess.run([sys.argv[2], "ingest", "--no-local", "read only?/2.snap", "--index", sys.argv[1]])
open("added", "w").close()
while not os.path.exists("end"):
    time.sleep(0.05)
END
	writer=$!
	within 30 [ -e added ]
	check "a reader: there is a log" [ -s "read only?/a%41#.db-wal" ]
	ask --json
	equal "a reader: beside a writer, what it wrote counts" "0 2" "$STATUS $(json_get out 'r["crashes"]')"
	mv "read only?/a%41#.db-shm" shm
	ask --unique
	equal "a reader: where it can't be" "2 snapanalyze: the index 'read only?/a%41#.db' can't be used: unable to open database file \
(there is no permission to write to it and its directory)" "$STATUS $(cat err)"
	mv shm "read only?/a%41#.db-shm"
	touch end
	wait "$writer"
	equal "a reader: the writer ended well" 0 $?
	ask --json
	equal "a reader: behind the writer" "0 2" "$STATUS $(json_get out 'r["crashes"]')"
	"$PYTHON" -c 'import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
db.execute("PRAGMA user_version = 1")
db.commit()' "read only?/a%41#.db"
	ask --json
	check "a reader: one of an older version" grep -q "is of an older version" err
else
	skip "a reader without permission to write" "takes root"
fi

# ---- symbols come later

n=100
for name in $NAMES; do
	n=$((n + 1))
	make_one "$name" "spool/late-$name.snap" $n
done
rm -f spool/[0-9].snap
mkdir first
for name in $NAMES; do
	n=$((n + 1))
	make_one "$name" "first/$name.snap" $n
done
wanted=$(for name in $NAMES; do echo "2 $(id_of --symbols symbols "base/$name.snap")"; done | sort)
later() { # NAME DB FIRST-OPTIONS
	local name=$1 db=$2
	shift 2
	ingest "$@" first --index "$db"
	equal "$name: alone, they have ids of their own" 3 "$(groups "$db" | wc -l)"
	ingest --symbols symbols spool --index "$db"
	equal "$name: they join those with symbols" "$wanted" "$(groups "$db" | sort)"
}
later "without symbols" none.db
later "without debug information" stripped.db --symbols stripped
# The other way round: those with symbols are there already.
ingest --symbols symbols spool --index known.db
ingest first --index known.db
equal "learned before: without symbols" "$wanted" "$(groups known.db | sort)"
# From nothing to names to debug information: first merges, never splits.
mkdir between
for name in $NAMES; do
	n=$((n + 1))
	make_one "$name" "between/$name.snap" $n
done
ingest first --index steps.db
ingest --symbols stripped between --index steps.db
equal "no symbols, then names: one group each" 3 "$(groups steps.db | grep -c '^2 ')"
ingest --symbols symbols spool --index steps.db
equal "and debug information: one group each" "$(echo "$wanted" | sed 's/^2/3/')" "$(groups steps.db | sort)"

# ---- several writers, and a sudden end

mkdir many
for ((i = 0; i < 60; i++)); do
	make_one segv-null many/$i.snap $((1000 + i))
done
for ((w = 0; w < 4; w++)); do
	timeout 120 "$ANALYZE" ingest --no-local --symbols symbols many --index shared.db >"writer.$w" 2>&1 &
	writers[w]=$!
done
failed=0
for pid in "${writers[@]}"; do wait "$pid" || failed=1; done
equal "four writers: all succeed" 0 "$failed"
equal "four writers: each crash once" 60 "$(query shared.db 'SELECT count(*) FROM crashes')"
whole "four writers" shared.db

# Parts of the time that it takes whole.
start=$(date +%s%N)
ingest --jobs 1 --symbols symbols many --index killed.db
whole_us=$((($(date +%s%N) - start) / 1000))
kills=0
for part in 5 15 25 40 60 80; do
	delay=$(printf '0.%06d' $((whole_us * part / 100)))
	rm -f killed.db*
	for again in 1 2 3; do
		"$ANALYZE" ingest --no-local --symbols symbols --jobs 1 many --index killed.db >/dev/null 2>&1 &
		pid=$!
		sleep $delay
		{ kill -KILL $pid && kills=$((kills + 1)); wait $pid; } 2>/dev/null
		[ -e killed.db ] || continue
		state=$(query killed.db "PRAGMA integrity_check" 2>&1)
		[ "$state" = ok ] || not_ok "killed after $delay s: $state"
	done
	ingest --symbols symbols many --index killed.db
	now=$(query killed.db 'SELECT count(*) FROM crashes' 2>&1)
	[ "$STATUS $now" = "0 60" ] || not_ok "killed after $delay s, and begun again: $STATUS $now"
done
check "killed at any moment: the index stays whole, and the next run ends the work" [ "$kills" -gt 5 ]

# ---- watched

mkdir watched watched/deep
make_one segv-null watched/old.snap 2000
"$ANALYZE" ingest --no-local --symbols symbols watched --index watched.db --watch >watch.out 2>watch.err &
watcher=$!
LIVE+=($watcher)
count() { [ "$(query watched.db 'SELECT count(*) FROM crashes' 2>/dev/null)" = "$1" ]; }
check "--watch: what is there" within 20 count 1
make_one thread outside.snap 2001
mv outside.snap watched/deep/moved.snap
check "--watch: what is moved there" within 20 count 2
make_one thread watched/written.snap 2002
check "--watch: what is written there" within 20 count 3
mkdir watched/new
make_one cxx-inline watched/new/inner.snap 2003
check "--watch: what comes into new directories" within 20 count 4
make_one thread watched/slow.snap.part 2004
sleep 0.3
check "--watch: not what is being written" count 4
mv watched/slow.snap.part watched/slow.snap
check "--watch: but then" within 20 count 5
mv watched/new watched/renamed
make_one segv-null watched/renamed/later.snap 2005
check "--watch: what comes into renamed directories" within 20 count 6
equal "--watch: by its new name" "$TMP/watched/renamed/later.snap" "$(query watched.db "SELECT file FROM crashes WHERE file LIKE '%later.snap'")"
kill -TERM $watcher
wait $watcher
equal "--watch: ends when it is told to" 0 $?
equal "--watch: tells of each" 6 "$(awk '{ sum += $5 } END { print sum }' watch.out)"
run "$ANALYZE" ingest --watch base/thread.snap --index watched.db
equal "--watch: files alone" "64 snapanalyze: --watch needs a directory" "$STATUS $(cat err)"

# ---- which index

"$PYTHON" - "$TOP/analyze/dedup/schema/1.sql" <<'OLD'
import sqlite3, sys
db = sqlite3.connect("old.db")
db.executescript(open(sys.argv[1]).read())
db.executescript("PRAGMA application_id = 0x536e6170; PRAGMA user_version = 1")
db.execute("INSERT INTO signatures VALUES (1, 's1:00112233445566778899aabbccddeeff', 'segv', 'segv | f', x'6600', x'6600')")
db.execute("INSERT INTO crashes (crash, file, line, captured_ns, completeness, kind, signature, belongs, rank, "
           "belongs_rank, physical) VALUES (1, '/old.snap', 0, 1000000000, 1, 'segv', 1, 1, 0, 0, 1)")
db.commit()
OLD
run "$ANALYZE" dedup --index old.db --similar --json
equal "an older index is brought to this version" "0 1" "$STATUS $(json_get out 'r["groups"][0]["count"]')"
equal "an older index: its version then" "$(find "$TOP/analyze/dedup/schema" -name '*.sql' | wc -l)" "$(query old.db 'PRAGMA user_version')"
equal "an older index: what is counted since" "1 1 1" "$(query old.db 'SELECT physical, signature, crashes FROM twins')"
"$PYTHON" -c 'import sqlite3; db = sqlite3.connect("old.db"); db.execute("PRAGMA user_version = 99"); db.commit()'
run "$ANALYZE" dedup --index old.db
equal "a newer index" "2 snapanalyze: the index 'old.db' was made by a newer snapanalyze (its version is 99, the newest known here 3)" "$STATUS $(cat err)"
"$PYTHON" -c 'import sqlite3; db = sqlite3.connect("other.db"); db.execute("CREATE TABLE t (x)"); db.commit()'
run "$ANALYZE" dedup --index other.db
equal "another database" "2 snapanalyze: 'other.db' is a database, but no index of crashes" "$STATUS $(cat err)"
equal "another database is left as it is" "t" "$(query other.db 'SELECT name FROM sqlite_schema')"
head -c 5000 /dev/urandom >noise.db
run "$ANALYZE" dedup --index noise.db
equal "no database" "2 snapanalyze: the index 'noise.db' can't be used: file is not a database" "$STATUS $(cat err)"
run "$ANALYZE" ingest base --index none/none.db
equal "no directory for it" "2 snapanalyze: the index 'none/none.db' can't be used: unable to open database file" "$STATUS $(cat err)"
run "$ANALYZE" ingest base
equal "ingest without an index" "64 snapanalyze: no --index DB given (see 'snapanalyze ingest --help')" "$STATUS $(cat err)"

# ---- many

"$PYTHON" "$LIB/make_index.py" once.db big.db 100000
run "$ANALYZE" dedup --index big.db --json
equal "100,000 crashes: all are there" 100000 "$(json_get out 'r["crashes"]')"
"$ANALYZE" dedup --index big.db >/dev/null
start=$(date +%s%N)
"$ANALYZE" dedup --index big.db >out
ms=$((($(date +%s%N) - start) / 1000000))
note "100,000 crashes in $(grep -c '^ *[0-9]' out) groups: $ms ms"
if [ -z "${SANITIZE:-}" ]; then
	check "100,000 crashes: grouped in a second" [ "$ms" -lt 1000 ]
else
	skip "100,000 crashes: grouped in a second" "a build with sanitizers is slower"
fi
