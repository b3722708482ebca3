#!/bin/bash
# Makes the programs that bench/symbolize_*.py and bench/report_speed.py measure with, from Debian's
# source packages: corpora.sh [DIR]. bench/README.rst tells what each one is there for.
#
# Nothing is installed (make deps-bench does that) and /etc/apt is left alone: apt gets a list of
# sources, lists and a cache of its own below DIR. What is there already is not made again: remove
# DIR/NAME to have NAME made anew. DIR/READY lists what is finished: name, program, and the options
# with which symbolize_truth.py is to be called for it. A corpus that cannot be made is said on
# stderr, the others are made all the same, and the exit status is 1.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
dir=${1:-${O:-build}/corpora}
jobs=${JOBS:-2}
mirror=${MIRROR:-}
export LC_ALL=C
unset CFLAGS CXXFLAGS CPPFLAGS LDFLAGS MAKEFLAGS MAKELEVEL MFLAGS

mkdir -p "$dir"/{src,build} "$dir"/apt/{lists/partial,cache/archives/partial}
dir=$(cd "$dir" && pwd)
renice -n 10 $$ >/dev/null

say() {
	echo "corpora: $*" >&2
}

private_apt() { # COMMAND ARGUMENT...
	local command=$1
	shift
	"$command" -o Dir::Etc::sourcelist="$dir/apt/sources.list" -o Dir::Etc::sourceparts=/dev/null \
		-o Dir::State::lists="$dir/apt/lists" -o Dir::Cache="$dir/apt/cache" \
		-o APT::Sandbox::User=root "$@"
}

# Leaves the unpacked and patched source in $dir/src/PACKAGE.
fetch() { # PACKAGE
	[ ! -e "$dir/src/$1" ] || return 0
	if [ ! -e "$dir/apt/updated" ]; then
		local codename
		codename=$(. /etc/os-release && echo "$VERSION_CODENAME")
		# By default the one that this machine gets its packages from.
		[ -n "$mirror" ] || mirror=$(apt-get indextargets --format '$(REPO_URI)' \
			"Codename: $codename" 'Component: main' | head -n 1)
		[ -n "$mirror" ] || {
			say "apt has no source of $codename (run apt-get update, or set MIRROR)"
			return 1
		}
		echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror $codename main" \
			>"$dir/apt/sources.list"
		private_apt apt-get -qq update
		: >"$dir/apt/updated"
	fi
	rm -rf "$dir/src/$1.part"
	mkdir "$dir/src/$1.part"
	(cd "$dir/src/$1.part" && private_apt apt-get -qq source "$1" >/dev/null)
	mv "$dir/src/$1.part"/*/ "$dir/src/$1"
	rm -rf "$dir/src/$1.part"
}

# ninja: C++ with the standard library's templates, 27 sources and nothing else needed.
NINJA="build build_log clean clparser debug_flags depfile_parser deps_log disk_interface dyndep
	dyndep_parser edit_distance eval_env graph graphviz json lexer line_printer manifest_parser metrics
	missing_deps ninja parser state status string_piece_util subprocess-posix util version"

ninja() { # BUILD_DIR COMPILER OPTION...
	local build=$1
	shift
	fetch ninja-build
	mkdir -p "$build"
	# The objects' paths are relative, so that .dwo names are found from the compilation directory.
	(cd "$build" && printf '%s\n' $NINJA |
		xargs -P "$jobs" -I{} "$@" -w -DNDEBUG -c ../../src/ninja-build/src/{}.cc -o {}.o)
	(cd "$build" && "$@" -Wl,--build-id -o ninja *.o)
}

make_gdb() {
	fetch gdb
	mkdir -p "$build"
	cd "$build"
	# Nothing of what Debian's own gdb is made with changes what is looked at here; what is left out
	# saves build dependencies.
	[ -e Makefile ] || CFLAGS="-O2 -g" CXXFLAGS="-O2 -g" LDFLAGS=-Wl,--build-id MAKEINFO=true \
		../../src/gdb/configure --disable-sim --disable-gdbserver --disable-gprof --disable-gas \
		--disable-ld --disable-binutils --disable-gold --disable-werror --disable-nls \
		--with-python=no --without-guile --with-system-readline --with-system-zlib \
		--disable-source-highlight --without-debuginfod >configure.log 2>&1
	make -j"$jobs" MAKEINFO=true all-gdb >make.log 2>&1
	cp gdb/gdb "$out/gdb"
}

make_cxx_lto() {
	fetch cppcheck
	rm -rf "$build"
	cp -r "$dir/src/cppcheck" "$build"
	make -C "$build" -j"$jobs" cppcheck CXX=g++ \
		CXXFLAGS="-O2 -g -w -DNDEBUG -flto=$jobs -Wl,--build-id" >"$build.log" 2>&1
	cp "$build/cppcheck" "$out/cppcheck"
}

make_rust() {
	fetch rust-ripgrep
	rm -rf "$build"
	cp -r "$dir/src/rust-ripgrep" "$build"
	cd "$build"
	rm -f Cargo.lock                       # it asks for versions that Debian does not have,
	sed -i '/^simd-accel = /d' Cargo.toml # and this for a feature that Debian's grep does not
	mkdir -p .cargo home
	cat >.cargo/config.toml <<-EOF
		[source.crates-io]
		replace-with = "debian"
		[source.debian]
		directory = "/usr/share/cargo/registry"
	EOF
	PATH=/usr/bin:/bin CARGO_HOME=$build/home CARGO_PROFILE_RELEASE_DEBUG=2 RUSTC=/usr/bin/rustc \
		RUSTFLAGS="-Clink-arg=-Wl,--build-id" \
		/usr/bin/cargo build --release --offline -j"$jobs" >build.log 2>&1
	cp target/release/rg "$out/rg"
}

make_clang() {
	ninja "$build" clang++ -O2 -g
	cp "$build/ninja" "$out/ninja"
}

make_dwarf4() {
	ninja "$build" g++ -O2 -gdwarf-4
	cp "$build/ninja" "$out/ninja"
}

make_dwarf3() {
	ninja "$build" g++ -O2 -gdwarf-3 -gstrict-dwarf
	cp "$build/ninja" "$out/ninja"
}

make_dwarf2() {
	ninja "$build" g++ -O2 -gdwarf-2 -gstrict-dwarf
	cp "$build/ninja" "$out/ninja"
}

make_types() {
	ninja "$build" g++ -O2 -gdwarf-4 -fdebug-types-section
	cp "$build/ninja" "$out/ninja"
}

# DWARF 5 by gcc, for dwz and mini.
plain_ninja() {
	[ -e "$dir/build/plain/ninja" ] || ninja "$dir/build/plain" g++ -O2 -g
}

make_dwz() {
	plain_ninja
	fetch patchelf
	mkdir -p "$build"
	(cd "$build" && g++ -std=c++17 -O2 -g -w -DPACKAGE_STRING='"patchelf"' -Wl,--build-id \
		../../src/patchelf/src/patchelf.cc -o patchelf)
	cp "$build/patchelf" "$dir/build/plain/ninja" "$out"
	# llvm-symbolizer does not follow references into the common file: it is asked about this one.
	cp "$dir/build/plain/ninja" "$out/ninja.plain"
	(cd "$out" && dwz -m common -M common ninja patchelf)
}

# As Fedora's find-debuginfo does it: function symbols that .dynsym does not have, in a compressed ELF
# file in the section .gnu_debugdata.
make_mini() {
	plain_ninja
	mkdir -p "$build"
	cd "$build"
	strip -g -o symbols "$dir/build/plain/ninja"
	objcopy --only-keep-debug symbols debug
	nm -D symbols --format=posix --defined-only | awk '{ print $1 }' | sort -u >dynsyms
	nm debug --format=sysv --defined-only | awk -F'|' '$4 ~ "FUNC" { print $1 }' | sort -u >funcsyms
	comm -13 dynsyms funcsyms | sed 's/ *$//' >keep
	objcopy -S --remove-section .comment --keep-symbols=keep debug mini
	rm -f mini.xz
	xz --keep mini
	strip -o stripped symbols
	objcopy --add-section .gnu_debugdata=mini.xz stripped "$out/ninja"
	cp symbols "$out/ninja.symbols"
	cp "$dir/build/plain/ninja" "$out/ninja.full"
}

# ninja.unsplit is the same code with its debug information inside: llvm-symbolizer, which finds no inlined
# functions in some split units, is asked about this one.
# The .dwo files, which the program names by their paths, are removed: only the package is to be found.
make_dwp_gcc5() {
	plain_ninja
	cp "$dir/build/plain/ninja" "$out/ninja.unsplit"
	ninja "$build" g++ -O2 -g -gsplit-dwarf
	"$here/pack_dwp.py" "$build/ninja.dwp" "$build"/*.dwo
	cp "$build"/ninja{,.dwp} "$out"
	rm -f "$build"/*.dwo
}

make_dwp_gcc4() {
	corpus dwarf4
	cp "$dir/dwarf4/ninja" "$out/ninja.unsplit"
	ninja "$build" g++ -O2 -gdwarf-4 -gsplit-dwarf
	(cd "$build" && dwp -e ninja -o ninja.dwp)
	cp "$build"/ninja{,.dwp} "$out"
	rm -f "$build"/*.dwo
}

make_dwp_clang() {
	corpus clang
	cp "$dir/clang/ninja" "$out/ninja.unsplit"
	ninja "$build" clang++ -O2 -g -gsplit-dwarf
	(cd "$build" && llvm-dwp -e ninja -o ninja.dwp)
	cp "$build"/ninja{,.dwp} "$out"
	rm -f "$build"/*.dwo
}

ready() { # NAME PROGRAM [OPTION...]
	local name=$1 program=$2
	shift 2
	[ ! -e "$dir/$name/$program" ] || printf '%s\t%s\t%s\n' "$name" "$name/$program" "$*"
}

list_ready() {
	{
		ready gdb gdb
		ready cxx_lto cppcheck
		ready rust rg
		ready clang ninja
		ready dwarf4 ninja
		ready types ninja
		ready dwarf3 ninja
		# Functions with a cold part have no addresses in DWARF 2, what is inlined in them has:
		# llvm-symbolizer finds such an entry, both addr2line and we don't.
		ready dwarf2 ninja --at-least 99
		ready dwz ninja --truth dwz/ninja.plain
		ready dwp_gcc5 ninja --truth dwp_gcc5/ninja.unsplit
		ready dwp_gcc4 ninja --truth dwp_gcc4/ninja.unsplit
		ready dwp_clang ninja --truth dwp_clang/ninja.unsplit
		ready mini ninja --truth mini/ninja.symbols
	} >"$dir/READY.part"
	mv "$dir/READY.part" "$dir/READY"
}

corpus() { # NAME
	local build=$dir/build/$1 out=$dir/$1.part status=0 start=$SECONDS
	[ ! -e "$dir/$1" ] || return 0
	say "$1 ..."
	rm -rf "$out"
	mkdir "$out"
	# A shell of its own: in a function that is called with "|| ...", set -e has no effect.
	set +e
	(
		set -e
		"make_$1"
	)
	status=$?
	set -e
	if [ "$status" -ne 0 ]; then
		say "$1 cannot be made (logs are in $build*)"
		failed=1
		return 0
	fi
	mv "$out" "$dir/$1"
	list_ready
	say "$1: $((SECONDS - start)) s"
}

failed=0
for name in ${CORPORA:-clang dwarf4 types dwarf3 dwarf2 dwz mini dwp_gcc5 dwp_gcc4 dwp_clang rust cxx_lto gdb}; do
	corpus "$name"
done
list_ready
exit "$failed"
