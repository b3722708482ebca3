#!/bin/bash
# Some hundred mutants of snapshots, cores and ELF files through report, json, signature, check and
# modules: no signal, nothing that takes long or much memory, a documented exit status, one line about
# what can't be analysed, JSON and UTF-8 that is such, nothing that a terminal obeys. (make fuzz-pairs
# makes as many as one likes.)
. "$(dirname "$0")/lib/testlib.sh"
need "$ANALYZE"

kind=--plain
[ -z "${SANITIZE:-}" ] || kind=--sanitized
check "mutants of inputs and of their programs" \
	"$PYTHON" "$TOP/fuzz/mutate_pairs.py" --count 800 --seed 1 "$kind" "$ANALYZE" --findings "$TMP/findings"

# What it takes for wrong, of programs that do wrong.
liar() { # NAME WANTED SCRIPT
	printf '#!/bin/sh\nfile=\nfor file; do :; done\n%s\n' "$3" >"$TMP/liar"
	chmod 700 "$TMP/liar"
	run "$PYTHON" "$TOP/fuzz/mutate_pairs.py" --count 1 --plain "$TMP/liar" --findings "$TMP/liars"
	equal "$1: status" 1 "$STATUS"
	check "$1: said" grep -q "$2" "$TMP/out"
}
# One that leaves no core: whoever has core_pattern now would get it.
liar "a signal" "status -9" 'kill -KILL $$'
liar "a status that is not documented" "status 3" 'exit 3'
liar "status 2 without a word" "complaints" 'exit 2'
liar "invalid UTF-8" "invalid UTF-8" "printf '\\377\\n'"
liar "an escape sequence" "terminal obeys" "printf '\\033[31m\\n'"
liar "no JSON" "no JSON" "echo '{'"
