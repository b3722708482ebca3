#!/bin/bash
# Signatures of real crashes: a program with sixteen bugs, built six times, each bug crashed in each; and the
# words and rules of the verb.
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/crashlib.sh"
need "$CLIENT" "$ANALYZE"
cd "$TMP" || exit 1

# ---- the same bug, whoever built it

sources=("$LIB/../signatures/planted.c" "$LIB/../signatures/planted_far.c")
build() { # NAME COMPILER OPTION...: NAME/planted
	local name=$1
	shift
	mkdir "$name"
	"$@" -g -fstack-protector-all -o "$name/planted" "${sources[@]}" >build.out 2>&1 ||
		note_file build.out
}
build gcc-O0 gcc -O0
build gcc-O2 gcc -O2
build lto gcc -O3 -flto
build edited gcc -O2 -DEDITED
build renamed gcc -O2 -DRENAMED
if command -v clang >/dev/null; then
	build clang clang -O2
else
	skip "clang's" "no clang"
fi

bugs_of() { "$1" | grep -v ' '; }
CRASH_WAIT=10
crash_begin
core_pattern_set "$CLIENT" --config "$CORE_PATTERN_DIR/conf" "$CORE_PATTERN_ARGS" || exit 1
mkdir snaps
# Every build is given another text.
text=0
for program in */planted; do
	build=${program%/*}
	text=$((text + 7))
	for bug in $(bugs_of "$program"); do
		crash_run timeout 20 "$TMP/$program" "$bug" "some text $text"
		within "$CRASH_WAIT" published || { not_ok "$build: $bug is captured"; continue; }
		mv "$SPOOL"/*.snap "snaps/$bug.$build.snap"
	done
done
equal "every bug of every build is captured" "$(for p in */planted; do bugs_of "$p"; done | wc -l)" \
	"$(find snaps -name '*.snap' | wc -l)"
core_pattern_done

signatures() { # OPTION... FILE...: lines "BUG ID TEXT" in ids.txt
	timeout 120 "$ANALYZE" signature "$@" >signatures.txt 2>signatures.err
	awk -F '\t' '{ sub(/.*\//, "", $3); sub(/\..*/, "", $3); print $3 " " $1 " " $2 }' signatures.txt >ids.txt
}
signatures snaps/*.snap
"$PYTHON" "$LIB/grouping.py" ids.txt >groups.txt
sed 's/^/# /' groups.txt
check "no two bugs share an id" grep -q "precision 1.000" groups.txt
recall=$(sed -n '1s/.*recall //p' groups.txt)
equal "a bug keeps its id, whoever built it" yes "$(awk -v r="$recall" 'BEGIN { print (r >= 0.95 ? "yes" : r) }')"
# Pairs that differ in one frame, one expression, one kind.
pair() { # BUG BUG
	equal "$1 and $2 are told apart" 2 \
		"$(grep -E "^($1|$2) " ids.txt | awk '{ print $2 }' | sort -u | wc -l)"
}
pair weight share
pair owner parent
pair nothing twice
# Of fewer frames, too.
printf 'depth 2\n' >two.rules
signatures --rules two.rules snaps/*.snap
"$PYTHON" "$LIB/grouping.py" ids.txt >groups.txt
sed 's/^/# /' groups.txt
check "two frames: no two bugs share an id" grep -q "precision 1.000" groups.txt
pair weight share
pair owner parent
pair nothing twice

# Similar ones joined.
timeout 120 "$ANALYZE" dedup --similar --json snaps >similar.json 2>similar.err
"$PYTHON" - similar.json >ids.txt <<'END'
import json, os, sys
for group in json.load(open(sys.argv[1]))["groups"]:
    for path in group["files"]:
        print(os.path.basename(path).split(".")[0], group["id"])
END
"$PYTHON" "$LIB/grouping.py" ids.txt >groups.txt
sed 's/^/# /' groups.txt
check "--similar: no two bugs share a group" grep -q "precision 1.000" groups.txt
check "--similar: each bug is one group" grep -q "recall 1.000" groups.txt
pair weight share
pair owner parent
pair nothing twice

# ---- with less and less known of the same crash

level() { # FILE LEVEL DEPTH [OPTION...]
	local file=$1 level=$2 depth=$3
	shift 3
	timeout 20 "$ANALYZE" json "$@" "$file" >json 2>/dev/null
	json_get json "r['signature']['levels']['$level']['$depth']"
}
# The same files without debug information.
mkdir stripped
timeout 20 "$ANALYZE" json snaps/owner.gcc-O2.snap >json 2>/dev/null
"$PYTHON" - json >files <<'END'
import json, sys
for module in json.load(open(sys.argv[1]))["modules"]:
    print(module["path"], module["symbol_file"] or module["path"])
END
while read -r path debug; do
	[ -e "$path" ] || continue
	objcopy --strip-debug "$path" "stripped/${path##*/}"
	objcopy --strip-debug "$debug" "stripped/${path##*/}.debug" 2>/dev/null
done <files
for bug in owner session; do
	snap=snaps/$bug.gcc-O2.snap
	equal "$bug: physical level, with debug information and without" \
		"$(level "$snap" physical all)" "$(level "$snap" physical all --no-local --symbols stripped)"
	logical=$(level "$snap" logical all)
	check "$bug: logical level, with debug information" [ "$logical" != "$(level "$snap" physical all)" ]
	equal "$bug: logical level without it is the physical one" "$(level "$snap" physical all)" \
		"$(level "$snap" logical all --no-local --symbols stripped)"
done
for depth in 1 2 3 5; do
	equal "address level of depth $depth needs no symbols" "$(level snaps/owner.gcc-O2.snap address $depth)" \
		"$(level snaps/owner.gcc-O2.snap address $depth --no-local --symbols stripped)"
done

# ---- why, and by which rules

timeout 20 "$ANALYZE" signature --explain snaps/session.gcc-O2.snap >explained
check "--explain: what ends the program" grep -q "^  #[0-9]* *-  raise .*: skip @libc raise)\|__pthread_kill_implementation .*: skip @libc" explained
check "--explain: where the library was called" grep -q "^  #[0-9]* *+  .*free  where a library was called.*: prefix @libc \*)" explained
check "--explain: a frame" grep -q "^  #[0-9]* *+  session_end  frame$" explained
check "--explain: one line for each of the backtrace" [ "$(grep -c '^  #' explained)" -ge 8 ]

cat >own.rules <<'END'
strip * my_
variant * vliw
synonym libx.so {anonymous} = anon
END
printf 'kind: segv\nmy_f.part.0\nlibx.so!{anonymous}::my_g\n__GI___strlen_vliw\nh\ni<int>\n' >names.txt
run "$ANALYZE" signature --explain --rules own.rules --from plain names.txt
built_in() { # LINE, as a pattern
	echo "built-in rules, line $(grep -n "^$1" "$TOP/analyze/signature/builtin.rules" | cut -d: -f1)"
}
equal "--explain: what a function is called, and by which rules" "  #0   +  my_f.part.0  frame, called f (own.rules:1: strip * my_; \
$(built_in 'suffix .* \.part '): suffix * .%n; $(built_in 'suffix .* \.part '): suffix * .part)
  #1   +  {anonymous}::my_g  frame, called anon::my_g (own.rules:3: synonym libx.so {anonymous} = anon)
  #2   +  __GI___strlen_vliw  frame, called strlen ($(built_in 'strip \* __GI_'): strip * __GI_; \
$(built_in 'family .* str '): family * str; own.rules:2: variant * vliw)
  #3   -  h  enough frames stand above it
  #4   -  i<int>  enough frames stand above it, called i<T>" "$(grep '^  #' "$TMP/out")"

text() { # OPTION...
	timeout 20 "$ANALYZE" signature "$@" snaps/owner.gcc-O0.snap | cut -f2
}
equal "built-in rules" "segv-null | strlen | field_length | print_owner" "$(text)"
cat >own.rules <<'END'
# Ours stand first.
library helpers  planted*
tail @helpers field_*
keep @libc strlen
END
equal "--rules: ours come first" "segv-null | strlen | print_owner" "$(text --rules own.rules)"
printf 'reset\ntail * print_*\n' >own.rules
equal "--rules: reset forgets the others" "segv-null | strlen | field_length | main" "$(text --rules own.rules)"
printf 'rename planted* print_* = show_*\nrename * field_length = length\n' >own.rules
equal "--rules: functions get other names" "segv-null | strlen | length | show_owner" "$(text --rules own.rules)"
of_plain() { # RULES BACKTRACE
	printf "$1" >own.rules
	printf "$2" | timeout 20 "$ANALYZE" signature --rules own.rules --from plain - | cut -f2
}
equal "--rules: parts of names, by module" "segv | slow | strlen" "$(of_plain \
	'variant libv.so vliw\nrename * __strlen_vliw = slow\n' 'kind: segv\n__strlen_vliw\nlibv.so!__strlen_vliw\n')"
equal "--rules: what a built-in rule takes off stays" "segv | f.cold | g" "$(of_plain \
	'not suffix * .cold\n' 'kind: segv\nf.cold\ng.isra.0\n')"
printf 'reset\ndepth 2\n' >own.rules
equal "--rules: fewer frames" "segv-null | strlen | field_length" "$(text --rules own.rules)"
equal "--rules: that id is one of the levels'" "$(level snaps/owner.gcc-O0.snap logical 2 --rules own.rules)" \
	"$(timeout 20 "$ANALYZE" signature --rules own.rules snaps/owner.gcc-O0.snap | cut -f1)"
equal "--rules: and has no other levels" "$(level snaps/owner.gcc-O0.snap logical 3)" \
	"$(printf 'depth 2\n' >own.rules; level snaps/owner.gcc-O0.snap logical 3 --rules own.rules)"
printf 'depth 1\n' >own.rules
timeout 20 "$ANALYZE" signature --explain --rules own.rules snaps/owner.gcc-O0.snap >explained
check "--explain: what is beyond that depth" grep -q "^  #[0-9]* *-  print_owner  enough frames stand above it" explained
refuses() { # WORDS RULES
	printf "$2" >bad.rules
	run "$ANALYZE" signature --rules bad.rules snaps/owner.gcc-O0.snap
	equal "bad rules are wrong usage: $1" "64 $1" "$STATUS $(cat "$TMP/err")"
}
refuses "snapanalyze: bad.rules:2: unknown action 'skp'" '# so\nskp @libc abort\n'
refuses "snapanalyze: bad.rules:1: a rule takes modules and a function" 'skip @libc\n'
refuses "snapanalyze: bad.rules:3: no library is called 'lib'" '\n\nskip @lib f'
refuses "snapanalyze: bad.rules:1: a name and another are told as in 'rename MODULES NAME = NAME'" 'rename * f g'
refuses "snapanalyze: bad.rules:2: in names that are changed, one * stands for the same in both" 'reset\nrename * f = *g'
refuses "snapanalyze: bad.rules:1: in names that are changed, one * stands for the same in both" 'rename * *f* = *g'
refuses "snapanalyze: bad.rules:1: depth takes 1, 2, 3, 5 or all, not '4'" 'depth 4'
refuses "snapanalyze: bad.rules:2: depth takes 1, 2, 3, 5 or all" '\ndepth\n'
refuses "snapanalyze: bad.rules:1: a library takes a name and modules" 'library a \n'
refuses "snapanalyze: bad.rules:3: stands in line 1 already: '.x'" 'suffix * .x\n\nsuffix * .y .x\n'
refuses "snapanalyze: bad.rules:1: a variant has no _: 'a_b'" 'variant * a_b\n'
refuses "snapanalyze: 'bad.rules' is no text: byte 5 is NUL" 'skip \0 f'
run "$ANALYZE" signature --rules none.rules snaps/owner.gcc-O0.snap
equal "rules that are not there" "64 snapanalyze: cannot open 'none.rules': No such file or directory" "$STATUS $(cat "$TMP/err")"
head -c 2000000 /dev/zero | tr '\0' '#' >bad.rules
run "$ANALYZE" signature --rules bad.rules snaps/owner.gcc-O0.snap
check "rules without end" [ "$STATUS" -eq 64 ]
