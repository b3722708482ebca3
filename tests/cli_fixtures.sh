#!/bin/bash
# What snapanalyze says of the stored crashes is, byte for byte, what a person once approved.
. "$(dirname "$0")/lib/testlib.sh"
need "$ANALYZE"

num=0
for dir in "$TOP"/tests/fixtures/*/; do
	scenario=$(basename "$dir")
	[ -e "$dir/command" ] || continue
	num=$((num + 1))
	check "$scenario: analysed" "$TOP/tests/fixtures/expected.sh" "$scenario" "$TMP/$scenario" || continue
	check "$scenario: report" diff -u "$dir/report.txt" "$TMP/$scenario/got.txt"
	reports=("$TMP/$scenario/got.json")
	# Other machines' have not all of this (tests/fixtures/make.sh).
	[ ! -e "$dir/report.json" ] ||
		check "$scenario: json" diff -u "$dir/report.json" "$TMP/$scenario/got.json"
	[ ! -e "$dir/core.xz" ] || reports+=("$TMP/$scenario/core.json")
	check "$scenario: json is valid by the schema" valid_report "${reports[@]}"
	if [ -e "$dir/truth" ]; then
		[ ! -e "$dir/core.xz" ] || check "$scenario: the core's frames and registers are those proved" \
			tool check_truth "$dir/truth" "$TMP/$scenario/core.json"
		check "$scenario: the snapshot's frames and registers are those proved" \
			tool check_truth "$dir/truth" "$TMP/$scenario/got.json" --gaps
	fi
	[ -e "$dir/core.xz" ] || continue
	# The core of the same crash tells the same stacks.
	check "$scenario: the core's stacks are the snapshot's" "$PYTHON" - \
		"$TMP/$scenario/got.json" "$TMP/$scenario/core.json" <<'END'
import json, sys
a, b = (json.load(open(p, encoding="utf-8")) for p in sys.argv[1:])
key = ("index", "pc", "inline", "function", "offset", "file", "line", "build_id", "module_offset", "cfa")
def stacks(r):
    return {t["tid"]: [{k: f[k] for k in key} for f in t["frames"]] for t in r["threads"]}
def same(a, b, gaps):
    # What a snapshot leaves out of a long stack is told by itself; both ends are the core's.
    if a is None or b is None or not gaps:
        return a == b
    num = gaps[0]["after_index"] + 1
    a, b = ([{k: f[k] for k in key if k != "index"} for f in frames] for frames in (a, b))
    return len(gaps) == 1 and a[:num] == b[:num] and a[num:] == b[num - len(a):]
gaps = {t["tid"]: t["gaps"] for t in a["threads"]}
a, b = stacks(a), stacks(b)
differ = [tid for tid in sorted(set(a) | set(b)) if not same(a.get(tid), b.get(tid), gaps.get(tid))]
for tid in differ:
    print(tid, "snapshot:", a.get(tid), "core:", b.get(tid), sep="\n  ")
sys.exit(1 if differ else 0)
END
done
[ "$num" -gt 0 ] || not_ok "there are fixtures"
