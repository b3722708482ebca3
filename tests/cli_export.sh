#!/bin/bash
# One crash, read twice: the kernel's full core, and a snapshot that is exported to a core. What gdb,
# lldb and eu-stack say of both must be the same: threads, registers, backtraces, modules.
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/crashlib.sh"
need "$CLIENT" "$ANALYZE" "$DEBUGGER"

gdb_says() { # PROGRAM CORE COMMAND...
	local target=("$1" "$2") options=() command
	shift 2
	for command; do options+=(-ex "$command"); done
	gdb -nx -batch -iex 'set auto-load off' -iex 'set debuginfod enabled off' \
		-iex 'set libthread-db-search-path /nonexistent' -iex 'set width 0' \
		-iex 'set height 0' "${options[@]}" "${target[@]}" </dev/null 2>&1
}

# General registers of all threads. Floating point and SSE registers of the crashing one: of most others
# a snapshot has none, and of what lies in XSAVE alone, none at all.
GDB_REGISTERS=('thread apply all info registers rax rbx rcx rdx rsi rdi rbp rsp r8 r9 r10 r11 r12 r13 r14 r15 rip eflags cs ss ds es fs gs fs_base gs_base orig_rax'
	'info registers float' 'info registers mxcsr xmm0 xmm7' 'print $_siginfo')
gdb_registers() {
	sed -n '/^libraries:$/q;/^Thread/,${/^libraries:$/q;/^warning: Section/d;/^warning: Unexpected size of section/d;p}'
}

# Names differ: the dynamic linker's are those it was given, ours those of /proc/PID/maps.
gdb_modules() { sed -n 's/^\(0x.*\) .*\//\1 /p' | sort; }

lldb_says() { # PROGRAM CORE COMMAND...
	local target=("$1" "$2") options=() command
	shift 2
	for command; do options+=(-o "$command"); done
	lldb -x -b -o 'settings set target.preload-symbols false' "${options[@]}" "${target[0]}" \
		-c "${target[1]}" </dev/null 2>/dev/null
}

lldb_frames() { sed -n 's/^[ *]*\(thread #[0-9]*\).*/\1/p; s/^[ *]*\(frame #[0-9]*: 0x[0-9a-f]* [^(]*\).*/\1/p'; }

# The kernel's core has the vDSO twice, once by the name that the dynamic linker gives it.
lldb_modules() {
	grep -v 'linux-vdso' | sed -n 's/^\[ *[0-9]*\] \([0-9A-F-]* 0x[0-9a-f]*\) .*\/\([^ ]*\).*/\1 \2/p' | sort
}

# Each start of it takes a second: of those that differ for it, unless all is asked for.
asks_lldb() {
	case $victim in
	null_deref_nopie | null_deref_static | signal_handler | in_strlen) whole ;;
	esac
}

# All that is asked about a core, of each debugger at once: to start it takes longer than to answer.
ask() { # CORE NAME
	gdb_says "$program" "$1" "${GDB_REGISTERS[@]}" 'echo libraries:\n' 'info sharedlibrary' >"$TMP/gdb.$2"
	! asks_lldb || lldb_says "$program" "$1" 'bt all' 'image list' >"$TMP/lldb.$2"
}

differ() { # FILE FILE
	local lines
	lines=$(wc -l <"$1")
	[ "$lines" -gt 0 ] && diff "$1" "$2"
}

same() { # NAME DEBUGGER FILTER: the same of the core and of what was exported
	"$3" <"$TMP/$2.core" >"$TMP/of-core"
	"$3" <"$TMP/$2.export" >"$TMP/of-export"
	check "$1" differ "$TMP/of-core" "$TMP/of-export"
}

# What gdb says of the frames in each: core.json and so on.
gdb_truths() { # NAME CORE...
	: >"$TMP/truths"
	while [ $# -gt 0 ]; do
		rm -f "$TMP/$1.json"
		printf '%s\t%s\t%s\n' "$TMP/$1.json" "$program" "$2" >>"$TMP/truths"
		shift 2
	done
	"$LIB/gdb_truth.sh" "$TMP/truths" list
}

same_frames() { # NAME: as in the core
	"$PYTHON" -c '
import json, sys
a, b = [json.load(open(f, encoding="utf-8"))["threads"] for f in sys.argv[1:]]
if not any(f["function"] == "main" for t in a for f in t["frames"]):
    sys.exit("gdb did not find the way to main even in the full core")
for x, y in zip(a, b):
    if x != y:
        print("of the core:  ", x, "of the export:", y, sep="\n")
sys.exit(a != b)' "$TMP/core.json" "$TMP/$1.json"
}

# The threads of two reports with their registers and frames, and the modules' build IDs.
same_report() {
	"$PYTHON" -c '
import json, sys
def facts(path):
    r = json.load(open(path, encoding="utf-8"))
    return {
        "crash": r["crash"], "signature": r["signature"], "mappings": r["mappings_count"],
        "modules": [(m["path"], m["build_id"], m["start"]) for m in r["modules"]],
        "threads": [(t["tid"], t["crashed"], t["end"], t["registers"], t["frames"])
                    for t in r["threads"]],
    }
a, b = [facts(f) for f in sys.argv[1:]]
for key in a:
    if a[key] != b[key]:
        print(key, a[key], b[key], sep="\n")
sys.exit(a != b)' "$1" "$2"
}

export_snap() { # OPTIONS...
	EXPORTED=$TMP/exported
	rm -f "$EXPORTED"
	run "$ANALYZE" export "$@" -o "$EXPORTED" "$SNAP"
}

crashed=()
for victim in null_deref null_deref_nopie null_deref_static null_deref_static_pie shared_main \
	many_threads signal_handler in_strlen; do
	if ! crash_both "$victim" "$VICTIMS/$victim"; then
		not_ok "$victim: one crash gives snapshot and core"
		note_file "$TMP/why"
		continue
	fi
	crashed+=("$victim")
done
core_pattern_done

for victim in "${crashed[@]}"; do
	program=$VICTIMS/$victim
	SNAP=$TMP/$victim.snap
	CORE=$TMP/$victim.core
	export_snap
	equal "$victim: exported with status 0" 0 "$STATUS" || note_file "$TMP/err"
	"$ANALYZE" export "$CORE" -o "$TMP/again" 2>/dev/null
	gdb_truths core "$CORE" export "$EXPORTED" again "$TMP/again"
	check "$victim: gdb has the same frames" same_frames export
	ask "$CORE" core
	ask "$EXPORTED" export
	same "$victim: gdb has the same registers and signal" gdb gdb_registers
	if asks_lldb; then
		same "$victim: lldb has the same frames" lldb lldb_frames
		same "$victim: lldb has the same modules" lldb lldb_modules
	fi
	[[ "$victim" = *_static* ]] || same "$victim: gdb has the same libraries" gdb gdb_modules
	eu-stack --core "$CORE" -e "$program" >"$TMP/of-core" 2>&1
	eu-stack --core "$EXPORTED" -e "$program" >"$TMP/of-export" 2>&1
	check "$victim: eu-stack says the same" differ "$TMP/of-core" "$TMP/of-export"
	"$ANALYZE" json "$SNAP" >"$TMP/snap.json" 2>/dev/null
	"$ANALYZE" json "$EXPORTED" >"$TMP/exported.json" 2>/dev/null
	check "$victim: the report of the exported core is the snapshot's" \
		same_report "$TMP/snap.json" "$TMP/exported.json"
	run "$ANALYZE" import "$EXPORTED" -o "$TMP/imported"
	"$ANALYZE" json "$TMP/imported" >"$TMP/imported.json" 2>/dev/null
	check "$victim: and so is that of a snapshot made of it" \
		same_report "$TMP/snap.json" "$TMP/imported.json"
	check "$victim: the full core, exported, has the same frames" same_frames again
	[ "$victim" = shared_main ] && cp "$SNAP" "$TMP/kept.snap" && cp "$CORE" "$TMP/kept.core"
	rm -f "$CORE" "$SNAP"
done

SNAP=$TMP/kept.snap
CORE=$TMP/kept.core
program=$VICTIMS/shared_main
[ -e "$SNAP" ] || exit 1

# What was not captured is not there, what is in files is.
export_snap
# One of .bss, one of .data, one that relocation changed, one of the stack.
gdb_says "$program" "$EXPORTED" 'x/1xg &environ' 'x/1xg &stdout' 'x/1xg &_IO_file_jumps' \
	'x/1xg $sp - 65536' >"$TMP/out"
equal "gdb can't read what was not captured" 4 "$(grep -c 'Cannot access memory' "$TMP/out")" ||
	note_file "$TMP/out"
gdb_says "$program" "$EXPORTED" 'x/2i main' | sed '/^ *0x/!d' >"$TMP/of-export"
gdb_says "$program" "$CORE" 'x/2i main' | sed '/^ *0x/!d' >"$TMP/of-core"
check "gdb reads code that was not captured from the executable" \
	differ "$TMP/of-core" "$TMP/of-export"
readelf -nW "$EXPORTED" 2>/dev/null | grep -c '^  SNAPCRASH' >"$TMP/out"
equal "notes say what was not captured" 3 "$(cat "$TMP/out")"
equal "lldb finds the executable by itself" "$(lldb_says "$program" "$EXPORTED" 'bt all' | lldb_frames)" \
	"$(lldb -x -b -o 'bt all' -c "$EXPORTED" </dev/null 2>/dev/null | lldb_frames)"

# Without the files.
build_ids() {
	"$ANALYZE" json --no-local "$1" 2>/dev/null >"$TMP/ids.json"
	json_get "$TMP/ids.json" '[(m["path"], m["build_id"]) for m in r["modules"]]'
}
wanted=$(build_ids "$SNAP")
export_snap --no-local
equal "no files: partial" 1 "$STATUS"
check "no files: says so" grep -q 'no file of the executable' "$TMP/err"
equal "no files: the build IDs are in the core" "$wanted" "$(build_ids "$EXPORTED")"
equal "no files: gdb, which has the executable, knows the innermost frame" \
	"$(gdb_says "$program" "$CORE" 'info line *$pc' | tail -n 1)" \
	"$(gdb_says "$program" "$EXPORTED" 'info line *$pc' | tail -n 1)"
mkdir "$TMP/some" && cp "$program" "$TMP/some"
export_snap --no-local --symbols "$TMP/some"
check "no libraries: says so" grep -q 'of 3 libraries were found' "$TMP/err"
equal "no libraries: gdb loads none at a wrong place" "" "$(gdb_says "$program" "$EXPORTED" 'info sharedlibrary' | gdb_modules)"

# A live process.
"$VICTIMS/sleeping_threads" 8 >/dev/null 2>&1 &
LIVE+=($!)
sleep 0.5
"$DEBUGGER" -o "$TMP/live.snap" "${LIVE[0]}" >/dev/null 2>&1
run "$ANALYZE" export "$TMP/live.snap" -o "$TMP/exported"
equal "a live process: status" 0 "$STATUS" || note_file "$TMP/err"
"$LIB/gdb_truth.sh" "$TMP/core.json" live "${LIVE[0]}" &&
	"$LIB/gdb_truth.sh" "$TMP/export.json" core "$VICTIMS/sleeping_threads" "$TMP/exported"
live_pcs() {
	"$PYTHON" -c '
import json, sys
print(sorted((t["tid"], [f["pc"] for f in t["frames"]])
    for t in json.load(open(sys.argv[1]))["threads"]))' "$1"
}
equal "a live process: gdb has the frames of its threads" "$(live_pcs "$TMP/core.json")" \
	"$(live_pcs "$TMP/export.json")"

# Where it is written.
export_snap
"$ANALYZE" export "$SNAP" -o - >"$TMP/stdout"
check "-o - writes the same" cmp "$EXPORTED" "$TMP/stdout"
# The full core has long runs of zeros, which become holes where they can.
"$ANALYZE" export "$CORE" -o "$TMP/holes"
: >"$TMP/appended"
"$ANALYZE" export "$CORE" -o - >>"$TMP/appended"
check "a file that is appended to gets no holes" cmp "$TMP/holes" "$TMP/appended"
equal "the core is the owner's alone" 600 "$(stat -c %a "$EXPORTED")"
mkdir "$TMP/dir"
echo old >"$TMP/dir/core"
"$ANALYZE" export "$SNAP" -o "$TMP/dir/core"
check "an old file is replaced" cmp "$EXPORTED" "$TMP/dir/core"
run "$ANALYZE" export "$SNAP" -o /dev/full
equal "a full device: status" 74 "$STATUS"
check "and it is still a device" test -c /dev/full
run "$ANALYZE" export "$SNAP" -o "$TMP/none/core"
equal "no such directory: status" 74 "$STATUS"
echo kept >"$TMP/dir/core"
run "$ANALYZE" export "$program" -o "$TMP/dir/core"
equal "not a snapshot: status" 2 "$STATUS"
equal "the old file stays where there is no new one" kept "$(cat "$TMP/dir/core")"
run "$ANALYZE" export "$SNAP" -o "$TMP/dir"
equal "a directory: status" 74 "$STATUS"
equal "nothing is left behind" core "$(ls -A "$TMP/dir")"
run "$ANALYZE" export "$SNAP"
equal "without -o: status" 64 "$STATUS"

# Inputs with less in them. A pipe as input, too.
size=$(stat -c %s "$SNAP")
head -c $((size * 3 / 4)) "$SNAP" | "$ANALYZE" export - -o "$TMP/exported" 2>"$TMP/err"
equal "a truncated snapshot: status" 1 "$?"
check "a truncated snapshot: gdb opens what is made of it" \
	grep -q '^#0 .* add ' <(gdb_says "$program" "$TMP/exported" bt)
