#!/bin/bash
# What is kept between runs: that it is found and renewed, that no result depends on it, that a cache
# which can't be used stops nothing, and "cache list" and "cache prune".
. "$(dirname "$0")/lib/testlib.sh"
need "$ANALYZE" "$VICTIMS/null_deref"

SNAP=$TMP/crash.snap
xz -dc "$TOP/tests/fixtures/aarch64-deep/snapshot.snap.xz" >"$SNAP"
TREE=$TMP/tree
mkdir "$TREE" "$TREE/sub"
cp "$VICTIMS/null_deref" "$TREE/sub/one"
for i in $(seq 60); do seq 100 >"$TREE/sub/text$i"; done
DEFAULT=$XDG_CACHE_HOME/snapcrash

look() { run "$ANALYZE" modules --no-local --symbols "$TREE" "$@" "$SNAP"; }

# ---------------------------------------------------------------- which directory

look --no-cache
WANTED="$STATUS $(cat "$TMP/out")"
check "--no-cache: nothing is made" test ! -e "$XDG_CACHE_HOME"
look
equal "the default: the same result" "$WANTED" "$STATUS $(cat "$TMP/out")"
check "the default: something is kept" test -n "$(ls "$DEFAULT/trees")"
equal "the default: for nobody else" "700 700 600" \
	"$(stat -c %a "$DEFAULT") $(stat -c %a "$DEFAULT/trees") $(stat -c %a "$DEFAULT"/trees/* | sort -u)"
look --cache "$TMP/other/cache"
equal "--cache: the same result" "$WANTED" "$STATUS $(cat "$TMP/out")"
check "--cache: something is kept there" test -n "$(ls "$TMP/other/cache/trees")"
check "--cache: its directory bears a tag" grep -q '^Signature: 8a477f597d28d172789f06886806bc55$' \
	"$TMP/other/cache/CACHEDIR.TAG"

run "$ANALYZE" check --cache "$TMP/x" "$SNAP"
equal "a verb that needs no files takes no --cache" 64 "$STATUS"
look --cache "$TREE"
equal "--cache with other things in it: status" 64 "$STATUS"
check "--cache with other things in it: told" grep -q "it is not empty and no cache" "$TMP/err"
check "--cache with other things in it: left alone" test ! -e "$TREE/CACHEDIR.TAG"
look --cache /proc/no/such
equal "--cache that can't be made: status" 64 "$STATUS"
look --cache "$TREE" --no-cache
equal "--no-cache is stronger" "$WANTED" "$STATUS $(cat "$TMP/out")"
mkdir -m 0777 "$TMP/open"
chmod 0777 "$TMP/open"
look --cache "$TMP/open"
check "--cache that others may write to" grep -q "others may write to it" "$TMP/err"

silent() { # NAME ENVIRONMENT...
	local name=$1
	shift
	run env "$@" "$ANALYZE" modules --no-local --symbols "$TREE" "$SNAP"
	equal "$name: the same result" "$WANTED" "$STATUS $(cat "$TMP/out")"
	check "$name: without a word" test ! -s "$TMP/err"
}
silent "no home" -u HOME -u XDG_CACHE_HOME
silent "a default that can't be made" XDG_CACHE_HOME=/proc/no
mkdir "$TMP/xdg" && ln -s "$TMP/open" "$TMP/xdg/snapcrash"
silent "a default that others may write to" XDG_CACHE_HOME="$TMP/xdg"
if [ "$(id -u)" = 0 ] && mkdir "$TMP/full" &&
	unshare -m mount -t tmpfs -o size=4k none "$TMP/full" 2>/dev/null; then
	run unshare -m sh -c 'mount -t tmpfs -o size=4k,mode=700 none "$1" && shift && exec "$@"' sh "$TMP/full" \
		env XDG_CACHE_HOME="$TMP/full" "$ANALYZE" modules --no-local --symbols "$TREE" "$SNAP"
	equal "a full disk: the same result" "$WANTED" "$STATUS $(cat "$TMP/out")"
	check "a full disk: without a word" test ! -s "$TMP/err"
	run unshare -m sh -c 'mount -t tmpfs -o ro none "$1" && shift && exec "$@"' sh "$TMP/full" \
		env XDG_CACHE_HOME="$TMP/full" "$ANALYZE" modules --no-local --symbols "$TREE" "$SNAP"
	equal "a read-only disk: the same result" "$WANTED" "$STATUS $(cat "$TMP/out")"
	check "a read-only disk: without a word" test ! -s "$TMP/err"
else
	skip "a full disk, a read-only disk" "no mounts here"
fi

# ---------------------------------------------------------------- renewed

# What is younger is looked at each time.
sleep 3.2
look
opened() { strace -f -e trace=openat -o "$TMP/trace" "$ANALYZE" modules --no-local --symbols "$TREE" "$@" "$SNAP" >/dev/null 2>&1; grep -c 'text[0-9]*", .*O_PATH' "$TMP/trace"; }
if command -v strace >/dev/null && strace -o /dev/null true 2>/dev/null; then
	equal "without a cache every file is opened" 60 "$(opened --no-cache)"
	equal "with it none" 0 "$(opened)"
	seq 101 >"$TREE/sub/text7"
	equal "but the one that was written to" 1 "$(opened)"
else
	skip "what is opened" "no strace here"
fi
for file in "$DEFAULT"/trees/*; do printf 'rubbish' >"$file"; done
look
equal "rubbish in the cache: the same result" "$WANTED" "$STATUS $(cat "$TMP/out")"
check "rubbish in the cache: without a word" test ! -s "$TMP/err"

if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
	chmod 755 "$TMP"
	mkdir -m 0 "$TREE/shut"
	run setpriv --reuid=65534 --clear-groups "$ANALYZE" report --no-cache --no-local --symbols "$TREE" "$SNAP"
	check "what can't be read is told in a note" \
		grep -q "1 file or directory in the trees of --symbols could not be read" "$TMP/out"
	rmdir "$TREE/shut"
else
	skip "what can't be read" "not root"
fi

# ---------------------------------------------------------------- progress

cat >"$TMP/on_pty.py" <<'EOF'
import os, pty, sys
# Runs a command whose stderr is a terminal, and prints what it wrote there.
main, end = pty.openpty()
pid = os.fork()
if pid == 0:
    os.dup2(end, 2)
    os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
    os.execv(sys.argv[1], sys.argv[1:])
os.close(end)
data = b""
try:
    while chunk := os.read(main, 4096):
        data += chunk
except OSError:
    pass
os.waitpid(pid, 0)
sys.stdout.buffer.write(data)
EOF
mkdir "$TMP/large"
"$PYTHON" -c '
import os, sys
for d in range(50):
    os.mkdir(f"{sys.argv[1]}/{d}")
    for i in range(600):
        open(f"{sys.argv[1]}/{d}/{i}", "w").write("x" * 60)' "$TMP/large"
"$PYTHON" "$TMP/on_pty.py" "$ANALYZE" modules --no-cache --no-local --symbols "$TMP/large" "$SNAP" >"$TMP/shown"
check "a large tree: progress on a terminal" grep -q "files looked at .* read) in .*large" "$TMP/shown"
check "a large tree: erased at the end" sh -c 'tail -c 4 "$1" | grep -q "^.*$(printf "\r\033")\[K\$"' sh "$TMP/shown"
run "$ANALYZE" modules --no-cache --no-local --symbols "$TMP/large" "$SNAP"
check "a large tree: nothing if it is none" test ! -s "$TMP/err"

# ---------------------------------------------------------------- list

C="--cache $TMP/listed"
run "$ANALYZE" cache list $C
equal "list: nothing" "0 " "$STATUS $(cat "$TMP/out")"
look $C
run "$ANALYZE" cache list $C
equal "list: status" 0 "$STATUS"
equal "list: a title and an entry" 2 "$(wc -l <"$TMP/out")"
check "list: what it is" grep -q "^trees  *[0-9a-f]\{32\}  *[0-9]*  20..-..-..T..:..:..Z  $TREE: 1 of 61 files\$" \
	"$TMP/out"
run "$ANALYZE" cache list $C --json
equal "list --json" "trees $(stat -c %s "$TMP"/listed/trees/*) $TREE: 1 of 61 files" \
	"$(json_get "$TMP/out" '"%s %d %s" % (r["kind"], r["bytes"], r["holds"])')"
check "list --json: when" "$PYTHON" -c '
import datetime, json, sys
r = json.load(open(sys.argv[1]))
used = datetime.datetime.strptime(r["used_at"], "%Y-%m-%dT%H:%M:%SZ")
assert abs((datetime.datetime.utcnow() - used).total_seconds()) < 600, r' "$TMP/out"
touch -d '3 hours ago' "$TMP"/listed/trees/*
BEFORE=$(stat -c %Y "$TMP"/listed/trees/*)
run "$ANALYZE" cache list $C
equal "list is no use" "$BEFORE" "$(stat -c %Y "$TMP"/listed/trees/*)"
printf junk >"$TMP/listed/trees/abcd"
run "$ANALYZE" cache list $C
equal "list: a damaged entry, too" "0 3" "$STATUS $(wc -l <"$TMP/out")"
mkdir $'/tmp/snapcrash-test-\033[31m.'$$ && run "$ANALYZE" modules $C --no-local --symbols /tmp/snapcrash-test-*.$$ "$SNAP"
run "$ANALYZE" cache list $C
check "list: hostile names are escaped" sh -c 'grep -q x1b "$1" && ! grep -q "$(printf "\033")" "$1"' sh "$TMP/out"
rmdir /tmp/snapcrash-test-*.$$
equal "cache list with a file" 64 "$(run "$ANALYZE" cache list x; echo "$STATUS")"

# ---------------------------------------------------------------- prune

prune() { run "$ANALYZE" cache prune --cache "$TMP/pruned" "$@"; }
prune
mkdir -m 700 "$TMP/pruned/symbols"
for i in 1 2 3 4; do
	head -c 1000 /dev/zero >"$TMP/pruned/symbols/a$i"
	touch -d "$i days ago" "$TMP/pruned/symbols/a$i"
done
left() { (cd "$TMP/pruned/symbols" && echo *); }
printf x >"$TMP/pruned/symbols/tmp-0011223344556677"
touch -d '2 hours ago' "$TMP/pruned/symbols/tmp-0011223344556677"
prune
equal "prune: within the limit" "0 0 entries removed, 0 bytes" "$STATUS $(cat "$TMP/out")"
equal "prune: what interrupted writers left goes" "a1 a2 a3 a4" "$(left)"
prune --max-size 3K
equal "prune --max-size: the oldest goes" "0 1 entry removed, 1000 bytes, a1 a2 a3" \
	"$STATUS $(cat "$TMP/out"), $(left)"
prune --max-size 1999
equal "prune --max-size: in bytes" "0 2 entries removed, 2000 bytes, a1" "$STATUS $(cat "$TMP/out"), $(left)"
prune --all
equal "prune --all" "0 1 entry removed, 1000 bytes, *" "$STATUS $(cat "$TMP/out"), $(left)"
check "prune --all: the directory stays" test -f "$TMP/pruned/CACHEDIR.TAG"
for bad in "" K 1T 1KK -1 99999999999G 0x; do
	prune --max-size "$bad"
	equal "prune --max-size '$bad'" 64 "$STATUS"
done
prune --all --max-size 1M
equal "prune --all --max-size" 64 "$STATUS"
run env -u HOME -u XDG_CACHE_HOME "$ANALYZE" cache prune
equal "prune without a cache: status" 2 "$STATUS"
check "prune without a cache: the reason" grep -q "neither XDG_CACHE_HOME nor HOME is set" "$TMP/err"

run "$ANALYZE" cache
equal "cache alone" 64 "$STATUS"
run "$ANALYZE" cache --help
equal "cache --help" 0 "$STATUS"
for verb in list prune build; do
	check "cache --help names $verb" grep -q "^  $verb " "$TMP/out"
done
for n in 0 -1 x 1025 ""; do
	run "$ANALYZE" cache build --jobs "$n" "$SNAP"
	equal "--jobs '$n'" 64 "$STATUS"
done
