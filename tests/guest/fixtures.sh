#!/bin/bash
# Makes the fixtures that our own client captured on aarch64 anew (make fixtures-aarch64): builds each
# freestanding victim of tests/cross with signed return addresses, crashes it in the guest, and stores
# what tests/fixtures/make.sh stores.
#
# O/guest has what fetch.sh and the cross-builds made.
. "$(dirname "$0")/../lib/testlib.sh"
need "$ANALYZE"

HERE=$TOP/tests/guest
GUEST=$O/guest
FIXTURES=$TOP/tests/fixtures
OUT=$GUEST/victims/fixture
# Below tests/.
declare -A SOURCES=(
	[guest-pac]=fixtures/guest-pac/guest-pac.c
	[guest-pac-threads]=cross/victims/threads.c
)

FLAGS="-O2 -g -mbranch-protection=standard -nostdlib -ffreestanding -fno-stack-protector -Wall -Wextra"
FLAGS="$FLAGS -fPIE -static-pie -Wl,--build-id=sha1,-z,max-page-size=4096 -ffile-prefix-map=\$TOP=."

export OUT TOP
mkdir -p "$OUT"
for fixture in "${!SOURCES[@]}"; do
	mkdir -p "$FIXTURES/$fixture"
	command="aarch64-linux-gnu-gcc $FLAGS -o \$OUT/$fixture ${SOURCES[$fixture]}"
	(cd "$TOP/tests" && eval "$command") || exit 1
	{
		echo "$command"
		echo "# $(aarch64-linux-gnu-gcc --version | head -n 1)"
		echo "# $(aarch64-linux-gnu-ld --version | head -n 1)"
	} >"$FIXTURES/$fixture/command"
	printf '%s\tfixture\tboth\t%s\t\n' "$fixture" "$fixture" >>"$TMP/cases"
done
"$HERE/boot.sh" "$GUEST" "$TMP/cases" || exit 1
for fixture in "${!SOURCES[@]}"; do
	dir=$FIXTURES/$fixture
	echo "# $(cat "$GUEST/out/end/uname")" >>"$dir/command"
	xz -9e -c "$OUT/$fixture" >"$dir/$fixture.xz"
	xz -9e -c "$GUEST/out/$fixture/snapshot" >"$dir/snapshot.snap.xz"
	xz -9e -c "$GUEST/out/$fixture/core" >"$dir/core.xz"
done
rm -rf "$OUT"
"$FIXTURES/make.sh" --expected "${!SOURCES[@]}"
