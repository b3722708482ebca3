/*
 * Memory that threads point to: a window round whatever their registers and the words of their
 * stacks point at, each byte once.
 */
#ifndef SNAP_ANALYZE_CONVERT_IMPORT_INDIRECT_H
#define SNAP_ANALYZE_CONVERT_IMPORT_INDIRECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/crash.h"
#include "common/areas.h"
#include "common/memory_plan.h"
#include "common/stack_chain.h"

/* Bytes of a window, of these before what is pointed at. */
#define SNAP_INDIRECT_WINDOW 512u
#define SNAP_INDIRECT_BEFORE 128u
/* Bytes for the first thread, for each further one, and for all. */
#define SNAP_INDIRECT_FIRST (4u << 20)
#define SNAP_INDIRECT_OTHER (64u << 10)
#define SNAP_INDIRECT_ALL   (16u << 20)

/* Parts of stacks that a thread can have: two ends of each. */
#define SNAP_INDIRECT_PARTS (2 * SNAP_STACK_CHAIN_MAX)

struct snap_indirect {
	struct snap_crash *crash;
	const struct snap_areas *areas;
	uint64_t room;
	/* What is taken anyway, ascending, not overlapping; borrowed. */
	const struct snap_extent *taken;
	size_t num_taken;
	/* Blocks that were taken or can't be, a hash table of their numbers. */
	uint64_t *blocks;
	size_t num_blocks, num_slots;
	/* Of the thread in work. */
	uint64_t *wanted; /* numbers of blocks */
	size_t num_wanted, wanted_capacity;
	uint64_t thread_room;
	uint64_t num_unreadable, num_cut; /* windows */
	bool no_memory;
};

void snap_indirect_init(struct snap_indirect *in, struct snap_crash *crash,
	const struct snap_areas *areas, const struct snap_extent *taken, size_t num_taken);
void snap_indirect_deinit(struct snap_indirect *in);

/*
 * Find what the index-th thread points to: by its registers, then by the words of these parts of
 * its stacks. Returns 0, or -1 if memory is exhausted.
 */
int snap_indirect_find(struct snap_indirect *in, size_t index,
	const struct snap_extent parts[SNAP_INDIRECT_PARTS]);

/* The next range of what was found, in ascending order, from *position on, which begins as 0; false
 * if there are no more. */
bool snap_indirect_next(const struct snap_indirect *in, size_t *position, struct snap_extent *ret);

#endif
