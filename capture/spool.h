/*
 * The spool: a directory of finished snapshots, and in it `incoming`, where they are written.
 *
 * A snapshot is written as incoming/<random>.part and appears in the spool under its final name
 * only when it is whole and on disk. What was abandoned stays as a .part, for the server to adopt.
 *
 * Crash-time: no allocation, negative errno.
 */
#ifndef SNAP_CAPTURE_SPOOL_H
#define SNAP_CAPTURE_SPOOL_H

#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"

#define SNAP_SPOOL_INCOMING "incoming"
/* A published name: time, escaped comm of up to 64 bytes, pid, uuid, ".snap". */
#define SNAP_SPOOL_NAME_MAX 256

struct snap_spool_file {
	int dir_fd;	 /* the spool */
	int incoming_fd; /* the directory in it */
	int fd;		 /* the file */
	char part[32];	 /* its name in incoming */
};
#define SNAP_SPOOL_FILE_INIT                                                                       \
	{                                                                                          \
		-1, -1, -1, ""                                                                     \
	}

/*
 * <UTC time>-<comm>-<pid>-<first 8 hex digits of the uuid>.snap, the time as 20261122T235926Z. Of
 * comm the characters A-Z a-z 0-9 . _ + @ stand as they are, but for a leading dot; every other
 * byte is written %XX (upper-case hex), so that only the name's own '-' separate its parts; an
 * empty comm is written %00.
 */
void snap_spool_name(char name[static SNAP_SPOOL_NAME_MAX], int64_t time_s, struct snap_bytes comm,
	uint64_t pid, const uint8_t uuid[static 16]);

/*
 * Create a .part in the spool's incoming, and both directories (and their parents) where they are
 * missing. Returns 0 and fills *ret, or a negative errno.
 */
int snap_spool_create(const char *spool, struct snap_spool_file *ret);

/*
 * Bring the file to disk and give it its name. Returns 0, or a negative errno: -EEXIST if the name
 * is taken. The file then keeps its name in incoming.
 */
int snap_spool_publish(struct snap_spool_file *file, const char *name);

/* Remove the .part. */
void snap_spool_discard(struct snap_spool_file *file);

/* Close the descriptors. */
void snap_spool_file_deinit(struct snap_spool_file *file);

/* len random lower-case hex digits and a NUL, for names. */
void snap_spool_random(char *out, size_t len);

#endif
