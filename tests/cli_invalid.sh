#!/bin/bash
# The files of tests/fixtures/invalid: what fuzzing has found once is found no more. Each with the status and
# the words that it should have, within 20 s and 512 MiB, with nothing that a terminal obeys.
. "$(dirname "$0")/lib/testlib.sh"
need "$ANALYZE"

cd "$TMP" || exit 1
INVALID=$TOP/tests/fixtures/invalid
xz -dc "$TOP/tests/fixtures/segv-null/core.xz" >CORE
num=0
while IFS='|' read -r name arguments status words; do
	name=${name// /} status=${status// /} words=${words# }
	case $name in '' | '#'*) continue ;; esac
	num=$((num + 1))
	[ -e "$INVALID/$name.xz" ] || {
		not_ok "there is $name"
		continue
	}
	# Sanitized, these take ten times as long; test_dwarf_hostile makes and reads them as well.
	if [ -n "${SANITIZE:-}" ] && [ "${arguments#*symbolize}" != "$arguments" ] && [ "$(stat -c %s "$INVALID/$name.xz")" -gt 1000 ]; then
		skip "$name" "large, and a sanitizer takes its time"
		continue
	fi
	rm -rf SYMBOLS FILE
	mkdir SYMBOLS
	xz -dc "$INVALID/$name.xz" >FILE
	cp FILE SYMBOLS/segv-null
	read -r verb rest <<<"$arguments"
	[ "$verb" = symbolize ] || [ "$verb" = report ] && rest="--no-cache $rest"
	# shellcheck disable=SC2086
	read -r got ms kib < <("$PYTHON" "$LIB/measure.py" timeout 60 "$ANALYZE" "$verb" $rest)
	equal "$name: $verb: status" "$status" "$got" || note_file err
	check "$name: $verb: said" grep -q -- "$words" out || note_file out 10
	check "$name: $verb: nothing that a terminal obeys" "$PYTHON" - out err <<-'PY'
		import sys
		text = "".join(open(p, encoding="utf-8").read() for p in sys.argv[1:])
		sys.exit(any(not c.isprintable() and c not in "\n\t" for c in text))
	PY
	[ -z "${SANITIZE:-}" ] || continue
	check "$name: $verb: within 20 s ($ms ms) and 512 MiB ($kib KiB)" \
		test "$ms" -le 20000 -a "$kib" -le 524288
done <"$INVALID/cases"
listed=$(sed -n 's/^\([a-z][^ |]*\) .*/\1.xz/p' "$INVALID/cases" | sort -u)
equal "each file has its case" "$(cd "$INVALID" && ls -- *.xz)" "$listed"
check "there are cases" test "$num" -gt 10
