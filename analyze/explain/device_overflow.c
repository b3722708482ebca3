#include "analyze/explain/device_overflow.h"

#include "analyze/explain/device_place.h"

/* How far below its stack a stack pointer may be: a function's frame. Further away it is no stack
 * pointer at all. */
#define MAX_FRAME (64u << 10)
/* How far from the stack pointer an access is a push, or one to a new frame. */
#define MAX_PUSH 256u
/* Guard regions at the end of a stack, within it, have so many bytes at most. */
#define MAX_GUARD 256u
/* What an exception saves: 8 words, with floating-point registers 26, and one to align them (Armv7-M,
 * B1.5.7). */
#define MAX_EXCEPTION_FRAME (27u * 4u)
#define BASIC_FRAME	    (8u * 4u)

#define EXC_RETURN_PROCESS_STACK (1u << 2)
#define CONTROL_PROCESS_STACK	 (1u << 1)

/* Whether the stack pointer is that of the thread's own stack: else it is that of the handlers, and
 * says nothing of the thread that they interrupted. */
static bool is_own_pointer(const struct snap_evidence *e)
{
	const struct snap_cpu_state *state = &e->crash->device.state;
	const struct snap_thread *record = &e->thread->record;
	if (record->has_stack_pointer && record->stack_pointer == e->sp)
		return true;
	if (e->crash->device.family != SNAP_CPU_CORTEX_M)
		return true;
	if (record->has_state && record->state == SNAP_THREAD_INTERRUPT_HANDLER)
		return true;
	if (snap_cpu_state_has(state, SNAP_CORTEX_M_EXC_RETURN))
		return state->values[SNAP_CORTEX_M_EXC_RETURN] & EXC_RETURN_PROCESS_STACK;
	return snap_cpu_state_has(state, SNAP_CORTEX_M_CONTROL) &&
	       state->values[SNAP_CORTEX_M_CONTROL] & CONTROL_PROCESS_STACK;
}

/* Whether the access that failed is what a full stack leads to. */
static bool is_at_end(const struct snap_evidence *e, const struct snap_device_fault *fault,
	const struct snap_device_overflow *overflow)
{
	if (!e->has_fault || fault->failed != SNAP_FAILED_ACCESS)
		return false;
	uint64_t distance = e->fault < e->sp ? e->sp - e->fault : e->fault - e->sp;
	if (distance > MAX_PUSH)
		return false;
	if (e->fault < overflow->low)
		return overflow->low - e->fault <= MAX_PUSH;
	/* Nothing but a guard forbids a thread its own stack. */
	return fault->is_protection && e->fault - overflow->low < MAX_GUARD;
}

/*
 * The thread into whose stack the overflow has come: the stack pointer did, or the address that was
 * used, or what the processor saved below the stack pointer as it took the exception.
 */
static void find_victim(const struct snap_evidence *e, struct snap_device_overflow *overflow)
{
	const struct snap_crash *crash = e->crash;
	uint64_t reach = e->sp, low, high;
	if (crash->device.family == SNAP_CPU_CORTEX_M && reach >= BASIC_FRAME)
		reach -= BASIC_FRAME;
	if (overflow->sign == SNAP_OVERFLOW_ADDRESS && e->fault < reach)
		reach = e->fault;
	for (size_t i = 0; i < crash->num_threads && !overflow->victim; i++) {
		const struct snap_crash_thread *thread = &crash->threads[i];
		if (thread == overflow->thread || !snap_device_stack(thread, &low, &high) ||
			high > overflow->low || reach < low || reach >= high)
			continue;
		overflow->victim = thread;
		overflow->victim_bytes = high - reach;
	}
}

struct snap_device_overflow snap_device_overflow_find(
	const struct snap_evidence *e, const struct snap_device_fault *fault)
{
	struct snap_device_overflow ret = {.sign = SNAP_OVERFLOW_NONE, .thread = e->thread};
	bool is_limit = fault->failed == SNAP_FAILED_LIMIT;
	ret.has_bounds =
		e->thread && e->has_sp && snap_device_stack(e->thread, &ret.low, &ret.high) &&
		is_own_pointer(e);
	if (!ret.has_bounds) {
		ret.thread = NULL;
		if (is_limit)
			ret.sign = SNAP_OVERFLOW_LIMIT;
		return ret;
	}
	if (is_limit)
		ret.sign = SNAP_OVERFLOW_LIMIT;
	else if (e->sp < ret.low && ret.low - e->sp <= MAX_FRAME)
		ret.sign = SNAP_OVERFLOW_POINTER;
	else if (fault->failed == SNAP_FAILED_STACKING && e->sp >= ret.low &&
		 e->sp - ret.low < MAX_EXCEPTION_FRAME)
		ret.sign = SNAP_OVERFLOW_STACKING;
	else if (is_at_end(e, fault, &ret))
		ret.sign = SNAP_OVERFLOW_ADDRESS;
	/* At a limit the processor has written nothing. */
	if (ret.sign != SNAP_OVERFLOW_NONE && !is_limit)
		find_victim(e, &ret);
	return ret;
}
