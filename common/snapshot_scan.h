/*
 * How much of a snapshot file that lies in memory can be relied on: its records are walked and its
 * checkpoints verified, nothing is unpacked.
 *
 * Hostile input, bounded by the file's size. docs/format.rst has the rules and the limits.
 */
#ifndef SNAP_COMMON_SNAPSHOT_SCAN_H
#define SNAP_COMMON_SNAPSHOT_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/bytes.h"
#include "common/error.h"

enum snap_integrity {
	SNAP_INTEGRITY_COMPLETE,  /* a valid final checkpoint ends the file */
	SNAP_INTEGRITY_TRUNCATED, /* a valid beginning, or one with a tail of zeros */
	SNAP_INTEGRITY_CORRUPT,	  /* wrong checksum, broken data, or something after the end */
	SNAP_INTEGRITY_UNMARKED,  /* no Header: another program's; sound as far as can be told */
};

/* "complete" and so on. */
const char *snap_integrity_name(enum snap_integrity integrity);

struct snap_scan {
	enum snap_integrity integrity;
	bool has_header;
	size_t readable_len;	/* the records in [0, readable_len) are shown */
	size_t checked_len;	/* those in [0, checked_len) are vouched for by a checkpoint */
	size_t num_records;	/* in [0, readable_len) */
	size_t num_checkpoints; /* valid ones */
	size_t fault_off;	/* where the fault is; of corrupt and truncated files */
	char why[160];		/* one sentence about the fault, "" if complete */
};

/*
 * Find out how much of the file can be relied on. Never fails but for files beyond the limits
 * (SNAP_ERROR_LIMIT), of a newer format (SNAP_ERROR_UNSUPPORTED), or that are no snapshot at all
 * (SNAP_ERROR_MALFORMED).
 */
int snap_snapshot_scan(struct snap_bytes file, struct snap_scan *ret, struct snap_error *err);

#endif
