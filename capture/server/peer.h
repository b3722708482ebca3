/*
 * Who is at the other end of a connection, as the kernel says it.
 */
#ifndef SNAP_CAPTURE_SERVER_PEER_H
#define SNAP_CAPTURE_SERVER_PEER_H

#include <sys/types.h>

struct snap_peer {
	pid_t pid;
	uid_t uid;
	int pidfd; /* the caller's to close */
};

/*
 * Who connected (for a socket that was listened at) or was listening. The pidfd is
 * SO_PEERPIDFD's (Linux 6.5); before, it is opened by the pid, which could be another's by then.
 * Returns 0 or a negative errno: -ESRCH if it is gone, or the pidfd is not the pid's.
 */
int snap_peer_find(int fd, struct snap_peer *ret);

/* Send it a signal; harmless when it is gone. */
void snap_peer_kill(const struct snap_peer *peer, int signo);

#endif
