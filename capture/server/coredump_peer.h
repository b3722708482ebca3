/*
 * A connection to the coredump socket: who is at its other end, and the words that come before the
 * core.
 *
 * Crash-time: no allocation, negative errno. The other end may be anybody who can reach the socket.
 *
 * Sources: the kernel's include/uapi/linux/coredump.h, fs/coredump.c (coredump_sock_request()); the
 * socket by itself is of Linux 6.16, these words are of 6.17.
 */
#ifndef SNAP_CAPTURE_SERVER_COREDUMP_PEER_H
#define SNAP_CAPTURE_SERVER_COREDUMP_PEER_H

#include <stdint.h>
#include <sys/types.h>

/* A process for which the kernel connects, as core_pattern's arguments would tell of it. */
struct snap_coredump_peer {
	pid_t pid; /* of the initial namespace */
	uint32_t uid, gid;
	uint32_t dumpable; /* 1, or 2: its core is root's */
	int pidfd;	   /* the caller's to close */
};

/*
 * Whether it is the kernel that connected, for a process that dumps core now. Returns 0, or a
 * negative errno: -EPERM if it is a process itself, -EOPNOTSUPP if the kernel does not tell.
 */
int snap_coredump_peer_find(int fd, struct snap_coredump_peer *ret);

/*
 * Hear what the kernel can do, and ask for the core, and that the process waits until the socket is
 * closed; what comes next is the core. Returns 0, or a negative errno: -EPROTO if it is not the
 * kernel's words, -EOPNOTSUPP if it can't do that, -ECONNABORTED if it does not take the answer.
 */
int snap_coredump_peer_agree(int fd);

#endif
