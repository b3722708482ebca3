/*
 * Reads what is planned (common/memory_plan.h) out of a process.
 *
 * Crash-time: no allocation, bounded reads. Deciding and reading are apart, so that a stopped
 * process is held for the reading only.
 */
#ifndef SNAP_CAPTURE_MEMORY_H
#define SNAP_CAPTURE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/memory_plan.h"
#include "common/snapshot.h"
#include "common/stack_chain.h"

/*
 * pread(2) on a mem file of /proc. Returns how many bytes were read (fewer than len where readable
 * memory ends) or, if none, a negative errno: -ESRCH if the process has gone. As a
 * snap_memory_read_fn, arg points to the descriptor.
 */
ssize_t snap_memory_read(void *arg, uint64_t addr, void *buf, size_t len);

/* Read what was planned, at most SNAP_MEMORY_MAX bytes a part, and hand it, and what can't be had,
 * to sink. */
void snap_memory_take(int mem_fd, const struct snap_memory_plan *plan,
	uint8_t buf[static SNAP_MEMORY_MAX], const struct snap_memory_sink *sink);

/*
 * Plan and read a thread's stacks (common/stack_chain.h); at most cap bytes. arch may be NULL.
 * Returns how many bytes were planned; 0: there is none that it could run on.
 */
uint64_t snap_memory_take_stack(int mem_fd, const struct snap_areas *areas,
	const struct snap_arch *arch, const struct snap_memory_thread *thread, size_t cap,
	uint8_t buf[static SNAP_MEMORY_MAX], const struct snap_memory_sink *sink);

/*
 * Gives up to len bytes, at most SNAP_MEMORY_MAX, from addr on: *ret, valid until the next call.
 * Returns what snap_memory_read() does.
 */
struct snap_memory_reader {
	ssize_t (*read)(void *arg, uint64_t addr, size_t len, const uint8_t **ret);
	void *arg;
};

/*
 * The same of stacks of which the first is planned already, snap_stack_chain_next() was called
 * once, by who reads in another way.
 */
uint64_t snap_memory_take_chain(const struct snap_memory_reader *reader,
	struct snap_stack_chain *chain, const struct snap_memory_sink *sink);

#endif
