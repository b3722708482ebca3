/*
 * What the kernel says of the process that a pidfd stands for.
 *
 * Crash-time: no allocation, negative errno.
 *
 * Source: the kernel's include/uapi/linux/pidfd.h and fs/pidfs.c (pidfd_info(),
 * pidfd_show_fdinfo()).
 */
#ifndef SNAP_CAPTURE_PIDFD_H
#define SNAP_CAPTURE_PIDFD_H

#include <stdbool.h>
#include <stdint.h>

/* struct pidfd_info as of Linux 6.16; ids are those of the caller's namespaces. */
struct snap_pidfd_info {
	uint64_t mask; /* what was asked for; then what is there */
	uint64_t cgroupid;
	uint32_t pid, tgid, ppid;
	uint32_t ruid, rgid, euid, egid, suid, sgid, fsuid, fsgid;
	int32_t exit_code;
	uint32_t coredump_mask;
	uint32_t more; /* the signal, in later kernels */
};
#define SNAP_PIDFD_INFO_PID	 (1u << 0)
#define SNAP_PIDFD_INFO_CREDS	 (1u << 1)
#define SNAP_PIDFD_INFO_COREDUMP (1u << 4)
#define SNAP_PIDFD_COREDUMPED	 (1u << 0)
#define SNAP_PIDFD_COREDUMP_SKIP (1u << 1)
#define SNAP_PIDFD_COREDUMP_USER (1u << 2)

/*
 * Returns 0 or a negative errno: -EOPNOTSUPP before Linux 6.13, or if fd is no pidfd; -ESRCH if the
 * process is gone.
 */
int snap_pidfd_info(int fd, uint64_t mask, struct snap_pidfd_info *ret);

/* Whether fd is a pidfd, of process pid. On any kernel that has pidfds. */
bool snap_pidfd_is_of(int fd, uint64_t pid);

#endif
