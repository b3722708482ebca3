/*
 * The server's socket for programs: snapshots that they ask for themselves (capture/lib).
 *
 * Anybody may connect. Who it is the kernel says; how often each user may ask is limited; all work
 * is done by a child for each request (capture/server/app_worker.h), of which there are few at a
 * time, each with a deadline. The event loop reads one message of a fixed size, and no more.
 */
#ifndef SNAP_CAPTURE_SERVER_APP_H
#define SNAP_CAPTURE_SERVER_APP_H

#include "capture/config.h"
#include "capture/rate.h"
#include "capture/server/acceptor.h"
#include "capture/server/loop.h"
#include "capture/server/workers.h"

struct snap_app;

/* The caller's storage. The first members, up to ended_arg, are filled in, the rest is zero. */
struct snap_apps {
	struct snap_loop *loop;
	struct snap_workers *workers;
	const struct snap_config *config;
	void (*ended)(void *arg); /* one has; NULL: nobody wants to know */
	void *ended_arg;

	struct snap_acceptor acceptor;
	struct snap_app *first;
	unsigned int num;
	struct snap_worker_pool pool;
	struct snap_rate rate;	   /* of snapshots, by user */
	struct snap_rate log_rate; /* of what is said in the log, by user */
};

/* fd: the socket, which stays the caller's; -1: there is none. Returns 0 or a negative errno. */
int snap_apps_listen(struct snap_apps *apps, int fd);

/* Accept nobody any more; who is being captured is captured to the end. */
void snap_apps_stop(struct snap_apps *apps);

static inline bool snap_apps_are_idle(const struct snap_apps *apps)
{
	return snap_worker_pool_is_idle(&apps->pool);
}

#endif
