#!/bin/bash
# Inputs that are no snapshots, or damaged ones: one line on stderr, the documented exit status,
# never a crash, never a hang, never a success.
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/crashlib.sh"
need "$CLIENT" "$ANALYZE"

crash_both input "$VICTIMS/null_deref" || {
	not_ok "a victim gives snapshot and core"
	note_file "$TMP/why"
	exit 1
}
core_pattern_done

cd "$TMP" || exit 1
: >empty
echo "this is no snapshot, only a line of text" >text
mkdir directory
mkfifo fifo
# Always the same: of a hundred and fifty such files, one begins with what could be two records.
"$PYTHON" -c 'import random, sys; sys.stdout.buffer.write(random.Random(1).randbytes(100000))' >noise
head -c 4096 /dev/zero >zeros
cp "$ANALYZE" executable
cp "$SNAP" unreadable
chmod 000 unreadable
ln -s nowhere dangling
chmod 711 "$TMP"

# A reader without root's rights to read everything. (setpriv keeps the environment.)
as_nobody=(setpriv --reuid 65534 --regid 65534 --clear-groups)

refused() { # NAME INPUT [PREFIX...]
	local name=$1 input=$2
	shift 2
	for verb in report json check modules dump signature; do
		run timeout 10 "$@" "$ANALYZE" "$verb" "$input"
		equal "$verb of $name: status" 2 "$STATUS"
		equal "$verb of $name: one line on stderr" "1 snapanalyze: " \
			"$(wc -l <err) $(head -c 13 err)"
	done
}

refused "an empty file" empty
refused "a text file" text
refused "a directory" directory
refused "a FIFO" fifo
refused "random bytes" noise
refused "zeros" zeros
refused "an executable instead of a core" executable
refused "a file that does not exist" missing
refused "a dangling symlink" dangling
refused "a device" /dev/zero
if "${as_nobody[@]}" "$ANALYZE" --version >/dev/null 2>&1; then
	refused "a file that may not be read" unreadable "${as_nobody[@]}"
else
	skip "a file that may not be read" "another user may not execute $ANALYZE"
fi
refused "a file with a hostile name" $'no\nsuch\033[31mfile'

# Compressed, as files and from a pipe: the same words as of the plain file.
for tool in gzip xz zstd lz4; do
	command -v "$tool" >/dev/null || {
		skip "compressed by $tool" "it is not installed"
		continue
	}
	for kind in snap core; do
		"$tool" -c <"input.$kind" >"packed.$kind"
		run "$ANALYZE" check "packed.$kind"
		equal "$kind compressed by $tool" "$("$ANALYZE" check "input.$kind" | sed 's/^input/packed/')" \
			"$(cat out)"
		run sh -c '"$1" check - <"$2"' sh "$ANALYZE" "packed.$kind"
		equal "$kind compressed by $tool, from stdin: status" 0 "$STATUS"
	done
	head -c 1000 packed.snap >packed.cut
	# What xz has put out by then is good; of the others nothing is to be had before a block's end.
	if [ "$tool" != xz ]; then
		refused "a file compressed by $tool and cut" packed.cut
		continue
	fi
	run "$ANALYZE" check packed.cut
	equal "a file compressed by $tool and cut: status" 1 "$STATUS"
	check "a file compressed by $tool and cut: what there was is kept, and said" \
		grep -qE "^packed.cut: truncated: the compressed file ends early: [1-9][0-9]* bytes could be decompressed" out
done

# stdin.
for input in input.snap input.core; do
	run "$ANALYZE" report - <"$input"
	equal "report of $input on stdin" 0 "$STATUS"
	mv out direct
	run "$ANALYZE" report "$input"
	mv out named
	# The name of the input is all that may differ.
	check "report of $input on stdin says the same" sh -c '
		sed "s/$1//" named >a; sed "s/(stdin)//; s/<stdin>//; s/^\(File:* *\)-$/\1/" direct >b
		[ "$(diff a b | grep -c "^[<>]")" -le 2 ]' sh "$input"
	run sh -c 'cat "$2" | "$1" json -' sh "$ANALYZE" "$input"
	equal "json of $input through a pipe" 0 "$STATUS"
done
run "$ANALYZE" check - <text
equal "text on stdin" 2 "$STATUS"
run "$ANALYZE" check - <&-
equal "closed stdin" 2 "$STATUS"

# Several inputs: all are looked at, the worst counts.
run "$ANALYZE" check input.snap text input.snap
equal "check of good, bad, good: status" 2 "$STATUS"
equal "check of good, bad, good: the good are shown" 2 "$(grep -c complete out)"
run "$ANALYZE" json input.snap missing input.core
equal "json of good, missing, good: status" 2 "$STATUS"
equal "json of good, missing, good: one report per line" 2 "$(wc -l <out)"

run "$ANALYZE" check input.snap
equal "check of a good one" "0 1" "$STATUS $(grep -c complete out)"

# Output that cannot be written.
for verb in report json check modules dump signature; do
	run sh -c '"$1" "$2" input.snap >/dev/full' sh "$ANALYZE" "$verb"
	equal "$verb onto a full device" 74 "$STATUS"
done

# Cut anywhere: what came before is shown, and that it was cut is said.
# (Of every byte, tests/damage.c, below.)
num=30
! sparse || num=8
"$PYTHON" - "$num" <<'END'
import random, sys
data = open("input.snap", "rb").read()
random.seed(1)
n = len(data)
num = int(sys.argv[1])
cuts = sorted({1, 2, 10, 20, 40, n - 1, n - 2, n - 10, n - 20, n - 40} | {random.randrange(1, n) for _ in range(num)})
for cut in cuts:
    open(f"cut.{cut}", "wb").write(data[:cut])
    # What a file system leaves after a power cut.
    open(f"zeroed.{cut}", "wb").write(data[:cut] + bytes(n - cut))
for i in range(num + 10):
    at = random.randrange(n)
    flipped = bytearray(data)
    flipped[at] ^= 1 << random.randrange(8)
    open(f"flipped.{at}", "wb").write(flipped)
open("longer", "wb").write(data + b"more")
open("twice", "wb").write(data + data)
END
damaged() { # NAME STATUSES WORDS FILES...
	local name=$1 statuses=$2 words=$3 bad=0 file verb
	shift 3
	: >bad
	for file; do
		for verb in check report json; do
			run timeout 20 "$ANALYZE" "$verb" "$file"
			case " $statuses " in
			*" $STATUS "*) ;;
			*)
				echo "$verb $file: status $STATUS: $(head -n 1 err)" >>bad
				;;
			esac
			if [ "$verb" = check ] && [ "$STATUS" != 2 ] && ! grep -Eqw "$words" out; then
				echo "check $file: $(head -n 1 out)" >>bad
			fi
			if [ "$verb" = json ] && [ "$STATUS" = 1 ]; then
				valid_report out >>bad
			fi
		done
	done
	if [ -s bad ]; then
		not_ok "$name"
		note_file bad
	else
		ok "$name ($# files)"
	fi
}
damaged "cut anywhere: truncated" "1 2" "truncated" cut.*
damaged "cut and filled with zeros: truncated" "1 2" "truncated" zeroed.*
# A flipped length can also look like a cut, a flipped header like somebody else's file.
damaged "a flipped bit anywhere is noticed" "1 2" "corrupt|truncated|unmarked" flipped.*
damaged "more after the end: corrupt" "1" "corrupt" longer twice
# The same inside one process, cheap enough for every single byte (tests/damage.c).
check "cut and changed at every byte" "$O/tests/damage" input.snap
# Most valuable first: what ends behind the modules says already where it crashed.
half=$("$ANALYZE" dump input.snap | awk '$2 ~ /^[0-9]+$/ && $6 == "module" { end = $1 + $2 } END { print end }')
check "the modules stand in the first part ($half of $(stat -c %s input.snap) bytes)" \
	test "$half" -lt "$(stat -c %s input.snap)"
head -c "$half" input.snap >half
run "$ANALYZE" report half
equal "report of the first part: status" 1 "$STATUS"
check "report of the first part names the function" grep -q list_update out

# A core that was cut: the notes are enough to say where.
head -c "$(($(stat -c %s input.core) / 2))" input.core >half.core
run "$ANALYZE" report half.core
check "report of half a core: partial or refused" test "$STATUS" -ge 1 -a "$STATUS" -le 2
