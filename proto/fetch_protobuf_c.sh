#!/bin/bash
# fetch_protobuf_c.sh DIR: gets the source of protobuf-c's library, of the version that this machine's
# protoc-c goes with, as DIR/protobuf-c/protobuf-c.{c,h}: one file, to be compiled for machines and C
# libraries for which there is no package.
#
# From Debian's source package, as whoever runs it. Nothing is installed: apt works on lists and a
# cache of its own below DIR, with this machine's sources and keys.
set -eu
dir=$(mkdir -p "$1" && cd "$1" && pwd)
apt=$dir/apt
rm -rf "$apt"
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/parts" "$apt/source"
: >"$apt/sources.list"
: >"$apt/status"
for file in /etc/apt/sources.list /etc/apt/sources.list.d/*; do
	[ -e "$file" ] || continue
	case $file in
	*.sources) sed 's/^Types:.*/Types: deb-src/' "$file" >"$apt/parts/${file##*/}" ;;
	*.list) sed -n 's/^deb /deb-src /p' "$file" >>"$apt/sources.list" ;;
	esac
done
source_apt() {
	# The sandbox user may not enter the directories of a checkout.
	apt-get -qq -o Dir::Etc::SourceList="$apt/sources.list" -o Dir::Etc::SourceParts="$apt/parts" \
		-o Dir::State::Lists="$apt/lists" -o Dir::State::status="$apt/status" \
		-o Dir::Cache="$apt/cache" -o Debug::NoLocking=1 -o APT::Sandbox::User=root "$@"
}
# Some of the sources may have packages, but no source packages.
source_apt update || :
(cd "$apt/source" && source_apt source --download-only protobuf-c)
rm -rf "$dir/protobuf-c"
mkdir "$dir/protobuf-c.part"
tar -x -C "$dir/protobuf-c.part" --strip-components=2 --wildcards --no-anchored \
	-f "$apt"/source/protobuf-c_*.orig.tar.* 'protobuf-c/protobuf-c.[ch]'
rm -rf "$apt"
mv "$dir/protobuf-c.part" "$dir/protobuf-c"
