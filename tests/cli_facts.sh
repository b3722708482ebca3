#!/bin/bash
# What a snapshot says of the process besides its memory is what the process was: crashed and live,
# in namespaces of its own, with an environment only if asked for.
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/crashlib.sh"
need "$CLIENT" "$DEBUGGER" "$ANALYZE"

# report NAME SNAPSHOT: leaves $TMP/NAME.json
report() {
	run "$ANALYZE" json --symbols "$VICTIMS" "$2"
	cp "$TMP/out" "$TMP/$1.json"
	check "$1: json (status $STATUS) is valid by the schema" \
		valid_report "$TMP/$1.json"
}
get() { # NAME EXPRESSION WANTED
	equal "$1: $2" "$3" "$(json_get "$TMP/$1.json" "$2" 2>&1)"
}
named() { # NAME KIND: whether that namespace differs from ours
	get "$1" "[n['differs'] for n in r['process']['namespaces'] if n['kind'] == '$2']" "[$3]"
}

# ---------------------------------------------------------------- live

# A process that is ready when it is blocked in a read of its standard input.
mkfifo "$TMP/input"
exec 7<>"$TMP/input"
blocked_in_read() { grep -q '^0 0x0 ' "/proc/$PID/syscall"; }
end() { # of PID, without a word from bash
	{ kill -KILL "$PID" && wait "$PID"; } 2>/dev/null
}
# start_live NAME COMMAND...
start_live() {
	local name=$1
	shift
	mkdir "$TMP/$name"
	"$PYTHON" "$LIB/facts_setup.py" "$TMP/$name" "$@" <"$TMP/input" >"$TMP/$name.out" 2>&1 7>&- &
	PID=$!
	LIVE+=("$PID")
	within 20 test -s "$TMP/$name/truth.json" || {
		not_ok "$name: gets ready"
		note_file "$TMP/$name.out"
		return 1
	}
}

printf 'spool = %s\nproject = Gr\303\274n\ndevice = bench 7\nsoftware_version = 1.2-3\n' "$TMP/spool" >"$TMP/conf"
printf 'software_build_uuid = 00112233-4455-6677-8899-aabbccddeeff\n' >>"$TMP/conf"
if start_live live /bin/cat && within 20 blocked_in_read; then
	run "$DEBUGGER" --config "$TMP/conf" -o "$TMP/live.snap" "$PID"
	equal "live: status" 0 "$STATUS"
	report live "$TMP/live.snap"
	check "live: the process is what it was" "$PYTHON" "$LIB/facts_check.py" "$TMP/live/truth.json" \
		"$TMP/live.json" --live
	get live 'r["device"]["project"]' "Grün"
	get live 'r["device"]["device"]' "bench 7"
	get live '(r["snapshot"]["storage"], r["snapshot"]["queue_time_ns"])' "('named', None)"
	get live 'r["device"]["software_version"]' "1.2-3"
	get live 'r["device"]["software_build_uuid"]' 00112233445566778899aabbccddeeff
	get live 'r["threads"][0]["wait"]["syscall"]["name"]' read
	get live 'r["threads"][0]["wait"]["syscall"]["fd"]' 0
	get live 'r["threads"][0]["wait"]["letter"]' S
	if stack=$(sed 's/^.*\] //; s/+.*//' "/proc/$PID/stack" 2>/dev/null) && [ -n "$stack" ]; then
		equal "live: the kernel's functions" "$stack" \
			"$(json_get "$TMP/live.json" '"\n".join(f.split("] ")[-1].split("+")[0] for f in r["threads"][0]["wait"]["kernel_stack"])')"
	else
		skip "live: the kernel's functions" "they can't be read here"
	fi
	run "$ANALYZE" report "$TMP/live.snap"
	check "live: the report names system call and file" \
		grep -qF "blocked in read(0 = $TMP/input, 0x" "$TMP/out"
	check "live: the report tells of the open files" grep -q '^  Files  *[0-9]* open, limit 777$' "$TMP/out"
	run "$ANALYZE" dump "$TMP/live.snap"
	for wanted in 'open file' 'thread facts' 'path: "pipe:\[' 'syscall_number: 0$' 'namespace: mnt:\[' \
		'oom_score_adj: 123' 'boot_id: ' 'project_name: "Gr'; do
		check "live: dump shows $wanted" grep -q -- "$wanted" "$TMP/out"
	done
	check "live: export still works" "$ANALYZE" export "$TMP/live.snap" -o "$TMP/live.core"
	check "live: the process still waits" blocked_in_read

	printf 'spool = %s\nenviron = yes\nopen_files = 3\n' "$TMP/spool" >"$TMP/conf"
	run "$DEBUGGER" --config "$TMP/conf" -o "$TMP/environ.snap" "$PID"
	report environ "$TMP/environ.snap"
	get environ 'sorted(r["process"]["environ"]) == sorted(__import__("json").load(open("'"$TMP"'/live/truth.json"))["environ"])' true
	get environ '[f["fd"] for f in r["open_files"]]' "[0, 1, 2]"
	get environ '[o["count"] for o in r["omissions"] if o["what"] == "open-file" and o["why"] == "cap"] == [r["process"]["num_open_files"] - 3]' true
	printf 'spool = %s\nopen_files = 0\n' "$TMP/spool" >"$TMP/conf"
	run "$DEBUGGER" --config "$TMP/conf" -o "$TMP/none.snap" "$PID"
	report none "$TMP/none.snap"
	get none '(r["open_files"], [o for o in r["omissions"] if o["what"] == "open-file"])' "([], [])"
	end
fi

# Ids of another user and of the process's own namespaces.
if unshare --pid --fork --mount-proc --user --map-user=1234 --map-group=1235 true 2>/dev/null; then
	unshare --pid --fork --mount-proc --user --map-user=1234 --map-group=1235 /bin/cat \
		<"$TMP/input" >"$TMP/inner.out" 2>&1 7>&- &
	outer=$!
	LIVE+=("$outer")
	inner_child() { PID=$(cat "/proc/$1/task/$1/children") && [ -n "$PID" ] && PID=${PID%% *} && blocked_in_read; }
	if within 20 inner_child "$outer"; then
		LIVE+=("$PID")
		run "$DEBUGGER" -o "$TMP/inner.snap" "$PID"
		equal "own namespaces: status" 0 "$STATUS"
		report inner "$TMP/inner.snap"
		get inner 'r["process"]["pid"]' "$PID"
		get inner 'r["threads"][0]["tid"]' "$PID"
		get inner 'r["process"]["ns_pid"]' 1
		get inner 'r["threads"][0]["ns_tid"]' 1
		get inner 'r["process"]["uid"]' "$(id -u)"
		get inner 'r["process"]["ns_uid"]' 1234
		get inner 'r["process"]["ns_gid"]' 1235
		for kind in pid user mnt; do named inner "$kind" True; done
		for kind in net ipc uts; do named inner "$kind" False; done
		run "$ANALYZE" report "$TMP/inner.snap"
		check "own namespaces: the report says so" \
			grep -q '^  Container .*pid 1 inside, uid 1234 inside, own namespaces: mnt pid user$' "$TMP/out"
	else
		not_ok "a process in namespaces of its own gets ready"
		note_file "$TMP/inner.out"
	fi
else
	skip "namespaces" "unshare can't make them here"
fi

# ---------------------------------------------------------------- crashes

crashed() { # NAME COMMAND...: leaves $TMP/NAME.json
	local name=$1
	if ! crash_direct "$@"; then
		not_ok "$name: a snapshot"
		note_file "$TMP/why"
		return 1
	fi
	report "$name" "$SNAP"
	get "$name" 'r["snapshot"]["integrity"]' complete
	get "$name" 'r["crash"]["signal"]' SIGSEGV
	get "$name" '"main" in [f["function"] for f in r["threads"][0]["frames"]]' true
	get "$name" '[m["path"] for m in r["modules"] if not m["build_id"]]' "[]"
}

mkdir "$TMP/crash"
if crashed crash "$PYTHON" "$LIB/facts_setup.py" "$TMP/crash" "$VICTIMS/null_deref"; then
	check "crash: the process is what it was" "$PYTHON" "$LIB/facts_check.py" "$TMP/crash/truth.json" \
		"$TMP/crash.json"
	get crash '(r["snapshot"]["storage"], r["snapshot"]["queue_time_ns"])' "('own', None)"
	get crash 'r["threads"][0]["wait"]["syscall"]' null
	get crash 'r["threads"][0]["wait"]["cpu"] in range(r["device"]["num_cpus"])' true
fi

CRASH_CONF=$'environ = yes\nproject = p\ndevice = d\nsoftware_version = v\nsoftware_build_uuid = 0a0b\nopen_files = 1\n'
if crashed configured env -i "A=b" "$VICTIMS/null_deref"; then
	get configured 'r["process"]["environ"]' "['A=b']"
	get configured '"%(project)s %(device)s %(software_version)s %(software_build_uuid)s" % r["device"]' "p d v 0a0b"
	get configured 'len(r["open_files"])' 1
fi
CRASH_CONF=

if unshare --pid --fork --mount-proc true 2>/dev/null; then
	# A shell is the namespace's first process: as such the victim would be spared its own signal.
	if crashed contained unshare --pid --fork --mount-proc sh -c "'$VICTIMS/null_deref'; exit 0"; then
		get contained 'r["process"]["ns_pid"]' 2
		get contained 'r["threads"][0]["ns_tid"]' 2
		get contained 'r["threads"][0]["tid"] == r["process"]["pid"] == r["process"]["tid"] != 2' true
		for kind in pid mnt; do named contained "$kind" True; done
		named contained user False
	fi
	# Another root, in a mount namespace of its own: its paths mean something else to us.
	mkdir "$TMP/root"
	if crashed jailed unshare --mount sh -c \
		"mount --rbind / '$TMP/root' && cd / && exec chroot '$TMP/root' '$VICTIMS/null_deref'"; then
		get jailed 'r["process"]["root"]' "$TMP/root"
		get jailed 'r["process"]["cwd"]' "$TMP/root"
		named jailed mnt True
		named jailed pid False
		get jailed 'r["process"]["ns_pid"]' null
	fi
else
	skip "crashes in namespaces" "unshare can't make them here"
fi
