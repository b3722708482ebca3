#!/bin/bash
# dedup: groups of snapshots of three bugs on several devices and versions; what is chosen of them,
# what is new, what may go.
. "$(dirname "$0")/lib/testlib.sh"
need "$ANALYZE"
cd "$TMP" || exit 1

# ---- a fleet

FIXTURES=$TOP/tests/fixtures
mkdir symbols base fleet fleet/deep
for name in segv-null cxx-inline thread; do
	xz -dkc "$FIXTURES/$name/snapshot.snap.xz" >"base/$name.snap"
	xz -dkc "$FIXTURES/$name/$name.xz" >"symbols/$name"
done
DAY=86400
T0=1795000000 # 2026-11-18T11:06:40Z
made=0
make_one() { # BASE FILE DAYS VERSION DEVICE [NAME=VALUE...]
	local base=$1 file=$2 days=$3 version=$4 device=$5
	shift 5
	made=$((made + 1))
	"$PYTHON" "$LIB/edit_snapshot.py" "base/$base.snap" "$file" "uuid=$(printf '%032x' "$made")" \
		time=$((T0 + days * DAY)) "version=$version" "device=$device" project=fleet "$@"
}
make_one segv-null fleet/a1.snap -20 1.0 alpha tag.site=north
make_one segv-null fleet/a2.snap -9 1.0 beta tag.site=south tag.rack=7
make_one segv-null fleet/a3.snap -2 1.1 alpha
make_one segv-null fleet/a4.snap -1 1.1 alpha tag.site=north
make_one segv-null fleet/deep/a5.snap 0 1.2 gamma
make_one cxx-inline fleet/b1.snap -10 1.1 beta
make_one cxx-inline fleet/b2.snap -12 1.1 gamma
make_one thread fleet/deep/c1.snap 0 1.2 alpha project=other
echo "no snapshot" >fleet/notes.txt
cp base/thread.snap fleet/deep/.hidden.snap
cp base/thread.snap fleet/deep/writing.snap.part
ln -s ../base/thread.snap fleet/link.snap

dedup() { run timeout 60 "$ANALYZE" dedup --no-local --symbols symbols "$@"; }
get() { json_get out "$1"; }

dedup --json fleet
equal "groups: exit status" 0 "$STATUS"
check "groups: the schema allows it" tool validate_json "$TOP/docs/dedup.schema.json" out
equal "groups: of directories, the largest first" "[5, 2, 1]" "$(get '[g["count"] for g in r["groups"]]')"
equal "groups: what was passed over is told" "snapanalyze: files that are neither snapshots nor cores are passed over: 1" "$(cat err)"
ids=$(get '" ".join(g["id"] for g in r["groups"])')
A=${ids%% *} C=${ids##* } B=${ids% *} B=${B#* }
equal "groups: ids are those of the verb signature" "$A" \
	"$("$ANALYZE" signature --no-local --symbols symbols fleet/a1.snap | cut -f1)"
equal "groups: text" "$("$ANALYZE" signature --no-local --symbols symbols fleet/a1.snap | cut -f2)" \
	"$(get 'r["groups"][0]["text"]')"
equal "groups: first and last" "2026-10-29T11:06:40Z 2026-11-18T11:06:40Z" \
	"$(get 'r["groups"][0]["first_seen"] + " " + r["groups"][0]["last_seen"]')"
equal "groups: versions in the order of time" "[('1.0', 2), ('1.1', 2), ('1.2', 1)]" \
	"$(get '[(v["name"], v["count"]) for v in r["groups"][0]["versions"]]')"
equal "groups: devices by name" "[('alpha', 3), ('beta', 1), ('gamma', 1)]" \
	"$(get '[(v["name"], v["count"]) for v in r["groups"][0]["devices"]]')"
equal "groups: new in" "['1.0', '1.1', '1.2']" "$(get '[g["new_in"] for g in r["groups"]]')"
equal "groups: trend" "[('rising', 3, 1), ('gone', 0, 2), ('new', 1, 0)]" \
	"$(get '[(g["trend"], g["last_week"], g["week_before"]) for g in r["groups"]]')"
equal "groups: files by time" "['fleet/b2.snap', 'fleet/b1.snap']" "$(get 'r["groups"][1]["files"]')"
equal "groups: all crashes" 8 "$(get 'r["crashes"]')"

dedup fleet
sed -E 's/s[0-9]:[0-9a-f]{32}/ID/; s/ +$//' out >table
cat >wanted <<'TABLE'
  COUNT  FIRST SEEN        LAST SEEN         TREND    NEW IN  VERSIONS  DEVICES  SIGNATURE
      5  2026-10-29 11:06  2026-11-18 11:06  rising   1.0            3        3  TEXT
         ID  fleet/FILE
      2  2026-11-06 11:06  2026-11-08 11:06  gone     1.1            1        2  TEXT
         ID  fleet/FILE
      1  2026-11-18 11:06  2026-11-18 11:06  new      1.2            1        1  TEXT
         ID  fleet/deep/FILE
TABLE
equal "table" "$(cat wanted)" "$(sed -E 's/(segv.*)$/TEXT/; s,[abc][0-9]\.snap$,FILE,' table)"

dedup --unique fleet
equal "--unique: an example of each" 3 "$(wc -l <out)"
check "--unique: files that are there" ls $(cat out)
dedup --json fleet/a1.snap fleet/a1.snap fleet/../fleet/a1.snap
equal "a file that is named twice counts once" "[1]" "$(get '[g["count"] for g in r["groups"]]')"
cp fleet/a1.snap copy.snap
dedup --json fleet/a1.snap copy.snap
equal "a copy counts once" "[1]" "$(get '[g["count"] for g in r["groups"]]')"
equal "a copy is told" "snapanalyze: 'copy.snap' is the same snapshot as 'fleet/a1.snap', and counts once" "$(cat err)"
head -c 3000 fleet/a2.snap >cut.snap
dedup --json fleet/a1.snap cut.snap fleet/none.snap base
equal "what can't be read is told" "2 1" "$STATUS $(grep -c "fleet/none.snap" err)"
check "and the rest is grouped" [ "$(get 'r["crashes"]')" -ge 4 ]
mkdir empty
dedup empty
equal "a directory without inputs has no groups" "0 " "$STATUS $(cat out)"
dedup --no-sandbox --json fleet
equal "--no-sandbox: the same groups" "[5, 2, 1]" "$(get '[g["count"] for g in r["groups"]]')"

# ---- what is chosen

chosen() { # NAME WANTED OPTION...
	local name=$1 wanted=$2
	shift 2
	dedup --json "$@" fleet
	equal "$name" "$wanted" "$(get '[g["count"] for g in r["groups"]]')"
}
chosen "--version" "[2, 2]" --version 1.1
chosen "--version, several" "[4, 2]" --version 1.1 --version=1.0
chosen "--device" "[1, 1]" --device gamma
chosen "--device and --version" "[1]" --device gamma --version 1.2
chosen "--project" "[1]" --project other
dedup --json fleet
kinds=$(get '" ".join(sorted({g["kind"] for g in r["groups"]}))')
chosen "--kind" "$(get '[g["count"] for g in r["groups"] if g["kind"] == "segv-null"]')" --kind segv-null
chosen "--kind, each that there is" "[5, 2, 1]" $(printf -- '--kind %s ' $kinds)
chosen "--kind: none" "[]" --kind fpe
chosen "--tag" "[2]" --tag site=north
chosen "--tag: all of them" "[1]" --tag site=south --tag rack=7
chosen "--tag: no other value" "[]" --tag site=north --tag site=south
chosen "--since" "[3, 1]" --since 2026-11-16T11:06:40Z
chosen "--until" "[1, 1]" --until 2026-11-08T11:06
chosen "--since and --until" "[2]" --since 2026-11-06 --until 2026-11-08T11:06:41Z --device beta --device gamma --version 1.1
# The fleet is not from this minute, nor of the last millennium.
chosen "--since: a time ago" "[]" --since 1m
chosen "--since: long ago" "[5, 2, 1]" --since 9999w
wrong() { # WORDS OPTION...
	local words=$1
	shift
	dedup "$@"
	equal "wrong usage: $*" "64 snapanalyze: $words (see 'snapanalyze dedup --help')" "$STATUS $(cat err)"
}
wrong "--since takes a time, as in 2026-11-27, 2026-11-27T10:30, 7d or 12h, not 'yesterday'" --since yesterday fleet
wrong "--until takes a time, as in 2026-11-27, 2026-11-27T10:30, 7d or 12h, not '2026-13-01'" --until 2026-13-01 fleet
wrong "--tag takes KEY=VALUE, not 'site'" --tag site fleet
wrong "--keep takes a number, at least 1, not '0'" --keep 0 fleet
wrong "--delete needs --keep" --delete fleet
wrong "--fail-on-new needs --known" --fail-on-new fleet
wrong "--json, --unique, --keep and --scores exclude each other" --json --unique fleet
wrong "--keep goes by exact groups, and excludes --similar" --keep 1 --similar fleet
wrong "--keep goes by exact groups, and excludes --merge, --split and --pins" --keep 1 --merge a=b fleet
wrong "--keep is of snapshots and cores, and excludes --from" --keep 1 --from gdb fleet
wrong "--scores is of all inputs, and goes with none of the options of groups" --scores --similar fleet
wrong "--kind takes segv, segv-null, abort and so on (docs/causes.rst), not 'SIGSEGV'" --kind SIGSEGV fleet
wrong "--since takes a time, as in 2026-11-27, 2026-11-27T10:30, 7d or 12h, not '2026-02-31'" --since 2026-02-31 fleet
wrong "two ids are merged, as in A=B" --merge "$A" fleet
wrong "no FILE given"
run "$ANALYZE" dedup --version
equal "--version alone is the program's" "0 snapanalyze" "$STATUS $(cut -d' ' -f1 out)"

# ---- what is new

echo "# known ones" >known
"$ANALYZE" signature --no-local --symbols symbols fleet/a1.snap fleet/b1.snap >>known
dedup --known known --fail-on-new fleet/a1.snap fleet/b1.snap
equal "--fail-on-new: none is" "0" "$STATUS$(cat err)"
dedup --known known --fail-on-new fleet
equal "--fail-on-new: one is" "3 snapanalyze: 1 of 3 groups are not known" "$STATUS $(tail -n 1 err)"
check "--known: the table tells" grep -q "^ *$C  NEW  " out
check "--known: the table tells of known ones" grep -q "^ *$A  known  " out
dedup --json fleet
cp out known.json
dedup --json --known known.json --fail-on-new fleet
equal "--known: what --json printed" "0 [True, True, True]" "$STATUS $(get '[g["known"] for g in r["groups"]]')"
dedup --json --known <(cat known.json) --fail-on-new fleet
equal "--known: through a pipe" "0 [True, True, True]" "$STATUS $(get '[g["known"] for g in r["groups"]]')"
mkfifo known.fifo
(
	sed 1q known
	pause 0.3
	sed 1d known
) >known.fifo &
dedup --json --known known.fifo fleet
equal "--known: through a FIFO, bit by bit" "[True, True, False]" "$(get '[g["known"] for g in r["groups"]]')"
dedup --known <(head -c 300000000 /dev/zero | tr '\0' '#') fleet
equal "--known: a pipe that has no end" "2 is longer than the $((256 << 20)) bytes that it may have" \
	"$STATUS $(tail -n 1 err | sed "s/.*' //")"
echo '{' >bad.json
dedup --known bad.json fleet
equal "--known: no JSON" "64 snapanalyze: bad.json:2: this is no JSON" "$STATUS $(sed 1q err)"
dedup --known none.txt fleet
equal "--known: no file" "64 snapanalyze: cannot open 'none.txt': No such file or directory" "$STATUS $(sed 1q err)"

# ---- pins

dedup --json --merge "$B=$A" fleet
equal "--merge: one is part of the other" "[('$A', 7), ('$C', 1)]" "$(get '[(g["id"], g["count"]) for g in r["groups"]]')"
equal "--merge: both ids are told" "['$A', '$B']" "$(get 'sorted(s["id"] for s in r["groups"][0]["signatures"])' | sed "s/\['$B', '$A'\]/['$A', '$B']/")"
printf '# one bug\nmerge %s %s # really\n\nmerge %s %s\n' "$B" "$A" "$C" "$B" >pins
dedup --json --pins pins fleet
equal "--pins: merges lead on" "[('$A', 8)]" "$(get '[(g["id"], g["count"]) for g in r["groups"]]')"
dedup --json --pins pins --split "$B" fleet
equal "--split: stands alone" "[('$A', 5), ('$B', 2), ('$C', 1)]" "$(get '[(g["id"], g["count"]) for g in r["groups"]]')"
dedup --json --merge "$A=$B" --merge "$B=$A" fleet
equal "--merge: a circle is one group" "[7, 1]" "$(get '[g["count"] for g in r["groups"]]')"
dedup --merge "$A=s1:00000000000000000000000000000000" fleet/a1.snap
equal "--merge: an id that no crash has" "snapanalyze: pins that name a signature that no crash has: 1" "$(cat err)"
bad_pins() { # WORDS TEXT
	printf "$2" >pins
	dedup --pins pins fleet
	equal "--pins: $1" "64 snapanalyze: pins:$1" "$STATUS $(sed 1q err)"
}
bad_pins "2: merge takes two ids" "# so\nmerge $A\n"
bad_pins "1: split takes one id" "split $A $B\n"
bad_pins "1: neither 'merge ID ID' nor 'split ID'" "join $A $B\n"

# ---- what may go

# a2 has most in it, a5 is the newest.
dedup --keep 2 fleet
equal "--keep: those that would go" "fleet/a4.snap fleet/a3.snap fleet/a1.snap" "$(tr '\n' ' ' <out | sed 's/ $//')"
check "--keep: removes nothing" [ "$(find fleet -name '*.snap' -type f | wc -l)" -eq 9 ]
check "--keep: says so" grep -q "3 files would go, .* (--delete removes them)" err
dedup --keep 2 --delete fleet
equal "--delete: what went" "fleet/a2.snap fleet/b1.snap fleet/b2.snap fleet/deep/a5.snap fleet/deep/c1.snap" \
	"$(find fleet -name '[abc]*.snap' -type f | sort | tr '\n' ' ' | sed 's/ $//')"
dedup --keep 2 --delete fleet
equal "--delete: then nothing more goes" "0 " "$STATUS $(cat out)"

# ---- texts

mkdir logs
for build in 1 2; do
	printf '#0  0x0000555555555139 in order_add (order=0x0) at /srv/%s/orders.c:%s\n' $build $((10 + build))
	printf '#1  0x0000555555555190 in serve () at /srv/%s/main.c:40\n#2  0x00005555555551a0 in main () at /srv/main.c:80\n\n' $build
	printf 'Program received signal SIGABRT, Aborted.\n'
	printf '#0  __pthread_kill_implementation () at ./nptl/pthread_kill.c:44\n#1  0x00007ffff7d in raise () from /lib/x86_64-linux-gnu/libc.so.6\n'
	printf '#2  0x00007ffff7e in abort () from /lib/x86_64-linux-gnu/libc.so.6\n#3  0x5555555 in give_up () at a.c:%s\n\n' $build
done >logs/gdb.txt
sed -n 1,4p logs/gdb.txt >logs/one.txt
head -c 100 /dev/zero >logs/zeros
run "$ANALYZE" dedup --from gdb --json logs
equal "--from: backtraces of texts are grouped" "[('unknown', 3), ('abort', 2)]" \
	"$(json_get out '[(g["kind"], g["count"]) for g in r["groups"]]')"
check "--from: the schema allows it" tool validate_json "$TOP/docs/dedup.schema.json" out
equal "--from: where in a file" "['logs/gdb.txt:1', 'logs/gdb.txt:11', 'logs/one.txt']" \
	"$(json_get out 'sorted(r["groups"][0]["files"])')"
equal "--from: what is no text" "snapanalyze: files that are no text are passed over: 1" "$(cat err)"
for snap in fleet/*.snap; do
	"$ANALYZE" json --no-local --symbols symbols "$snap"
done >reports.json
run "$ANALYZE" dedup --from json reports.json --json
run_ids=$(json_get out 'sorted((g["id"], g["count"]) for g in r["groups"])')
dedup --json fleet/*.snap
equal "--from json: the groups of the snapshots themselves" "$(get 'sorted((g["id"], g["count"]) for g in r["groups"])')" "$run_ids"
run "$ANALYZE" dedup --from gdb --scores logs/gdb.txt
equal "--scores: of each those before" "logs/gdb.txt:11	logs/gdb.txt:1	1.0000" "$(head -n 1 out)"
# A build without debug information, whose backtrace has no inlined functions; it comes first, and last.
mkdir debug less
cat >debug/gdb.txt <<'TEXT'
Program received signal SIGSEGV, Segmentation fault.
#0  parcel_weight (parcel=0x0) at van.c:12
#1  van_load (van=0x7ffe3c10) at van.c:20
#2  0x0000555555555180 in dispatch_round () at van.c:30
#3  0x00005555555551a0 in main () at van.c:40
TEXT
cat >less/gdb.txt <<'TEXT'
Program received signal SIGSEGV, Segmentation fault.
#0  0x0000555555555150 in van_load ()
#1  0x0000555555555180 in dispatch_round ()
#2  0x00005555555551a0 in main ()
TEXT
for order in "debug less" "less debug"; do
	run "$ANALYZE" dedup --from gdb --json ${order% *} ${order#* }
	equal "--from: without debug information ($order)" "segv | parcel_weight | van_load | dispatch_round 2" \
		"$(json_get out '" ".join(g["text"] + " " + str(g["count"]) for g in r["groups"])')"
done
sed 's/van_load/van_fill/' less/gdb.txt >less/other.txt
run "$ANALYZE" dedup --from gdb --json debug less
equal "--from: without debug information, another function" "2 1" \
	"$(json_get out '" ".join(str(g["count"]) for g in r["groups"])')"
# Several are the same without inlined functions: the most frequent then, whatever comes later.
twin() {
	printf 'kind: segv\n%s at t.c:1 [inlined]\nf at t.c:2\ng at t.c:3\n\n' "$@"
}
without='kind: segv\nf\ng\n\n'
{ twin a b b && printf "$without" && twin a a a && printf "$without"; } >twins.txt
run "$ANALYZE" dedup --from plain --json twins.txt
equal "--from: without debug information, of several the most frequent" "segv | a | f | g 4 segv | b | f | g 4" \
	"$(json_get out '" ".join(g["text"] + " " + str(g["count"]) for g in sorted(r["groups"], key=lambda g: g["text"]))')"
{ printf "$without" && twin a b b && printf "$without"; } >twins.txt
run "$ANALYZE" dedup --from plain --json twins.txt
equal "--from: without debug information, which came before them all" "segv | a | f | g 3 segv | b | f | g 2" \
	"$(json_get out '" ".join(g["text"] + " " + str(g["count"]) for g in sorted(r["groups"], key=lambda g: g["text"]))')"
printf 'kind: segv\nf at t.c:2\ng at t.c:3\n\n' >plain.txt
{ printf "$without" && cat plain.txt && twin a a && printf "$without"; } >twins.txt
run "$ANALYZE" dedup --from plain --json twins.txt
equal "--from: without debug information, and nothing was inlined" "segv | a | f | g 2 segv | f | g 3" \
	"$(json_get out '" ".join(g["text"] + " " + str(g["count"]) for g in sorted(r["groups"], key=lambda g: g["text"]))')"
# How many frames make a group.
printf 'kind: segv\na\nb\nc\n\nkind: segv\na\nb\nd\n\nkind: segv\na\ne\n' >frames.txt
num_groups() {
	printf 'depth %s\n' "$1" >depth.rules
	run "$ANALYZE" dedup --from plain --rules depth.rules --json frames.txt
	json_get out 'len(r["groups"])'
}
equal "--rules: fewer frames make larger groups" "1 2 3 3 3" \
	"$(for depth in 1 2 3 5 all; do num_groups $depth; done | tr '\n' ' ' | sed 's/ $//')"
