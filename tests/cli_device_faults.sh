#!/bin/bash
# Faults, traps and assertions of microcontrollers: what is said of them, by snapshots made by hand and a
# firmware made by a cross compiler.
. "$(dirname "$0")/lib/testlib.sh"
need "$ANALYZE"

SCHEMA=$TOP/docs/report.schema.json
BUILD=000102030405060708090a0b0c0d0e0f10111213
M4=(cpu_arch=2 fatal=1 device_name=core-m4 project_name=gizmo software_version=1.2.3
	software_build_uuid=$BUILD thread=main stack=20001c00-20002100-20002000 psp=0x20002000
	exc_return=0xfffffffd)

made() { # NAME NAME=VALUE...: a snapshot, its report and its JSON
	"$LIB/make_device.py" "$TMP/$1.snap" "${@:2}" || not_ok "$1: made"
	"$ANALYZE" report --no-local ${SYMBOLS:+--symbols "$SYMBOLS"} "$TMP/$1.snap" >"$TMP/$1.txt" 2>"$TMP/err"
	check "$1: nothing to complain of" test ! -s "$TMP/err"
	"$ANALYZE" json --no-local ${SYMBOLS:+--symbols "$SYMBOLS"} "$TMP/$1.snap" >"$TMP/$1.json" 2>"$TMP/err"
	check "$1: valid by the schema" "$PYTHON" "$LIB/validate_json.py" "$SCHEMA" "$TMP/$1.json"
}
ask() { # NAME EXPRESSION: what it says of the crash c and the fault f
	"$PYTHON" -c 'import json, sys
r = json.load(open(sys.argv[1], encoding="utf-8"))
c = r["crash"]
f = c["fault"]
print(eval(sys.argv[2]))' "$TMP/$1.json" "$2"
}
is() { # NAME WHAT EXPECTED EXPRESSION
	equal "$1: $2" "$3" "$(ask "$1" "$4")"
}
says() { # NAME TEXT: a line of the report
	check "$1: '$2'" grep -qF -- "$2" "$TMP/$1.txt"
}
first() { # NAME TEXT: its first line
	equal "$1: the first line" "$2" "$(head -n 1 "$TMP/$1.txt")"
}

# ---- without a firmware file

made divide "${M4[@]}" pc=0x08001234 lr=0x08002001 psr=0x61000000 cfsr=0x02000000 hfsr=0x40000000 \
	shcsr=0 icsr=0x803 mmfar=0x1234
first divide 'UsageFault (divide by zero) in core-m4 (gizmo 1.2.3), thread "main", 1 thread'
says divide 'the UsageFault was escalated to a HardFault, as it is not enabled (SHCSR).'
says divide '  Exception  HardFault'
says divide '  Mode       Thread mode, process stack'
says divide '    DIVBYZERO          an integer was divided by zero'
says divide '  mmfar      0x00001234  not valid'
check "divide: no word of processes" test "$(grep -ciE 'process and|signal|pid' "$TMP/divide.txt")" = 0
is divide kind usagefault 'c["kind"]'
is divide "no signal" "(None, None, None)" 'c["signal"], c["signo"], c["code"]'
is divide bit "DIVBYZERO UsageFault True" 'f["bit"] + " " + f["name"] + " " + str(f["escalated"])'
is divide status "CFSR.DIVBYZERO HFSR.FORCED" '" ".join(s["register"] + "." + s["bit"] for s in f["status"])'
is divide registers "0x2000000 0x1234 0x803 0x40000000 0x0" '" ".join(f["registers"].values())'
is divide "the processor" "cortex-m ARMV7M" 'r["device"]["arch"] + " " + r["device"]["cpu_arch"]'

made peripheral "${M4[@]}" pc=0x08001234 cfsr=0x8200 bfar=0x40021018 shcsr=0x70002 icsr=0x805
first peripheral 'BusFault (precise data bus error) at address 0x40021018 in core-m4 (gizmo 1.2.3), thread "main", 1 thread'
says peripheral 'in the peripheral region (0x40000000 to 0x5fffffff), and the bus answered with an error'
is peripheral "next step" True \
	'any(n["kind"] == "device" and "clock enabled" in n["text"] for n in r["next"])'

made overflow "${M4[@]}" pc=0x08001234 cfsr=0x00100000 icsr=0x806
first overflow 'Stack overflow (UsageFault) in core-m4 (gizmo 1.2.3), thread "main", 1 thread'
says overflow "The stack of thread 'main' (1280 bytes, 0x20001c00 to 0x200020ff) overflowed"
is overflow kind stack-overflow 'c["kind"]'

made check "${M4[@]}" reason='Check failed: count (=7) <= limit (=4). Too many.'
first check 'Assertion failed in core-m4 (gizmo 1.2.3), thread "main", 1 thread'
says check 'It said: Check failed: count (=7) <= limit (=4). Too many.'
is check assertion "assert count <= limit reason" \
	'c["kind"] + " " + c["assertion"]["expression"] + " " + c["message_source"]["from"]'

made log "${M4[@]}" log='2:5::all is well' log='7:88:pump.c:Assert failed'
is log assertion "assert pump.c:88 log" \
	'"%s %s:%d %s" % (c["kind"], c["assertion"]["file"], c["assertion"]["line"], c["message_source"]["from"])'

made message "${M4[@]}" message='assertion "x > 0" failed: file "a.c", line 12, function: f'
is message assertion "assert x > 0 a.c 12 f" \
	'" ".join(str(x) for x in (c["kind"], *c["assertion"].values()))'

made watchdog "${M4[@]}" reason=watchdog pc=0x08001234 icsr=0x815
first watchdog 'Unknown event in core-m4 (gizmo 1.2.3), thread "main", 1 thread'
says watchdog 'IRQ 5 was being handled; the device says why: watchdog.'
made live cpu_arch=2 device_name=core-m4
first live 'Snapshot of core-m4'
is live kind none 'c["kind"]'
is live "no fault" None 'f'

made riscv cpu_arch=5 fatal=1 device_name=sensor mepc=0x80001000 mcause=5 mtval=0x10 mstatus=0x1880
first riscv 'Exception (load access fault) at address 0x10 in sensor, 1 thread'
says riscv '    MPIE               interrupts were enabled before the trap'
is riscv kind busfault 'c["kind"]'
made riscv-timer cpu_arch=5 fatal=1 device_name=sensor mepc=0x80001000 mcause=0x80000007
says riscv-timer 'machine timer interrupt was being handled'

# Hostile values: nothing but a report.
made hostile cpu_arch=2 fatal=1 reason=$'assert\e[31m failed: \n\n' device_name=$'\e[2J' \
	"stack=ffffffffffffffff-0-7fffffffffffffff" $(printf '%s=0xffffffffffffffff ' pc lr psr msp psp \
		exc_return cfsr mmfar bfar icsr control r3 hfsr shcsr)
check "hostile: no escape sequences" test "$(grep -c $'\e' "$TMP/hostile.txt")" = 0

# ---- with a firmware file

CC=arm-none-eabi-gcc
if ! command -v $CC >/dev/null; then
	skip "firmware" "$CC is not installed"
	exit 0
fi
cat >"$TMP/firmware.c" <<'END'
void Default_Handler(void) { for (;;) ; }
void Reset_Handler(void);
void HardFault_Handler(void) { for (;;) ; }
#define WEAK __attribute__((weak, alias("Default_Handler")))
void SVC_Handler(void) WEAK;
void PendSV_Handler(void) WEAK;
void SysTick_Handler(void) WEAK;
void UART_Handler(void) WEAK;
int numbers[4];
__attribute__((noinline)) int load(int *from) {
	int got;
	__asm__ volatile(".global at_load\nat_load: ldr %0, [%1, #8]" : "=r"(got) : "r"(from));
	return got;
}
__attribute__((noinline)) void trap(void) {
	__asm__ volatile(".global at_trap\nat_trap: udf #255");
}
void Reset_Handler(void) { numbers[0] = load(numbers); trap(); for (;;) ; }
__attribute__((section(".isr_vector"), used)) void *const table_of_ours[] = {
	(void *)0x20004000, Reset_Handler, Default_Handler, HardFault_Handler, Default_Handler,
	Default_Handler, Default_Handler, 0, 0, 0, 0, SVC_Handler, Default_Handler, 0, PendSV_Handler,
	SysTick_Handler, UART_Handler, UART_Handler,
};
END
cat >"$TMP/firmware.ld" <<'END'
ENTRY(Reset_Handler)
SECTIONS {
	. = 0x08000000;
	.text : { KEEP(*(.isr_vector)) *(.text*) *(.rodata*) }
	.note.gnu.build-id : { *(.note.gnu.build-id) }
	. = 0x20000000;
	.bss : { *(.bss*) *(COMMON) }
}
END
mkdir "$TMP/symbols"
check "firmware" $CC -mcpu=cortex-m4 -mthumb -g -O1 -ffreestanding -nostdlib -Wl,--build-id=0x$BUILD \
	-Wl,-T,"$TMP/firmware.ld" -o "$TMP/symbols/firmware.elf" "$TMP/firmware.c"
address_of() {
	printf '0x%x' $((0x$(arm-none-eabi-nm "$TMP/symbols/firmware.elf" |
		awk -v name="$1" '$3 == name { print $1 }') & ~1))
}
SYMBOLS=$TMP/symbols

made null "${M4[@]}" "pc=$(address_of at_load)" cfsr=0x82 mmfar=8 icsr=0x803 hfsr=0x40000000 r0=0
first null 'MemManage (data access violation) at address 0x8 in core-m4 (gizmo 1.2.3), thread "main", 1 thread'
says null 'The program read 4 bytes at address 0x8'
says null 'r0 is null, offset 8'
says null 'Instruction: ldr r0, [r0, #8]'
is null handler "HardFault_Handler False" 'f["handler"] + " " + str(f["handler_is_default"])'
is null severity null-read 'c["severity"]["class"]'
is null signature "memmanage | load" 'r["signature"]["text"]'

made trap "${M4[@]}" "pc=$(address_of at_trap)" cfsr=0x00010000 icsr=0x806
says trap 'The program ran into a trap instruction (udf #0xff)'
is trap handler "Default_Handler True" 'f["handler"] + " " + str(f["handler_is_default"])'
says trap '  Handler    Default_Handler (default handler)'
is trap signature "usagefault | trap" 'r["signature"]["text"]'

made data "${M4[@]}" pc="$(address_of numbers)" lr="$(address_of at_trap)" cfsr=0x1 icsr=0x804
says data 'in variable numbers of section .bss, where the MPU'
says data 'lr, if a call led there, returns to trap'
made interrupt "${M4[@]}" pc="$(address_of at_load)" icsr=0x811 reason=watchdog
is interrupt handler "IRQ 1 Default_Handler" 'f["exception"] + " " + f["handler"]'

# The same crash at other addresses is one.
"$LIB/make_device.py" "$TMP/null2.snap" "${M4[@]}" "pc=$(address_of at_load)" cfsr=0x82 mmfar=0x10 r0=8 icsr=0x804
"$ANALYZE" dedup --no-local --symbols "$SYMBOLS" --json "$TMP/null.snap" "$TMP/null2.snap" "$TMP/trap.snap" \
	>"$TMP/groups.json" 2>"$TMP/err"
equal "dedup: groups" "[2, 1]" "$("$PYTHON" -c 'import json, sys
print([g["count"] for g in json.load(open(sys.argv[1]))["groups"]])' "$TMP/groups.json")"

# Reports have the ids of the snapshots that they are of.
cat "$TMP"/*.json >"$TMP/reports"
grep -v '"groups"' "$TMP/reports" >"$TMP/reports.json"
"$ANALYZE" signature --from json "$TMP/reports.json" 2>"$TMP/err" | cut -f1,2 >"$TMP/got"
"$PYTHON" -c 'import json, sys
for line in open(sys.argv[1], encoding="utf-8"):
    s = json.loads(line)["signature"]
    print(s["id"] or "-", s["text"] or "-", sep="\t")' "$TMP/reports.json" >"$TMP/wanted"
check "reports: ids" cmp "$TMP/wanted" "$TMP/got"
check "reports: some have one" grep -q "^s1" "$TMP/got"
