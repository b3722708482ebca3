#!/bin/bash
# The microcontroller's half: the example firmware runs in QEMU into each of its faults, and what it
# writes is whole and true.
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/devicelib.sh"
need "$ANALYZE"
device_need "microcontrollers" arm-none-eabi-gcc arm-none-eabi-nm qemu-system-arm
check "the firmware builds" device_build device-arm || exit 1

# ---------------------------------------------------------------- the objects

# The writer's: no C library, no data of its own; stack, code and constants as stated.
check_writer() { # CPU TOOLS STACK TEXT
	local object=$O/device/$1/capture/device/snapcrash_device.o depth path text
	equal "$1: the writer needs no library" "" \
		"$("$2nm" -u "$object" | awk '{ print $2 }' | grep -vx 'memcpy\|memset')"
	equal "$1: it has no data" "" "$("$2nm" "$object" | awk '$2 ~ /^[bBdDcC]$/')"
	run "$LIB/stack_depth.py" "${object%.o}.ci"
	read -r depth path <"$TMP/out"
	check "$1: its stack use ($depth bytes) is as stated" \
		test "$STATUS" = 0 -a "${depth:-9999}" -le "$3" || note "$path" "$(cat "$TMP/err")"
	text=$("$2size" "$object" | awk 'NR == 2 { print $1 }')
	check "$1: its code and constants ($text bytes) are as stated" test "$text" -le "$4"
}
STACK=$(sed -n 's/^#define SNAPCRASH_DEVICE_STACK_BYTES //p' "$TOP/capture/device/snapcrash_device.h")
for cpu in cm0 cm33; do
	check_writer $cpu arm-none-eabi- "$STACK" 4200
done
for cpu in cm3 cm4f; do
	check_writer $cpu arm-none-eabi- 256 4200
done

# ---------------------------------------------------------------- faults

# The register that the scenario knew.
pointer_is_true() { # NAME REGISTER
	equal "$1: $2 is as it was" "${FACT[tag.stack_pointer]}" "$(printf '%08x' "${FACT[cpu.$2]}")"
}

absent() { # NAME REGISTER...
	local name=$1 register there=
	shift
	for register; do
		[ -z "${FACT[cpu.$register]-}" ] || there+=" $register"
	done
	equal "$name: what is not known is absent" "" "$there"
}

# scenario CPU NAME REASON FUNCTION CFSR: FUNCTION is where pc is ("-": elsewhere, "lost": nowhere).
scenario() {
	local cpu=$1 name=$1-$2 snap=$TMP/$1-$2.snap arch=2 id
	id=$("${TOOLS[$cpu]}readelf" -n "$(firmware "$cpu")" | sed -n 's/.*Build ID: //p')
	case $cpu in
	cm0) arch=1 ;;
	rv32imac) arch=5 ;;
	esac
	device_run "$cpu" "$2" file "$snap"
	equal "$name: the firmware's exit status" 0 $? || note_file "$TMP/qemu.out"
	equal "$name: the file is whole" complete "$(integrity "$snap")"
	device_read "$snap" || not_ok "$name: it can be read"
	equal "$name: reason, architecture, build ID" "${3//_/ } $arch $id" \
		"${FACT[metadata.reason]} ${FACT[metadata.cpu_arch]} ${FACT[metadata.build_uuid]}"
	case $4 in
	lost) absent "$name" pc lr psr r0 r1 r2 r3 r12 ;;
	-) ;;
	*) equal "$name: pc" "$4" "$(function_at "$cpu" "${FACT[cpu.pc]-${FACT[cpu.mepc]}}")" ;;
	esac
	equal "$name: CFSR" "$5" "${FACT[cpu.cfsr]+$(hex "${FACT[cpu.cfsr]}")}"
	# Of every thread the bytes from its stack pointer on, all of them.
	check "$name: stacks" eval "! grep -q 'whole False\|peak_is_sound False' '$TMP/facts'"
}

THREADS="sensor 2; radio 5; idle 3"

for cpu in $FIRMWARE_CPUS; do
	for each in "null MemManage null_inner 82" "unaligned UsageFault unaligned_inner 1000000" \
		"divide UsageFault divide_inner 2000000" "undefined UsageFault undefined_inner 10000" \
		"bad_pointer UsageFault divide_outer 20000" "null_call MemManage - 1" \
		"bus BusFault bus_inner 8200" "wild_jump BusFault - 100" \
		"hardfault HardFault divide_inner 2000000" "misaligned UsageFault misaligned_inner 10000" \
		"registers UsageFault registers_inner 10000" "assert assert assert_inner" \
		"user_assert assert user_assert_inner"; do
		read -r name reason function cfsr <<<"$each"
		scenario "$cpu" "$name" "$reason" "$function" "$cfsr"
		equal "$cpu-$name: threads" "$THREADS" "${FACT[threads]}"
		[ "$name" = registers ] || pointer_is_true "$cpu-$name" psp
		case $name in
		null) equal "$cpu-$name: MMFAR" 8 "${FACT[cpu.mmfar]}" ;;
		bus) equal "$cpu-$name: BFAR" a0000010 "$(hex "${FACT[cpu.bfar]}")" ;;
		null_call) equal "$cpu-$name: pc, lr" "0 null_call_inner" \
			"${FACT[cpu.pc]} $(function_at "$cpu" "${FACT[cpu.lr]}")" ;;
		wild_jump) equal "$cpu-$name: pc, lr" "60000000 wild_jump_inner" \
			"$(hex "${FACT[cpu.pc]}") $(function_at "$cpu" "${FACT[cpu.lr]}")" ;;
		bad_pointer) equal "$cpu-$name: called from" bad_pointer_inner \
			"$(function_at "$cpu" "${FACT[cpu.lr]}")" ;;
		hardfault) equal "$cpu-$name: HFSR" 40000000 "$(hex "${FACT[cpu.hfsr]}")" ;;
		misaligned) equal "$cpu-$name: the stack pointer is no multiple of 8" 4 \
			$((${FACT[cpu.psp]} % 8)) ;;
		registers)
			got='' wanted=''
			for i in 0 1 2 3 4 5 6 7 8 9 10 11 12; do
				got+=" $(hex "${FACT[cpu.r$i]}")"
				wanted+=" 1111000$(hex $i)"
			done
			equal "$cpu-$name: all of them" "$wanted 1111000e" "$got $(hex "${FACT[cpu.lr]}")"
			equal "$cpu-$name: psp" 8 $((16#${FACT[tag.stack_pointer]} - ${FACT[cpu.psp]}))
			;;
		assert | user_assert)
			text="sensor.c:42: assertion failed: value <= limit"
			[ "$name" = assert ] || text="user.c:43: assertion failed: value <= limit"
			equal "$cpu-$name: its text" "$text" "${FACT[abort]}"
			equal "$cpu-$name: lr is behind the call" 5 $((${FACT[cpu.lr]} - ${FACT[cpu.pc]}))
			absent "$cpu-$name" exc_return cfsr hfsr shcsr r3 r12
			[ "$name" = assert ] || absent "$cpu-$name: of the fault" icsr
			check "$cpu-$name: pc is the call" eval \
				"arm-none-eabi-objdump -d --start-address=${FACT[cpu.pc]} \
				--stop-address=$((${FACT[cpu.pc]} + 4)) '$(firmware "$cpu")' |
				grep -q 'bl.*<snapcrash_device_assert>'"
			;;
		esac
	done

	# In a handler: its stack, and the thread that it interrupted, whose frame is on its own stack.
	for each in "irq BusFault adc_convert 8200 16" "nested UsageFault dma_advance 2000000 17" \
		"irq_assert assert adc_convert - 16"; do
		read -r name reason function cfsr vector <<<"$each"
		scenario "$cpu" "$name" "$reason" "$function" "${cfsr#-}"
		equal "$cpu-$name: threads" "Main Stack (Handler Mode) 1; $THREADS" "${FACT[threads]}"
		[ "$name" = irq_assert ] || pointer_is_true "$cpu-$name" msp
		equal "$cpu-$name: which handler" "$vector" $((${FACT[cpu.psr]} & 511))
		equal "$cpu-$name: what it interrupted" irq_inner \
			"$(function_at "$cpu" "${FACT[thread1.word6]}")"
	done

	# The stack had no room for the frame.
	scenario "$cpu" overflow MemManage lost 92
	equal "$cpu-overflow: what there is of the stack" \
		"${FACT[thread0.stack_end]} $((${FACT[thread0.stack_start]} - ${FACT[thread0.stack_end]})) 1" \
		"${FACT[memory0.address]} ${FACT[memory0.data]} ${FACT[memory0.tid]}"
	check "$cpu-overflow: it is below its end" test "${FACT[cpu.psp]}" -lt "${FACT[thread0.stack_end]}"

	# Nor had it any memory: nothing is read there, and the whole stack is there to be searched.
	scenario "$cpu" wild_stack BusFault lost 11000
	equal "$cpu-wild_stack: where the stack pointer is" a0000000 "$(hex "${FACT[thread0.stack_pointer]}")"
	equal "$cpu-wild_stack: what there is of the stack" \
		"${FACT[thread0.stack_end]} $((${FACT[thread0.stack_start]} - ${FACT[thread0.stack_end]})) 1" \
		"${FACT[memory0.address]} ${FACT[memory0.data]} ${FACT[memory0.tid]}"

	# What writes the snapshot fails itself: there is no second one, the device starts anew.
	device_run "$cpu" again file "$TMP/again.snap"
	equal "$cpu-again: the firmware's exit status" 1 $?
	check "$cpu-again: it starts anew" grep -q "^restart" "$TMP/qemu.out"
	equal "$cpu-again: what was written is there" truncated "$(integrity "$TMP/again.snap")"

	# Before there are threads.
	scenario "$cpu" early UsageFault early_set_up 2000000
	equal "$cpu-early: threads" "Main Stack (Thread Mode) 2" "${FACT[threads]}"
	pointer_is_true "$cpu-early" msp
done

# With the FPU in use the frame is longer.
scenario cm4f float UsageFault float_inner 2000000
pointer_is_true cm4f-float psp
equal "cm4f-float: EXC_RETURN" ffffffed "$(hex "${FACT[cpu.exc_return]}")"

# ARMv6-M: HardFault alone, and no registers that tell of it.
for each in "undefined HardFault undefined_inner" "bus HardFault bus_inner" \
	"unaligned HardFault unaligned_inner" "wild_jump HardFault -" "irq HardFault adc_convert" \
	"assert assert assert_inner" "user_assert assert user_assert_inner"; do
	read -r name reason function <<<"$each"
	scenario cm0 "$name" "$reason" "$function" ""
	absent "cm0-$name" cfsr hfsr mmfar bfar shcsr
	case $name in
	irq)
		equal "cm0-$name: threads" "Main Stack (Handler Mode) 1; $THREADS" "${FACT[threads]}"
		pointer_is_true "cm0-$name" msp
		;;
	*)
		equal "cm0-$name: threads" "$THREADS" "${FACT[threads]}"
		pointer_is_true "cm0-$name" psp
		;;
	esac
done

# ---------------------------------------------------------------- what else is in it, ways out

snap=$TMP/cm3-divide.snap
device_read "$snap"
equal "the log" "reset; sensor started; no packet yet; sample 5 is out of range" "${FACT[logs]}"
equal "a tag" divide "${FACT[tag.scenario]}"
equal "memory by name" "log ring" "${FACT[memory0.name]}"
check "dump shows it" eval "'$ANALYZE' dump '$snap' | grep -q 'sample 5 is out of range'"
if command -v protoc >/dev/null; then
	run protoc -I "$TOP/proto" --decode snapcrash.Snapshot "$TOP/proto/snapshot.proto" <"$snap"
	equal "protoc decodes it" 0 "$STATUS"
	equal "what protoc says" 'cpu_arch: ARMV7M|name: "radio"|reason: "UsageFault"|state: BLOCKED|' \
		"$(sed -n 's/^ *//; /^cpu_arch:\|^reason: "U\|^name: "radio"\|^state: BLOCKED/p' "$TMP/out" | sort | tr '\n' '|')"
else
	skip "protoc decodes it" "no protoc (make deps)"
fi

# As Pigweed writes them.
device_run cm3 divide pigweed "$TMP/plain.snap"
equal "without a header" unmarked "$(integrity "$TMP/plain.snap")"
device_read "$TMP/plain.snap"
equal "its records" "16 20 18 18 18 22 17 17 1 1 1 1 1036 2048" "${FACT[records]}"

# By UART: the bytes, and text among other text.
device_run cm3 bus uart - "file:$TMP/uart.snap"
equal "by UART" complete "$("$ANALYZE" check "$TMP/uart.snap" | sed 's/.*: \([a-z]*\),.*/\1/')"
device_run cm3 bus uart-hex - "file:$TMP/console"
sed -n '/-BEGIN SNAPCRASH-/,/-END SNAPCRASH-/{/-----/d;p}' "$TMP/console" | basenc --base16 -d >"$TMP/hex.snap"
equal "by UART, as text" complete "$("$ANALYZE" check "$TMP/hex.snap" | sed 's/.*: \([a-z]*\),.*/\1/')"

# A sink that can't be opened is told of, and not by silence.
device_run cm3 bus file "$TMP/no/such/directory"
equal "no such directory" 1 $?
check "told" grep -q "cannot open the sink" "$TMP/qemu.out"

# ---------------------------------------------------------------- RISC-V

for program in riscv64-unknown-elf-gcc qemu-system-riscv32; do
	command -v $program >/dev/null || {
		skip "RISC-V" "no $program (make deps)"
		exit
	}
done
check "the firmware for RISC-V builds" device_build device-riscv || exit 1
check_writer rv32imac riscv64-unknown-elf- "$STACK" 5600
check_writer rv32e riscv64-unknown-elf- "$STACK" 8200

cpu=rv32imac
for each in "null Store_access_fault null_inner 7 8" "bus Load_access_fault bus_inner 5 8000010" \
	"undefined Illegal_instruction undefined_inner 2 0" "wild_jump Instruction_access_fault - 1 8000010" \
	"registers Illegal_instruction registers_inner 2 0" "irq Load_access_fault adc_convert 5 8000010" \
	"assert assert assert_inner"; do
	read -r name reason function cause value <<<"$each"
	scenario $cpu "$name" "$reason" "$function" ""
	equal "$cpu-$name: threads" "main 2" "${FACT[threads]}"
	equal "$cpu-$name: mcause, mtval" "$cause $value" \
		"${FACT[cpu.mcause]-} ${FACT[cpu.mtval]+$(hex "${FACT[cpu.mtval]}")}"
	case $name in
	wild_jump) equal "$cpu-$name: called from" "8000010 wild_jump_inner" \
		"$(hex "${FACT[cpu.mepc]}") $(function_at $cpu "${FACT[cpu.ra]}")" ;;
	registers)
		got='' wanted='' number=0
		for register in zero ra sp gp tp t0 t1 t2 fp s1 a0 a1 a2 a3 a4 a5 a6 a7 s2 s3 s4 s5 s6 s7 s8 \
			s9 s10 s11 t3 t4 t5 t6; do
			case $register in
			zero | sp | gp | tp) ;;
			*)
				got+=" $(hex "${FACT[cpu.$register]}")"
				wanted+=" $(hex $((0x11110000 + number)))"
				;;
			esac
			number=$((number + 1))
		done
		equal "$cpu-$name: all of them" "$wanted" "$got"
		;;
	assert)
		equal "$cpu-$name: its text" "sensor.c:42: assertion failed: value <= limit" "${FACT[abort]}"
		absent "$cpu-$name" mcause mtval t0
		;;
	esac
	[ "$name" = assert ] || pointer_is_true "$cpu-$name" sp
done
device_run $cpu bus uart - "file:$TMP/riscv.snap"
equal "by UART" complete "$(integrity "$TMP/riscv.snap")"
