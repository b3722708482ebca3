#!/bin/bash
# A microcontroller's threads (tests/fixtures/device): through two handlers into the thread that they
# interrupted, and of threads that did not run; with and without what describes the code.
. "$(dirname "$0")/lib/testlib.sh"
need "$ANALYZE"
cd "$TMP" || exit 1
SCHEMA=$TOP/docs/report.schema.json
for file in firmware.elf compressed.elf snapshot.snap; do
	xz -dc "$TOP/tests/fixtures/device/$file.xz" >"$file" || exit 1
done

# analyse OPTION... SNAPSHOT: leaves STATUS and r.json, which is valid.
analyse() {
	STATUS=0
	"$ANALYZE" json --no-local --no-cache --variables=none "$@" >r.json 2>err || STATUS=$?
	"$PYTHON" "$LIB/validate_json.py" "$SCHEMA" r.json >valid 2>&1 || {
		not_ok "json is valid: $*"
		note_file valid
	}
}

# stack NAME: its frames, "*" behind a guess, "!" where an exception interrupted; the end.
stack() {
	"$PYTHON" - "$1" <<'END'
import json, sys
r = json.load(open("r.json", encoding="utf-8"))
t = next(t for t in r["threads"] if t["name"] == sys.argv[1])
marks = {"scan": "*", "fp": "*", "prewalked": "+"}
print(*(("!" if f["signal_frame"] else f["function"] or f["pc"]) + marks.get(f["trust"], "") for f in t["frames"]), t["end"])
END
}

module() { json_get r.json "r['modules'][0]['$1']"; }

HANDLERS="dma_advance dma_handler ! adc_convert adc_handler !"
SENSOR="ram_sample sensor_read sensor_start sensor_main"
UNTAILED="ram_sample sensor_read sensor_main"
RADIO="yield queue_receive radio_poll radio_main"
FILTER="yield filter_step filter_main"

# ---------------------------------------------------------------- what describes the code

analyse --elf firmware.elf snapshot.snap
equal ".debug_frame: through two handlers into the thread" "$HANDLERS $SENSOR complete" \
	"$(stack "Main Stack (Handler Mode)")"
equal "... the thread itself, of a frame with floating-point registers" "$SENSOR complete" "$(stack sensor)"
equal "... a waiting thread" "$RADIO complete" "$(stack radio)"
equal "... a waiting thread with floating-point registers" "$FILTER complete" "$(stack filter)"
equal "... its registers are there" "0x1000000" "$(json_get r.json "hex(int(r['threads'][2]['registers']['xpsr'], 16) & 0x1000000)")"
equal "... and trusted" "context" "$(json_get r.json "r['threads'][2]['frames'][0]['trust']")"
equal "... status" 0 "$STATUS"
equal "the firmware is laid out by its segments" "0x0 0x20000b30" "$(module start) $(module end)"

analyse --elf compressed.elf snapshot.snap
equal "compressed .debug_frame alone" "$HANDLERS $SENSOR complete" "$(stack "Main Stack (Handler Mode)")"
equal "... a waiting thread" "$RADIO complete" "$(stack radio)"

if command -v llvm-objcopy >/dev/null; then
	llvm-objcopy --strip-debug firmware.elf exidx.elf
	analyse --elf exidx.elf snapshot.snap
	equal ".ARM.exidx alone" "$HANDLERS $UNTAILED complete" "$(stack "Main Stack (Handler Mode)")"
	equal "... the thread itself" "$UNTAILED complete" "$(stack sensor)"
	equal "... a waiting thread with floating-point registers" "$FILTER complete" "$(stack filter)"

	llvm-objcopy --remove-section .ARM.exidx exidx.elf names.elf
	analyse --elf names.elf snapshot.snap
	equal "neither: what is on the stack is guessed" \
		"dma_advance dma_handler* !* adc_convert* adc_handler* !* ram_sample* sensor_read* sensor_main* unavailable" \
		"$(stack "Main Stack (Handler Mode)")"
	equal "... a waiting thread" "yield queue_receive* radio_poll* radio_main* unavailable" "$(stack radio)"

	llvm-objcopy --strip-all firmware.elf stripped.elf
	analyse --elf stripped.elf snapshot.snap
	equal "stripped: as many frames" "9 3 4 3" "$(json_get r.json "' '.join(str(len(t['frames'])) for t in r['threads'])")"
	equal "... that end where threads do" "complete complete complete complete" \
		"$(json_get r.json "' '.join(t['end'] for t in r['threads'])")"
else
	skip ".ARM.exidx alone; neither; stripped" "no llvm-objcopy here"
fi

analyse snapshot.snap
equal "no file: the handlers' frames show the way all the same" \
	"0xb6 !* 0xf2* !* 0x20000034* unavailable" \
	"$(stack "Main Stack (Handler Mode)" | sed 's/ 0xcf*e*\**//')"
equal "... status" 1 "$STATUS"

# ---------------------------------------------------------------- which file

equal "the first 16 bytes of a build ID are enough" "32 dwarf" \
	"$(analyse --elf firmware.elf snapshot.snap; echo "$(module build_id | tr -d '\n' | wc -c) $(module symbols)")"
mkdir tree && cp firmware.elf tree/any.name
analyse --symbols tree snapshot.snap
equal "... in a tree, too, though no note section has it" "dwarf" "$(module symbols)"
"$PYTHON" - <<'END'
data = bytearray(open("firmware.elf", "rb").read())
at = data.index(b"GNU\0") + 4
data[at + 15] ^= 1
open("other.elf", "wb").write(data)
data[at + 15] ^= 1
data[at - 16:at - 4] = bytes(12)
open("nameless.elf", "wb").write(data)
snap = open("snapshot.snap", "rb").read()
id = bytes(data[at:at + 16])
open("anonymous.snap", "wb").write(snap.replace(b"\x2a\x10" + id, b"\x22\x10" + b"0123456789abcdef"))
END
analyse --elf other.elf snapshot.snap
equal "--elf of another build is not used" "mismatch 'other.elf' is of another build" \
	"$(module symbols) $(module why | sed 's/ (build ID.*//')"
analyse --elf other.elf --elf firmware.elf snapshot.snap
equal "... but the next one that is right" "dwarf" "$(module symbols)"
analyse --elf board=firmware.elf --elf other.elf snapshot.snap
equal "--elf for the device's name comes before" "dwarf" "$(module symbols)"
analyse --elf board=other.elf --elf firmware.elf snapshot.snap
equal "... alone" "mismatch" "$(module symbols)"
analyse --elf modem=firmware.elf snapshot.snap
equal "--elf for another device" "none" "$(module symbols)"
analyse --elf nameless.elf snapshot.snap
equal "--elf without a build ID" "dwarf named by --elf: it has no build ID" "$(module symbols) $(module why)"
analyse --elf firmware.elf anonymous.snap
equal "a device that does not tell its build ID" "dwarf named by --elf: the device's build ID is not known" \
	"$(module symbols) $(module why)"
analyse --symbols tree anonymous.snap
equal "... without --elf" "none" "$(module symbols)"
echo text >text.elf
head -c 3 firmware.elf >cut.elf
xz -dc "$TOP/tests/fixtures/segv-null/core.xz" >a.core
while read -r bad why; do
	for device in "" board=; do
		run "$ANALYZE" json --elf "$device$bad" snapshot.snap
		equal "--elf $device$bad" "64 snapanalyze: --elf '$bad': $why (see 'snapanalyze json --help')" "$STATUS $(cat "$TMP/err")"
	done
done <<END
nothing No such file or directory
$TMP is a directory, not a regular file
text.elf not an ELF file
cut.elf not an ELF file
a.core neither an executable nor a library
END
# What is for none of the inputs, or only for one within another.
unused() { # NAME WORDS ARGUMENT...: json says this, whoever reads the inputs
	local name=$1 wanted=$2 how
	shift 2
	for how in --no-sandbox --jobs=2; do
		run "$ANALYZE" json --no-local $how "$@"
		equal "--elf $name, $how" "$wanted" "$(grep -v 'no-sandbox: ' "$TMP/err")"
	done
}
unused "for a device that is none's" \
	"snapanalyze: --elf 'modem=other.elf' is of no use: no input is of a device of this name" \
	--elf modem=other.elf --elf firmware.elf snapshot.snap snapshot.snap
equal "that is no error" 0 "$STATUS"
unused "for the device of one" "" --elf board=firmware.elf snapshot.snap
xz -dc "$TOP/tests/fixtures/segv-null/snapshot.snap.xz" >process.snap
"$LIB/make_related.py" cores.snap process.snap snapshot.snap
unused "for a device within another's snapshot" "" --elf board=firmware.elf cores.snap
unused "of processes" "snapanalyze: --elf 'firmware.elf' is of no use: no input is a microcontroller's snapshot" \
	--elf firmware.elf process.snap
unused "of processes and a device" "" --elf firmware.elf process.snap snapshot.snap
mkfifo pipe
run timeout 10 "$ANALYZE" json --elf pipe snapshot.snap
equal "--elf of a FIFO" 64 "$STATUS"
# Where a microcontroller's snapshot can't be an input, or is refused.
for verb in import export symbolize "cache build"; do
	# shellcheck disable=SC2086
	"$ANALYZE" $verb --help >out 2>err
	check "$verb: no --elf" sh -c 'grep -q -- --symbols= "$1" && ! grep -q -- --elf "$1"' sh out
done

# ---------------------------------------------------------------- text

"$ANALYZE" report --no-local --no-cache --color=never --elf firmware.elf snapshot.snap >text 2>&1
check "report: exceptions stand between the frames" grep -q '#2  *<exception handler called>$' text
check "report: what registers point to" grep -q 'r3 20000050  sink, ' text
