#!/bin/bash
# Snapshots within a snapshot: each is analysed as one of its own, up to a limit that is told.
. "$(dirname "$0")/lib/testlib.sh"
need "$ANALYZE"

for fixture in segv-null thread; do
	"$TOP/tests/fixtures/expected.sh" "$fixture" "$TMP/$fixture" || not_ok "the stored crash"
done
outer=$TMP/thread/snapshot.snap
inner=$TMP/segv-null/snapshot.snap
options=(--no-local --symbols "$TMP/segv-null/symbols" --symbols "$TMP/thread/symbols")

json() { # FILE NAME OPTION...: into $TMP/NAME.json
	"$ANALYZE" json "${options[@]}" "${@:3}" "$1" >"$TMP/$2.json" 2>"$TMP/err"
	status=$?
	check "$2: valid by the schema" valid_report "$TMP/$2.json"
	check "$2: nothing to complain of" test ! -s "$TMP/err"
}
ask() { json_get "$TMP/$1.json" "$2"; } # NAME EXPRESSION: what it says of the report r

# Two within one: what is said of each is what is said of it alone.
check "made" tool make_related "$TMP/two.snap" "$outer" "$inner" "$outer"
json "$inner" alone
json "$outer" without
json "$TMP/two.snap" two
equal "two: status" 0 "$status"
equal "two: how many" 2 "$(ask two 'len(r["related"])')"
equal "without: none" 0 "$(ask without 'len(r["related"])')"
same() { # NAME EXPRESSION OTHER: the reports are the same, but for how they are stored
	"$PYTHON" -c 'import json, sys
a = json.load(open(sys.argv[1], encoding="utf-8"))
b = json.load(open(sys.argv[3], encoding="utf-8"))
r = eval(sys.argv[2], {"r": a})
for report in (r, b):
    for name in ("file", "bytes", "header", "writer"):
        report["snapshot"].pop(name, None)
    report.pop("related")
differ = [name for name in set(r) | set(b) if r.get(name) != b.get(name)]
for name in differ:
    print(name, json.dumps(r.get(name))[:600], json.dumps(b.get(name))[:600], sep="\n  ")
sys.exit(1 if differ else 0)' "$TMP/$1.json" "$2" "$TMP/$3.json"
}
check "two: the first is what it is alone" same two 'r["related"][0]' alone
check "two: the second is what it is alone" same two 'r["related"][1]' without
check "two: the outer one is what it was" same two r without
equal "two: of what file" "$TMP/two.snap" "$(ask two 'r["related"][0]["snapshot"]["file"]')"
equal "two: vouched for by the outer one" complete "$(ask two 'r["related"][0]["snapshot"]["integrity"]')"
json "$TMP/two.snap" crashed --threads=crashed
equal "crashed: only the crashing threads, of each" "1 1" \
	"$(ask crashed 'len(r["threads"])') $(ask crashed 'len(r["related"][1]["threads"])')"

# In the report, each below a headline of its own.
"$ANALYZE" report --variables=none "${options[@]}" "$TMP/two.snap" >"$TMP/two.txt" 2>"$TMP/err"
"$ANALYZE" report --variables=none "${options[@]}" "$outer" >"$TMP/outer.txt" 2>"$TMP/err"
"$ANALYZE" report --variables=none "${options[@]}" "$inner" >"$TMP/inner.txt" 2>"$TMP/err"
{
	cat "$TMP/outer.txt"
	printf '\nRelated snapshot 1\n\n'
	cat "$TMP/inner.txt"
	printf '\nRelated snapshot 2\n\n'
	cat "$TMP/outer.txt"
} >"$TMP/expected.txt"
stored() { # What tells how it is stored.
	grep -v "snapshot.snap\|two.snap\|  Writer \|[0-9] bytes" "$1"
}
check "the text: each is there" diff -u <(stored "$TMP/expected.txt") <(stored "$TMP/two.txt")
"$ANALYZE" signature --no-local "$outer" "$TMP/two.snap" 2>"$TMP/err" | cut -f1 | sort -u >"$TMP/signatures"
equal "the signature is the outer one's" 1 "$(grep -c . "$TMP/signatures")"

# Within others, and no deeper than is said; as many as is said.
check "made" tool make_related "$TMP/deep.snap" "$outer" "3^$inner"
json "$TMP/deep.snap" deep
equal "deep: three" segv-null "$(ask deep 'r["related"][0]["related"][0]["related"][0]["process"]["comm"]')"
"$ANALYZE" report --variables=none "${options[@]}" "$TMP/deep.snap" 2>"$TMP/err" | grep "^Related" >"$TMP/heads"
equal "deep: the text's headlines" "Related snapshot 1,Related snapshot 1.1,Related snapshot 1.1.1" \
	"$(paste -sd, "$TMP/heads")"
check "made" tool make_related "$TMP/deeper.snap" "$outer" "5^$inner"
json "$TMP/deeper.snap" deeper
equal "deeper: four" "[]" "$(ask deeper 'r["related"][0]["related"][0]["related"][0]["related"][0]["related"]')"
equal "deeper: what is not shown is told" \
	"['1 related snapshot is not shown: 64 of a file are, in others up to 4 deep']" \
	"$(ask deeper 'r["related"][0]["related"][0]["related"][0]["related"][0]["snapshot"]["notes"]')"
check "made" tool make_related "$TMP/many.snap" "$outer" "70*$inner"
json "$TMP/many.snap" many --threads=crashed
equal "many: 64" 64 "$(ask many 'len(r["related"])')"
equal "many: what is not shown is told" true \
	"$(ask many '"6 related snapshots are not shown: 64 of a file are, in others up to 4 deep" in r["snapshot"]["notes"]')"

# On one screen: how many there are, and what the first ones are.
for name in two many; do
	"$ANALYZE" report --brief "${options[@]}" "$TMP/$name.snap" >"$TMP/$name.brief" 2>"$TMP/err"
	check "$name: --brief is no longer than a screen" test "$(wc -l <"$TMP/$name.brief")" -le 23
done
equal "two: --brief has a line of each" "2 related snapshots within it:|  1  $(head -n 1 "$TMP/inner.txt" | cut -c 1-40)|  2  $(head -n 1 "$TMP/outer.txt" | cut -c 1-40)|" \
	"$(grep -A 2 "^2 related" "$TMP/two.brief" | cut -c 1-45 | tr '\n' '|')"
check "many: --brief has the first" grep -q "^64 related snapshots within it; the first:\$" "$TMP/many.brief"

# What is nested beyond what anyone would unpack is refused; what is no snapshot, told.
check "made" tool make_related "$TMP/refused.snap" "$outer" "200^$inner"
"$ANALYZE" json --no-local "$TMP/refused.snap" >"$TMP/out" 2>"$TMP/err"
equal "nested 200 deep: refused" 2 $?
check "nested 200 deep: why" grep -q "nested deeper than 8" "$TMP/err"
check "made" tool make_related "$TMP/junk.snap" "$outer" junk "$inner"
json "$TMP/junk.snap" junk
equal "junk: the other is there" 1 "$(ask junk 'len(r["related"])')"
equal "junk: told" true "$(ask junk 'any(n.startswith("related snapshot 1 is not shown: ") for n in r["snapshot"]["notes"])')"
