#!/bin/bash
# Manual pages say what --help says: the same verbs, the same options, the same usage.
. "$(dirname "$0")/lib/testlib.sh"
CTL=$BIN/snapcrashctl
need "$CTL"

# Of a page, with its "\-" as they are shown.
plain() { sed 's/\\-/-/g; s/\\&//g' "$1"; }
options_of() { grep -o -- '--[a-z][a-z-]*' | sort -u | xargs; }

PAGE=$TOP/man/snapcrashctl.8
"$CTL" --help >"$TMP/help"
VERBS=$(sed -n 's/^  \([a-z][a-z]*\)  *[a-z].*/\1/p' "$TMP/help" | xargs)
for verb in $VERBS; do
	"$CTL" "$verb" --help >"$TMP/help.$verb"
done
equal "snapcrashctl(8): verbs" "$VERBS" \
	"$(plain "$PAGE" | sed -n '/^\.SH VERBS/,/^\.SH OPTIONS/p' | grep -A1 '^\.TP' | sed -n 's/^\.B //p' | xargs)"
equal "snapcrashctl(8): options" "$(cat "$TMP"/help* | options_of)" \
	"$(plain "$PAGE" | sed -n '/^\.SH OPTIONS/,/^\.SH EXIT/p' | options_of)"
if command -v groff >/dev/null; then
	groff -man -Tascii -P-cbou -rLL=200n "$PAGE" 2>/dev/null | sed 's/^ *//; s/  */ /g' >"$TMP/page"
fi
for verb in $VERBS; do
	usage=$(sed -n "1s/^usage: //p" "$TMP/help.$verb")
	# Of an option, which verb takes it.
	for option in $(sed 1d "$TMP/help.$verb" | options_of); do
		case $option in --config | --help | --version) continue ;; esac
		check "snapcrashctl(8): $option is told of as one of $verb" sh -c \
			'grep -A1 -- "$2" "$1" | grep -qw "$3"' sh <(plain "$PAGE" | sed -n '/^\.SH OPTIONS/,/^\.SH EXIT/p') "$option" "$verb"
	done
	if [ -s "$TMP/page" ]; then
		check "snapcrashctl(8): usage of $verb" grep -qxF -e "$usage" "$TMP/page"
	else
		skip "snapcrashctl(8): usage of $verb" "no groff here"
	fi
done
# statuses NAME PAGE: those of $TMP/help, each with its words
statuses() {
	equal "$1: exit statuses" "$(sed -n '/^Exit status: /,$p' "$TMP/help" | grep -o '[0-9][0-9]*' | xargs)" \
		"$(sed -n '/^\.SH EXIT/,$p' "$2" | sed -n 's/^\.B \([0-9][0-9]*\)$/\1/p' | xargs)"
}
statuses "snapcrashctl(8)" "$PAGE"

# Those without verbs.
for page in snapcrash-client.8 snapcrash-server.8 snapcrash-debugger.1; do
	PAGE=$TOP/man/$page
	name=${page%.*}
	need "$BIN/$name"
	"$BIN/$name" --help >"$TMP/help"
	equal "$page: options" "$(sed '/^usage:/,/^$/d' "$TMP/help" | sed -n '/^  /p' | options_of)" \
		"$(plain "$PAGE" | sed -n '/^\.SH OPTIONS/,/^\.SH [^O]/p' | grep '^\.BI\{0,1\} ' | options_of)"
	statuses "$page" "$PAGE"
	command -v groff >/dev/null || continue
	groff -man -Tascii -P-cbou -rLL=200n "$PAGE" 2>/dev/null | sed 's/^ *//; s/  */ /g' >"$TMP/page"
	sed -n '/^usage:/,/^$/p' "$TMP/help" | sed 's/^usage: //; s/^ *//; /^$/d' >"$TMP/usage"
	while read -r usage; do
		check "$page: usage '$usage'" grep -qxF -e "$usage" "$TMP/page"
	done <"$TMP/usage"
done

# Verbs, some of which have verbs of their own; of an option, which of them take it.
PAGE=$TOP/man/snapanalyze.1
need "$ANALYZE"
"$ANALYZE" --help >"$TMP/help"
VERBS=()
while read -r verb; do
	"$ANALYZE" "$verb" --help >"$TMP/help.verb"
	if grep -q "^Usage: snapanalyze $verb VERB " "$TMP/help.verb"; then
		mapfile -t own < <(sed -n "s/^  \([a-z][a-z]*\)  *[A-Z].*/$verb \1/p" "$TMP/help.verb")
		VERBS+=("${own[@]}")
	else
		VERBS+=("$verb")
	fi
done < <(sed -n '/^Common options/q; /^  help /d; s/^  \([a-z][a-z]*\)  *[A-Z].*/\1/p' "$TMP/help")
equal "snapanalyze(1): verbs" "$(printf '%s\n' "${VERBS[@]}" help | sort | paste -sd,)" \
	"$(plain "$PAGE" | sed -n '/^\.SH VERBS/,/^\.SH OPTIONS/p' | grep -A1 '^\.TP' | sed -n 's/^\.B //p' | sort | paste -sd,)"
for verb in "${VERBS[@]}"; do
	# shellcheck disable=SC2086
	"$ANALYZE" $verb --help | sed -n '/^Options:/,/^$/s/^  \(--[a-z0-9-]*\).*/\1/p' | sed "s/$/ $verb/"
done | sort >"$TMP/wanted"
plain "$PAGE" | sed -n '/^\.SH OPTIONS/,/^\.SH EXIT/p' | "$PYTHON" -c '
import re, sys
option = None
for line in sys.stdin:
    if m := re.match(r"\.BI? (--[a-z0-9-]*)", line):
        option = m.group(1)
    elif m := re.match(r"\[(.*)\]$", line):
        for verb in sys.argv[1:] if m.group(1) == "all" else m.group(1).split(", "):
            print(option, verb)' "${VERBS[@]}" | sort >"$TMP/got"
check "snapanalyze(1): options, and the verbs that take them" diff "$TMP/wanted" "$TMP/got"
equal "snapanalyze(1): exit statuses" "$(sed -n '/^Exit status/,$s/^ *\([0-9][0-9]*\)  .*/\1/p' "$TMP/help" | xargs)" \
	"$(sed -n '/^\.SH EXIT/,/^\.SH ENV/s/^\.B \([0-9][0-9]*\)$/\1/p' "$PAGE" | xargs)"
equal "snapanalyze(1): sections of the report" \
	"$("$ANALYZE" report --help | tr -s '\n ' ' ' | sed -n 's/.*only these of \([a-z, ]*\), with commas.*/\1/p')" \
	"$(tr '\n' ' ' <"$PAGE" | sed -n 's/.*Only these of \([a-z, ]*\), with commas.*/\1/p')"

if command -v groff >/dev/null; then
	for page in "$TOP"/man/*.[1-8]; do
		groff -man -ww -z "$page" >"$TMP/warnings" 2>&1
		equal "$(basename "$page"): no warnings" "" "$(cat "$TMP/warnings")"
	done
else
	skip "no warnings of groff" "no groff here"
fi
