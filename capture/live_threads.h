/*
 * What a live process's threads wait for, found out before they are stopped.
 *
 * Parses hostile input. No allocation: all storage is in the struct, and its pages come as they are
 * used.
 */
#ifndef SNAP_CAPTURE_LIVE_THREADS_H
#define SNAP_CAPTURE_LIVE_THREADS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "capture/emit.h"
#include "capture/proc_thread.h"
#include "capture/tracee.h"
#include "common/arch.h"

/* Of the first so many threads: some 20 microseconds each, though not of the process's time. */
#define SNAP_LIVE_THREADS_MAX 128

struct snap_live_threads {
	size_t num;
	uint64_t num_left_out;
	struct snap_proc_thread threads[SNAP_LIVE_THREADS_MAX];
};

/* with_syscalls: which system calls they are in is not to be told later, by
 * snap_live_threads_stopped(). */
void snap_live_threads_read(struct snap_live_threads *ret, pid_t pid, bool with_syscalls);

/* Which system calls those were in that stand still now. */
void snap_live_threads_stopped(struct snap_live_threads *threads, const struct snap_tracee *t,
	const struct snap_arch *arch);

/* Those that were read, and what could not be. */
void snap_live_threads_write(struct snap_emit *e, const struct snap_live_threads *threads);

#endif
