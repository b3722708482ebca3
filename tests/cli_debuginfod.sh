#!/bin/bash
# Fetching from debuginfod: a real server on this machine, and servers that are none.
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/crashlib.sh"
need "$CLIENT" "$ANALYZE"
command -v debuginfod >/dev/null || { echo "debuginfod is not installed"; exit 77; }

cd "$TMP" || exit 1
export DEBUGINFOD_CACHE_PATH=$TMP/fetched
# Proxies of the environment are not for this machine.
unset http_proxy https_proxy HTTP_PROXY HTTPS_PROXY all_proxy ALL_PROXY
cat >crash.c <<'END'
static int value(int *p)
{
	return *p + 1;
}

int main(int argc, char **argv)
{
	(void)argv;
	return value((int *)(long)(argc - 1));
}
END
# A library that calls back, so that the stack goes through it: without it, main is not found.
cat >through.c <<'END'
int through(int (*fn)(int *), int *p)
{
	int before[8] = {1};
	return fn(p) + before[0];
}
END
cat >calls.c <<'END'
int through(int (*fn)(int *), int *p);
static int value(int *p)
{
	return *p + 1;
}

int main(void)
{
	return through(value, 0) + 1;
}
END
gcc -g -O0 -o crash crash.c || exit 1
gcc -g -O1 -fomit-frame-pointer -fPIC -shared -o libthrough.so through.c || exit 1
gcc -g -O1 -fomit-frame-pointer -o calls calls.c -L. -lthrough '-Wl,-rpath,$ORIGIN' || exit 1
crash_direct crash "$TMP/crash" || { note_file why; exit 1; }
CRASH=$SNAP
crash_direct calls "$TMP/calls" || { note_file why; exit 1; }
CALLS=$SNAP
id_of() { readelf -n "$1" | sed -n 's/.*Build ID: //p'; }
ID=$(id_of crash)
mkdir files there
cp crash there/whole
objcopy --only-keep-debug crash files/crash.debug
strip crash && cp crash files/crash && mv crash there/stripped
mv libthrough.so calls files/

free_port() { "$PYTHON" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
get() { "$PYTHON" -c 'import sys, urllib.request; sys.stdout.buffer.write(urllib.request.urlopen(sys.argv[1], timeout=5).read())' "$1" 2>/dev/null; }
PORT=$(free_port)
# A server of its own would ask others.
env -u DEBUGINFOD_URLS DEBUGINFOD_CACHE_PATH="$TMP/server_cache" \
	debuginfod -p "$PORT" -d "$TMP/server.sqlite" -F files >server.log 2>&1 &
LIVE+=($!)
SERVER=$!
serves() { get "http://127.0.0.1:$PORT/metrics" >metrics && get "http://127.0.0.1:$PORT/buildid/$ID/debuginfo" >/dev/null &&
	get "http://127.0.0.1:$PORT/buildid/$(id_of files/calls)/executable" >/dev/null &&
	get "http://127.0.0.1:$PORT/buildid/$(id_of files/libthrough.so)/executable" >/dev/null; }
within 60 serves || { not_ok "debuginfod serves the files"; note_file server.log; exit 1; }
URL=http://127.0.0.1:$PORT

analyze() { # OPTION... FILE, DEBUGINFOD_URLS being URLS
	run env DEBUGINFOD_URLS="$URLS" timeout 60 "$ANALYZE" json "$@"
	[ "$STATUS" -le 1 ] || note_file err
}
module() { json_get out "(lambda m: $2)(next(m for m in r['modules'] if m['name'] == '$1'))"; }
frames() { json_get out "' '.join(f['function'] or '?' for f in r['threads'][0]['frames'][:${1:-2}])"; }
line() { json_get out "r['threads'][0]['frames'][0]['line']"; }
fates() { module "$1" "' '.join(c['role'] + ':' + c['fate'] for c in m['candidates'] if c['where'] == 'debuginfod')"; }

# ---------------------------------------------------------------- what is fetched

URLS=$URL
analyze --no-local --symbols there "$CRASH"
equal "the whole file is there: nothing is fetched for it" "value main 3 " "$(frames) $(line) $(fates crash)"
check "... nor said" sh -c "! grep -q \"'crash'\" err"
rm there/whole
analyze --no-local --symbols there "$CRASH"
equal "the debug file is fetched" "value main 3 dwarf debug:ok" \
	"$(frames) $(line) $(module crash "m['symbols']") $(fates crash)"
equal "... and it is said" "snapanalyze: fetching debug file of 'crash' ($ID) from debuginfod" \
	"$(grep "'crash'" err)"
equal "... from where" "$URL/buildid/$ID/debuginfo" \
	"$(module crash "[c['path'] for c in m['candidates'] if c['where'] == 'debuginfod'][0]")"
check "... and the symbol file lies in the cache" sh -c "module=\$1; case \$module in $TMP/fetched/*) ;; *) false ;; esac" sh \
	"$(module crash "m['symbol_file']")"
check "the report is valid by the schema" valid_report out
analyze --no-local --symbols there "$CRASH"
equal "what is in the cache is no fetching" "value main 3 debug:ok 0" \
	"$(frames) $(line) $(fates crash) $(grep -c "'crash'" err)"
rm -r fetched
analyze --no-local "$CRASH"
equal "the executable is fetched, too" "value main 3 executable:ok debug:ok" "$(frames) $(line) $(fates crash)"
check "... and it is said" grep -q "snapanalyze: fetching file of 'crash' ($ID) from debuginfod" err
check "other modules were asked for only if a frame is in them" "$PYTHON" -c '
import json
for m in json.load(open("out"))["modules"]:
    assert not any(c["where"] == "debuginfod" for c in m["candidates"]) or m["has_frame"], m["name"]'

# With what comes, the stack leads on to modules that were unknown before.
rm -r fetched
run timeout 60 "$ANALYZE" json --no-local "$CALLS"
NONE=$(frames 3)
analyze --no-local "$CALLS"
equal "the stack leads on with what was fetched (before: $NONE)" "value through main" "$(frames 3)"
equal "... through the library" "executable:ok" "$(fates libthrough.so)"
analyze --no-local "$CALLS" && cp out first
run env DEBUGINFOD_URLS="$URLS" timeout 60 "$ANALYZE" json --no-local "$CALLS" "$CALLS"
equal "a second input of a run: the same" "True" "$("$PYTHON" -c '
import json
a, b = (json.loads(l) for l in open("out"))
print(a["modules"] == b["modules"] and a["threads"] == b["threads"])')"

# Source, where that is asked for, too.
stack() { # OPTION...
	run env DEBUGINFOD_URLS="$URLS" timeout 60 "$ANALYZE" report --color=never --sections=stack --no-local \
		--symbols files "$@" "$CRASH"
}
serves_source() { get "http://127.0.0.1:$PORT/buildid/$ID/source$TMP/crash.c" >/dev/null; }
within 30 serves_source || not_ok "debuginfod serves the source"
rm -r fetched
stack
equal "without --fetch-source no source is asked for" "0 0" "$(grep -c '^      > ' out) $(grep -c source err)"
stack --fetch-source --no-debuginfod
equal "... nor with --no-debuginfod" "0 0" "$(grep -c '^      > ' out) $(grep -c source err)"
stack --fetch-source
equal "--fetch-source: the lines" "3      return *p + 1;|9      return value((int *)(long)(argc - 1));|" \
	"$(sed -n 's/^      >  *//p' out | tr '\n' '|')"
equal "... and it is said" "snapanalyze: fetching source file '$TMP/crash.c' ($ID) from debuginfod" "$(grep source err)"
cp out fetched.txt
mkdir -p elsewhere/sub
stack --fetch-source --path-map "$TMP=/elsewhere"
equal "... by the path at the time of the build" "2 $(grep -c '/elsewhere/crash.c:' out)" "$(grep -c '^      > ' out) 2"
seq -f 'tree %g' 20 >elsewhere/crash.c
stack --fetch-source --source elsewhere
equal "what is in a tree is not fetched" "2 0" "$(grep -c '^      > .*tree' out) $(grep -c source err)"
stack --fetch-source --no-sandbox
check "the same without the sandbox" diff fetched.txt out
# What servers may send.
for what in huge control; do
	rm -rf fetched
	stack --fetch-source
	lies=$(find fetched -name 'source*' -type f | head -n 1)
	check "$what: it lies in the library's cache" test -n "$lies"
	stack
	cp out plain
	case $what in
	huge) seq -f 'huge %g' 600000 >"$lies" ;;
	control) printf '\n\n\033[31m\007\342\200\256%05000d\n' 1 >"$lies" ;;
	esac
	stack --fetch-source
	if [ "$what" = control ]; then
		check "control characters are escaped, long lines are cut" sh -c \
			'! LC_ALL=C grep -q "[^ -~]" out && grep -q "x1b" out && test "$(wc -L <out)" -le 200'
	else
		check "$what: no source is shown" diff plain out
	fi
done
rm -rf fetched

# Pipes where the library opens its own files: nobody writes to them, and it would wait for ever.
piped() { # PATTERN
	local begun=$SECONDS file
	rm -rf fetched
	stack --fetch-source
	# The library cleans its cache up once a day, and then reads how old files may be.
	[ "$1" != max_unused_age_s ] || : >>fetched/max_unused_age_s
	file=$(find fetched -name "$1" -type f | head -n 1)
	check "a pipe as $1: there is such a file" test -n "$file"
	rm -f "$file" && mkfifo "$file"
	[ "$1" != max_unused_age_s ] || touch -d "2 days ago" fetched/cache_clean_interval_s
	find fetched -type f \( -name executable -o -name debuginfo \) -delete
	stack --fetch-source
	equal "a pipe as $1: all is fetched again" "1 $(cat fetched.txt)" "$STATUS $(cat out)"
	check "a pipe as $1: in time" test $((SECONDS - begun)) -le 30
}
for pattern in 'source*' debuginfo executable cache_clean_interval_s max_unused_age_s; do
	piped "$pattern"
done
rm -rf fetched

# A build ID that no server has.
gcc -g -O0 -Wl,--build-id=0x00112233445566778899aabbccddeeff00112233 -o unknown crash.c
crash_direct unknown "$TMP/unknown" || { note_file why; exit 1; }
rm unknown
analyze --no-local "$SNAP"
equal "a file that it does not have" "none executable:not-found debug:not-found" \
	"$(module unknown "m['symbols']") $(fates unknown)"
analyze --no-local "$SNAP"
equal "... is not asked for again" "not asked again: it was not there a short time ago 0" \
	"$(module unknown "[c['detail'] for c in m['candidates']][0]") $(grep -c unknown err)"

# ---------------------------------------------------------------- when not

listener() { # PORT-FILE MODE: accepts; writes a line to PORT-FILE.seen for each connection
	"$PYTHON" - "$1" "$2" <<'END' &
import socket, sys, threading, time
name, mode = sys.argv[1:]
s = socket.socket()
s.bind(("127.0.0.1", 0))
s.listen(50)
open(name + ".seen", "w").close()
def serve(c):
    if mode == "mute":
        time.sleep(600)
    c.recv(4096)
    if mode == "trickle":
        c.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: 1000000\r\n\r\n")
        while True:
            try:
                c.sendall(b"x" * 100)
            except OSError:
                return
            time.sleep(0.2)
    body = open(mode, "rb").read() if mode not in ("500", "drop") else b""
    if mode == "500":
        c.sendall(b"HTTP/1.1 500 Broken\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
    elif mode != "drop":
        c.sendall(b"HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nConnection: close\r\n"
                  b"Content-Length: %d\r\n\r\n" % len(body) + body)
    c.close()
with open(name + ".tmp", "w") as f:
    f.write(str(s.getsockname()[1]))
import os
os.rename(name + ".tmp", name)
while True:
    c, _ = s.accept()
    with open(name + ".seen", "a") as f:
        f.write("x\n")
    threading.Thread(target=serve, args=(c,), daemon=True).start()
END
	LIVE+=($!)
	within 20 test -e "$1" || not_ok "a listener"
	URLS=http://127.0.0.1:$(cat "$1")
}
seen() { wc -l <"$1.seen" | tr -d ' '; }

rm -rf fetched
listener mute mute
run timeout 60 "$ANALYZE" json --no-local --symbols there "$CRASH"
equal "DEBUGINFOD_URLS is not set: nobody is asked" "0 " "$(seen mute) $(fates crash)"
run env DEBUGINFOD_URLS= timeout 60 "$ANALYZE" json --no-local --symbols there "$CRASH"
equal "DEBUGINFOD_URLS is empty: nobody is asked" "0 " "$(seen mute) $(fates crash)"
analyze --no-debuginfod --no-local --symbols there "$CRASH"
equal "--no-debuginfod: nobody is asked" "0 " "$(seen mute) $(fates crash)"
run "$ANALYZE" report --debuginfod "$CRASH"
equal "--debuginfod without DEBUGINFOD_URLS is wrong usage" \
	"64 snapanalyze: --debuginfod asks the servers in DEBUGINFOD_URLS: not set (see 'snapanalyze report --help')" \
	"$STATUS $(cat err)"
check "... and writes nothing" test ! -s out

# ---------------------------------------------------------------- servers that are none

# fails NAME DETAIL SECONDS: URLS being its server's
fails() {
	local begun=$SECONDS
	rm -rf fetched
	analyze --no-local --symbols there "$CRASH"
	equal "$1: the fate" "? ? dynsym debug:fetch-failed $2" \
		"$(frames) $(module crash "m['symbols']") $(fates crash) $(module crash "[c['detail'] for c in m['candidates'] if c['where'] == 'debuginfod'][0]")"
	check "$1: in time" test $((SECONDS - begun)) -le "$3"
}
gave_up() { grep -c '^snapanalyze: debuginfod is not asked any more in this run: ' err; }
export DEBUGINFOD_TIMEOUT=1
fails "a server that says nothing" "Connection timed out" 25
equal "a server that says nothing: given up, said once" 1 "$(gave_up)"
run env DEBUGINFOD_URLS="$URLS" timeout 60 "$ANALYZE" json --no-local --symbols there "$CRASH" "$CALLS" "$CRASH"
equal "... for all inputs of the run" 1 "$(gave_up)"
run env DEBUGINFOD_URLS="$URLS" timeout 60 "$ANALYZE" report --no-local --symbols there "$CRASH"
check "... and the report says so" grep -q "debug file could not be fetched: Connection timed out" out
listener trickle trickle
fails "a server that trickles" "Connection timed out" 25
unset DEBUGINFOD_TIMEOUT
URLS=http://127.0.0.1:$(free_port)
fails "nobody listens" "Connection refused" 20
equal "nobody listens: given up, said once" 1 "$(gave_up)"
listener e500 500
rm -rf fetched
analyze --no-local --symbols there "$CRASH"
equal "a server that is broken" "debug:not-found" "$(fates crash)"

# What comes is verified like any file.
wrong() { # NAME FILE FATE
	listener "serves_$1" "$2"
	rm -rf fetched
	analyze --no-local --symbols there "$CRASH"
	equal "a server that sends $1" "? ? dynsym $3" "$(frames) $(module crash "m['symbols']") $(fates crash)"
}
wrong another "$TMP/files/libthrough.so" "debug:wrong-build-id"
head -c 50000 /dev/urandom >noise
wrong noise "$TMP/noise" "debug:malformed"
: >empty
wrong nothing "$TMP/empty" "debug:not-found" # so libdebuginfod takes it
head -c 2000 files/crash.debug >cut
listener serves_half "$TMP/cut"
rm -rf fetched
analyze --no-local --symbols there "$CRASH"
equal "a server that sends half a file" "? ?" "$(frames)"

# Several servers are asked at once: one that is dead is no loss.
rm -rf fetched
URLS="http://127.0.0.1:$(free_port) $URL"
analyze --no-local "$CRASH"
equal "a dead server beside a good one" "value main 3 executable:ok debug:ok" "$(frames) $(line) $(fates crash)"

# ---------------------------------------------------------------- the alternate file

sed 's/value/other/' crash.c >other.c
gcc -g -O0 -o one crash.c && gcc -g -O0 -o two other.c && dwz -m files/common.debug -M /nowhere/common.debug one two
cp one there/one && ALT=$(id_of files/common.debug)
crash_direct one "$TMP/one" || { note_file why; exit 1; }
rm one two
has_alternate() { get "http://127.0.0.1:$PORT/buildid/$ALT/debuginfo" >/dev/null; }
kill -USR1 "$SERVER" # scan again
URLS=$URL
if within 30 has_alternate; then
	rm -rf fetched
	analyze --no-local --symbols there "$SNAP"
	equal "the alternate debug file is fetched" "alternate:ok null" "$(fates one) $(module one "m['why']")"
	check "... and it is said" grep -q "fetching alternate debug file of 'one' ($ALT) from debuginfod" err
else
	skip "the alternate debug file is fetched" "this debuginfod does not index such files"
fi

# On a terminal the line shows how far it is, and ends.
rm -rf fetched
DEBUGINFOD_URLS=$URL run "$PYTHON" -c '
import os, pty, sys
pid, fd = pty.fork()
if pid == 0:
    os.dup2(os.open("/dev/null", os.O_WRONLY), 1)
    os.execv(sys.argv[1], sys.argv[1:])
try:
    while data := os.read(fd, 65536):
        sys.stdout.buffer.write(data)
except OSError:
    pass
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))' "$ANALYZE" report --no-local --symbols there "$CRASH"
tr '\r' '\n' <out >lines
check "on a terminal: the line" grep -q "^snapanalyze: fetching .*file of 'crash' (.*) from debuginfod" lines
check "on a terminal: it ends" grep -q '^$' lines
