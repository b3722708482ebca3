#include "capture/server/coredump_peer.h"

#include <errno.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Headers of these kernels are rare: asm-generic/socket.h, linux/pidfd.h, linux/coredump.h. */
#ifndef SO_PEERPIDFD
#define SO_PEERPIDFD 77
#endif

struct pidfd_info {
	uint64_t mask, cgroupid;
	uint32_t pid, tgid, ppid;
	uint32_t ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
	int32_t exit_code;
	uint32_t coredump_mask;
	uint32_t more; /* the signal, in later kernels */
};
#define PIDFD_GET_INFO	    _IOWR(0xff, 11, struct pidfd_info)
#define PIDFD_INFO_PID	    (1u << 0)
#define PIDFD_INFO_CREDS    (1u << 1)
#define PIDFD_INFO_COREDUMP (1u << 4)
#define PIDFD_COREDUMPED    (1u << 0)
#define PIDFD_COREDUMP_SKIP (1u << 1)
#define PIDFD_COREDUMP_USER (1u << 2)

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
	struct pidfd_info info = {
		.mask = PIDFD_INFO_PID | PIDFD_INFO_CREDS | PIDFD_INFO_COREDUMP,
	};
	int r = 0;
	if (ioctl(pidfd, PIDFD_GET_INFO, &info) < 0)
		r = errno == ENOTTY || errno == EINVAL ? -EOPNOTSUPP : -errno;
	/* Of a process that does not dump, kernels say that it does not, or nothing. */
	else if (!(info.mask & PIDFD_INFO_COREDUMP) || !(info.coredump_mask & PIDFD_COREDUMPED) ||
		 info.coredump_mask & PIDFD_COREDUMP_SKIP)
		r = -EPERM;
	else if (!(info.mask & PIDFD_INFO_PID) || !(info.mask & PIDFD_INFO_CREDS) || info.tgid == 0)
		r = -EOPNOTSUPP;
	if (r < 0) {
		(void)close(pidfd); /* nothing to lose */
		return r;
	}
	*ret = (struct snap_coredump_peer){
		.pid = (pid_t)info.tgid,
		.uid = info.ruid,
		.gid = info.rgid,
		.dumpable = info.coredump_mask & PIDFD_COREDUMP_USER ? 1 : 2,
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
