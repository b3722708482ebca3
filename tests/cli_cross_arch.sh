#!/bin/bash
# The tables of common/arch.c are what each machine's own compiler, headers and assembler say. Runs
# where Debian's cross compilers are (make deps-cross); nothing is executed but compilers.
. "$(dirname "$0")/lib/testlib.sh"
DUMP=$O/tests/arch_dump
need "$DUMP"

# Facts in which the kernel's cores differ from the user's headers.
exceptions() { # PREFIX
	case $1 in
	# glibc's timeval of x32 has 64-bit members, that of compat_elf_prstatus (the kernel's
	# include/linux/elfcore-compat.h) has 32-bit ones.
	x86_64-linux-gnux32) printf '%s\n' "prstatus_reg_off 104" "prstatus_size 328" ;;
	esac
}

# How the assembler calls a register of our table in .cfi directives, on machines where it differs.
assembler_name() { # PREFIX NAME
	case $1 in
	arm-*) [ "$2" = fp ] && echo r11 || echo "$2" ;;
	mips*) echo "\$$2" ;;
	s390x-* | m68k-* | sparc64-* | x86_64-* | i686-*) echo "%$2" ;;
	*) echo "$2" ;;
	esac
}

dwarf_numbers() { # PREFIX TABLE: prints "dwarf NAME NUMBER" as the assembler numbers them
	local prefix=$1 table=$2 name number
	while read -r _ name number; do
		printf '.cfi_startproc\n.cfi_undefined %s\nnop\n.cfi_endproc\n' \
			"$(assembler_name "$prefix" "$name")" >"$TMP/one.s"
		"$prefix-as" -o "$TMP/one.o" "$TMP/one.s" 2>/dev/null || continue
		number=$("$prefix-readelf" --debug-dump=frames "$TMP/one.o" |
			sed -n 's/^ *DW_CFA_undefined: r\([0-9]*\).*/\1/p')
		echo "dwarf $name $number"
	done < <(grep '^dwarf ' "$table")
}

for prefix in x86_64-linux-gnu x86_64-linux-gnux32 i686-linux-gnu aarch64-linux-gnu \
	arm-linux-gnueabihf riscv64-linux-gnu mips64el-linux-gnuabi64 mips-linux-gnu \
	powerpc64-linux-gnu powerpc64le-linux-gnu s390x-linux-gnu sparc64-linux-gnu m68k-linux-gnu; do
	if ! "$prefix-gcc" -S -O1 -o "$TMP/layout.s" "$TOP/tests/cross/layout.c" 2>"$TMP/err"; then
		if command -v "$prefix-gcc" >/dev/null && ! grep -q 'fatal error: .*procfs.h' "$TMP/err"; then
			not_ok "$prefix: layout.c compiles"
			note_file "$TMP/err"
		else
			skip "$prefix: notes and registers" "no cross compiler (make deps-cross)"
		fi
		continue
	fi
	echo 'void f(void), g(void); void f(void) { g(); g(); }' >"$TMP/f.c"
	"$prefix-gcc" -c -O2 -g -o "$TMP/f.o" "$TMP/f.c"
	"$DUMP" "$TMP/f.o" | sort >"$TMP/ours"
	# Immediate operands are written with a prefix on some machines.
	sed -n 's/^-> //p' "$TMP/layout.s" | tr -d '$#' | sort >"$TMP/theirs"
	exceptions "$prefix" | sort >"$TMP/excepted"
	comm -23 "$TMP/theirs" "$TMP/excepted" | comm -23 - "$TMP/ours" >"$TMP/differ"
	check "$prefix: notes and registers are where the headers have them ($(wc -l <"$TMP/theirs") facts)" \
		diff /dev/null "$TMP/differ"
	dwarf_numbers "$prefix" "$TMP/ours" | sort >"$TMP/theirs"
	comm -23 "$TMP/theirs" "$TMP/ours" >"$TMP/differ"
	num=$(wc -l <"$TMP/theirs")
	check "$prefix: DWARF numbers are the assembler's ($num of $(grep -c '^dwarf ' "$TMP/ours"))" \
		diff /dev/null "$TMP/differ"
	equal "$prefix: the return address's column is the compiler's" \
		"$("$prefix-readelf" --debug-dump=frames "$TMP/f.o" |
			sed -n 's/^ *Return address column: *//p' | sort -u)" \
		"$(sed -n 's/^dwarf_ra //p' "$TMP/ours")"
done
