/*
 * The signal handler of snapcrash_install(), and what it needs to be told before.
 *
 * Runs in signal handlers: system calls alone.
 */
#ifndef SNAP_CAPTURE_LIB_HANDLER_H
#define SNAP_CAPTURE_LIB_HANDLER_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "capture/lib/snapcrash.h"

#define SNAP_LIB_NUM_SIGNALS 7
extern const int snap_lib_signals[SNAP_LIB_NUM_SIGNALS];

/* A descriptor that was opened before, and what makes sure that it still is the same file: programs
 * close what they don't know, and the numbers are used again. */
struct snap_lib_fd {
	int fd; /* -1: none */
	uint64_t device, inode;
};

/* Take note of what fd is. */
void snap_lib_fd_set(struct snap_lib_fd *to, int fd);
/* Whether it still is that. */
bool snap_lib_fd_holds(const struct snap_lib_fd *fd);

struct snap_lib_handler {
	pid_t pid; /* who opened socket and file; a child of it opens its own */
	struct snap_lib_fd socket, file, dir, given;
	bool given_used;
	char socket_path[SNAPCRASH_MAX_SOCKET];
	struct sigaction former[SNAP_LIB_NUM_SIGNALS];
	unsigned int num_minimal; /* small snapshots written */
	uint32_t busy_tid;	  /* whose crash is being captured, or 0 */
};

extern struct snap_lib_handler snap_lib_handler;

void snap_lib_on_crash(int signo, siginfo_t *info, void *context);

/* In the child after fork(). */
void snap_lib_handler_forked(void);

#endif
