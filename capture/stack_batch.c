#include "capture/stack_batch.h"

#include "capture/memory.h"

void snap_stack_batch_begin(struct snap_stack_batch *batch)
{
	batch->num = batch->ahead_end = 0;
	snap_memory_ahead_begin(&batch->ahead);
}

void snap_stack_batch_add(struct snap_stack_batch *batch, const struct snap_stack_source *source,
	uint64_t index, uint64_t cap, const struct snap_memory_thread *thread)
{
	struct snap_batched_stack *stack = &batch->stacks[batch->num++];
	stack->index = index;
	stack->cap = cap;
	stack->thread = *thread;
	snap_stack_chain_init(&stack->chain, source->areas, source->arch, thread, cap);
	(void)snap_stack_chain_next(&stack->chain); /* there is a first one */
	/* The stack that another one leads to is known when that was read: until then, whatever the
	 * thread may give is not for those that are added after it. */
	stack->reserved = stack->chain.away ? cap : snap_memory_plan_len(&stack->chain.plan);
	snap_stack_budget_spend(source->budget, stack->reserved);
}

/* From the index-th one on, as many as there is room for. */
static void read_ahead(
	struct snap_stack_batch *batch, const struct snap_stack_source *source, size_t index)
{
	size_t end = index;
	snap_memory_ahead_begin(&batch->ahead);
	while (end < batch->num &&
		snap_memory_ahead_add(&batch->ahead, &batch->stacks[end].chain.plan))
		end++;
	/* Of one alone, it saves nothing. */
	if (end > index + 1)
		snap_memory_ahead_read(&batch->ahead, source->pid, source->identity);
	else
		snap_memory_ahead_begin(&batch->ahead);
	batch->ahead_end = end > index ? end : index + 1;
}

uint64_t snap_stack_batch_take(struct snap_stack_batch *batch,
	const struct snap_stack_source *source, size_t index, const struct snap_memory_sink *sink)
{
	struct snap_batched_stack *stack = &batch->stacks[index];
	if (index >= batch->ahead_end)
		read_ahead(batch, source, index);
	struct snap_memory_ahead_reader ahead = {&batch->ahead, source->mem_fd, source->buf};
	const struct snap_memory_reader reader = {snap_memory_ahead_get, &ahead};
	uint64_t taken = snap_memory_take_chain(&reader, &stack->chain, sink);
	/* It may have led to others all the same, and what is none of it is not taken. */
	if (taken > stack->reserved)
		snap_stack_budget_spend(source->budget, taken - stack->reserved);
	else
		snap_stack_budget_return(source->budget, stack->reserved - taken);
	return taken;
}
