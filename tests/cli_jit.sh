#!/bin/bash
# Code made at run time and registered by GDB's JIT interface: a full core has all of it, so names and
# frames of such code are there as for any other, and as gdb has them. A small snapshot has not.
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/crashlib.sh"
need "$CLIENT" "$ANALYZE" "$VICTIMS/jit_registered"

# What the first frames of the crashing thread are, with how each is known.
FIRST='" ".join(f["function"] + "@" + f["trust"] for f in r["threads"][0]["frames"][:4])'
WANTED='crashes@context made@cfi runs@cfi main@cfi'
MADE='" ".join(m["path"] + ":" + m["symbols"] for m in r["modules"] if m["name"] == "[jit]")'

for style in rel exec; do
	if ! crash_both "jit-$style" "$VICTIMS/jit_registered" "$style"; then
		not_ok "$style: crash"
		note_file "$TMP/why"
		continue
	fi
	run "$ANALYZE" json "$CORE"
	equal "$style: status" 0 "$STATUS"
	cp "$TMP/out" "$TMP/core.json"
	check "$style: json is valid by the schema" valid_report "$TMP/core.json"
	equal "$style: frames" "$WANTED" "$(json_get "$TMP/core.json" "$FIRST" 2>&1)"
	equal "$style: the stack is complete" complete \
		"$(json_get "$TMP/core.json" 'r["threads"][0]["end"]' 2>&1)"
	equal "$style: one module" "[jit]:symtab" "$(json_get "$TMP/core.json" "$MADE" 2>&1)"
	equal "$style: nothing to note" '[]' "$(json_get "$TMP/core.json" 'r["snapshot"]["notes"]' 2>&1)"
	check "$style: gdb reads the core" "$LIB/gdb_truth.sh" "$TMP/truth.json" core \
		"$VICTIMS/jit_registered" "$CORE" &&
		check "$style: the same frames as gdb's" "$PYTHON" "$LIB/compare_truth.py" \
			"$TMP/truth.json" "$TMP/core.json"

	run "$ANALYZE" report --color=never "$CORE"
	check "$style: the report names it" grep -q 'made+0x6 *in \[jit\]' "$TMP/out"
	check "$style: nobody is told to look for its file" \
		sh -c '! sed -n "/^Missing/,/^$/p" "$1" | grep -F "[jit]"' sh "$TMP/out"

	# The snapshot has no list of what is registered: no such names, but no module that lies either.
	run "$ANALYZE" json "$SNAP"
	cp "$TMP/out" "$TMP/snap.json"
	equal "$style: of the snapshot, the first frame" crashes \
		"$(json_get "$TMP/snap.json" 'r["threads"][0]["frames"][0]["function"]' 2>&1)"
	equal "$style: of the snapshot, no module" "" "$(json_get "$TMP/snap.json" "$MADE" 2>&1)"
	rm -f "$CORE" "$SNAP"
done

# A real one.
if ! LLI=$(command -v lli) || ! command -v clang >/dev/null; then
	skip "LLVM's interpreter" "lli or clang is not installed"
	exit 0
fi
LLI=$(realpath "$LLI")
cat >"$TMP/made.c" <<'EOF'
#include <stdlib.h>
static volatile int *nowhere;
__attribute__((noinline)) int crash_made(int a) { volatile char pad[64]; pad[3] = (char)a; return *nowhere + pad[3]; }
__attribute__((noinline)) int compare_made(const void *a, const void *b) { (void)b; return crash_made(*(const int *)a) + 1; }
int main(void) { int v[3] = {3, 2, 1}; qsort(v, 3, sizeof(int), compare_made); return v[0]; }
EOF
FIRST='" ".join(f["function"] + "@" + f["trust"] for f in r["threads"][0]["frames"] if f["module"] == "[jit]")'
clang -O2 -emit-llvm -c -o "$TMP/made.bc" "$TMP/made.c" || exit 1
for kind in mcjit orc; do
	if ! crash_both "lli-$kind" "$LLI" "--jit-kind=$kind" "$TMP/made.bc" || [ -z "$CORE" ]; then
		not_ok "lli, $kind: crash"
		note_file "$TMP/why"
		continue
	fi
	run "$ANALYZE" json "$CORE"
	cp "$TMP/out" "$TMP/core.json"
	equal "lli, $kind: frames" "crash_made@context compare_made@cfi main@cfi" \
		"$(json_get "$TMP/core.json" "$FIRST" 2>&1)"
	check "lli, $kind: gdb reads the core" "$LIB/gdb_truth.sh" "$TMP/truth.json" core "$LLI" "$CORE" &&
		check "lli, $kind: the same frames as gdb's" "$PYTHON" "$LIB/compare_truth.py" \
			"$TMP/truth.json" "$TMP/core.json"
	rm -f "$CORE" "$SNAP"
done
