/*
 * Reads the stacks of several threads at once: of a process that is held with hundreds of them, the
 * calls take longer than the bytes.
 *
 * Crash-time: no allocation. What could not be read so is read by itself (capture/memory.h), which
 * tells why, too.
 */
#ifndef SNAP_CAPTURE_MEMORY_AHEAD_H
#define SNAP_CAPTURE_MEMORY_AHEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "capture/identity.h"
#include "common/memory_plan.h"

/* Of one call. */
#define SNAP_MEMORY_AHEAD_BYTES (64u << 10)
#define SNAP_MEMORY_AHEAD_PARTS 32u

/* Zeroed, it is ready for the first call. */
struct snap_memory_ahead {
	bool refused; /* the kernel has no such call, or does not allow it */
	size_t num, len;
	/* One behind the other in bytes; planned, and then as far as they were read. */
	struct snap_extent parts[SNAP_MEMORY_AHEAD_PARTS];
	size_t next; /* of them, the one that is likely to be asked for */
	size_t next_off;
	uint8_t bytes[SNAP_MEMORY_AHEAD_BYTES];
};

/* Forget what was read. */
void snap_memory_ahead_begin(struct snap_memory_ahead *ahead);

/* The plan's parts are to be read, too. False: there is no room for them, and none is. */
bool snap_memory_ahead_add(struct snap_memory_ahead *ahead, const struct snap_memory_plan *plan);

/*
 * process_vm_readv(2). It goes by the process's number, so nothing counts unless the process is
 * still there afterwards: of it, that is certain. identity NULL: nobody else can get its number.
 */
void snap_memory_ahead_read(
	struct snap_memory_ahead *ahead, pid_t pid, const struct snap_identity *identity);

/* For snap_memory_take_chain(): what was read ahead, the rest from a mem file (capture/memory.h).
 */
struct snap_memory_ahead_reader {
	struct snap_memory_ahead *ahead;
	int mem_fd;
	uint8_t *buf; /* SNAP_MEMORY_MAX bytes */
};

/* As read of struct snap_memory_reader; arg is a struct snap_memory_ahead_reader. */
ssize_t snap_memory_ahead_get(void *arg, uint64_t addr, size_t len, const uint8_t **ret);

#endif
