# Sourced: how the cross-built victims are compiled, by machine and scenario.
#
#   cross_scenarios MACHINE            lists them
#   cross_command MACHINE SCENARIO     the compile command, for the victims' directory; leaves
#                                      PASSED and PAC_MASK, what guest_core wants to know
#
#   cross_chains MACHINE SCENARIO      who calls whom in it, a line per thread (truth.py)
#
# $OUT in the command is where the program goes.

# Small, and without a C library, so that nothing but the victim's own frames is on the stacks.
# separate-code: qemu-user leaves segments that are executable and begin with the ELF header out of
# its cores, and with them the build ID.
CROSS_COMMON="-nostdlib -ffreestanding -fno-stack-protector -Wall -Wextra"
CROSS_COMMON="$CROSS_COMMON -Wl,--build-id=sha1,-z,separate-code,-z,max-page-size=4096"
CROSS_COMMON="$CROSS_COMMON -ffile-prefix-map=\$VICTIMS=/victims"
# Neither .eh_frame nor .debug_frame (which -g makes).
CROSS_NO_CFI="-g0 -fno-asynchronous-unwind-tables -fno-unwind-tables -fno-exceptions"

# Addresses of 48 bits, and the top byte ignored: what the kernel would write of qemu's processor. Its
# own cores do not have it, which is what pac-fp is for.
QEMU_PAC_MASK=0x007f000000000000

# x86-64 is not cross: tests/fixtures/make.sh has its own.
CROSS_MACHINES="aarch64 arm i386 riscv64 mips64el mips ppc64le ppc64 s390x sparc64 m68k"

cross_scenarios() {
	case $1 in
	aarch64 | arm | i386 | riscv64)
		echo deep deep-O0 handler jump-null leaf fp scan overflow threads noreturn inlined
		;;
	*) echo deep ;;
	esac
	case $1 in
	aarch64) echo pac pac-fp pac-handler ;;
	arm) echo arm-mode arm-mode-fp stripped stripped-deep stripped-arm-mode cantunwind ;;
	esac
}

cross_command() {
	local flags source link="-fPIE -static-pie -Wl,--no-dynamic-linker"
	PASSED=0 PAC_MASK=
	guest_machine "$1" || return 1
	case $1 in
	mips*) link="-fno-pic -mno-abicalls -static -Wl,-e,_start" ;;
	ppc* | s390x | sparc64 | m68k) link="-fno-pie -no-pie -static" ;;
	esac
	case $2 in
	deep) source=deep.c flags="-O2 -g" ;;
	deep-O0) source=deep.c flags="-O0 -g" ;;
	handler) source=handler.c flags="-O2 -g" PASSED=2 ;;
	jump-null) source=jump_null.c flags="-O2 -g" ;;
	leaf) source=leaf.c flags="-O2 -g" ;;
	fp) source=chain.c flags="-O2 $CROSS_NO_CFI -fno-omit-frame-pointer" ;;
	scan) source=chain.c flags="-O2 $CROSS_NO_CFI -fomit-frame-pointer" ;;
	overflow) source=overflow.c flags="-O2 -g" ;;
	threads) source=threads.c flags="-O2 -g" ;;
	noreturn) source=noreturn.c flags="-O2 -g" ;;
	# Linked to a fixed address: nobody would relocate its vtable.
	inlined)
		source=inlined.cc flags="-std=c++17 -fno-exceptions -fno-rtti -O2 -g"
		link="-fno-pie -no-pie -static"
		;;
	pac) source=chain.c flags="-O2 -g -mbranch-protection=standard" PAC_MASK=$QEMU_PAC_MASK ;;
	pac-fp) source=chain.c flags="-O2 $CROSS_NO_CFI -mbranch-protection=standard -fno-omit-frame-pointer" ;;
	pac-handler)
		source=handler.c flags="-O2 -g -mbranch-protection=standard" PASSED=2
		PAC_MASK=$QEMU_PAC_MASK
		;;
	arm-mode) source=deep.c flags="-O2 -g -marm" ;;
	arm-mode-fp) source=chain.c flags="-O2 $CROSS_NO_CFI -marm -fno-omit-frame-pointer" ;;
	stripped) source=chain.c flags="-O2 -g0 -s -funwind-tables" ;;
	cantunwind) source=chain.c flags="-O2 -g0 -s" ;;
	stripped-arm-mode) source=deep.c flags="-O2 -g0 -s -marm -funwind-tables" ;;
	stripped-deep) source=deep.c flags="-O2 -g0 -s -funwind-tables" ;;
	*)
		echo "no scenario '$2' for $1" >&2
		return 1
		;;
	esac
	case $source in
	*.cc) echo "$CROSS-g++ $flags $link $CROSS_COMMON -o \$OUT/$1-$2 $source" ;;
	*) echo "$CROSS-gcc $flags $link $CROSS_COMMON -o \$OUT/$1-$2 $source" ;;
	esac
}

cross_chains() {
	local to_start="victim_main _start"
	case $1-$2 in
	# elfutils 0.188 has no MIPS, and qemu has the windows of SPARC's registers in itself, where the
	# kernel would have written them to the stack.
	mips*) echo level12 && return ;;
	sparc64-*) echo level12 level11 level10 && return ;;
	esac
	case $2 in
	deep* | arm-mode | stripped-deep | stripped-arm-mode)
		printf 'level%s ' 12 11 10 9 8 7 6 5 4 3 2 1
		echo "$to_start"
		;;
	*handler) echo "handler_detail on_segv @ handler_faults on_usr1 @ interrupted $to_start" ;;
	jump-null) echo "0 caller outer $to_start" ;;
	leaf) echo "leaf middle $to_start" ;;
	overflow) echo "... one $to_start" ;;
	threads)
		echo "detail thread_main start_thread"
		echo "sleep_long thread_main start_thread"
		echo "sleep_long $to_start"
		;;
	noreturn) echo "give_up fatal check $to_start" ;;
	inlined) echo "*visit* *each* *total* $to_start" ;;
	# chain.c
	*) echo "fourth third second first $to_start" ;;
	esac
}
