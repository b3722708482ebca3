#include "common/stack_budget.h"

/* Of a snapshot, for what is not about threads: mappings, modules, what the crash speaks of. */
#define OTHER_SHARE 8
/* A thread's record beside its general registers: ids, name, tags and lengths, where its stack is,
 * and what is said of that. */
#define RECORD_BYTES 128u

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Nothing, rather than less than nothing. */
static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

void snap_stack_budget_init(struct snap_stack_budget *budget,
	const struct snap_memory_limits *limits, uint64_t num_threads, const struct snap_arch *arch,
	uint64_t extra_bytes)
{
	*budget = (struct snap_stack_budget){
		.limits = *limits,
		.thread_bytes =
			RECORD_BYTES + extra_bytes + (arch ? arch->prstatus_reg_size : 256u),
		.num_left = num_threads,
		.room = limits->max_bytes - limits->max_bytes / OTHER_SHARE,
	};
}

/* Of the threads from the one at index on, how many are in [from, end). */
static uint64_t count_between(
	const struct snap_stack_budget *budget, uint64_t index, uint64_t from, uint64_t end)
{
	return minus(least(index + budget->num_left, end), index > from ? index : from);
}

/* Of the second tier, and of those that have stacks at all. */
static uint64_t second_end(const struct snap_stack_budget *budget)
{
	return least(budget->limits.stack_second_threads + 1, budget->limits.stack_threads);
}

/* When it is known what the first thread gave: how much is for which of the others. */
static void divide(struct snap_stack_budget *budget)
{
	uint64_t num = budget->num_left;
	/* Whatever happens, they are to be listed. */
	uint64_t free = minus(budget->room, num * SNAP_THREAD_LISTED_BYTES);
	/* Half may be registers: a stack says little without them, and a pc alone not much. */
	uint64_t registers = num * (budget->thread_bytes - SNAP_THREAD_LISTED_BYTES);
	uint64_t stacks = free - least(registers, free / 2);
	uint64_t num_second = count_between(budget, 1, 1, second_end(budget));
	uint64_t num_third =
		count_between(budget, 1, second_end(budget), budget->limits.stack_threads);
	uint64_t third = least(num_third * SNAP_STACK_THIRD_MIN, stacks / 2);
	/* Not if it is not enough for those before. */
	if (stacks - third < num_second * SNAP_STACK_THIRD_MIN)
		third = 0;
	budget->second_room = least(stacks - third, num_second * budget->limits.stack_second_bytes);
	budget->third_room = num_third > 0 ? stacks - budget->second_room : 0;
}

static uint64_t share_of(struct snap_stack_budget *budget, uint64_t index)
{
	uint64_t share, end = second_end(budget), all_end = budget->limits.stack_threads;
	if (index < end) {
		share = budget->second_room / count_between(budget, index, index, end);
	} else if (index < all_end) {
		budget->third_room += budget->second_room;
		budget->second_room = 0;
		share = budget->third_room / count_between(budget, index, index, all_end);
	} else {
		budget->second_room = budget->third_room = 0;
		return 0;
	}
	/* Some of them, where it is not enough for all. */
	if (share < SNAP_STACK_THIRD_MIN)
		share = budget->second_room + budget->third_room < SNAP_STACK_THIRD_MIN
				? 0
				: SNAP_STACK_THIRD_MIN;
	return least(share, budget->limits.stack_second_bytes) & ~(uint64_t)15;
}

uint64_t snap_stack_budget_next(struct snap_stack_budget *budget, bool *ret_registers)
{
	uint64_t index = budget->index++;
	if (index == 1)
		divide(budget);
	/* There are more than were told of. */
	if (budget->num_left == 0)
		budget->num_left = 1;
	uint64_t share = index > 0 ? share_of(budget, index) : 0;
	budget->num_left--;
	uint64_t kept = budget->num_left * SNAP_THREAD_LISTED_BYTES + budget->second_room +
			budget->third_room + budget->thread_bytes;
	*ret_registers = index == 0 || budget->room >= kept;
	budget->room = minus(
		budget->room, *ret_registers ? budget->thread_bytes : SNAP_THREAD_LISTED_BYTES);
	if (index == 0)
		share = least(budget->limits.stack_first_bytes,
				budget->num_left > 0 ? budget->room / 2 : budget->room) &
			~(uint64_t)15;
	return *ret_registers ? share : 0;
}

void snap_stack_budget_limit(struct snap_stack_budget *budget, uint64_t room)
{
	budget->room = least(budget->room, room);
}

/* Of which tier's stacks the thread is that came last; NULL: of none, it is the first thread. */
static uint64_t *tier_of(struct snap_stack_budget *budget)
{
	if (budget->index <= 1)
		return NULL;
	return budget->index <= second_end(budget) ? &budget->second_room : &budget->third_room;
}

void snap_stack_budget_spend(struct snap_stack_budget *budget, uint64_t len)
{
	uint64_t *tier = tier_of(budget);
	budget->room = minus(budget->room, len);
	if (tier)
		*tier = minus(*tier, len);
}

void snap_stack_budget_return(struct snap_stack_budget *budget, uint64_t len)
{
	uint64_t *tier = tier_of(budget);
	budget->room += len;
	if (tier)
		*tier += len;
}
