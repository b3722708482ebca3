/*
 * How many bytes of its stack each thread may give, the first one most, so that a snapshot of any
 * number of threads stays below its limit, and whether there is room for its registers. What the
 * threads before did not need is for those that come.
 *
 * Crash-time: no allocation, numbers only.
 */
#ifndef SNAP_COMMON_STACK_BUDGET_H
#define SNAP_COMMON_STACK_BUDGET_H

#include <stdbool.h>
#include <stdint.h>

#include "common/arch.h"
#include "common/memory_plan.h"

struct snap_memory_limits {
	uint64_t max_bytes;	       /* of the whole snapshot */
	uint64_t stack_first_bytes;    /* of the first thread's stack */
	uint64_t stack_second_bytes;   /* of each of the next ... */
	uint64_t stack_second_threads; /* ... so many; and no more of any other */
	uint64_t stack_threads; /* the first one included; who comes after has registers only */
};

/* As the configuration's defaults (capture/config.c). */
#define SNAP_MEMORY_LIMITS_DEFAULT                                                                 \
	{                                                                                          \
		.max_bytes = 2u << 20, .stack_first_bytes = SNAP_STACK_FIRST,                      \
		.stack_second_bytes = 16u << 10, .stack_second_threads = 63,                       \
		.stack_threads = 1024,                                                             \
	}

/* A stack of which there is no room for as much is not taken at all. */
#define SNAP_STACK_THIRD_MIN 512u
/* Bytes of records that tell of a thread without registers, and that they are missing. */
#define SNAP_THREAD_LISTED_BYTES 64u

struct snap_stack_budget {
	struct snap_memory_limits limits;
	uint64_t thread_bytes;		  /* of a thread's records without its stack */
	uint64_t index;			  /* of the thread that comes next */
	uint64_t num_left;		  /* threads still to come, it included */
	uint64_t room;			  /* bytes for them */
	uint64_t second_room, third_room; /* of these, for stacks */
};

/*
 * num_threads: as far as is known; if there are more, those have what is left. extra_bytes: of a
 * thread's further register sets. arch may be NULL.
 */
void snap_stack_budget_init(struct snap_stack_budget *budget,
	const struct snap_memory_limits *limits, uint64_t num_threads, const struct snap_arch *arch,
	uint64_t extra_bytes);

/* What the next thread may give, in bytes; *ret_registers: whether there is room for its registers,
 * without which it may give none. */
uint64_t snap_stack_budget_next(struct snap_stack_budget *budget, bool *ret_registers);

/* That there are no more than so many bytes for the threads to come. */
void snap_stack_budget_limit(struct snap_stack_budget *budget, uint64_t room);

/* That it gave len bytes. */
void snap_stack_budget_spend(struct snap_stack_budget *budget, uint64_t len);

/* That len bytes of those were not needed after all. */
void snap_stack_budget_return(struct snap_stack_budget *budget, uint64_t len);

#endif
