#!/bin/bash
# The report for people: what fits on a screen, what is left out of it and how it says so.
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/crashlib.sh"
need "$CLIENT" "$DEBUGGER" "$ANALYZE"
cd "$TMP" || exit 1

live() { # NAME COMMAND...: a snapshot of it in NAME.snap when it has printed a line
	local name=$1
	shift
	"$@" >"$name.ready" 2>&1 &
	LIVE+=($!)
	within 30 test -s "$name.ready" || { not_ok "$name is ready"; exit 1; }
	"$DEBUGGER" -o "$name.snap" $! >/dev/null 2>"$name.err"
	[ -s "$name.snap" ] || { not_ok "$name is captured"; note_file "$name.err"; exit 1; }
	{ kill -KILL $! && wait $!; } 2>/dev/null
}
lines() { wc -l <"$1" | tr -d ' '; }
# Threads that a text report accounts for, by their counts.
accounted() {
	"$PYTHON" - "$1" <<'END'
import re, sys
num = 0
for line in open(sys.argv[1]):
    line = line.strip()
    if re.match(r"(Crashing thread|Thread) \d+", line):
        num += 1
    elif m := re.match(r"(\d+) threads( like this)?: \d", line):
        num += int(m.group(1))
    elif m := re.match(r"\.\.\. and (\d+) more threads with", line):
        num += int(m.group(1))
print(num)
END
}

# ---------------------------------------------------------------- threads that stand alike

live sleeping "$VICTIMS/sleeping_threads" 2000
run "$ANALYZE" report sleeping.snap
cp out sleeping.txt
check "2000 threads that sleep: a short report" test "$(lines out)" -le 80
equal "2000 threads that sleep: all are accounted for" 2001 "$(accounted out)"
check "2000 threads that sleep: their stack stands once or twice" \
	test "$(grep -c ' sleep_middle ' out)" -le 4 -a "$(grep -c ' sleep_middle ' out)" -ge 2
check "2000 threads that sleep: their ids are ranges" grep -q '^[0-9]* threads like this: [0-9]*-[0-9]*.* "sleeping_thread"$' out
run "$ANALYZE" json sleeping.snap
cp out sleeping.json
check "json: the groups are those that the report counts" "$PYTHON" -c '
import collections, json, re, sys
report = json.load(open(sys.argv[1]))
sizes = collections.Counter(t["group"] for t in report["threads"])
told = [int(n) for n in re.findall(r"(?m)^(\d+) threads like this: ", open(sys.argv[2]).read())]
assert sorted(n for n in sizes.values() if n > 1) == sorted(told), (sizes, told)
assert sorted(sizes) == list(range(len(sizes))), sizes' out sleeping.txt

if crash_direct crowd "$VICTIMS/sleeping_threads" 512 crash; then
	run "$ANALYZE" report "$SNAP"
	check "512 threads, one crashes: a short report" test "$(lines out)" -le 150
	equal "512 threads, one crashes: all are accounted for" 514 "$(accounted out)"
else
	not_ok "512 threads, one crashes: captured"
	note_file why
fi

# Each of these 64 threads has a stack of its own.
if crash_direct many "$VICTIMS/many_threads"; then
	run "$ANALYZE" report "$SNAP"
	equal "64 threads in 64 chains: all are accounted for" "$("$ANALYZE" json "$SNAP" | "$PYTHON" -c '
import json, sys
print(len(json.load(sys.stdin)["threads"]))')" "$(accounted out)"
	equal "64 threads in 64 chains: the first 24 stacks in full" 24 "$(grep -c '^Thread [0-9]' out)"
	check "64 threads in 64 chains: others by a line" grep -q '^  Thread [0-9]* ".*": .* < .* < .* < \.\.\.$' out
	check "64 threads in 64 chains: what is not shown is told" grep -q 'snapanalyze json has all stacks' out
else
	not_ok "64 threads in 64 chains: captured"
	note_file why
fi
core_pattern_done

# ---------------------------------------------------------------- one screen

mkdir symbols inputs
for dir in "$TOP"/tests/fixtures/*/; do
	[ -e "$dir/command" ] || continue
	for file in "$dir"*.xz; do
		name=$(basename "$file" .xz)
		case $name in
		snapshot.snap | core) xz -dc "$file" >"inputs/$(basename "$dir").${name%.snap}" ;;
		*) xz -dc "$file" >"symbols/$name" ;;
		esac
	done
done
num=$(ls inputs | wc -l)
cat >check_brief.py <<'END'
import json, re, sys, unicodedata

def columns(line):
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in line)
    return len(line) + wide - sum(unicodedata.combining(c) != 0 for c in line)

text = open(sys.argv[1], encoding="utf-8").read()
models = {m["snapshot"]["file"]: m for m in map(json.loads, open(sys.argv[2], encoding="utf-8"))}
screens = re.split(r"(?:^|\n)==> (.*) <==\n", text)[1:]
faults = []
for name, screen in zip(screens[::2], screens[1::2]):
    lines, model = screen.rstrip("\n").split("\n"), models[name]
    def expect(condition, what):
        if not condition:
            faults.append(f"{name}: {what}\n{screen}")
    expect(len(lines) <= 24, f"{len(lines)} lines")
    expect(all(columns(l) <= 80 for l in lines), "more than 80 columns")
    expect(all(c.isprintable() or c == "\n" for c in screen), "a character for no terminal")
    flat = re.sub(r"\s+", " ", screen)
    # What: the signal, and the first words of the sentence.
    expect((model["crash"]["signal"] or "Live process") in lines[0], "what happened")
    expect(model["crash"]["explanation"].split(";")[0][:100] in flat, "the explanation")
    # Where: the thread, and its innermost frame or where it was before that ended the program.
    thread = model["threads"][0]
    where, following = (i for i, l in enumerate(lines) if re.match(r"Where: |Next$", l))
    expect(str(thread["tid"]) in lines[where], "the thread")
    first = thread["frames"][0]
    expect((first["function"] or first["module"] or first["pc"])[:20] in " ".join(lines[where:following]), "the frame")
    # Next: a place to look at, and each module without symbols.
    steps = flat[flat.index(" Next "):]
    expect("- Look at " in steps, "where to look")
    missing = [m for m in model["modules"] if m["symbols"] in ("none", "mismatch")
               and any(f["module"] == m["name"] for f in thread["frames"])]
    for m in missing[:1]:
        expect(f"Get symbols of {m['name']} " in steps, f"symbols of {m['name']}")
        if m["build_id"]:
            expect(m["build_id"] in steps.replace(" ", ""), f"build ID of {m['name']}")
            expect("--symbols DIR" in steps, "how to get them")
print("\n".join(faults))
print(len(screens) // 2)
sys.exit(1 if faults else 0)
END
for how in "--symbols symbols" ""; do
	# shellcheck disable=SC2086
	"$ANALYZE" report --brief --no-local $how inputs/* >brief.txt 2>err
	status=$?
	# shellcheck disable=SC2086
	"$ANALYZE" json --no-local $how inputs/* >all.json 2>/dev/null
	check "every stored crash ${how:+with symbols }fits on a screen, and says what, where and what next" \
		"$PYTHON" check_brief.py brief.txt all.json
	equal "... all $num of them" "$num" "$(tail -n 1 check.out)"
	check "... status 0 or 1" test "$status" -le 1
done

# ---------------------------------------------------------------- sections

options=(--no-local --symbols symbols)
"$ANALYZE" report "${options[@]}" inputs/segv-null.snapshot >whole.txt
names=$("$ANALYZE" report --help | tr -s '\n ' ' ' | sed -n 's/.*only these of \([a-z, ]*\), with commas.*/\1/p' | tr -d ,)
check "--help lists sections" test "$(wc -w <<<"$names")" -ge 12
: >parts.txt
for name in $names; do
	"$ANALYZE" report --sections="$name" "${options[@]}" inputs/segv-null.snapshot >part.txt
	[ ! -s part.txt ] || { [ ! -s parts.txt ] || echo >>parts.txt; cat part.txt >>parts.txt; }
done
check "each section alone, one after the other, is the whole report" diff whole.txt parts.txt
"$ANALYZE" report --sections=signature,cause "${options[@]}" inputs/segv-null.snapshot >two.txt
check "their order is fixed" diff two.txt <("$ANALYZE" report --sections=cause,signature "${options[@]}" inputs/segv-null.snapshot)
check "only what was asked for" sh -c 'grep -q "^Signature" two.txt && ! grep -q "^Registers" two.txt'
for list in none cause,none "" cause, ,cause; do
	run "$ANALYZE" report --sections="$list" "${options[@]}" inputs/segv-null.snapshot
	equal "--sections=$list: wrong usage" "64 0" "$STATUS $(lines out)"
	check "--sections=$list: tells the names" grep -q "takes cause, stack, .*, memory, with commas between" err
done

# ---------------------------------------------------------------- memory round the registers

for input in segv-null.snapshot mips-deep.core arm-deep.core aarch64-leaf.core; do
	"$ANALYZE" report --sections=memory "${options[@]}" inputs/$input >memory.txt
	"$ANALYZE" json "${options[@]}" inputs/$input >memory.json
	check "$input: memory round the registers is that of the input" "$PYTHON" - "$ANALYZE" inputs/$input <<'END'
import json, re, subprocess, sys
report, text = json.load(open("memory.json")), open("memory.txt").read()
registers = {name: int(value, 16) for name, value in report["threads"][0]["registers"].items()}
big = re.match("(mips|ppc|s390|sparc|m68k)", report["device"]["arch"] or "") is not None
pointers = re.findall(r"(?m)^ +(\w+) ([0-9a-f]{8,16})  (.+)$", text.split("\nMemory there\n")[0])
assert len(pointers) >= 2, pointers
for name, value, words in pointers:
    assert registers[name] == int(value, 16), name
lines = re.findall(r"(?m)^  ([0-9a-f]{8,16})((?: [0-9a-f-]+){2,4})  (.{16})(?:  <- (.*))?$", text)
assert len(lines) > 20, len(lines)
marked = {}
for address, words, characters, marks in lines:
    address = int(address, 16)
    got = b""
    for word in words.split():
        assert "-" not in word
        got += bytes.fromhex(word) if big else bytes.fromhex(word)[::-1]
    dump = subprocess.run([sys.argv[1], "dump", f"--memory={address},16", sys.argv[2]],
                          capture_output=True, text=True, check=True).stdout if len(marked) < 99 and marks else None
    if dump is not None:
        wanted = bytes.fromhex("".join(re.match(r"[0-9a-f]+((?: +[0-9a-f]{2}){16})", dump).group(1).split()))
        assert got == wanted, (hex(address), got, wanted)
    assert characters == "".join(chr(b) if 32 <= b < 127 else "." for b in got), characters
    for name in marks.split():
        marked[name] = address
# Each is marked on the line that it points to.
for name, value, words in pointers:
    if name in marked:
        assert marked[name] <= int(value, 16) < marked[name] + 16, name
assert marked.keys() & {"rip", "pc"} and marked.keys() & {"rsp", "sp"}, marked
END
done

# ---------------------------------------------------------------- source

stack() { # OPTION...: the stack of the stored crash
	"$ANALYZE" report --sections=stack --variables=none "${options[@]}" "$@" inputs/segv-null.snapshot 2>err
}
stack >none.txt
stack --source "$TOP/tests" >source.txt
equal "the line of a frame, and those round it" \
	"23          entry = entry_follow(entry);|24      return entry_value(entry) + 1;|25  }|" \
	"$(sed -n '/#0/,/#1/p' source.txt | sed -n 's/^      [> ] *\([0-9]* .*\)/\1/p' | tr '\n' '|')"
equal "... which is marked" 4 "$(grep -c '^      > ' source.txt)"
check "... and the rest is as without" diff none.txt <(grep -v '^      [> ] *[0-9]' source.txt)
check "the end of its path is enough" diff source.txt <(stack --source "$TOP/tests/fixtures/segv-null")
check "the same without the sandbox" diff source.txt <(stack --no-sandbox --source "$TOP/tests")
mkdir -p tree/fixtures/segv-null tree2 dated
cp "$TOP/tests/fixtures/segv-null/segv-null.c" dated/
newer="dated/segv-null.c is newer than the program: it may be of another version"
touch -r symbols/segv-null -d '1 second' dated/segv-null.c
stack --source dated >out
equal "a file that was changed after the program: told once" "1 $((4 + 1))" \
	"$(grep -cxF "      $newer" out) $(grep -c '^      > ' out | { read -r n; echo $((n + 1)); })"
check "... below the first frame that it is of" sh -c 'sed -n "/#0/,/#1/p" out | grep -qF "$1"' sh "$newer"
touch -r symbols/segv-null dated/segv-null.c
check "one that is as old: not told" sh -c '! grep -q newer "$1"' sh <(stack --source dated)
touch -r symbols/segv-null -d '-1 day' dated/segv-null.c
check "nor one that is older" sh -c '! grep -q newer "$1"' sh <(stack --source dated)
touch -d '1 second ago' symbols/segv-null
stack --source "$TOP/tests" >source.txt
run env DEBUGINFOD_URLS= "$ANALYZE" report --fetch-source inputs/segv-null.snapshot
equal "--fetch-source without DEBUGINFOD_URLS: wrong usage" "64 0" "$STATUS $(lines out)"
equal "a tree without it: nothing is shown" "$(cat none.txt)" "$(stack --source tree)"
check "several trees" diff source.txt <(stack --source tree --source "$TOP/tests")
seq -f 'short %g' 99 >tree/segv-null.c
check "the end of the path in a tree" sh -c 'grep -q "^      >    24  short 24$" "$1"' sh <(stack --source tree)
seq -f 'whole %g' 99 >tree/fixtures/segv-null/segv-null.c
check "... but all of it comes first" sh -c 'grep -q "^      >    24  whole 24$" "$1"' sh <(stack --source tree)
seq -f 'line %g' 30 >tree/fixtures/segv-null/segv-null.c
stack --source tree >out
check "a file that is too short is another version" \
	grep -q '^      tree/fixtures/segv-null/segv-null.c has no such line: it is of another version$' out
equal "... for the frames that it is too short for" 2 "$(grep -c 'no such line' out)"
"$PYTHON" -c '
import sys
sys.stdout.buffer.write(b"\n" * 22 + b"\x1b[31m red \xe2\x80\xae \x07\n" + b"x" * 5000 + b"\n\ttab \xff\r")' >tree/fixtures/segv-null/segv-null.c
stack --source tree >out
check "hostile source is escaped" sh -c '! LC_ALL=C grep -q "[^ -~]" out && grep -q "x1b" out'
check "... long lines are cut" test "$(wc -L <out)" -le 140
rm tree/fixtures/segv-null/segv-null.c tree/segv-null.c
echo secret >secret
seq -f 'secret %g' 99 >secret
ln -s "$TMP/secret" tree/segv-null.c
equal "a link out of the tree leads nowhere" "$(cat none.txt)" "$(stack --source tree)"
rm tree/segv-null.c
mkfifo tree/segv-null.c
equal "a FIFO is no source" "$(cat none.txt)" "$(timeout 20 "$ANALYZE" report --sections=stack --variables=none "${options[@]}" --source tree inputs/segv-null.snapshot)"
rm tree/segv-null.c
seq -f 'large %g' 600000 >tree/segv-null.c
equal "nor is a file of more than 4 MiB" "$(cat none.txt)" "$(stack --source tree)"
run "$ANALYZE" report --source "$TMP/nothing" inputs/segv-null.snapshot
equal "--source without a directory: wrong usage" 64 "$STATUS"

# ---------------------------------------------------------------- widths

cat >widths.py <<'END'
# Runs the rest on a terminal of so many columns (0: it does not say), and prints what comes. 
import fcntl, os, pty, struct, sys, termios
columns, argv = int(sys.argv[1]), sys.argv[2:]
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(1, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    os.execvp(argv[0], argv)
got = b""
try:
    while part := os.read(fd, 65536):
        got += part
except OSError:
    pass
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.stdout.buffer.write(got.replace(b"\r\n", b"\n"))
sys.exit(status if status > 1 else 0)
END
cat >check_widths.py <<'END'
# WIDTH NARROW WHOLE: no line is wider, but by one word; and it is the same text, but for where it is broken.
import re, sys, unicodedata
def columns(line):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)
width = int(sys.argv[1])
narrow, whole = (open(name, encoding="utf-8").read() for name in sys.argv[2:4])
narrow = re.sub(r"\x1b\[[0-9;]*m", "", narrow)
wide = [l for l in narrow.split("\n") if columns(l) > width and not re.fullmatch(r" *(\S+ {2,})?\S+", l)]
assert not wide, wide
def words(text):
    # Registers stand in other rows, and source lines are cut.
    text = re.sub(r"(?ms)^Registers$.*?^$", "", text)
    return [w for l in text.split("\n") if not re.match(r" {6}[> ] +\d+  ", l) for w in l.split()]
assert words(narrow) == words(whole), [(a, b) for a, b in zip(words(narrow), words(whole)) if a != b][:3]
if width < 160:
    assert max(map(columns, whole.split("\n"))) > width
END
for input in segv-null.snapshot cxx-inline.snapshot thread.snapshot aarch64-deep.core; do
	"$ANALYZE" report "${options[@]}" --source "$TOP/tests" inputs/$input >whole.txt
	for width in 60 80 160; do
		"$PYTHON" widths.py $width "$ANALYZE" report "${options[@]}" --source "$TOP/tests" inputs/$input >narrow.txt
		check "$input on $width columns: no line is wider" "$PYTHON" check_widths.py $width narrow.txt whole.txt
		"$ANALYZE" report --width=$width --color=always "${options[@]}" --source "$TOP/tests" inputs/$input >folded.txt
		check "... with --width=$width in a file the same" diff narrow.txt folded.txt
	done
done
on_terminal() { "$PYTHON" widths.py "$@" "$ANALYZE" report "${options[@]}" inputs/segv-null.snapshot; }
unset COLUMNS
check "a terminal that does not say: 80 columns" diff <(on_terminal 0) <(on_terminal 80)
check "... or what COLUMNS says" diff <(COLUMNS=60 on_terminal 0) <(on_terminal 60)
check "... but the terminal knows better" diff <(COLUMNS=60 on_terminal 100) <(on_terminal 100)
check "60 columns are not 80" sh -c '! cmp -s "$1" "$2"' sh <(on_terminal 60) <(on_terminal 80)
"$ANALYZE" report "${options[@]}" inputs/segv-null.snapshot >whole.txt
check "in a pipe, COLUMNS does not count" diff whole.txt <(COLUMNS=60 "$ANALYZE" report "${options[@]}" inputs/segv-null.snapshot)
check "--width=0 folds on no terminal" diff whole.txt <("$PYTHON" widths.py 60 "$ANALYZE" report --width=0 --color=never "${options[@]}" inputs/segv-null.snapshot)
"$PYTHON" widths.py 60 "$ANALYZE" report --brief --color=never "${options[@]}" inputs/segv-null.snapshot >narrow.txt
check "--brief on 60 columns" test "$(wc -L <narrow.txt)" -le 60 -a "$(lines narrow.txt)" -gt 10
for width in 19 10001 x "" -1; do
	run "$ANALYZE" report --width="$width" inputs/segv-null.snapshot
	equal "--width=$width: wrong usage" "64 0" "$STATUS $(lines out)"
done

# ---------------------------------------------------------------- who reads JSON

# all.json is of every stored crash; here with what may be asked for.
check "a program written against the first version reads every report" \
	"$PYTHON" "$TOP/tests/consumer_v1.py" all.json "$TOP"/tests/fixtures/*/report.json sleeping.json
check "... $num and more" test "$(tail -n 1 check.out | cut -d' ' -f1)" -gt "$num"
# That it would notice: each member that it was promised taken away, or made something else.
check "... and notices what is missing or changed" "$PYTHON" - "$TOP/tests" all.json <<'END'
import copy, json, sys
sys.path.insert(0, sys.argv[1])
import consumer_v1 as consumer
reports = [json.loads(l) for l in open(sys.argv[2])]
report = next(r for r in reports if r["threads"][0]["frames"])
report["threads"][0]["gaps"] = [{"after_index": 0, "bytes": 1, "frames_estimated": None}]
report["threads"][0]["repeats"] = [{"first_index": 0, "length": 1, "count": 1}]
consumer.consume(report)
def unnoticed(change):
    changed = copy.deepcopy(report)
    change(changed)
    try:
        consumer.consume(changed)
        return True
    except consumer.Broken:
        return False
places = {"snapshot": consumer.SNAPSHOT, "device": consumer.DEVICE, "process": consumer.PROCESS,
          "crash": consumer.CRASH, "signature": consumer.SIGNATURE}
get = {name: (lambda r, name=name: r[name]) for name in places}
get |= {"thread": lambda r: r["threads"][0], "frame": lambda r: r["threads"][0]["frames"][0],
        "gap": lambda r: r["threads"][0]["gaps"][0], "repeat": lambda r: r["threads"][0]["repeats"][0],
        "module": lambda r: r["modules"][0]}
places |= {"thread": consumer.THREAD, "frame": consumer.FRAME, "gap": consumer.GAP,
           "repeat": consumer.REPEAT, "module": consumer.MODULE}
num = 0
for place, members in places.items():
    for name, _ in members:
        name = name.rstrip("?")
        num += 2
        assert not unnoticed(lambda r: get[place](r).pop(name)), (place, name)
        assert not unnoticed(lambda r: get[place](r).__setitem__(name, 1.5)), (place, name)
assert num > 100
# What is added is passed over.
for place in places:
    assert unnoticed(lambda r: get[place](r).__setitem__("new", {"a": [1]})), place
END
