#!/bin/bash
# What "make install" puts where, and what systemd says of it.
. "$(dirname "$0")/lib/testlib.sh"
. "$LIB/serverlib.sh"
need "$CLIENT" "$SERVER" "$BIN/snapcrashctl"

install_into() { # PREFIX [VARIABLE=VALUE]...
	# This test is itself a child of a make, whose flags are not for this one.
	check "make install $*" env -u MAKEFLAGS -u MAKELEVEL -u MFLAGS \
		make -s -C "$TOP" install O="$O" prefix="$1" "${@:2}"
}
# Everything is built already: the clocks of files decide, and a copy of the tree may have lost them.
P=$TMP/usr
install_into "$P" docdir="$P/doc"
for file in bin/snapcrashctl bin/snapanalyze bin/snapcrash-debugger libexec/snapcrash/snapcrash-client \
	libexec/snapcrash/snapcrash-server doc/snapcrash.conf lib/systemd/system/snapcrash.service \
	lib/systemd/system/snapcrash.socket lib/systemd/system/snapcrash-app.socket \
	lib/systemd/system/snapcrash-coredump.socket share/man/man8/snapcrashctl.8 \
	share/man/man8/snapcrash-client.8 share/man/man8/snapcrash-server.8 \
	share/man/man1/snapcrash-debugger.1 \
	lib/sysusers.d/snapcrash.conf lib/tmpfiles.d/snapcrash.conf lib/sysctl.d/60-snapcrash.conf; do
	check "installed: $file" test -s "$P/$file"
done
equal "nothing is left to be filled in" "" "$(grep -rl '@[a-z]*@' "$P/lib/systemd" "$P"/lib/*.d)"
install_into "$TMP/none" unitdir= sysctldir= tmpfilesdir= sysusersdir=
check "what is set to nothing is left out" sh -c '! ls -d "$1"/lib/*.d "$1"/lib/systemd' sh "$TMP/none"

# Their own words for the paths of sockets and spool, and what is configured by default.
default() { sed -n "s/^#$1 = //p" "$TOP/packaging/snapcrash.conf"; }
unit() { sed -n "s/^$2=//p" "$P/lib/systemd/system/$1"; }
equal "snapcrash.socket listens where clients ask" "$(default socket)" "$(unit snapcrash.socket ListenSequentialPacket)"
equal "snapcrash-app.socket listens where programs ask" "$(default app_socket)" \
	"$(unit snapcrash-app.socket ListenSequentialPacket)"
equal "snapcrash-coredump.socket listens where the example has it" \
	"$(sed -n 's/^# e.g. coredump_socket = //p' "$TOP/packaging/snapcrash.conf")" \
	"$(unit snapcrash-coredump.socket ListenStream)"
check "tmpfiles.d makes the spool" grep -q "^d $(default spool) " "$P/lib/tmpfiles.d/snapcrash.conf"
equal "sysctl.d sets what 'enable' would" \
	"|$P/libexec/snapcrash/snapcrash-client $CORE_PATTERN_ARGS $(default core_pipe_limit)" \
	"$(sed -n 's/^kernel.core_pattern = //p' "$P/lib/sysctl.d/60-snapcrash.conf") $(
		sed -n 's/^kernel.core_pipe_limit = //p' "$P/lib/sysctl.d/60-snapcrash.conf")"
check "snapcrashctl knows the client that is installed with it" \
	sh -c 'grep -q "libexec/snapcrash/" "$1"' sh "$P/bin/snapcrashctl"

if command -v systemd-analyze >/dev/null; then
	run systemd-analyze verify --man=no "$P"/lib/systemd/system/snapcrash*
	# Of other units there may be something to say as well.
	equal "systemd-analyze verify" "0 " "$STATUS $(grep -F snapcrash "$TMP/err" | head -n 5)"
else
	skip "systemd-analyze verify" "no systemd-analyze here"
fi
if command -v systemd-sysusers >/dev/null; then
	check "systemd-sysusers understands its file" systemd-sysusers --dry-run "$P/lib/sysusers.d/snapcrash.conf"
else
	skip "systemd-sysusers" "there is none here"
fi
if command -v systemd-tmpfiles >/dev/null && [ "$(id -u)" = 0 ]; then
	mkdir "$TMP/root"
	check "systemd-tmpfiles makes them" \
		systemd-tmpfiles --create --root="$TMP/root" "$P/lib/tmpfiles.d/snapcrash.conf"
	equal "systemd-tmpfiles: modes" "755 700 700" \
		"$(cd "$TMP/root" && stat -c %a run/snapcrash var/lib/snapcrash var/lib/snapcrash/incoming | xargs)"
	chmod 750 "$TMP/root/var/lib/snapcrash"
	systemd-tmpfiles --create --root="$TMP/root" "$P/lib/tmpfiles.d/snapcrash.conf"
	equal "systemd-tmpfiles: a mode that the spool has got stays" 750 "$(stat -c %a "$TMP/root/var/lib/snapcrash")"
else
	skip "systemd-tmpfiles" "there is none here, or we are not root"
fi

# With no more capabilities than the unit leaves it, the server does all that it does.
caps=$(unit snapcrash.service CapabilityBoundingSet | tr 'A-Z ' 'a-z,' | sed 's/cap_/+/g')
if setpriv --bounding-set="-all,$caps" --inh-caps=-all --no-new-privs true 2>/dev/null; then
	chmod 755 "$TMP"
	mkdir -m 777 "$TMP/hooks"
	# It runs for the adopted file as well, before or after.
	printf '#!/bin/sh\nread=$(wc -c)\necho "$(id -u) $read" >>"%s/hooks/out"\n' "$TMP" >"$TMP/hook"
	chmod 755 "$TMP/hook"
	server_conf "hook = $TMP/hook
group = $(id -gn nobody)"
	PLAIN_SERVER=$SERVER
	SERVER=$TMP/confined
	printf '#!/bin/sh\nexec setpriv --bounding-set="-all,%s" --inh-caps=-all --no-new-privs "%s" "$@"\n' \
		"$caps" "$PLAIN_SERVER" >"$SERVER"
	chmod 755 "$SERVER"
	mkdir -m 700 "$SPOOL/incoming"
	xz -dc "$TOP/tests/fixtures/aarch64-threads/core.xz" | head -c 5000 >"$SPOOL/incoming/0123456789abcdef.part"
	server_start
	client_run
	check "with the unit's capabilities: a snapshot" within 20 sh -c 'ls "$1"/*by%2Dhand-*.snap' sh "$SPOOL"
	check "with the unit's capabilities: by the server" within 5 logged "published"
	equal "with the unit's capabilities: the group may read it" "640 $(id -gn nobody)" \
		"$(stat -c '%a %G' "$SPOOL"/*-by%2Dhand-*.snap)"
	hook_read() { awk '$2 > 1000 { found = 1 } END { exit !found }' "$TMP/hooks/out"; }
	check "with the unit's capabilities: the hook runs" within 10 test -e "$TMP/hooks/out"
	check "with the unit's capabilities: the hook reads it" within 10 hook_read
	equal "with the unit's capabilities: the hook is nobody" "$(id -u nobody)" \
		"$(cut -d ' ' -f 1 "$TMP/hooks/out" | sort -u)"
	adopted() { has_parts 0 || logged 0123456789abcdef; }
	check "with the unit's capabilities: it adopts" within 20 adopted
	server_stop
	equal "with the unit's capabilities: it ends" 0 "$SERVER_STATUS"
else
	skip "with the unit's capabilities" "setpriv can't"
fi
