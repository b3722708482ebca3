#!/bin/bash
# Microcontrollers' snapshots as Pigweed's messages are: every field of theirs is shown, by report and
# by json. protoc makes them.
. "$(dirname "$0")/lib/testlib.sh"
need "$ANALYZE"
command -v protoc >/dev/null || {
	echo "no protoc" >&2
	exit 77
}
SCHEMA=$TOP/docs/report.schema.json

encode() { protoc -I "$TOP/proto" --encode="snapcrash.$1" snapshot.proto; }
# As a string in protoc's text form.
escaped() { od -An -v -tx1 | tr -d '\n' | sed 's/ /\\x/g'; }
json() { # NAME: of $TMP/NAME.txt, into $TMP/NAME.json
	encode Snapshot <"$TMP/$1.txt" >"$TMP/$1.snap" || not_ok "$1: encoded"
	run "$ANALYZE" json --no-local "$TMP/$1.snap"
	mv "$TMP/out" "$TMP/$1.json"
	check "$1: nothing to complain of" test ! -s "$TMP/err"
	check "$1: valid by the schema" "$PYTHON" "$LIB/validate_json.py" "$SCHEMA" "$TMP/$1.json"
	run "$ANALYZE" report --no-local "$TMP/$1.snap"
	mv "$TMP/out" "$TMP/$1.report"
}
get() { equal "$1: $2" "$3" "$(json_get "$TMP/$1.json" "$2" 2>&1)"; }
shows() { check "$1: report shows $2" grep -qF -- "$2" "$TMP/$1.report"; }

# ---------------------------------------------------------------- a Cortex-M

state=$(encode ArmV7mCpuState <<'END' | escaped
pc: 0x08001234 lr: 0x08002001 psr: 0x61000000 msp: 0x20001000 psp: 0x20002000
exc_return: 0xfffffffd cfsr: 0x02000000 icsr: 0x803 hfsr: 0x40000000 control: 2
r0: 0 r1: 0x11111111 r12: 0x12121212
END
)
stack=$(printf '\001\002\003\004%.0s' {1..64} | escaped)
cat >"$TMP/m4.txt" <<END
logs { message: "hello" line_level: $((42 << 3 | 4)) timestamp: 1234 module: "wifi" file: "net/wifi.cc" thread: "main" }
logs { dropped: 3 }
metadata {
  reason: "it broke" fatal: true project_name: "gizmo" software_version: "1.2.3"
  software_build_uuid: "0123456789abcdefghij" device_name: "core-m4" snapshot_uuid: "0123456789ABCDEF"
  cpu_arch: ARMV7M
}
tags { key: "board" value: "rev-b" }
threads { name: "idle" state: READY stack_start_pointer: 0x20001800 stack_end_pointer: 0x20001400
  stack_pointer: 0x200017c0 stack_pointer_est_peak: 0x20001500 cpu_usage_hundredths: 9512 }
threads { name: "main" state: RUNNING stack_start_pointer: 0x20002100 stack_end_pointer: 0x20001c00
  stack_pointer: 0x20002000 raw_stack: "$stack" raw_backtrace: 0x08001234 raw_backtrace: 0x08002000
  symbolized_backtrace: "broken()" }
threads { name: "deep" state: BLOCKED stack_start_pointer: 0x20003000 stack_end_pointer: 0x20002c00
  stack_pointer: 0x20002bf0 }
threads { name: "was deep" state: SUSPENDED stack_start_pointer: 0x20004000 stack_end_pointer: 0x20003c00
  stack_pointer: 0x20003ff0 stack_pointer_est_peak: 0x20003b00 }
threads { name: "up" state: INACTIVE stack_start_pointer: 0x20005000 stack_end_pointer: 0x20005400
  stack_pointer: 0x20005040 }
threads { state: UNKNOWN stack_start_pointer: 0x20006000 }
threads { name: "irq" state: INTERRUPT_HANDLER stack_start_pointer: 0x20001000 stack_end_pointer: 0x20000c00
  stack_pointer: 0x20000f80 }
cpu_state: "$state"
trace_data: "trace"
memory { address: 0x11111100 data: "0123456789abcdefghij" reason: ANNOTATED name: "rx\033 queue" }
memory { address: 0x40004000 data: "x" name: "uart" tid: 7 }
memory { address: 0x40005000 data: "x" }
timestamps { timestamp: 61500 clock_parameters { tick_period_seconds_numerator: 1
  tick_period_seconds_denominator: 1000 epoch_type: TIME_SINCE_BOOT } }
timestamps { timestamp: 1384035218 clock_parameters { tick_period_seconds_numerator: 1
  tick_period_seconds_denominator: 1 epoch_type: GPS_WALL_CLOCK } }
timestamps { timestamp: 7 }
END
json m4
equal "m4: a stack that can't be followed: partial" 1 "$STATUS"
get m4 'r["snapshot"]["integrity"]' unmarked
get m4 'r["snapshot"]["reason"]' "it broke"
get m4 'r["snapshot"]["fatal"]' true
get m4 'r["snapshot"]["uuid"]' 30313233343536373839414243444546
get m4 'r["snapshot"]["captured_at"]' 2023-11-14T22:13:20Z
get m4 'r["device"]["project"]' gizmo
get m4 'r["device"]["device"]' core-m4
get m4 'r["device"]["software_version"]' 1.2.3
get m4 'r["device"]["software_build_uuid"]' 303132333435363738396162636465666768696a
get m4 'r["device"]["arch"]' cortex-m
get m4 'r["device"]["trace_data_bytes"]' 5
get m4 '[t["text"] for t in r["device"]["timestamps"]]' "['61.500000 s since boot', \
'2023-11-14 22:13:20.000 UTC (by its GPS clock)', '7 ticks of a clock of unknown period']"
get m4 'r["device"]["timestamps"][0]["ticks"]' 61500
get m4 'r["device"]["timestamps"][0]["epoch"]' boot
get m4 'r["device"]["timestamps"][0]["period_denominator"]' 1000
get m4 'r["tags"]["board"]' rev-b
get m4 'len(r["threads"])' 7
# The process stack was in use: of the thread that it belongs to.
get m4 'r["threads"][0]["name"]' main
get m4 'r["threads"][0]["crashed"]' true
get m4 'r["threads"][0]["frames"][0]["pc"]' 0x8001234
get m4 'r["threads"][0]["registers"]["pc"]' 0x8001234
get m4 'r["threads"][0]["registers"]["lr"]' 0x8002001
get m4 'r["threads"][0]["registers"]["sp"]' 0x20002000
get m4 'r["threads"][0]["registers"]["msp"]' 0x20001000
get m4 'r["threads"][0]["registers"]["r0"]' 0x0
get m4 'r["threads"][0]["registers"]["r12"]' 0x12121212
get m4 '"r4" in r["threads"][0]["registers"]' false
get m4 'r["threads"][0]["backtrace"]' "['0x8001234', '0x8002000']"
get m4 'r["threads"][0]["symbolized_backtrace"]' "['broken()']"
get m4 '[t["state"] for t in r["threads"]]' \
	"['running', 'ready', 'blocked', 'suspended', 'inactive', 'unknown', 'interrupt-handler']"
get m4 'r["threads"][1]["cpu_usage_hundredths"]' 9512
get m4 '[(t["stack"]["size"], t["stack"]["used"], t["stack"]["peak"], t["stack"]["overflow"]) for t in r["threads"]]' \
	"[(1280, 256, None, False), (1024, 64, 768, False), (1024, 1040, None, True), \
(1024, 16, 1280, True), (1024, 64, None, False), (None, None, None, False), (1024, 128, None, False)]"
get m4 'r["threads"][1]["stack"]["peak_pointer"]' 0x20001500
get m4 'r["modules"][0]["build_id"]' 303132333435363738396162636465666768696a
get m4 'r["logs"][0]["message"]' hello
get m4 '[(e["time"], e["ticks"], e["elapsed_ns"]) for e in r["logs"]]' "[(None, 1234, 1234000000), (None, None, None)]"
shows m4 "1.234000 s (1234 ticks) "
shows m4 "main       running, stack 256 of 1,280 bytes (20.0 %)"
shows m4 "ready, CPU 95.12 %, stack 64 of 1,024 bytes (6.2 %), peak 768 of 1,024 bytes (75.0 %)"
shows m4 "blocked, stack 1,040 of 1,024 bytes (101.6 %) OVERFLOW by 16 bytes"
shows m4 "OVERFLOWED once by 256 bytes"
shows m4 "; 0x20002100 down to 0x20001c00, now at 0x20002000"
shows m4 "; 0x20005000 up to 0x20005400, now at 0x20005040"
shows m4 'Crashing thread "main"'
shows m4 "Clock      61.500000 s since boot"
shows m4 "Trace      5 bytes"
shows m4 "Project    gizmo"
shows m4 "board = rev-b"
shows m4 "hello"
get m4 '[tuple(m.values()) for m in r["memory_regions"]]' \
	"[('rx\\x1b queue', '0x11111100', 20, None), ('uart', '0x40004000', 1, 7)]"
equal "m4: report: memory with names" "$(printf '%s\n' "  rx\\x1b queue  0x11111100, 20 bytes" "  uart          0x40004000, 1 byte")" \
	"$(grep -A2 '^Memory that the firmware named' "$TMP/m4.report" | sed 1d)"
shows m4 "r1 11111111  captured memory, at +0x11 in what the firmware calls 'rx\\x1b queue'"
# Without marks, as Pigweed's devices write it: that is no damage.
shows m4 "has no checksums (another program wrote it): nothing tells whether it is whole."
check "m4: report does not call it damaged" sh -c '! grep -q "What follows is what can be read" "$1"' sh "$TMP/m4.report"
run "$ANALYZE" check "$TMP/m4.snap"
equal "m4: check: no error" 0 "$STATUS"
check "m4: check says what that means" \
	grep -qF ": unmarked: another program wrote it, without checksums that would tell whether it is whole, " "$TMP/out"

# The main stack was in use: of the handler, though a thread runs.
state=$(encode ArmV7mCpuState <<<'pc: 0x08001234 msp: 0x20000f80 psp: 0x20002000 exc_return: 0xfffffff1' | escaped)
sed "s/^cpu_state.*/cpu_state: \"${state//\\/\\\\}\"/" "$TMP/m4.txt" >"$TMP/irq.txt"
json irq
get irq 'r["threads"][0]["name"]' irq
get irq 'r["threads"][0]["registers"]["sp"]' 0x20000f80

# No thread has it on its stack, and none runs: a thread of its own.
cat >"$TMP/alone.txt" <<END
metadata { cpu_arch: ARMV6M }
cpu_state: "$(encode ArmV7mCpuState <<<'pc: 0x1000 r7: 7' | escaped)"
END
json alone
get alone 'len(r["threads"])' 1
get alone 'r["threads"][0]["crashed"]' true
get alone 'r["threads"][0]["registers"]' "{'r7': '0x7', 'pc': '0x1000'}"

# Two occurrences merge; one that is cut is told.
cat >"$TMP/merged.txt" <<END
metadata { cpu_arch: ARMV7M }
cpu_state: "$(encode ArmV7mCpuState <<<'pc: 0x1000 r7: 7' | escaped)"
cpu_state: "$(encode ArmV7mCpuState <<<'r7: 8 r0: 9' | escaped)"
END
json merged
get merged 'r["threads"][0]["registers"]' "{'r0': '0x9', 'r7': '0x8', 'pc': '0x1000'}"
cat >"$TMP/cut.txt" <<END
metadata { cpu_arch: ARMV7M }
cpu_state: "$(encode ArmV7mCpuState <<<'pc: 0x1000 r7: 7' | head -c 4 | escaped)"
END
json cut
get cut 'r["snapshot"]["integrity"]' corrupt
get cut 'r["threads"][0]["registers"]' "{'pc': '0x1000'}"

# Nothing crashed: the running thread comes first, but as one that went on.
cat >"$TMP/live.txt" <<'END'
metadata { reason: "looked at" cpu_arch: ARMV7M }
threads { name: "idle" state: READY }
threads { name: "main" state: RUNNING }
END
json live
get live '[(t["name"], t["crashed"]) for t in r["threads"]]' "[('main', False), ('idle', False)]"
run "$ANALYZE" report --brief --no-local "$TMP/live.snap"
check "live: --brief names its threads" grep -qxF '  2 threads "main", "idle": no frames' "$TMP/out"

# ---------------------------------------------------------------- RISC-V

state=$(encode RiscvCpuState <<'END' | escaped
mepc: 0x20400100 mcause: 5 mtval: 4 mstatus: 0x1880 ra: 0x20400201 sp: 0x80001000 fp: 0x80001010
a0: 1 a7: 17 s11: 11 t6: 6
END
)
cat >"$TMP/rv.txt" <<END
metadata { cpu_arch: RV32I device_name: "rv" }
threads { name: "main" active: true stack_start_pointer: 0x80001100 stack_end_pointer: 0x80000c00 }
cpu_state: "$state"
END
json rv
get rv 'r["device"]["arch"]' riscv32
get rv 'r["threads"][0]["registers"]' "{'pc': '0x20400100', 'ra': '0x20400201', 'sp': '0x80001000', \
's0': '0x80001010', 'a0': '0x1', 'a7': '0x11', 's11': '0xb', 't6': '0x6'}"
get rv 'r["threads"][0]["active"]' true

# ---------------------------------------------------------------- cores within one another

cat >"$TMP/outer.txt" <<END
metadata { cpu_arch: ARMV7M device_name: "outer" }
related_snapshots { $(cat "$TMP/rv.txt") }
related_snapshots { $(cat "$TMP/m4.txt") }
END
json outer
get outer '[s["device"]["arch"] for s in r["related"]]' "['riscv32', 'cortex-m']"
get outer 'r["related"][1]["threads"][0]["registers"]["pc"]' 0x8001234
get outer 'r["related"][0]["device"]["device"]' rv
shows outer "Related snapshot 2"

# A stack that says to be where no address is, and one of more bytes than it has room for.
cat >"$TMP/odd.txt" <<END
metadata { cpu_arch: ARMV7M }
threads { name: "top" state: RUNNING stack_pointer: 0xffffffffffffffff raw_stack: "$stack" }
threads { name: "long" stack_start_pointer: 0x20001040 stack_end_pointer: 0x20001000
  stack_pointer: 0x20001030 raw_stack: "$stack" }
threads { name: "short" stack_start_pointer: 8 raw_stack: "$stack" }
END
json odd
get odd 'len(r["threads"])' 3
run "$ANALYZE" dump --memory 0x20000f40,4 "$TMP/odd.snap"
check "a stack of too many bytes ends at its start" grep -q "01 *02 *03 *04" "$TMP/out"

# ---------------------------------------------------------------- whose registers, if several could have them

# One that overflowed into its neighbour's stack is not its neighbour, whatever their order.
state=$(encode ArmV7mCpuState <<<'pc: 0x1000 psp: 0x200013c0 exc_return: 0xfffffffd icsr: 4 cfsr: 0x92' | escaped)
victim='threads { name: "victim" state: READY stack_start_pointer: 0x20001400 stack_end_pointer: 0x20001000
  stack_pointer: 0x200013c0 }'
culprit='threads { name: "culprit" state: RUNNING stack_start_pointer: 0x20001800 stack_end_pointer: 0x20001400
  stack_pointer: 0x200013c0 }'
printf 'metadata { fatal: true cpu_arch: ARMV7M }\n%s\n%s\ncpu_state: "%s"\n' "$victim" "$culprit" "$state" >"$TMP/first.txt"
printf 'metadata { fatal: true cpu_arch: ARMV7M }\n%s\n%s\ncpu_state: "%s"\n' "$culprit" "$victim" "$state" >"$TMP/second.txt"
for order in first second; do
	json "$order"
	get "$order" 'r["threads"][0]["name"]' culprit
	get "$order" 'r["crash"]["kind"]' stack-overflow
done

# A handler that gave up without registers, while a thread was interrupted.
cat >"$TMP/handler.txt" <<'END'
metadata { fatal: true cpu_arch: ARMV7M reason: "Check failed: a" }
threads { name: "idle" state: RUNNING raw_backtrace: 0x1000 }
threads { name: "Main Stack (Handler Mode)" state: INTERRUPT_HANDLER raw_backtrace: 0x2000 }
END
json handler
get handler 'r["threads"][0]["name"]' "Main Stack (Handler Mode)"
get handler 'r["threads"][0]["frames"][0]["trust"]' prewalked

# Where a stack pointer is far from the stack, nothing is known of its use; a peak is no less than the use.
cat >"$TMP/far.txt" <<'END'
metadata { cpu_arch: ARMV7M }
threads { name: "far" stack_start_pointer: 0x20001000 stack_end_pointer: 0x20000c00 stack_pointer: 0 }
threads { name: "late" stack_start_pointer: 0x20001000 stack_end_pointer: 0x20000c00 stack_pointer: 0x20000d00
  stack_pointer_est_peak: 0x20000f00 }
END
json far
get far '[(t["stack"]["used"], t["stack"]["peak"], t["stack"]["overflow"]) for t in r["threads"]]' \
	"[(None, None, False), (768, 768, False)]"
shows far "stack pointer 0x0 is not in its stack"

# ---------------------------------------------------------------- hostile

# A frame of an exception that leads to itself.
frame=$(printf '\0%.0s' {1..24} | escaped; printf '\274\377\377\377\0\0\0\1' | escaped)
cat >"$TMP/loop.txt" <<END
metadata { fatal: true cpu_arch: ARMV7M }
threads { name: "t" state: RUNNING stack_start_pointer: 0x20001020 stack_end_pointer: 0x20000c00
  stack_pointer: 0x20001000 raw_stack: "$frame" }
cpu_state: "$(encode ArmV7mCpuState <<<'pc: 0xffffffbc lr: 0xffffffbd psp: 0x20001000 exc_return: 0xfffffffd' | escaped)"
END
json loop
get loop 'len(r["threads"][0]["frames"]) < 10' true
# Marks of an assertion that share a quote.
cat >"$TMP/quote.txt" <<'END'
metadata { fatal: true cpu_arch: ARMV7M reason: "assertion \"x\" failed: file \", line 12" }
END
json quote
get quote 'r["crash"]["assertion"]["expression"]' x
