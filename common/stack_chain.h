/*
 * The stacks of one thread, planned one after another: the one it runs on; what was interrupted by
 * a signal handler that runs on an alternate stack (sigaltstack(2)); what a coroutine was entered
 * from. All together have no more bytes than the thread may give.
 *
 * Crash-time and hostile: no allocation, every number comes from the target; at most
 * SNAP_STACK_CHAIN_MAX stacks, whatever they say of one another.
 */
#ifndef SNAP_COMMON_STACK_CHAIN_H
#define SNAP_COMMON_STACK_CHAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arch.h"
#include "common/areas.h"
#include "common/memory_plan.h"

/* An alternate stack in use: [start, end), and the stack pointer that the signal found. */
struct snap_altstack {
	uint64_t start, end, interrupted_sp;
};

/*
 * Whether the stack in use from address sp upwards is an alternate one, by what the kernel put
 * there before it called the handler: a struct ucontext whose uc_stack (the kernel's
 * __save_altstack() of kernel/signal.c) contains sp and the ucontext itself, while the interrupted
 * stack pointer is outside. [addr, addr + len) is in buf. Handlers interrupted on the same stack
 * are passed over; of several such contexts, the highest counts. False if there is none, or arch
 * has no offsets; *ret is then as it was.
 */
bool snap_altstack_find(const struct snap_areas *areas, const struct snap_arch *arch, uint64_t sp,
	uint64_t addr, const uint8_t *buf, size_t len, struct snap_altstack *ret);

/* Stacks of one thread at most: handlers may interrupt one another, each on a stack of its own. */
#define SNAP_STACK_CHAIN_MAX 5u

struct snap_stack_chain {
	const struct snap_areas *areas; /* borrowed, as arch */
	const struct snap_arch *arch;	/* NULL: only the first stack is known */
	struct snap_memory_thread thread;
	uint64_t room; /* bytes for this stack and those to come */
	unsigned int num;
	struct snap_memory_plan plan; /* of the stack whose turn it is, the num-th */
	uint64_t sp;		      /* where it is in use from */
	bool away;		      /* it is not the one the thread was started on */
	struct snap_altstack altstacks[SNAP_STACK_CHAIN_MAX];
	unsigned int num_altstacks;
	bool is_altstack; /* the one whose turn it is: the last of them */
	bool has_home_sp;
	uint64_t home_sp;
};

/* thread is copied; of its stacks at most cap bytes are taken. */
void snap_stack_chain_init(struct snap_stack_chain *chain, const struct snap_areas *areas,
	const struct snap_arch *arch, const struct snap_memory_thread *thread, uint64_t cap);

/* Plan the next stack: chain->plan. False if no more are known. */
bool snap_stack_chain_next(struct snap_stack_chain *chain);

/*
 * What was read of chain->plan, to be told before anything is made of it: [addr, addr + len) is in
 * buf. The next stack is found so; and if this is an alternate one, then the plan ends where it
 * does, even before addr + len.
 */
void snap_stack_chain_look(
	struct snap_stack_chain *chain, uint64_t addr, const uint8_t *buf, size_t len);

#endif
