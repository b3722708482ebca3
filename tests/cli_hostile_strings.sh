#!/bin/bash
# Whatever a file calls its functions, files, modules, threads, tags and logs: nothing that a terminal
# obeys, that hides or that turns text round comes out, and JSON stays JSON.
. "$(dirname "$0")/lib/testlib.sh"
need "$ANALYZE"

cd "$TMP" || exit 1
# safe FILE...: no such character in them, and valid UTF-8.
safe() {
	"$PYTHON" - "$TOP/fuzz" "$@" <<'END'
import sys
sys.path.insert(0, sys.argv[1])
import mutate_pairs
for path in sys.argv[2:]:
    text = open(path, "rb").read().decode().replace("\t", "" if path.endswith("signature") else "\t")
    found = mutate_pairs.UNSAFE.search(text)
    if found:
        sys.exit(f"{path}: {found.group()!r} in {text[max(0, found.start() - 60):found.end() + 20]!r}")
END
}

for fixture in cxx-inline thread two-modules; do
	"$PYTHON" "$LIB/hostile_strings.py" "$fixture" "$fixture" || not_ok "$fixture: made"
	# A name that is as hostile as what is in it.
	hostile=$'a\e[31m\u202eb\xff\nc'
	for kind in snap core; do
		mv "$fixture/input.$kind" "$fixture/$hostile.$kind"
		file=$fixture/$hostile.$kind
		for verb in report json "json --pretty" signature "signature --explain" check modules "modules --missing" dump; do
			case $verb in
			check | dump | "signature --explain") options=() ;;
			*) options=(--no-local --no-cache --symbols "$fixture/symbols") ;;
			esac
			# shellcheck disable=SC2086 # a verb and its option
			run "$ANALYZE" $verb "${options[@]}" "$file"
			[ "$STATUS" -ne 64 ] || continue
			mv out out.signature
			[ "${verb%% *}" = signature ] || mv out.signature out
			check "$fixture, $kind: $verb (status $STATUS)" test "$STATUS" -le 1
			if [ -e out.signature ]; then
				check "$fixture, $kind: $verb is safe" safe out.signature err
				rm out.signature
			else
				check "$fixture, $kind: $verb is safe" safe out err
			fi
			[ "$verb" != json ] || check "$fixture, $kind: $verb is valid" \
				valid_report out
		done
	done
	run "$ANALYZE" export --no-local "$fixture/$hostile.snap" -o "$hostile"
	check "$fixture: export says nothing unsafe (status $STATUS)" safe out err
	run "$ANALYZE" import "$fixture/$hostile.core" -o "$hostile.imported"
	check "$fixture: import says nothing unsafe (status $STATUS)" safe out err
	run "$ANALYZE" symbolize --no-cache "$fixture/symbols/elf" 0x1139 0x1159 0x1179 0x11a0
	check "$fixture: symbolize is safe (status $STATUS)" safe out err
	run "$ANALYZE" symbolize --no-cache --addr2line "$fixture/symbols/elf" 0x1139 0x1159 0x1179 0x11a0
	check "$fixture: symbolize --addr2line is safe (status $STATUS)" safe out err
	# Refused ones, too.
	head -c 100 "$fixture/$hostile.core" >"$hostile.cut"
	for verb in report check "export -o x" "import -o x"; do
		# shellcheck disable=SC2086
		run "$ANALYZE" $verb "$hostile.cut"
		equal "$fixture: $verb refuses with one line" "2 1" "$STATUS $(wc -l <err)"
		check "$fixture: $verb refuses without anything unsafe" safe out err
	done
done
# They were hostile, and they are told.
run "$ANALYZE" report --no-local --no-cache --symbols thread/symbols "thread/$hostile.snap"
check "what was hostile is shown escaped" grep -qF '\x1b[31m\x07' out
