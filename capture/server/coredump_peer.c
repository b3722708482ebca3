#include "capture/server/coredump_peer.h"

#include <errno.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture/pidfd.h"

/* Headers of these kernels are rare: asm-generic/socket.h, linux/coredump.h. */
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

struct coredump_req {
	uint32_t size, size_ack;
	uint64_t mask;
};

struct coredump_ack {
	uint32_t size, spare;
	uint64_t mask;
};
#define COREDUMP_KERNEL	     (1u << 0)
#define COREDUMP_WAIT	     (1u << 3)
#define COREDUMP_MARK_REQACK 0u
/* A request may become longer. */
#define REQUEST_MAX 256

int snap_coredump_peer_find(int fd, struct snap_coredump_peer *ret)
{
	int pidfd = -1;
	socklen_t len = sizeof(pidfd);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERPIDFD, &pidfd, &len) < 0)
		return errno == ENOPROTOOPT ? -EOPNOTSUPP : -errno;
	struct snap_pidfd_info info;
	const uint64_t mask =
		SNAP_PIDFD_INFO_PID | SNAP_PIDFD_INFO_CREDS | SNAP_PIDFD_INFO_COREDUMP;
	int r = snap_pidfd_info(pidfd, mask, &info);
	/* Of a process that does not dump, kernels say that it does not, or nothing. */
	if (r == 0 && (!(info.mask & SNAP_PIDFD_INFO_COREDUMP) ||
			      !(info.coredump_mask & SNAP_PIDFD_COREDUMPED) ||
			      info.coredump_mask & SNAP_PIDFD_COREDUMP_SKIP))
		r = -EPERM;
	else if (r == 0 && ((info.mask & mask) != mask || info.tgid == 0))
		r = -EOPNOTSUPP;
	if (r < 0) {
		(void)close(pidfd); /* nothing to lose */
		return r;
	}
	*ret = (struct snap_coredump_peer){
		.pid = (pid_t)info.tgid,
		.uid = info.ruid,
		.gid = info.rgid,
		.dumpable = info.coredump_mask & SNAP_PIDFD_COREDUMP_USER ? 1 : 2,
		.pidfd = pidfd,
	};
	return 0;
}

/* Exactly len bytes. */
static int get(int fd, void *to, size_t len)
{
	ssize_t n = recv(fd, to, len, MSG_WAITALL);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EPROTO;
}

int snap_coredump_peer_agree(int fd)
{
	struct coredump_req request;
	uint8_t rest[REQUEST_MAX];
	uint32_t mark;
	int r = get(fd, &request, sizeof(request));
	if (r < 0)
		return r;
	if (request.size < sizeof(request) || request.size > sizeof(request) + sizeof(rest))
		return -EPROTO;
	if (request.size > sizeof(request)) {
		r = get(fd, rest, request.size - sizeof(request));
		if (r < 0)
			return r;
	}
	struct coredump_ack ack = {
		.size = sizeof(ack),
		.mask = COREDUMP_KERNEL | COREDUMP_WAIT,
	};
	if (request.size_ack < sizeof(ack) || (request.mask & ack.mask) != ack.mask)
		return -EOPNOTSUPP;
	if (send(fd, &ack, sizeof(ack), MSG_NOSIGNAL) != (ssize_t)sizeof(ack))
		return -ECONNABORTED;
	r = get(fd, &mark, sizeof(mark));
	if (r < 0)
		return r;
	return mark == COREDUMP_MARK_REQACK ? 0 : -ECONNABORTED;
}
