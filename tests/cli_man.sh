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

if command -v groff >/dev/null; then
	for page in "$TOP"/man/*.[1-8]; do
		groff -man -ww -z "$page" >"$TMP/warnings" 2>&1
		equal "$(basename "$page"): no warnings" "" "$(cat "$TMP/warnings")"
	done
else
	skip "no warnings of groff" "no groff here"
fi
