# Sourced after testlib.sh by tests of libsnapcrash.
#
#   library_build NAME SOURCE [FLAG]...  a program that uses it, as any program would: $TMP/NAME
#   SANITIZED                            whether the library itself is

export PKG_CONFIG_PATH=$O/lib/pkgconfig
unset SNAPCRASH_SOCKET
LIBRARY=$O/lib/libsnapcrash.so
SANITIZED=no
LIBRARY_FLAGS=()
if nm -D "$LIBRARY" 2>/dev/null | grep -q __asan; then
	SANITIZED=yes
	LIBRARY_FLAGS=(-fsanitize=address,undefined)
	# These are the library's.
	export ASAN_OPTIONS=${ASAN_OPTIONS:-}:handle_segv=0:handle_sigbus=0:handle_sigill=0:handle_sigfpe=0:handle_abort=0:handle_sigtrap=0:use_sigaltstack=0:detect_leaks=0
fi

library_build() {
	local name=$1 source=$2 compiler=gcc flags
	shift 2
	case $source in
	*.cc) compiler=g++ ;;
	esac
	# Words, one by one.
	read -r -a flags <<<"$(pkg-config --cflags --libs snapcrash)"
	# The memory of a program with a sanitizer is no small matter: its victims have none of it.
	"$compiler" -O1 -g -Wall -Wextra -Werror -pedantic -o "$TMP/$name" "$TOP/tests/library/$source" "$@" \
		"${LIBRARY_FLAGS[@]}" "${flags[@]}" -Wl,-rpath,"$O/lib" -pthread
}

# annotated_as_it_should NAME SNAPSHOT: what tests/library/annotated.c has set. Leaves $TMP/NAME.json.
annotated_as_it_should() {
	local name=$1 json=$TMP/annotated.json dump=$TMP/annotated.dump
	"$ANALYZE" json "$2" >"$json" 2>"$TMP/err"
	equal "$name: tags" "1.2.4|a[31m\\xff z|" \
		"$(json_get "$json" '"|".join(r["tags"][k] for k in ("release", "hostile", "empty")).replace("\x1b", "")')"
	equal "$name: the tag that was taken away" null "$(json_get "$json" 'r["tags"].get("gone")')"
	"$ANALYZE" dump "$2" >"$dump" 2>"$TMP/err"
	check "$name: the newest lines" grep -q 'message: "line 299"' "$dump"
	check "$name: a line that is not UTF-8" grep -qF 'message: "bad\xff line"' "$dump"
	check "$name: how many lines are lost" grep -qx '        dropped: 45' "$dump"
	check "$name: registered memory" grep -q '|registered bytes|' "$dump"
	check "$name: its name" grep -qx '        name: "registered"' "$dump"
	equal "$name: the report has the name" true \
		"$(json_get "$json" '"registered" in [m["name"] for m in r["memory_regions"]]')"
	check "$name: at most 64 KiB of a range" grep -q '16384 bytes of memory .*beyond the limit' "$dump"
	check "$name: a range that is not there" grep -q '16 bytes of memory .* at 0x10: could not be read' \
		"$dump"
	check "$name: complete" "$ANALYZE" check "$2"
}
