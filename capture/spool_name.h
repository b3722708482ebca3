/*
 * What a snapshot's name in the spool says: the inverse of snap_spool_name(). Hostile input: the
 * comm in a name is whatever a process called itself, and anybody may have put a file there.
 */
#ifndef SNAP_CAPTURE_SPOOL_NAME_H
#define SNAP_CAPTURE_SPOOL_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct snap_spool_name {
	int64_t time_s; /* since 1970, UTC */
	size_t comm_len;
	uint8_t comm[64]; /* as it was, unescaped */
	uint64_t pid;
	char uuid[9]; /* its first 8 hex digits */
};

/*
 * Whether a name is one that snap_spool_name() makes; fills *ret then. Such a name has no '/', is
 * not hidden, and is printable ASCII.
 */
bool snap_spool_name_parse(const char *name, struct snap_spool_name *ret);

#endif
