#!/bin/bash
# What snapanalyze says of the stored crashes is, byte for byte, what a person once approved.
. "$(dirname "$0")/lib/testlib.sh"
need "$ANALYZE"

SCHEMA=$TOP/docs/report.schema.json
num=0
for dir in "$TOP"/tests/fixtures/*/; do
	scenario=$(basename "$dir")
	[ -e "$dir/command" ] || continue
	num=$((num + 1))
	check "$scenario: analysed" "$TOP/tests/fixtures/expected.sh" "$scenario" "$TMP/$scenario" || continue
	check "$scenario: report" diff -u "$dir/report.txt" "$TMP/$scenario/got.txt"
	check "$scenario: json" diff -u "$dir/report.json" "$TMP/$scenario/got.json"
	check "$scenario: json is valid by the schema" "$PYTHON" "$LIB/validate_json.py" "$SCHEMA" \
		"$TMP/$scenario/got.json" "$TMP/$scenario/core.json"
	# The core of the same crash tells the same stacks.
	check "$scenario: the core's stacks are the snapshot's" "$PYTHON" - \
		"$TMP/$scenario/got.json" "$TMP/$scenario/core.json" <<'END'
import json, sys
a, b = (json.load(open(p, encoding="utf-8")) for p in sys.argv[1:])
key = ("index", "pc", "inline", "function", "offset", "file", "line", "build_id", "module_offset", "cfa")
def stacks(r):
    return {t["tid"]: [{k: f[k] for k in key} for f in t["frames"]] for t in r["threads"]}
a, b = stacks(a), stacks(b)
for tid in sorted(set(a) | set(b)):
    if a.get(tid) != b.get(tid):
        print(tid, "snapshot:", a.get(tid), "core:", b.get(tid), sep="\n  ")
sys.exit(a != b)
END
done
[ "$num" -gt 0 ] || not_ok "there are fixtures"
