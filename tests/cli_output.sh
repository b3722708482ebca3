#!/bin/bash
# Output that can't be written: a full device, a file that may not grow, a pipe that nobody reads, no standard
# output at all. Every verb of every program that prints says so by its status, in one line (or none, where
# the reader has gone), and leaves no part behind.
. "$(dirname "$0")/lib/testlib.sh"
need "$ANALYZE" "$DEBUGGER" "$BIN/snapcrashctl"

cd "$TMP" || exit 1
mkdir trees
for file in two-modules libplugin.so; do
	xz -dc "$TOP/tests/fixtures/two-modules/$file.xz" >"trees/$file"
done
xz -dc "$TOP/tests/fixtures/two-modules/snapshot.snap.xz" >a.snap
xz -dc "$TOP/tests/fixtures/two-modules/core.xz" >a.core

# into SINK COMMAND...: as run, but standard output is such. FIFOs and limits are the command's alone.
into() {
	local sink=$1
	shift
	STATUS=0
	: >out
	case $sink in
	full) "$@" >/dev/full 2>err || STATUS=$? ;;
	# As large as a file may get; all others may get so large.
	limit) "$TMP/limited" "$@" >>large 2>err || STATUS=$? ;;
	gone)
		# Its reader has gone before anything is written.
		"$PYTHON" - "$@" <<-'PY' 2>err || STATUS=$?
			import os, subprocess, sys
			reader, writer = os.pipe()
			os.close(reader)
			r = subprocess.run(sys.argv[1:], stdout=writer, stdin=subprocess.DEVNULL).returncode
			sys.exit(r if r >= 0 else 128 - r)
		PY
		;;
	closed) "$@" >&- 2>err || STATUS=$? ;;
	esac
}
printf '#!/bin/sh\nulimit -f 204800\nexec "$@"\n' >limited
chmod 755 limited
truncate -s 104857600 large

# fails NAME WANTED PROGRAM ARGUMENT...: with every standard output that can't be written to, that status, and a
# line of that program; a reader who has gone is told nothing.
SINKS="full limit gone closed"
fails() {
	local name=$1 wanted=$2 program=$3 sink lines bad=
	shift 3
	for sink in $SINKS; do
		into "$sink" "$BIN/$program" "$@"
		lines=$(grep -c "^$program: " err)
		[ "$STATUS" = "$wanted" ] || bad="$bad; $sink: status $STATUS: $(head -n 1 err)"
		[ "$(wc -l <err)" = "$lines" ] || bad="$bad; $sink: $(grep -v "^$program: " err | head -n 1)"
		case $sink in
		gone) [ "$program" != snapanalyze ] || [ "$lines" = 0 ] || bad="$bad; $sink: $(head -n 1 err)" ;;
		*) [ "$lines" = 1 ] || bad="$bad; $sink: $lines lines: $(head -n 1 err)" ;;
		esac
	done
	equal "$name: its output can't be written" "" "$bad"
}

LOCAL=(--no-local --no-cache --symbols trees)
mkdir store cache
"$ANALYZE" symbols add --store store trees/* >/dev/null 2>&1
"$ANALYZE" json --no-local --symbols trees --cache cache a.snap >/dev/null
for verb in report json modules signature; do
	fails "$verb" 74 snapanalyze "$verb" "${LOCAL[@]}" a.snap
	fails "$verb of several" 74 snapanalyze "$verb" "${LOCAL[@]}" --jobs 2 a.snap a.core a.snap
done
fails "report --brief" 74 snapanalyze report --brief "${LOCAL[@]}" a.snap
for how in "" --json --unique --scores; do
	# shellcheck disable=SC2086
	fails "dedup $how" 74 snapanalyze dedup $how "${LOCAL[@]}" a.snap a.core
done
fails "ingest" 74 snapanalyze ingest "${LOCAL[@]}" --index index.db a.snap
fails "check" 74 snapanalyze check a.snap a.core
fails "dump" 74 snapanalyze dump a.snap
# These write to it themselves, and a worker's own limit of what it writes ends it.
SINKS="full gone closed"
fails "import" 74 snapanalyze import -o - a.core
fails "export" 74 snapanalyze export --no-local -o - a.snap
SINKS="full limit gone closed"
fails "symbolize" 74 snapanalyze symbolize --no-cache trees/two-modules 0x1139
# shellcheck disable=SC2046
fails "symbolize of many" 74 snapanalyze symbolize --no-cache trees/two-modules $(seq -f '0x%.0f' 1000 3000)
fails "symbols list" 74 snapanalyze symbols list --store store
fails "symbols add" 74 snapanalyze symbols add --store store trees/two-modules
fails "cache list" 74 snapanalyze cache list --cache cache
for verb in report json check dump import export symbolize "symbols add" "symbols list" "cache build" "cache list" \
	"cache prune"; do
	# shellcheck disable=SC2086
	fails "$verb --help" 74 snapanalyze $verb --help
done
fails "help" 74 snapanalyze help
fails "--help" 74 snapanalyze --help
fails "--version" 74 snapanalyze --version

# Files that can't be written, or only their beginning: said, and nothing is left of them.
printf '#!/bin/sh\nulimit -f 8\nexec "$@"\n' >beginning
chmod 755 beginning
bad=
for sandbox in "" --no-sandbox; do
	for verb in "import a.core" "export --no-local a.snap"; do
		# shellcheck disable=SC2086
		run "$ANALYZE" $verb $sandbox -o /dev/full
		[ "$STATUS $(grep -c "cannot write '/dev/full': .*No space left on device" err)" = "74 1" ] ||
			bad="$bad; $verb $sandbox onto a full device: status $STATUS: $(tail -n 1 err)"
		# shellcheck disable=SC2086
		run ./beginning "$ANALYZE" $verb $sandbox -o made
		[ "$STATUS $(grep -c "cannot write 'made': .*File too large" err)" = "74 1" ] ||
			bad="$bad; $verb $sandbox, its beginning: status $STATUS: $(tail -n 1 err)"
		[ -z "$(find . -name 'made*')" ] || bad="$bad; $verb $sandbox, its beginning: $(find . -name 'made*') is left"
		rm -f made*
	done
done
equal "files that can't be written" "" "$bad"

# The capture half: nothing said, nothing done (2); of a snapshot that is there, 1.
sleep 300 &
WAITING=$!
LIVE+=("$WAITING")
mkdir spool
printf 'spool = %s/spool\nsocket = %s/none\n' "$TMP" "$TMP" >conf
for program in snapcrashctl snapcrash-debugger; do
	fails "$program --help" 2 "$program" --help
	fails "$program --version" 2 "$program" --version
done
fails "snapcrash-debugger --text" 2 snapcrash-debugger --config conf --text "$WAITING"
fails "snapcrash-debugger -o -" 2 snapcrash-debugger --config conf -o - "$WAITING"
fails "snapcrash-debugger, into the spool" 1 snapcrash-debugger --config conf "$WAITING"
equal "snapcrash-debugger: what is in the spool is whole" "4 complete" "$("$ANALYZE" check spool/*.snap |
	sed 's/^[^:]*: \([a-z]*\),.*/\1/' | uniq -c | sed 's/^ *//')"
for verb in list "list --json" "get --last -o -" "list --help"; do
	# shellcheck disable=SC2086
	fails "snapcrashctl $verb" 2 snapcrashctl --config conf $verb
done

# Nothing of the standard descriptors: no file that is opened later is taken for one of them.
"$ANALYZE" report "${LOCAL[@]}" a.snap >wanted
for closed in '<&-' '<&- 2>&-' '2>&-'; do
	eval 'run "$ANALYZE" report "${LOCAL[@]}" a.snap' "$closed"
	check "report $closed: the same" cmp wanted out
done
for closed in '<&- >&-' '<&- >&- 2>&-'; do
	rm -f made.snap made.core spool/*.snap
	eval '"$ANALYZE" import a.core -o made.snap 2>err' "$closed"
	equal "import -o $closed: whole" "made.snap: complete" "$("$ANALYZE" check made.snap | sed 's/,.*//')"
	eval '"$ANALYZE" export --no-local a.snap -o made.core 2>err' "$closed"
	eval '"$DEBUGGER" --config conf "$WAITING" 2>err' "$closed"
	equal "snapcrash-debugger $closed: whole" complete \
		"$("$ANALYZE" check spool/*.snap | sed 's/^[^:]*: \([a-z]*\),.*/\1/')"
done

# As it is while they run.
standard_of() { for fd in 0 1 2; do readlink "/proc/$1/fd/$fd"; done; }
# Nothing that it has opened since.
is_bound() { [ "$(standard_of "$1" 2>/dev/null | grep -cxE '/dev/null|/')" = 3 ]; }
"$DEBUGGER" --after 60s --config conf "$WAITING" <&- >&- 2>&- &
LIVE+=("$!")
check "snapcrash-debugger without standard descriptors" within 10 is_bound "$!"
mkfifo fifo
"$BIN/snapcrash-server" --config conf <&- >&- 2>&- &
LIVE+=("$!")
check "snapcrash-server without standard descriptors" within 10 is_bound "$!"
"$ANALYZE" symbolize trees/two-modules <fifo >&- 2>&- &
LIVE+=("$!")
exec 8>fifo
is_output_bound() { [ "$(standard_of "$1" 2>/dev/null | tail -n 2 | grep -cxE '/dev/null|/')" = 2 ]; }
check "snapanalyze without standard output and error" within 10 is_output_bound "$!"
exec 8>&-
