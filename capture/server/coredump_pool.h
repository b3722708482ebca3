/*
 * The server's coredump socket: some workers (capture/server/coredump_worker.h) that are there
 * before anything crashes. Each serves once; another one takes its place.
 */
#ifndef SNAP_CAPTURE_SERVER_COREDUMP_POOL_H
#define SNAP_CAPTURE_SERVER_COREDUMP_POOL_H

#include <stdbool.h>
#include <sys/types.h>

#include "capture/config.h"
#include "capture/server/loop.h"

#define SNAP_COREDUMP_MAX_WORKERS 64

struct snap_coredump_pool;

struct snap_coredump_slot {
	struct snap_coredump_pool *pool;
	struct snap_watch watch; /* the worker's pipe; fd -1: there is no worker */
	int pidfd;
	bool may_end; /* it has served, or was asked to end */
	int64_t started_ms;
	struct snap_timer timer; /* until another one is started */
};

/* The caller's storage. */
struct snap_coredump_pool {
	struct snap_loop *loop;
	const struct snap_config *config;
	int listener_fd;
	void (*idle)(void *arg); /* once stopped, when all workers are gone */
	void *idle_arg;

	bool stopping;
	unsigned int num_running;
	struct snap_coredump_slot slots[SNAP_COREDUMP_MAX_WORKERS];
};

/*
 * Start the workers, max_dumps of them. The members before stopping are filled in, the rest is
 * zero; listener_fd: of type SOCK_STREAM, stays the caller's. Returns 0 or a negative errno.
 */
int snap_coredump_pool_start(struct snap_coredump_pool *pool);

/* *config was read anew: those who wait are replaced. Does nothing to a pool of zeros, like
 * _stop(). */
void snap_coredump_pool_reload(struct snap_coredump_pool *pool);

/* End those who wait, let those who capture finish, and then call idle(). */
void snap_coredump_pool_stop(struct snap_coredump_pool *pool);

static inline bool snap_coredump_pool_is_idle(const struct snap_coredump_pool *pool)
{
	return pool->num_running == 0;
}

#endif
