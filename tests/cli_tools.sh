#!/bin/bash
# The tools that judge the others must be able to say no: compare_truth.py, names.py, validate_json.py,
# check_expected.py, victims.py, tests/run.
. "$(dirname "$0")/lib/testlib.sh"
cd "$TMP" || exit 1

# A small truth, the report that agrees with it, and reports with one fault each.
"$PYTHON" - <<'END'
import copy, json

def gdb(pc, function, line, inline=False, signal=False, rows=None, file="/src/a.c"):
    return {"pc": pc, "function": function, "file": file if line else None, "line": line,
            "inline": inline, "signal": signal, "minimal": False, "rows": rows or []}

truth = {"threads": [
    {"tid": 10, "end": "outermost", "frames": [
        gdb("0x1000", "inner", 5, inline=True),
        gdb("0x1000", "ns::outer<int>(int)", 9),
        gdb("0x2000", None, None, signal=True),
        gdb("0x1100", "main", 20, rows=[[20, True], [22, False]]),
    ]},
    {"tid": 11, "end": "previous frame inner to this frame (corrupt stack?)", "frames": [gdb("0x3000", "f", 1)]},
]}

def ours(i, f, name=None):
    return {"index": i, "pc": f["pc"], "inline": f["inline"], "function": name or f["function"],
            "file": f["file"], "line": f["line"]}

good = {"modules": [{"name": "a", "path": "/a", "start": "0x1000", "end": "0x9000"}], "threads": [
    {"tid": t["tid"], "end": "complete", "frames": [ours(i, f) for i, f in enumerate(t["frames"])]}
    for t in truth["threads"]]}
good["threads"][0]["frames"][1]["function"] = "int ns::outer<int>(int) [clone .isra.0]"
good["threads"][0]["frames"][2]["function"] = "__restore_rt"
json.dump(truth, open("truth", "w"))
json.dump(good, open("good", "w"))

def variant(name, change):
    r = copy.deepcopy(good)
    change(r["threads"])
    json.dump(r, open(name, "w"))

def put(t, f, k, v):
    def change(threads):
        threads[t]["frames"][f][k] = v
    return change

variant("bad.pc", put(0, 1, "pc", "0x1001"))
variant("bad.function", put(0, 1, "function", "ns::other<int>"))
variant("bad.template", put(0, 1, "function", "ns::outer<long>"))
variant("bad.no-function", put(0, 1, "function", None))
variant("bad.inline", put(0, 0, "inline", False))
variant("bad.line", put(0, 1, "line", 10))
variant("bad.no-line", put(0, 1, "line", None))
variant("bad.file", put(0, 1, "file", "/src/b.c"))
variant("bad.signal", put(0, 2, "function", "on_signal"))
variant("bad.statement-row", put(0, 3, "line", 21))
variant("bad.missing-frame", lambda ts: ts[0]["frames"].pop())
variant("bad.missing-thread", lambda ts: ts.pop())
variant("bad.other-thread", lambda ts: ts[1].update(tid=12))
variant("bad.more-threads", lambda ts: ts.append(dict(ts[1], tid=12)))
variant("bad.no-frames", lambda ts: ts[1].update(frames=[]))
variant("bad.beyond-end", lambda ts: ts[0]["frames"].append(ours(4, truth["threads"][1]["frames"][0])))
variant("bad.truncated", lambda ts: (ts[0]["frames"].pop(), ts[0].update(end="truncated")))
variant("bad.limit", lambda ts: (ts[0]["frames"].pop(), ts[0].update(end="limit")))
variant("bad.empty-thread", lambda ts: ts.append(dict(ts[1], tid=12, frames=[])))
variant("allowed.exited", lambda ts: ts.append(dict(ts[1], tid=12, frames=[], end="unavailable")))
variant("allowed.row", put(0, 3, "line", 22))
variant("allowed.tail-call", lambda ts: ts[0]["frames"].insert(3, dict(
    ours(3, truth["threads"][0]["frames"][3]), pc="0x1200", function="left", tail_call=True)))
variant("bad.no-tail-call", lambda ts: ts[0]["frames"].insert(3, dict(
    ours(3, truth["threads"][0]["frames"][3]), pc="0x1200", function="left", tail_call=False)))
variant("allowed.below", lambda ts: ts[1]["frames"].append(ours(1, truth["threads"][0]["frames"][3])))
END
compare() { "$PYTHON" "$LIB/compare_truth.py" truth "$@"; }
check "compare_truth: agrees" compare good
for file in bad.*; do
	run compare "$file"
	equal "compare_truth: notices ${file#bad.}" 1 "$STATUS" || note_file out
done
for file in allowed.*; do
	run compare "$file"
	equal "compare_truth: allows and counts ${file#allowed.}" "0 1" "$STATUS $(grep -c '^allowed: 1 x' out)"
done
run compare bad.truncated --may-truncate
equal "compare_truth: allows a truncated stack where told" "0 1" "$STATUS $(grep -c 'not captured' out)"

normalised() { equal "names: $1" "$2" "$(cd "$LIB" && "$PYTHON" -c 'import sys, names; print(names.normalise(sys.argv[1]))' "$1")"; }
normalised 'main' 'main'
normalised 'f(int, char const*)' 'f'
normalised 'foo.isra.0' 'foo'
normalised 'foo.constprop.0.cold' 'foo'
normalised 'void ns::g<std::vector<int, std::allocator<int> > >(int) const' 'ns::g<std::vector<int,std::allocator<int>>>'
normalised 'ns::(anonymous namespace)::C::h(int)' 'ns::(anonymousnamespace)::C::h'
normalised 'std::ostream& operator<< <char>(std::ostream&, char const*)' 'operator<<<char>'
normalised 'C::operator()(int) const' 'C::operator()'
normalised 'C::operator()' 'C::operator()'
normalised 'operator new(unsigned long)' 'operatornew'
normalised 'f()::{lambda(int)#1}::operator()(int) const' 'f()::{lambda(int)#1}::operator()'
normalised '??' 'None'

# What a table's words say of frames NAME@TRUST.
matches() { # YES|NO WORDS FRAME...
	local wanted=$1 words=$2
	shift 2
	equal "check_expected: '$words' of $*" "$wanted" "$(cd "$LIB" && "$PYTHON" -c '
import sys, check_expected
frames = [tuple(f.split("@")) for f in sys.argv[2:]]
print("yes" if check_expected.matches(sys.argv[1].split(), frames) else "no")' "$words" "$@")"
}
matches yes 'a b' a@context b@cfi
matches yes 'a b' a@context b@cfi _start@cfi
matches no 'a b' a@context b@cfi other@cfi
matches no 'a b' a@context
matches no 'a b' a@context x@cfi b@cfi
matches yes 'a ... b' a@context x@cfi y@cfi b@cfi
matches no 'a ... b' a@context x@cfi
matches yes '* b' x@context b@cfi
matches yes 'a [x] b' a@context b@cfi
matches yes 'a [x] b' a@context x@cfi b@cfi
matches no 'a [x] b' a@context y@cfi b@cfi
matches yes 'a b@scan' a@context b@scan
matches no 'a b@scan' a@context b@cfi
matches yes 'a [b@scan]' a@context
matches no 'a [b@scan]' a@context b@cfi

# What a snapshot may say otherwise than a core.
cat >threads.py <<'END'
import sys
sys.path.insert(0, sys.argv[1])
import victims

def thread(pcs, end="complete", gap=None):
    frames = [dict.fromkeys(victims.KEYS) | {"pc": pc} for pc in pcs.split()]
    return {"frames": frames, "end": end, "gaps": [] if gap is None else [{"after_index": gap}]}

core = thread("1 2 3 4 5")
for name, snap, cut, wanted in (
    ("same", thread("1 2 3 4 5"), False, (True, 0)),
    ("other pc", thread("1 2 9 4 5"), False, (False, 0)),
    ("other end", thread("1 2 3 4 5", "corrupt"), True, (False, 0)),
    ("shorter", thread("1 2 3"), True, (False, 0)),
    ("cut", thread("1 2 3", "truncated"), True, (True, 2)),
    ("cut without a cap", thread("1 2 3", "truncated"), False, (False, 0)),
    ("cut and other", thread("1 9 3", "truncated"), True, (False, 2)),
    ("both ends", thread("1 2 5", gap=1), True, (True, 2)),
    ("both ends, one other", thread("1 2 4", gap=1), True, (False, 2)),
    ("a gap without a cap", thread("1 2 5", gap=1), False, (False, 0)),
):
    fault, lost = victims.compare_threads(snap, core, cut)
    print("ok" if (not fault, lost) == wanted else "not ok", "-", "victims: snapshot against core:", name)
END
"$PYTHON" threads.py "$LIB"

echo '{"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}' >schema
validate() {
	printf '%s\n' "$2" >candidate
	run "$PYTHON" "$LIB/validate_json.py" schema candidate
	equal "validate_json: $2" "$1" "$STATUS"
}
validate 0 '{"n": 1}'
validate 1 '{"n": "1"}'
validate 1 '{}'
validate 1 '{"n": NaN}'
validate 1 '{"n": 1, "n": 2}'
validate 1 '{"n": 1'
validate 1 ''
run "$PYTHON" "$LIB/validate_json.py" missing candidate
equal "validate_json: no schema" 2 "$STATUS"

# All in one process, as most scripts do it.
tooled() { # NAME STATUS OUTPUT TOOL ARGUMENT...
	local name=$1 status=$2 output=$3
	shift 3
	run tool "$@"
	equal "tool: $name" "$status $output" "$STATUS $(head -n 1 out)"
}
echo '{"n": 1, "text": "a\u0000b\udc80"}' >good
echo '{"n": "x"}' >bad
tooled "valid" 0 "" validate_json schema good
tooled "not valid" 1 "bad:1: n: 'x' is not of type 'integer'" validate_json schema bad
tooled "no schema" 2 "schema: [Errno 2] No such file or directory: 'missing'" validate_json missing good
tooled "a value" 0 1 get good 'r["n"]'
tooled "a value from a subshell" 0 2 get good "$(tool get good 'r["n"] + 1')"
tooled "a value that is no text" 0 ab get good 'r["text"][:3]'
tooled "an exception" 1 "Traceback (most recent call last):" get missing 1
tooled "no such tool" 1 "Traceback (most recent call last):" missing
tooled "a way out" 3 "" get good 'exit(3)'
mkdir -p elsewhere
echo '{"n": 5}' >elsewhere/good
equal "tool: elsewhere" 5 "$(cd elsewhere && tool get good 'r["n"]')"

test_script() { # NAME TEXT
	printf '#!/bin/bash\n%s\n' "$2" >"$1"
	chmod 700 "$1"
}
runs() { # NAME STATUS LAST-LINE SCRIPT...
	local name=$1 status=$2 last=$3
	shift 3
	run "$TOP/tests/run" --timeout 2 "$@"
	equal "run: $name" "$status $last" "$STATUS $(tail -n 1 out)" || note_file out
}
test_script good.sh 'echo "ok - a"; echo "ok 2 - b"'
test_script bad.sh 'echo "ok - a"; echo "not ok - b"'
test_script status.sh 'echo "ok - a"; exit 3'
test_script silent.sh ':'
test_script skipped.sh 'echo "because" >&2; exit 77'
test_script partly.sh 'echo "ok - a"; echo "skip - b: no device"; echo "ok - c # SKIP"'
test_script slow.sh 'echo "ok - a"; sleep 100'
test_script signal.sh 'echo "ok - a"; kill -SEGV $$'
runs "counts cases" 0 "2 passed, 0 failed" ./good.sh
runs "sums" 1 "3 passed, 1 failed" ./good.sh ./bad.sh
runs "a bad end is a failure" 1 "1 passed, 1 failed" ./status.sh
runs "no case is a failure" 1 "0 passed, 1 failed" ./silent.sh
runs "a skipped script" 0 "2 passed, 0 failed, 1 skipped" ./good.sh ./skipped.sh
check "run: a skip's reason is shown" grep -q 'skipped: because' out
runs "only skipped is no success" 1 "0 passed, 0 failed, 1 skipped" ./skipped.sh
runs "skipped cases" 0 "1 passed, 0 failed, 2 skipped" ./partly.sh
runs "a time limit" 1 "1 passed, 1 failed" ./slow.sh
runs "a crash" 1 "1 passed, 1 failed" ./signal.sh
runs "a missing test" 1 "0 passed, 1 failed" ./missing.sh
runs "nothing to run" 1 "0 passed, 0 failed"

# Each says when it began and ended; the first is the slowest.
stamps='date +%s%N >$(basename "$0").begun; sleep $1; date +%s%N >$(basename "$0").ended; echo "ok - a"'
test_script one.sh "set -- 0.6; $stamps"
test_script two.sh "set -- 0.2; $stamps"
for name in three four; do
	test_script $name.sh "# core_pattern_take
set -- 0.2; $stamps"
done
mkdir alone
printf '#!/bin/bash\n%s\n' "set -- 0.1; $stamps" >alone/cli_limits.sh
chmod 700 alone/cli_limits.sh
together() { # A B: whether they overlapped
	[ "$(cat "$1.begun")" -lt "$(cat "$2.ended")" ] && [ "$(cat "$2.begun")" -lt "$(cat "$1.ended")" ]
}
apart() { ! together "$1" "$2"; }
run "$TOP/tests/run" --jobs 3 ./one.sh ./alone/cli_limits.sh ./three.sh ./four.sh ./two.sh
equal "run: several at a time: status and count" "0 5 passed, 0 failed" "$STATUS $(tail -n 1 out)"
equal "run: shown in the order of the list" "one.sh cli_limits.sh three.sh four.sh two.sh" \
	"$(sed '$d' out | cut -d' ' -f1 | paste -sd' ')"
check "run: several at a time" together one.sh three.sh
check "run: never two that take core_pattern" apart three.sh four.sh
for name in one two three four; do
	check "run: times are judged alone, without $name" apart cli_limits.sh $name.sh
done
run "$TOP/tests/run" ./one.sh ./two.sh
check "run: one at a time unless told" apart one.sh two.sh
check "run: what time each took, and the processors" grep -qE '^one\.sh +ok +1 passed \([0-9.]+ s, CPU [0-9.]+ s\)$' out
test_script five.sh "# core_pattern_take
: >\"\$CORE_PATTERN_DONE\"
set -- 1; $stamps"
run "$TOP/tests/run" --jobs 2 ./five.sh ./three.sh ./four.sh
check "run: one that is done with core_pattern does not keep the next" together five.sh three.sh
check "run: who has it then does" apart three.sh four.sh
