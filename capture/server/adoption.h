/*
 * Adoption of files whose writer is gone, in a child of the server: unprivileged, since it parses
 * what a process that died in the middle, or lied, has left.
 */
#ifndef SNAP_CAPTURE_SERVER_ADOPTION_H
#define SNAP_CAPTURE_SERVER_ADOPTION_H

#include <stdbool.h>

#include "capture/server/workers.h"
#include "capture/spool.h"

struct snap_adoption {
	int error;  /* 0, or a negative errno: it could not be looked at, and is left where it is */
	bool empty; /* nothing is in it that could be kept */
	bool whole; /* it ended with a final checkpoint */
	char name[SNAP_SPOOL_NAME_MAX]; /* to be published under, unless empty */
};

/*
 * Look at the file (fd: for reading and writing, locked, borrowed until ended() is called), and
 * make it one that is to be published: of a file that is not whole, what can't be read is cut off,
 * and why: a note of that is added. ended() is called later, with arg. Returns 0 or a negative
 * errno.
 */
int snap_adoption_start(struct snap_workers *workers, struct snap_worker_pool *pool, int fd,
	const char *why, void (*ended)(void *arg, const struct snap_adoption *adoption), void *arg);

#endif
