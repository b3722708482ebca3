/*
 * The dumps that a server is busy with: from a client's connection to the published file.
 *
 *     HELLO ─► QUEUED ─► OPENING ─► WRITING ─► WRITTEN ─► PUBLISHING ─► (hook)
 *                                      └─────► ABANDONED ─► ADOPTING ─────┘
 *
 * All in the event loop, which never waits: files are opened and published by two keepers, what may
 * be broken is parsed by a worker (capture/server/adoption.h). A client is taken for hostile,
 * though it must be root's.
 */
#ifndef SNAP_CAPTURE_SERVER_DUMPS_H
#define SNAP_CAPTURE_SERVER_DUMPS_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/config.h"
#include "capture/server/acceptor.h"
#include "capture/server/hook.h"
#include "capture/server/keeper.h"
#include "capture/server/loop.h"
#include "capture/server/workers.h"

struct snap_dump;

/* The caller's storage. */
struct snap_dumps {
	struct snap_loop *loop;
	struct snap_workers *workers;
	const struct snap_config *config;
	struct snap_hooks *hooks;

	struct snap_acceptor acceptor;
	bool stopping;
	void (*idle)(void *arg); /* once stopped, when all are done */
	void *idle_arg;

	/* In the order of their arrival. */
	struct snap_dump *first, **end;
	unsigned int num_connected, num_queued, num_writing, num_publishing;
	uint32_t last_id;
	struct snap_keeper opener, publisher;
	struct snap_worker_pool adoptions;
	struct snap_timer heartbeat, sweep;
	bool sweeping, more_orphans;
};

/*
 * Begin: start the keepers, sweep the spool. The members before acceptor are filled in, the rest is
 * zero. Returns 0 or a negative errno.
 */
int snap_dumps_start(struct snap_dumps *dumps);

/* Accept clients at the socket, which stays the caller's. Returns 0 or a negative errno. */
int snap_dumps_listen(struct snap_dumps *dumps, int fd);

/* *config was read anew. */
void snap_dumps_reload(struct snap_dumps *dumps);

/*
 * Accept nobody any more, refuse who waits, let those who write finish, and then call idle(). The
 * socket can be closed then.
 */
void snap_dumps_stop(struct snap_dumps *dumps, void (*idle)(void *arg), void *arg);

/* Look for files that were abandoned, soon. */
void snap_dumps_sweep(struct snap_dumps *dumps);

#endif
