/*
 * Adoption of the .part files that were abandoned: their writer ended before it could publish them.
 * Whoever gets a file's lock (capture/spool.h) knows that nobody writes it any more.
 *
 * A whole snapshot is published as it is; of another one what can be read is kept and marked as
 * truncated (capture/seal.h); an empty one is removed. The name is made from what the snapshot
 * tells, or else from the file's time and origin. Readers are root and the configured group:
 * whether the user may read it can't be decided any more.
 *
 * The content is hostile. Unless told otherwise it is parsed by a child without rights, with little
 * memory and time. Waits for that child: not for an event loop.
 */
#ifndef SNAP_CAPTURE_ADOPT_H
#define SNAP_CAPTURE_ADOPT_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/access.h"
#include "capture/origin.h"
#include "capture/spool.h"

struct snap_adopted {
	const char *part; /* safe to print */
	const char *name; /* NULL: not published */
	bool complete;
	int error; /* negative errno; 0 without a name: was empty, and is removed */
};

struct snap_adopt_options {
	const char *program;		  /* name and version, for files of which nothing is left */
	const struct snap_access *access; /* NULL: root only */
	bool unconfined;		  /* parse in this process */
	/* Told of each file; may be NULL. */
	void (*report)(void *context, const struct snap_adopted *adopted);
	void *context;
};

struct snap_adopt_counts {
	uint64_t num_complete, num_truncated; /* published */
	uint64_t num_empty;		      /* removed */
	uint64_t num_busy;		      /* still being written */
	uint64_t num_failed;
	uint64_t num_foreign; /* no such files: left alone */
};

/*
 * All that are abandoned now. Returns 0, also if some failed; or a negative errno of
 * snap_spool_open().
 */
int snap_adopt_all(
	const char *spool, const struct snap_adopt_options *options, struct snap_adopt_counts *ret);

/* What an abandoned file has become. */
struct snap_adopt_prepared {
	int error;     /* negative errno, else 0 */
	bool empty;    /* there is nothing in it */
	bool complete; /* it was a whole snapshot */
	char name[SNAP_SPOOL_NAME_MAX];
};

/*
 * The part of it that parses: make the file a snapshot, and find a name for it. For a process
 * without rights, which needs no more than the descriptor (open for reading and writing) and memory
 * for twice the file. origin: the file's, which only its owner can read; NULL: it has none. why: a
 * clause for the note.
 */
void snap_adopt_prepare(int fd, const struct snap_origin *origin, const char *program,
	const char *why, struct snap_adopt_prepared *ret);

/*
 * One that is known to be abandoned, with its lock held: publish it, or remove it if it is empty.
 * Returns 0 or a negative errno, as in ret->error; on failure the file stays a .part.
 */
int snap_adopt_file(struct snap_spool_file *file, const struct snap_adopt_options *options,
	struct snap_adopt_prepared *ret);

#endif
