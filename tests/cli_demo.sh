#!/bin/bash
# "make demo" shows what it promises.
. "$(dirname "$0")/lib/testlib.sh"
need "$CLIENT" "$DEBUGGER" "$ANALYZE"

before=$(cd /tmp && echo snapcrash-demo.*)
run "$TOP/tests/demo/demo.sh" "O=$O"
equal "demo: status" 0 "$STATUS" || note_file "$TMP/err"
if grep -q 'live process instead' "$TMP/err"; then
	wanted="worker_run sensord"
else
	wanted="SIGSEGV segv-null apply_calibration convert_sample on_sample deliver sensor_read_batch
		process_batch worker_run libsensor.so convert.h worker.c libsensor.c sensord"
fi
for word in $wanted; do
	check "demo: report says $word" grep -qF "$word" "$TMP/out"
done
check "demo: each step is told" test "$(grep -c '^demo: ' "$TMP/err")" -ge 5
equal "demo: nothing is left behind" "$before" "$(cd /tmp && echo snapcrash-demo.*)"

run setpriv --reuid 65534 --regid 65534 --clear-groups "$TOP/tests/demo/demo.sh" "O=$O"
if grep -q 'Permission denied' "$TMP/err"; then
	skip "demo without root" "another user may not read $TOP"
else
	equal "demo without root: status" 0 "$STATUS" || note_file "$TMP/err"
	check "demo without root: says that it shows a live process" grep -q 'live process instead' "$TMP/err"
	check "demo without root: report names the worker" grep -q worker_run "$TMP/out"
fi
