/*
 * Accepts connections at one of the server's sockets and finds out who is at their other end.
 */
#ifndef SNAP_CAPTURE_SERVER_ACCEPTOR_H
#define SNAP_CAPTURE_SERVER_ACCEPTOR_H

#include "capture/server/loop.h"
#include "capture/server/peer.h"

/* The caller's storage. The first members, up to arg, are filled in, the rest is zero. */
struct snap_acceptor {
	struct snap_loop *loop;
	/* One has connected; fd, which does not block, and peer's pidfd are the callee's now. */
	void (*accepted)(void *arg, int fd, const struct snap_peer *peer);
	void *arg;

	struct snap_watch watch; /* fd -1: not accepting (any more) */
	struct snap_timer resume;
};

/* fd: a listening socket, which stays the caller's; -1: there is none. Negative errno. */
int snap_acceptor_start(struct snap_acceptor *acceptor, int fd);

/* Accept nobody for a tenth of a second: who connects waits in the socket's own queue. */
void snap_acceptor_pause(struct snap_acceptor *acceptor);

/* Before the socket is closed. */
void snap_acceptor_stop(struct snap_acceptor *acceptor);

#endif
