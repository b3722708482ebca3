/*
 * Which crashes get a file, and what has to go for it: the configured filters and limits as a
 * keeper applies them, and the record of what was skipped.
 *
 * Waits for the disk: not for the event loop.
 */
#ifndef SNAP_CAPTURE_SERVER_ADMIT_H
#define SNAP_CAPTURE_SERVER_ADMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/access.h"
#include "capture/config.h"
#include "capture/origin.h"
#include "capture/protocol.h"
#include "capture/rate.h"
#include "capture/skipped.h"
#include "capture/spool_usage.h"

/* Large, and touched as far as it is used: static. */
struct snap_admit {
	const struct snap_config *config; /* borrowed */
	struct snap_access access;	  /* of all files; without an owner */
	struct snap_spool_limits limits;
	struct snap_rate rate;
	struct snap_skipped skipped; /* to be written */
	int64_t skipped_since_ms;
	struct snap_skipped skipped_work;
	struct snap_spool_evict evict;
};

/* admit: zeroed. */
void snap_admit_init(struct snap_admit *admit, const struct snap_config *config);

/*
 * Whether a crash of this origin (or, as the origin says, a snapshot on demand) gets a file in the
 * spool whose descriptor is dir_fd: 0; or why not, which then is counted as skipped.
 */
enum snap_refusal snap_admit_ask(
	struct snap_admit *admit, const struct snap_origin *origin, uint32_t signo, int dir_fd);

/*
 * Keep the limits after a file was published under the name: the oldest may go for it. Returns 0,
 * or -EDQUOT: none of the others may, and it was removed and counted as skipped.
 */
int snap_admit_published(struct snap_admit *admit, int dir_fd, const char *name,
	const struct snap_origin *origin, uint32_t signo);

/* Milliseconds until snap_admit_flush() is due, or -1: there is nothing to write. */
int snap_admit_wait_ms(const struct snap_admit *admit);

/* Write down what was skipped. */
void snap_admit_flush(struct snap_admit *admit);

#endif
