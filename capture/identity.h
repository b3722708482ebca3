/*
 * Proves that a process in /proc is the one that dumps core now, and not another that got its
 * number.
 *
 * Crash-time, privileged: no allocation, negative errno.
 */
#ifndef SNAP_CAPTURE_IDENTITY_H
#define SNAP_CAPTURE_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/proc_info.h"

struct snap_identity {
	int task_fd;			/* /proc/PID/task/TID; -1 if nothing is proved */
	int pidfd;			/* -1: none */
	bool pidfd_was_foreign;		/* the one that was passed is not the process's */
	struct snap_proc_status status; /* valid with task_fd */
};

/*
 * Open the directory of the process's thread tid. passed_pidfd: the kernel's (core_pattern's %F),
 * or -1. Returns NULL, or in words why the process is not to be used; *ret is filled in either
 * case.
 *
 * The directory is bound to that thread for good, and the kernel holds a process that dumps core
 * until its stream is closed: to prove it once, after opening, is enough to trust what is read
 * through it, and snap_identity_holds() tells whether the process was there to the end.
 */
const char *snap_identity_find(
	uint64_t pid, uint64_t tid, int passed_pidfd, struct snap_identity *ret);

/* To be asked after the last read. */
bool snap_identity_holds(const struct snap_identity *identity);

#endif
