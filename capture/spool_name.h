/*
 * The names of snapshots in the spool, made and read. Hostile input: the comm in a name is whatever
 * a process called itself, and anybody may have put a file there.
 *
 * Crash-time, and usable in signal handlers: no allocation, no system call.
 */
#ifndef SNAP_CAPTURE_SPOOL_NAME_H
#define SNAP_CAPTURE_SPOOL_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"

/* Time, escaped comm of up to 64 bytes, pid, uuid, ".snap". */
#define SNAP_SPOOL_NAME_MAX 256

/*
 * <UTC time>-<comm>-<pid>-<first 8 hex digits of the uuid>.snap, the time as 20261122T235926Z. Of
 * comm the characters A-Z a-z 0-9 . _ + @ stand as they are, but for a leading dot; every other
 * byte is written %XX (upper-case hex), so that only the name's own '-' separate its parts; an
 * empty comm is written %00.
 */
void snap_spool_name(char name[static SNAP_SPOOL_NAME_MAX], int64_t time_s, struct snap_bytes comm,
	uint64_t pid, const uint8_t uuid[static 16]);

struct snap_spool_name {
	int64_t time_s; /* since 1970, UTC */
	size_t comm_len;
	uint8_t comm[64]; /* as it was, unescaped */
	uint64_t pid;
	char uuid[9]; /* its first 8 hex digits */
};

/*
 * The inverse: whether a name is one that snap_spool_name() makes; fills *ret then. Such a name has
 * no '/', is not hidden, and is printable ASCII.
 */
bool snap_spool_name_parse(const char *name, struct snap_spool_name *ret);

#endif
