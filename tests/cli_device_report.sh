#!/bin/bash
# What the analysis makes of a microcontroller's snapshot: kind, function and line of the crash, its
# callers, through the frames that exceptions left, and the threads that did not run. The snapshots are
# made anew by the example firmware in QEMU; the expectations are its source and binutils.
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/devicelib.sh"
need "$ANALYZE"
device_need "microcontrollers' reports" arm-none-eabi-gcc arm-none-eabi-addr2line qemu-system-arm
check "the firmware builds" device_build device-arm || exit 1

# One reading for all the questions about a report.
cat >"$TMP/questions.py" <<'EOF'
import json
import sys

report = json.load(open(sys.argv[1], encoding="utf-8"))
threads = report["threads"]
crashed = [t for t in threads if t["crashed"]]
first = crashed[0]["frames"][0] if crashed and crashed[0]["frames"] else {}


def functions(thread):
    return " ".join(f["function"] or "?" for f in thread["frames"])


print("kind", report["crash"]["kind"])
print("crashed", ",".join(t["name"] or "-" for t in crashed))
print("place", f"{(first.get('file') or '?').rsplit('/', 1)[-1]}:{first.get('line')}")
print("message", report["crash"]["message"])
print("address", report["crash"]["address"])
print("signature", report["signature"]["id"])
print("symbols", " ".join(sorted({m["symbols"] for m in report["modules"]})))
for t in threads:
    print(f"frames.{(t['name'] or '-').replace(' ', '_')}", functions(t))
    print(f"saved.{(t['name'] or '-').replace(' ', '_')}", t["saved_by"])
EOF

declare -A REPORT
read_report() { # FILE
	local name value
	REPORT=()
	"$PYTHON" "$TMP/questions.py" "$1" >"$TMP/answers" 2>"$TMP/err" || return
	while read -r name value; do
		REPORT[$name]=$value
	done <"$TMP/answers"
}

# chain NAME THREAD FUNCTION...: the frames of a thread begin so.
chain() {
	local name=$1 thread=$2 got
	shift 2
	got=${REPORT[frames.$thread]-}
	equal "$name: frames of $thread" "$*" "$(cut -d ' ' -f "1-$#" <<<"$got")"
}

# has NAME THREAD FUNCTION...: the frames of a thread have these among them, in this order.
has() {
	local name=$1 thread=$2 pattern
	shift 2
	pattern=$(printf '.* %s' "$@")
	check "$name: frames of $thread" grep -qE "^$pattern( |\$)" <<<" ${REPORT[frames.$thread]-}" ||
		note "${REPORT[frames.$thread]-}"
}

# analyse CPU SCENARIO KINDS: runs it, and what every report must have. KINDS: an extended regular
# expression, where more than one name is right.
analyse() {
	local name=$1-$2 snap=$TMP/$1-$2.snap status
	device_run "$1" "$2" file "$snap"
	equal "$name: the firmware's exit status" 0 $?
	device_read "$snap"
	"$ANALYZE" json --no-local --symbols "$TMP/symbols" "$snap" >"$TMP/report.json" 2>"$TMP/err"
	status=$?
	REPORTS+=("$TMP/$name.json")
	cp "$TMP/report.json" "$TMP/$name.json"
	read_report "$TMP/report.json"
	case $2 in
	overflow | wild_jump | null_call) ;;
	*) equal "$name: exit status of json" 0 $status || note_file "$TMP/err" ;;
	esac
	check "$name: kind" grep -qxE "$3" <<<"${REPORT[kind]-}" || note "${REPORT[kind]-}"
	equal "$name: symbols" dwarf "${REPORT[symbols]-}"
	[ "$2" = overflow ] || check "$name: there is a signature" grep -q "^s1:" <<<"${REPORT[signature]-}"
	"$ANALYZE" report --no-local --symbols "$TMP/symbols" "$snap" >"$TMP/$name.txt" 2>>"$TMP/err"
}

place_is_true() { # CPU NAME REGISTER
	equal "$2: file and line" "$(basename "$("${TOOLS[$1]}addr2line" -e "$(firmware "$1")" \
		"$(printf '0x%x' "${FACT[cpu.$3]}")" | cut -d ' ' -f 1)")" "${REPORT[place]-}"
}

# The threads that did not run: from where the scheduler left them.
others() { # NAME
	has "$1" radio kernel_block radio_wait_packet radio_receive radio_main
	has "$1" idle kernel_yield idle_main
	check "$1: radio's registers are as FreeRTOS saves them" grep -q FreeRTOS <<<"${REPORT[saved.radio]-}"
}

mkdir "$TMP/symbols"
REPORTS=()
for cpu in $FIRMWARE_CPUS; do
	cp "$(firmware "$cpu")" "$TMP/symbols/$cpu.elf"
	for each in "null memmanage" "unaligned usagefault" "divide usagefault" "undefined usagefault" \
		"bus busfault" "hardfault usagefault" "assert assert" "user_assert assert" \
		"float usagefault"; do
		read -r name kind <<<"$each"
		[ "$cpu-$name" = cm3-float ] && continue
		function=$name
		[ "$name" = hardfault ] && function=divide
		analyse "$cpu" "$name" "$kind"
		equal "$cpu-$name: the crashed thread" sensor "${REPORT[crashed]-}"
		chain "$cpu-$name" sensor "${function}_inner" "${function}_outer" "${SENSOR_CALLERS[@]}"
		place_is_true "$cpu" "$cpu-$name" pc
		others "$cpu-$name"
		check "$cpu-$name: the log's times" grep -qE "^  [0-9]+\.[0-9]{6} s \([0-9]+ ticks\) info: " "$TMP/$cpu-$name.txt"
		check "$cpu-$name: the text names the function" grep -q "${function}_inner" "$TMP/$cpu-$name.txt"
		case $name in
		null) equal "$cpu-$name: address" 0x8 "${REPORT[address]-}" ;;
		bus) equal "$cpu-$name: address" 0xa0000010 "${REPORT[address]-}" ;;
		assert | user_assert) check "$cpu-$name: message" grep -q "value <= limit" <<<"${REPORT[message]-}" ;;
		esac
	done

	# pc is nowhere: the caller is told by lr.
	for each in "null_call exec-bad-pc|memmanage" "wild_jump exec-bad-pc|busfault"; do
		read -r name kind <<<"$each"
		analyse "$cpu" "$name" "$kind"
		has "$cpu-$name" sensor "${name}_inner" "${name}_outer" "${SENSOR_CALLERS[@]}"
		check "$cpu-$name: it has a signature" grep -q '^s1:' <<<"${REPORT[signature]-}"
		# By lr alone, or for certain where the register that it called by is still the same.
		check "$cpu-$name: what tells of the caller" \
			grep -qE "#1 +${name}_inner ([^[]*|.*\[by the link register\])$" "$TMP/$cpu-$name.txt"
	done
	analyse "$cpu" bad_pointer "usagefault|exec-bad-pc"
	has "$cpu-bad_pointer" sensor divide_outer bad_pointer_inner bad_pointer_outer "${SENSOR_CALLERS[@]}"
	analyse "$cpu" misaligned usagefault
	chain "$cpu-misaligned" sensor misaligned_inner misaligned_outer "${SENSOR_CALLERS[@]}"

	# In handlers: through the frames that the processor pushed, to the thread that was interrupted.
	for each in "irq busfault adc_convert adc_handler" "irq_assert assert adc_convert adc_handler" \
		"nested usagefault dma_advance dma_handler adc_convert adc_handler"; do
		read -r name kind frames <<<"$each"
		analyse "$cpu" "$name" "$kind"
		equal "$cpu-$name: the crashed thread" "Main Stack (Handler Mode)" "${REPORT[crashed]-}"
		# shellcheck disable=SC2086
		has "$cpu-$name" "Main_Stack_(Handler_Mode)" $frames
		place_is_true "$cpu" "$cpu-$name" pc
		has "$cpu-$name" sensor irq_inner irq_outer "${SENSOR_CALLERS[@]}"
		others "$cpu-$name"
	done
	chain "$cpu-nested" "Main_Stack_(Handler_Mode)" dma_advance dma_handler

	# No room for the frame: what the stack holds is all there is to go by.
	analyse "$cpu" overflow "stack-overflow|memmanage"
	equal "$cpu-overflow: the crashed thread" sensor "${REPORT[crashed]-}"
	check "$cpu-overflow: the function is found" grep -q overflow_inner <<<"${REPORT[frames.sensor]-}" ||
		note "${REPORT[frames.sensor]-}"
	check "$cpu-overflow: whom it has hit" grep -qE \
		"Below it is the stack of thread 'radio', of which [0-9]+ bytes may have been overwritten\.$" "$TMP/$cpu-overflow.txt"
	check "$cpu-overflow: it has a signature" grep -q '^s1:' <<<"${REPORT[signature]-}"

	analyse "$cpu" early usagefault
	chain "$cpu-early" "Main_Stack_(Thread_Mode)" early_set_up fault_happen_early firmware_main reset_handler
done

# ARMv6-M tells no more than that there was a fault.
cpu=cm0
cp "$(firmware $cpu)" "$TMP/symbols/$cpu.elf"
for each in "undefined hardfault" "bus hardfault" "unaligned hardfault" "assert assert"; do
	read -r name kind <<<"$each"
	analyse $cpu "$name" "$kind"
	equal "$cpu-$name: the crashed thread" sensor "${REPORT[crashed]-}"
	chain "$cpu-$name" sensor "${name}_inner" "${name}_outer" "${SENSOR_CALLERS[@]}"
	place_is_true $cpu "$cpu-$name" pc
	others "$cpu-$name"
done
analyse $cpu irq hardfault
has $cpu-irq "Main_Stack_(Handler_Mode)" adc_convert adc_handler
has $cpu-irq sensor irq_inner irq_outer "${SENSOR_CALLERS[@]}"

for program in riscv64-unknown-elf-gcc qemu-system-riscv32; do
	command -v $program >/dev/null || {
		skip "RISC-V" "no $program (make deps)"
		NO_RISCV=1
		break
	}
done
if [ -z "${NO_RISCV-}" ] && check "the firmware for RISC-V builds" device_build device-riscv; then
	cpu=rv32imac
	cp "$(firmware "$cpu")" "$TMP/symbols/$cpu.elf"
	for name in null bus undefined assert; do
		analyse $cpu $name ".*"
		chain $cpu-$name main "${name}_inner" "${name}_outer" fault_happen firmware_main
		place_is_true $cpu $cpu-$name mepc
	done
	analyse $cpu wild_jump ".*"
	has $cpu-wild_jump main wild_jump_inner wild_jump_outer fault_happen firmware_main
	analyse $cpu irq ".*"
	chain $cpu-irq main adc_convert snapcrash_device_interrupt_entry
fi

check "every report is what the schema allows" "$LIB/validate_json.py" "$TOP/docs/report.schema.json" "${REPORTS[@]}"

# Cores within one another: each has the firmware that is its own, by its build ID, or by its name where
# the device does not tell one.
cat >"$TMP/rename.py" <<'END'
import sys

from snapshot_records import delimited, plain, read_snapshot, read_varint, records

out = b""
for number, record in records(plain(read_snapshot(sys.argv[1]))):
    if number == 16:
        _, at = read_varint(record, 0)
        _, at = read_varint(record, at)
        kept = b"".join(field for number, field in records(record[at:]) if number not in (5, 6))
        record = delimited(16, kept + delimited(6, sys.argv[3].encode()))
    out += record
with open(sys.argv[2], "wb") as file:
    file.write(out)
END
PYTHONPATH=$LIB "$PYTHON" -B "$TMP/rename.py" "$TMP/cm4f-divide.snap" "$TMP/radio.snap" radio
"$LIB/make_related.py" "$TMP/cores.snap" "$TMP/cm3-null.snap" "$TMP/cm4f-bus.snap" "$TMP/radio.snap"
cores() { # OPTION...: the innermost function of each core
	"$ANALYZE" json --no-local "$@" "$TMP/cores.snap" >"$TMP/cores.json" 2>"$TMP/err"
	json_get "$TMP/cores.json" '" ".join(s["threads"][0]["frames"][0]["function"] or "?" for s in [r] + r["related"])'
}
equal "cores: by their build IDs" "null_inner bus_inner ?" "$(cores --symbols "$TMP/symbols")"
equal "cores: by the name of one" "null_inner bus_inner divide_inner" \
	"$(cores --symbols "$TMP/symbols" --elf "radio=$TMP/symbols/cm4f.elf")"
check "cores: valid by the schema" "$PYTHON" "$LIB/validate_json.py" "$TOP/docs/report.schema.json" "$TMP/cores.json"
# A file of another build is not taken.
equal "cores: not by another build's file" "? ? divide_inner" \
	"$(cores --elf "mps2=$TMP/symbols/cm0.elf" --elf "radio=$TMP/symbols/cm4f.elf")"
