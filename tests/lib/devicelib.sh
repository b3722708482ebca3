# Sourced by the tests of capture/device, after testlib.sh: the example firmware, run in QEMU.

FIRMWARE_CPUS="cm3 cm4f"
declare -A QEMU=([cm3]="qemu-system-arm -M mps2-an385" [cm4f]="qemu-system-arm -M mps2-an386"
	[cm0]="qemu-system-arm -M microbit" [rv32imac]="qemu-system-riscv32 -M virt -bios none")
declare -A TOOLS=([cm0]=arm-none-eabi- [cm3]=arm-none-eabi- [cm4f]=arm-none-eabi- [rv32imac]=riscv64-unknown-elf-)
# Functions that every scenario of a thread comes through.
SENSOR_CALLERS=(fault_happen sensor_sample sensor_poll sensor_main)

# device_need NAME PROGRAM...: ends the script, skipped, if one is missing.
device_need() {
	local name=$1 program
	shift
	for program; do
		command -v "$program" >/dev/null || {
			skip "$name" "no $program (make deps)"
			exit 77
		}
	done
}

device_build() { # [MAKE'S ARGUMENTS...]
	make -s -C "$TOP" O="$O" DEVELOPER=1 CC="${CC:-gcc}" "$@" >"$TMP/build.out" 2>&1
}

firmware() { # CPU
	echo "$O/device/$1/firmware.elf"
}

# device_run CPU SCENARIO SINK FILE [SERIAL]: the firmware's exit status.
device_run() {
	local cpu=$1 scenario=$2 sink=$3 file=$4
	# shellcheck disable=SC2086
	timeout 60 ${QEMU[$cpu]} -display none -monitor none -serial "${5:-null}" \
		-semihosting-config "enable=on,target=native,arg=fw,arg=$scenario,arg=$sink,arg=$file" \
		-kernel "$(firmware "$cpu")" >"$TMP/qemu.out" 2>&1 </dev/null
}

# function_at CPU ADDRESS: of the firmware, as binutils say; the address in decimal.
function_at() {
	"${TOOLS[$1]}addr2line" -f -e "$(firmware "$1")" "$(printf '0x%x' "$2")" | head -n 1
}

# device_read FILE: its contents into FACT, by name (device_state.py); numbers are decimal.
declare -A FACT
device_read() {
	local name value
	FACT=()
	"$LIB/device_state.py" "$1" >"$TMP/facts" || return
	while read -r name value; do
		FACT[$name]=$value
	done <"$TMP/facts"
}

# What check says of a file, in a word.
integrity() { # FILE
	"$ANALYZE" check "$1" | sed 's/^.*\.snap: \([a-z]*\)[,:].*/\1/'
}

hex() { # NUMBER
	printf '%x' "$1"
}
