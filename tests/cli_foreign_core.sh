#!/bin/bash
# Crashes of another machine, with signed return addresses (aarch64): these come out plain, by the
# mask that is kept of every thread. And the client is given their cores here: what the notes say is kept
# byte by byte as the client of that machine kept it.
. "$(dirname "$0")/lib/testlib.sh"
need "$CLIENT" "$ANALYZE"

# Type and bytes of each thread's register sets, in the file's order; but for those of tagged addresses and
# of the keys in use, which the client of that day did not keep.
regsets() {
	"$ANALYZE" dump --full "$1" | awk '
		/^ *[0-9]+  [0-9]+ bytes  field / { thread = /field 18  thread$/; sets = 0 }
		/^ *regset type:/ { newer = /: 103[34]( |$)/ }
		thread && /^ *regset type:/ && !newer { sets = 1; print "thread", ++num }
		thread && sets && !newer { print }'
}

sleep 1000 &
sleeper=$!
LIVE+=("$sleeper")
printf 'spool = %s\nsocket = %s\n' "$TMP/spool" "$TMP/none.sock" >"$TMP/conf"

for fixture in guest-pac guest-pac-threads; do
	for file in snapshot.snap core "$fixture"; do
		xz -dc "$TOP/tests/fixtures/$fixture/$file.xz" >"$TMP/$file" || exit 1
	done
	check "$fixture: analysed" "$ANALYZE" json --no-local --symbols "$TMP" "$TMP/snapshot.snap"
	cp "$TMP/check.out" "$TMP/report.json"
	check "$fixture: return addresses stand signed, and come out plain" "$PYTHON" \
		"$LIB/signed_returns.py" "$ANALYZE" "$TMP/snapshot.snap" "$TMP/report.json"
	# A pid that is not the core's process: nothing but the notes is taken. That is partial.
	run timeout 30 "$CLIENT" --config "$TMP/conf" "$sleeper" "$sleeper" 11 1700000000 1 0 0 0 "" comm \
		<"$TMP/core"
	equal "$fixture: partial" 1 "$STATUS"
	mv "$TMP/spool"/*.snap "$TMP/here.snap"
	regsets "$TMP/snapshot.snap" >"$TMP/wanted"
	regsets "$TMP/here.snap" >"$TMP/got"
	for set in NT_ARM_PAC_MASK NT_ARM_TLS; do
		equal "$fixture: every thread has its $set" \
			"$(grep -c NT_PRSTATUS "$TMP/wanted")" "$(grep -c $set "$TMP/wanted")"
	done
	check "$fixture: the register sets are the same here" diff -u "$TMP/wanted" "$TMP/got"
	rm -f "$TMP/here.snap"
done
