/*
 * Takes the stacks of some threads: all are planned, then many of them read in one go
 * (capture/memory_ahead.h), then handed over one by one.
 *
 * Crash-time: no allocation, bounded reads.
 */
#ifndef SNAP_CAPTURE_STACK_BATCH_H
#define SNAP_CAPTURE_STACK_BATCH_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "capture/identity.h"
#include "capture/memory_ahead.h"
#include "common/arch.h"
#include "common/areas.h"
#include "common/memory_plan.h"
#include "common/stack_budget.h"
#include "common/stack_chain.h"

#define SNAP_STACK_BATCH_MAX 16u

/* Where the stacks are; all borrowed. */
struct snap_stack_source {
	const struct snap_areas *areas;
	const struct snap_arch *arch; /* may be NULL */
	struct snap_stack_budget *budget;
	int mem_fd;
	pid_t pid;
	const struct snap_identity *identity; /* NULL: no other process can get its number */
	uint8_t *buf;			      /* SNAP_MEMORY_MAX bytes */
};

struct snap_stack_batch {
	size_t num;
	struct snap_batched_stack {
		uint64_t index; /* the thread's, in the order of the snapshot */
		uint64_t cap;	/* bytes that it may give */
		struct snap_memory_thread thread;
		struct snap_stack_chain chain;
		uint64_t reserved; /* bytes of the budget, until it is taken */
	} stacks[SNAP_STACK_BATCH_MAX];
	size_t ahead_end; /* those before it were read ahead, or are not worth it */
	struct snap_memory_ahead ahead;
};

/* Empty it. batch: zeroed, or used before. */
void snap_stack_batch_begin(struct snap_stack_batch *batch);

/*
 * One more, at most SNAP_STACK_BATCH_MAX: what of its stack the thread gives is decided now, at
 * most cap bytes, and the budget knows of it.
 */
void snap_stack_batch_add(struct snap_stack_batch *batch, const struct snap_stack_source *source,
	uint64_t index, uint64_t cap, const struct snap_memory_thread *thread);

/*
 * Read the index-th one's stacks, and hand them, and what can't be had, to sink. In their order.
 * Returns how many bytes were planned of them in the end; 0: there is none that the thread could
 * run on.
 */
uint64_t snap_stack_batch_take(struct snap_stack_batch *batch,
	const struct snap_stack_source *source, size_t index, const struct snap_memory_sink *sink);

#endif
