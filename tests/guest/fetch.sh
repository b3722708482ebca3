#!/bin/bash
# fetch.sh DIR: gets the guest's Debian packages and unpacks them, as whoever runs it. Nothing is
# installed: apt works on lists and a cache of its own below DIR, with this machine's sources and keys
# but for arm64 only.
#
#   DIR/root           the guest's root directory, and what is linked for it
#   DIR/dbg            debug files of the guest's libraries
#   DIR/kernel         its kernel and the two modules that its result disk needs
#   DIR/fetched        made last: everything is there, and which versions
set -eu
dir=$(mkdir -p "$1" && cd "$1" && pwd)
apt=$dir/apt

mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/debs"
: >"$apt/status"
arm64() { # apt-get or apt-cache, and what it shall do
	local program=$1
	shift
	# The sandbox user may not enter the directories of a checkout.
	"$program" -qq -o APT::Architecture=arm64 -o APT::Architectures::=arm64 \
		-o Dir::State::Lists="$apt/lists" -o Dir::State::status="$apt/status" \
		-o Dir::Cache="$apt/cache" -o Debug::NoLocking=1 -o APT::Sandbox::User=root "$@"
}
arm64 apt-get update

# linux-image-arm64 itself is empty and depends on the image of the day.
kernel=$(arm64 apt-cache depends --important linux-image-arm64 | sed -n 's/.*Depends: \(linux-image-.*\)/\1/p')
# What the guest's script runs, what our programs and the victims are linked with, and all that
# these need.
packages="bash busybox-static coreutils libacl1 libattr1 libc6 libc6-dbg libgcc-s1 libgmp10
	libpcre2-8-0 libprotobuf-c-dev libprotobuf-c1 libselinux1 libstdc++6 libtinfo6 $kernel"
rm -f "$apt/debs"/*.deb
# shellcheck disable=SC2086
(cd "$apt/debs" && arm64 apt-get download $packages)

rm -rf "$dir/root" "$dir/dbg" "$dir/kernel" "$dir/fetched"
mkdir "$dir/root" "$dir/dbg" "$dir/kernel"
for deb in "$apt/debs"/*.deb; do
	case ${deb##*/} in
	linux-image-*)
		dpkg-deb --fsys-tarfile "$deb" | tar -x -C "$dir/kernel" --wildcards --no-anchored \
			--transform 's,.*/,,' 'boot/vmlinuz-*' virtio_mmio.ko virtio_blk.ko
		mv "$dir"/kernel/vmlinuz-* "$dir/kernel/vmlinuz"
		;;
	*-dbg_*) dpkg-deb -x "$deb" "$dir/dbg" ;;
	*) dpkg-deb -x "$deb" "$dir/root" ;;
	esac
done
(cd "$apt/debs" && ls -- *.deb) >"$dir/fetched.part"
rm -rf "$apt"
mv "$dir/fetched.part" "$dir/fetched"
