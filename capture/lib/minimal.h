/*
 * The small snapshot that a crashed process writes of itself where no server answers: the crashing
 * thread's registers and stack, what is mapped where, build IDs, tags, log lines and registered
 * memory. Not the other threads, which run on meanwhile.
 *
 * Runs in signal handlers: system calls alone, storage of its own (one thread at a time).
 */
#ifndef SNAP_CAPTURE_LIB_MINIMAL_H
#define SNAP_CAPTURE_LIB_MINIMAL_H

#include <signal.h>
#include <stdint.h>
#include <ucontext.h>

struct snap_lib_crash {
	int signo;
	const siginfo_t *info;
	const ucontext_t *context;
	uint32_t tid;
	int64_t time_s;
	uint32_t time_ns;
	const char *reason; /* "SIGSEGV" */
	uint8_t uuid[16];
};

/* Write it to fd, borrowed. Returns 0 or a negative errno. */
int snap_lib_minimal_write(int fd, const struct snap_lib_crash *crash);

#endif
