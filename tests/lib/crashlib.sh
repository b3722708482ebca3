# Sourced after testlib.sh by tests that crash victims through core_pattern.
#
#   crash_direct NAME COMMAND...  the kernel starts the client; SNAP is the published snapshot
#   crash_both NAME COMMAND...    one crash, read twice: SNAP, and CORE
#
# Both take core_pattern at their first call (tests skip there if it can't be) and return 1 with the
# reason in $TMP/why if no snapshot came. CRASH_STATUS is the victim's status as the shell sees it.

# There are some thousand crashes: what bash can do by itself is not left to other programs.

# A sanitized client is slow to start.
CRASH_WAIT=${CRASH_WAIT:-30}
# More lines for the client's configuration.
CRASH_CONF=
# Where SNAP and CORE are.
CRASH_DIR=$TMP

crash_begin() {
	[ -n "$CORE_PATTERN_DIR" ] || core_pattern_take
	# The client makes it.
	SPOOL=$CORE_PATTERN_DIR/spool
	rm -rf "$SPOOL" "$CORE_PATTERN_DIR/core" "$CORE_PATTERN_DIR/status" "$TMP/why"
	printf 'spool = %s\nsocket = %s\n%s' "$SPOOL" "$CORE_PATTERN_DIR/none.sock" "$CRASH_CONF" \
		>"$CORE_PATTERN_DIR/conf"
	SNAP=
	CORE=
}

crash_run() {
	# The subshell keeps bash's "Segmentation fault" out of the output.
	(
		cd "$TMP" || exit 1
		# bash starts background jobs with these ignored, and so would the victim.
		env --default-signal=INT,QUIT "$@" </dev/null >"$TMP/victim.out" 2>&1 &
		wait $!
	) 2>/dev/null
	CRASH_STATUS=$?
}

published() {
	local found=("$SPOOL"/*.snap)
	[ -e "${found[0]}" ]
}

crash_take() { # NAME
	local found
	if ! within "$CRASH_WAIT" published; then
		{
			echo "no snapshot in the spool (victim's status $CRASH_STATUS), which holds:"
			find "$SPOOL" -mindepth 1
			cat "$CORE_PATTERN_DIR/client.err" 2>/dev/null
		} >"$TMP/why"
		return 1
	fi
	found=("$SPOOL"/*.snap)
	if [ "${#found[@]}" -ne 1 ]; then
		printf '%s\n' "more than one snapshot:" "${found[@]}" >"$TMP/why"
		return 1
	fi
	# Kept under our own name: the published one may hold whatever the victim is called.
	SNAP_NAME=${found[0]##*/}
	SNAP=$CRASH_DIR/$1.snap
	cp "${found[0]}" "$SNAP"
}

crash_direct() {
	local name=$1
	shift
	crash_begin
	core_pattern_set "$CLIENT" --config "$CORE_PATTERN_DIR/conf" "$CORE_PATTERN_ARGS" || exit 1
	crash_run "$@"
	crash_take "$name"
}

crash_both() {
	local name=$1
	shift
	crash_begin
	[ "$CORE_PATTERN_DIR/client" -ef "$CLIENT" ] || ln -sfn "$CLIENT" "$CORE_PATTERN_DIR/client"
	core_pattern_set "$LIB/capture_both.sh" "$CORE_PATTERN_DIR" "$CORE_PATTERN_ARGS" || exit 1
	crash_run "$@"
	if ! within "$CRASH_WAIT" test -e "$CORE_PATTERN_DIR/status"; then
		echo "capture_both.sh did not end" >"$TMP/why"
		return 1
	fi
	IFS= read -r CLIENT_STATUS <"$CORE_PATTERN_DIR/status"
	CORE=$CRASH_DIR/$name.core
	mv "$CORE_PATTERN_DIR/core" "$CORE"
	crash_take "$name"
}
