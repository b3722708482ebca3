/*
 * The administrator's program that is started for each published snapshot: as an ordinary user,
 * with the file open for reading, for a limited time, a few at once.
 */
#ifndef SNAP_CAPTURE_SERVER_HOOK_H
#define SNAP_CAPTURE_SERVER_HOOK_H

#include <stdbool.h>

#include "capture/config.h"
#include "capture/server/workers.h"

/* The caller's storage. */
struct snap_hooks {
	struct snap_workers *workers;
	const struct snap_config *config;
	struct snap_worker_pool pool;
	bool stopped;
	unsigned long num_left_out; /* not told yet */
	void (*ended)(void *arg);   /* one has; NULL: nobody wants to know */
	void *ended_arg;
};

/* The first two members, and ended, are filled in; the rest is zero. */
void snap_hooks_init(struct snap_hooks *hooks);

/* What waits for its turn is left out, and no more is started; what runs may go on. */
void snap_hooks_stop(struct snap_hooks *hooks);

/* Start the hook, if there is one, for the snapshot of that name. fd: open at it, borrowed. */
void snap_hooks_run(struct snap_hooks *hooks, const char *name, int fd);

#endif
