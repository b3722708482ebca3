#!/bin/bash
# Containers of libc++: what is told of a program that clang has built with it is what is told of
# the same program with libstdc++, of which gdb has said that it is the truth (cli_variables.sh).
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/crashlib.sh"
need "$CLIENT" "$ANALYZE"
cd "$TMP" || exit 1
SOURCES=$TOP/tests/victims
command -v clang++ >/dev/null || { echo "clang++ is not installed"; exit 77; }
echo '#include <vector>
int main() { return (int)std::vector<int>().size(); }' >try.cc
clang++ -stdlib=libc++ -o try try.cc 2>err || { echo "libc++ is not installed"; exit 77; }

cat >compare.py <<'END_OF_PYTHON'
"""compare.py REPORT REPORT AT-LEAST [--optimized]: the variables of libstdc++'s and of libc++'s
program; so many containers have to be the same. --optimized: some may be nowhere."""
import json, re, sys

def variables(path):
    found = {}
    for frame in json.load(open(path))["threads"][0]["frames"]:
        if re.match(r"(stock|shop|main)\b", frame["function"] or ""):
            for v in (frame["arguments"] or []) + (frame["locals"] or []):
                found[frame["function"], v["name"]] = plain(v["value"] or "")
    return found

def plain(value):
    for before, after in ((r"std::(__1|__cxx11)::", "std::"), (r"0x[0-9a-f]+", "0x"), ("long int", "long"),
                          (r"\b_M_elems\b|\b__elems_\b", "elements"), (r"capacity \d+", "capacity")):
        value = re.sub(before, after, value)
    # In no order that the standard knows.
    if m := re.match(r"(std::unordered\w+ with \d+ elements? = )\{(.*)\}$", value):
        entries = re.sub(r"\[\d+\] = (?=\d+(,|$))", "", m[2]) if "set" in m[1] else m[2]
        value = m[1] + str(sorted(entries.split(", ")))
    return value

theirs, ours = variables(sys.argv[1]), variables(sys.argv[2])
same = bad = 0
for name, value in theirs.items():
    if not re.match(r'std::|empty std::|[LuU]?"|[LuU]\'|\{first|\{elements', value):
        continue
    its = ours.get(name, "")
    if its == value:
        same += 1
    elif "--optimized" not in sys.argv or not re.fullmatch("<optimized out>|<not captured: .*>", its):
        bad += 1
        print(name, value[:400], its[:400], sep="\n  ")
print(same, "are the same")
sys.exit(bad > 0 or same < int(sys.argv[3]))
END_OF_PYTHON

report() { # NAME COMMAND...: crash it; its core's report in NAME.json
	local name=$1
	shift
	crash_both "$name" "$@" || { not_ok "$name crashes"; note_file why; return 1; }
	"$ANALYZE" json --variables=crashed "$CORE" >"$name.json" 2>err || [ $? -le 1 ] || note_file err
}

for victim in cxx_containers:36 cxx_values:30; do
	name=${victim%:*}
	g++ -std=c++17 -g -O0 -o "$name.gnu" "$SOURCES/$name.cc" || exit 1
	report "$name-gnu" "./$name.gnu" || exit 1
	for level in -O0 "-O1 -gdwarf-4" "-O2" "-O2 -fstandalone-debug"; do
		# shellcheck disable=SC2086
		clang++ -std=c++17 -stdlib=libc++ -g $level -o "$name.llvm" "$SOURCES/$name.cc" 2>err ||
			{ skip "$name $level" "does not build"; continue; }
		report "$name-llvm" "./$name.llvm" || continue
		case $level in
		-O0*) optimized=() least=${victim#*:} ;;
		*) optimized=(--optimized) least=$((${victim#*:} - 3)) ;;
		esac
		check "$name $level: as with libstdc++" \
			"$PYTHON" compare.py "$name-gnu.json" "$name-llvm.json" "$least" "${optimized[@]}"
		note_file check.out 40
	done
done

# Of a snapshot, which lacks the heap, it is told what is not there.
clang++ -std=c++17 -stdlib=libc++ -g -O0 -o last "$SOURCES/cxx_containers.cc" || exit 1
crash_both last ./last || { not_ok "it crashes"; exit 1; }
"$ANALYZE" json --variables=crashed "$SNAP" >snap.json 2>err
told() { json_get snap.json "next(v['value'] for f in r['threads'][0]['frames'] for v in f['locals'] or [] if v['name'] == '$1')"; }
check "a snapshot: a list's nodes" grep -q '^std::list = {<not captured: 0x[0-9a-f]*>...}$' <(told list)
check "a snapshot: how many a map has" grep -q "^std::map with 2 elements = {.*<not captured: 0x[0-9a-f]*>...}\$" <(told map)
equal "a snapshot: what a string holds itself" 'std::variant [index 1] = {"text"}' "$(told variant)"
clang++ -std=c++17 -stdlib=libc++ -g -O0 -o last_values "$SOURCES/cxx_values.cc" || exit 1
crash_both last_values ./last_values || { not_ok "it crashes"; exit 1; }
"$ANALYZE" json --variables=all "$SNAP" >snap.json 2>err
told() { json_get snap.json "next(v['value'] for f in r['threads'][0]['frames'] for v in f['locals'] or [] if v['name'] == '$1')"; }
equal "a snapshot: what a wide string holds itself" 'L"wide"' "$(told wide)"
equal "a snapshot: UTF-16" $'u"\xc3\xa9\xf0\x9f\x98\x80 x"' "$(told halves)"
check "a snapshot: how long a wide string is that it has not" \
	grep -q '^std::wstring of length 32 = <not captured: 0x[0-9a-f]*>$' <(told wide_far)
check "a snapshot: valid by the schema" valid_report snap.json

# Exceptions of LLVM's library, and texts of libc++ that are thrown: of the core, which has the heap, and of the
# snapshot, which has not.
if clang++ -std=c++17 -stdlib=libc++ -g -O2 -o exceptions "$SOURCES/cxx_exceptions.cc" -pthread 2>err &&
	grep -q libc++abi <(ldd ./exceptions); then
	while IFS=$'\t' read -r argument type part text; do
		name="cxx_exceptions $argument"
		crash_both "$argument" ./exceptions "$argument" || { not_ok "$name: it crashes"; continue; }
		"$ANALYZE" json "$CORE" >core.json 2>err
		check "$name: $part" tool check_part core.json "exception.$part" "$text"
		check "$name: type" tool check_part core.json exception.type "$type"
		"$ANALYZE" json "$SNAP" >snap.json 2>err
		check "$name: valid by the schema" valid_report core.json snap.json
		# Those that were thrown again are found in memory alone.
		case $argument in again | later) continue ;; esac
		check "$name: the snapshot: type" tool check_part snap.json exception.type "$type"
		check "$name: the snapshot: $part" tool check_part snap.json "exception.$part" -
		check "$name: the snapshot: why" tool check_part snap.json exception.text not-captured
	done <<'END'
string	std::__1::basic_string<*	value	out of string
far_string	std::__1::basic_string<*	value	grüße, and out of paper: far_string
no_string	std::__1::basic_string<*	value
view	std::__1::basic_string_view<*	value	paper
text	char const[*]	value	out of paper
number	long	value	-5
derived	app::ConfigError	what	no value for derived
again	app::ConfigError	what	no value for derived
later	app::ConfigError	what	no value for derived
END
else
	skip "exceptions of LLVM's library" "libc++abi is not installed"
fi
