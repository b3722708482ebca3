#include "capture/server/peer.h"

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture/pidfd.h"

#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

int snap_peer_find(int fd, struct snap_peer *ret)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return -errno;
	if (cred.pid <= 0)
		return -ESRCH; /* of a PID namespace that we can't see */
	int pidfd = -1;
	len = sizeof(pidfd);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len) < 0) {
		if (errno != ENOPROTOOPT)
			return -errno;
		pidfd = (int)syscall(SYS_pidfd_open, cred.pid, 0);
		if (pidfd < 0)
			return -errno;
	}
	if (!snap_pidfd_is_of(pidfd, (uint64_t)cred.pid)) {
		(void)close(pidfd); /* nothing to lose */
		return -ESRCH;
	}
	*ret = (struct snap_peer){cred.pid, cred.uid, pidfd};
	return 0;
}

void snap_peer_kill(const struct snap_peer *peer, int signo)
{
	if (peer->pidfd >= 0)
		(void)syscall(
			SYS_pidfd_send_signal, peer->pidfd, signo, NULL, 0); /* gone is fine */
}
