/*
 * Handing a core on to the program that got it before us: core_pattern as it was when
 * `snapcrashctl enable --chain` replaced it (capture/saved.h).
 *
 * The handler gets what the kernel would have given it: its command line with the specifiers
 * expanded, the whole core on standard input (what we read of it, and then the rest by splice(2)),
 * no environment, root's rights. It is started from a process that is forked before the client
 * limits itself or gives anything up, and it is fed when our own snapshot is published: nothing
 * that it does or fails to do is of any harm to that.
 *
 * Crash-time: no allocation, negative errno. This is the one place from where a program is started
 * with strings of the target's; as the kernel does, each within a word of its own.
 */
#ifndef SNAP_CAPTURE_CHAIN_H
#define SNAP_CAPTURE_CHAIN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "capture/core_stream.h"
#include "capture/saved.h"

/* sizeof(struct utsname.nodename) */
#define SNAP_CHAIN_HOSTNAME_MAX 65

struct snap_chain {
	pid_t child; /* will be the handler; 0: there is none */
	int words_fd, core_fd;
	struct snap_core_copy copy;
	struct snap_saved saved;
	char hostname[SNAP_CHAIN_HOSTNAME_MAX]; /* if the command line has it */
};
#define SNAP_CHAIN_INIT                                                                            \
	{                                                                                          \
		.words_fd = -1, .core_fd = -1, .copy = {.fd = -1 }                                 \
	}

/*
 * Fork the process that will be the handler. pidfd: the kernel's (%F), which the handler gets, too;
 * or -1. priority: that of before snap_priority_raise(). Standard input is the core's stream.
 * Returns 0 or a negative errno.
 */
int snap_chain_start(struct snap_chain *chain, int pidfd, int priority);

/*
 * Read what the former handler was, while all rights are there. socket: the server's, beside which
 * the save is. pid: the crashed process's. From then on, reading the stream has to fill
 * chain->copy. Returns 0, or a negative errno, with no chain left: -ENOENT if nothing was saved,
 * -EINVAL if what was saved is no program, -ELOOP if it is what stands in core_pattern now, or
 * another.
 */
int snap_chain_find(struct snap_chain *chain, const char *socket, uint64_t pid);

/* How it ended. */
struct snap_chain_end {
	uint64_t bytes; /* of the core, handed on */
	bool has_status;
	int status; /* as of waitpid(2) */
	int error;  /* negative errno, else 0: see snap_chain_feed() */
};

/*
 * Start the handler and feed it. facts: for its command line, all but what a process in /proc can
 * tell. task_fd: of the crashed thread (/proc/PID/task/TID), or -1. stream_fd: the core's, from
 * where our reading ended; closed here, which lets the process go, as early as the kernel would
 * have. All that within time_s seconds.
 *
 * ret->error: what the copy's was; -E2BIG if the command line is too long; -EPIPE if the handler
 * closed its input or ended before the core did; -ETIMEDOUT; what execve(2) said; or of a read or
 * write that failed. A handler that does not end in time goes on, but its input ends.
 */
void snap_chain_feed(struct snap_chain *chain, struct snap_core_facts *facts, int task_fd,
	int stream_fd, unsigned int time_s, struct snap_chain_end *ret);

#endif
