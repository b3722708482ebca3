/*
 * Tells a stack that ran into what is below it from any other bad access.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_STACK_OVERFLOW_H
#define SNAP_ANALYZE_EXPLAIN_STACK_OVERFLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "analyze/crash.h"

/*
 * Whether a mapping is a guard, which nothing may access; below what may be a stack, also one that
 * is said to be readable: gdb writes PF_R into every program header of its cores, whatever the
 * memory's permissions were (make_output_phdrs() in its gcore.c, until 17 at least). Where
 * something was pushed, it is a part of the stack that was protected. mapping: one of the crash's.
 */
bool snap_is_guard(struct snap_crash *crash, const struct snap_mapping *mapping);

/*
 * sp: the crashing thread's stack pointer. fault: the address that was accessed; has_fault false
 * where the kernel did not tell it, which it does not when it could not put a signal handler's
 * frame onto the full stack. True if the stack overflowed; *ret_stack is then the mapping of the
 * stack (its lowest part, if it has several).
 */
bool snap_stack_overflowed(struct snap_crash *crash, uint64_t sp, bool has_fault, uint64_t fault,
	const struct snap_mapping **ret_stack);

#endif
