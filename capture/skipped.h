/*
 * The record of crashes that were not captured: one line for each executable, user and reason, in
 * the file `skipped` of the spool.
 *
 *   count  first  last  signal  uid  reason  executable
 *
 * parted by tabs; times as 2026-11-22T23:59:26Z, the signal that of the last one, the executable
 * escaped (common/escape.h, for a terminal). At most SNAP_SKIPPED_MAX lines: when there are more,
 * those that are over for longest make one line together, with "-" for what differs and the reason
 * "more".
 *
 * Several programs write it, so nobody keeps it: each collects what it has to add, and merges that
 * into the file under the spool's lock. The file is replaced whole. It is not brought to disk at
 * once: after a power failure it may be older.
 *
 * Crash-time: no allocation, negative errno. The file's content is hostile: what is no such line is
 * dropped.
 */
#ifndef SNAP_CAPTURE_SKIPPED_H
#define SNAP_CAPTURE_SKIPPED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/access.h"
#include "capture/origin.h"

#define SNAP_SKIPPED_FILE     "skipped"
#define SNAP_SKIPPED_NEW_FILE ".skipped.new" /* while it is made */
#define SNAP_SKIPPED_MAX      256

enum snap_skipped_reason {
	SNAP_SKIPPED_RATE,    /* too many of one kind: capture/rate.h */
	SNAP_SKIPPED_IGNORED, /* as configured: capture/filter.h */
	SNAP_SKIPPED_FULL,    /* the spool's limits: capture/spool_usage.h */
	SNAP_SKIPPED_DISK,    /* too little free space, or none */
	SNAP_SKIPPED_BUSY,    /* too many at once */
	SNAP_SKIPPED_FAILED,  /* nothing could be written */
	SNAP_SKIPPED_LIBRARY, /* there is one already, by the process's wish: capture/lib */
};

struct snap_skipped_line {
	uint64_t count;
	int64_t first_s, last_s; /* since 1970 */
	bool has_signo, has_uid;
	uint32_t signo, uid;
	char reason[12];
	char exe[512]; /* escaped; a longer one cut */
};

/* Large (some 140 KiB): static. All zeros is an empty one. */
struct snap_skipped {
	size_t num;
	struct snap_skipped_line lines[SNAP_SKIPPED_MAX];
};

/* "rate" and so on. */
const char *snap_skipped_reason_name(enum snap_skipped_reason reason);

/* Count one more. */
void snap_skipped_add(struct snap_skipped *skipped, const struct snap_origin *origin,
	enum snap_skipped_reason reason, uint32_t signo, int64_t now_s);

/*
 * Read the file of the spool whose descriptor is dir_fd. Returns 0, also if there is none; or a
 * negative errno: -ELOOP, -EINVAL if it is no regular file.
 */
int snap_skipped_read(int dir_fd, struct snap_skipped *ret);

/*
 * Add what was collected to the file, with the rights of group readers, and empty *collected. work:
 * room for the whole file. Returns 0, or a negative errno, *collected then being as before.
 * Whatever has the file's name is replaced.
 */
int snap_skipped_flush(int dir_fd, const struct snap_access *access, struct snap_skipped *collected,
	struct snap_skipped *work);

#endif
