/*
 * The locks that a live process's threads wait for: small windows of memory round the words at which
 * they wait in futex(2). Who holds a lock stands beside such a word.
 *
 * Crash-time and hostile: no allocation, bounded; every number comes from the target.
 */
#ifndef SNAP_CAPTURE_LIVE_LOCKS_H
#define SNAP_CAPTURE_LIVE_LOCKS_H

#include "capture/live_threads.h"
#include "common/arch.h"
#include "common/areas.h"
#include "common/memory_plan.h"

/* Bytes of a window, and how many of them are before the word: glibc's pthread_mutex_t has 40 and
 * begins with it. */
#define SNAP_LOCK_BYTES	 64u
#define SNAP_LOCK_BEFORE 16u

/*
 * Read the windows, each once, through mem_fd and hand them to sink. arch: of the process; NULL: not
 * known, and nothing is taken. What can't be read is no omission: nothing was known to be there.
 */
void snap_live_locks_take(const struct snap_live_threads *threads, const struct snap_arch *arch,
	const struct snap_areas *areas, int mem_fd, const struct snap_memory_sink *sink);

#endif
