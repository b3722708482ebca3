/*
 * Memory that threads point to: a window round whatever their registers and the words of their
 * stacks point at, each byte once.
 *
 * Crash-time and hostile: no allocation, the caller's storage decides how much there can be.
 */
#ifndef SNAP_COMMON_INDIRECT_H
#define SNAP_COMMON_INDIRECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arch.h"
#include "common/areas.h"
#include "common/crash_windows.h"
#include "common/memory_plan.h"

/* Bytes of a window, of these before what is pointed at. */
#define SNAP_INDIRECT_WINDOW 512u
#define SNAP_INDIRECT_BEFORE 128u
/* What is taken or not taken as a whole: windows that overlap share them. */
#define SNAP_INDIRECT_BLOCK 128u
/* Bytes for the first thread, for each further one, and for all. */
#define SNAP_INDIRECT_FIRST (4u << 20)
#define SNAP_INDIRECT_OTHER (64u << 10)
#define SNAP_INDIRECT_ALL   (16u << 20)

struct snap_indirect {
	const struct snap_areas *areas; /* borrowed, as all pointers here */
	const struct snap_arch *arch;	/* NULL: nothing points anywhere */
	struct snap_memory_source source;
	/* Whether there is memory at addr; NULL: reading will tell. */
	bool (*is_there)(void *arg, uint64_t addr);
	uint64_t room; /* bytes, of all threads still to come */
	/* What is taken anyway, ascending, not overlapping. */
	const struct snap_extent *taken;
	size_t num_taken;
	/* Blocks that were taken or can't be, a hash table of their numbers, and 1: zeroed before;
	 * num_slots is a power of 2. Half of it is used. */
	uint64_t *blocks;
	size_t num_slots, num_blocks;
	/* Of the thread in work: numbers of blocks. */
	uint64_t *wanted;
	size_t num_wanted, max_wanted;
	uint64_t thread_room;
	uint64_t num_unreadable, num_cut; /* windows */
};

/*
 * Find what a thread points to, up to room bytes: by its registers (pr_reg, which may be absent),
 * then by the words of these parts of its stacks.
 */
void snap_indirect_find(struct snap_indirect *in, struct snap_bytes pr_reg,
	const struct snap_extent *parts, size_t num_parts, uint64_t room);

/* The next range of what was found, in ascending order, from *position on, which begins as 0; false
 * if there are no more. */
bool snap_indirect_next(const struct snap_indirect *in, size_t *position, struct snap_extent *ret);

#endif
