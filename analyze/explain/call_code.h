/*
 * What a function was called with, by the code that called it, and by its own up to the call that
 * it is in: registers as they were, where that is certain.
 *
 * The code of the whole function is decoded once. Between the last place that other code of it jumps
 * to (or the function's beginning) and the call, only one way leads; along it, what registers hold is
 * followed: constants, addresses relative to the instruction or to the stack pointer, copies, and
 * what was put onto the stack. What a register had at the beginning is known if it still is in a
 * register that calls preserve, or on the stack. Code that jumps through a table is not followed, nor
 * is what is not understood.
 *
 * Of x86-64 alone. Hostile: code may be anything; it is bounded, and never taken for more than it is.
 * Sources: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2; the System V psABI
 * for x86-64, 3.2.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_CALL_CODE_H
#define SNAP_ANALYZE_EXPLAIN_CALL_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/crash.h"

/* Integer and pointer arguments in registers. */
#define SNAP_CALL_ARGUMENTS 6

struct snap_call_arguments {
	/* Bit n: value[n] is argument number n. */
	unsigned int known;
	uint64_t value[SNAP_CALL_ARGUMENTS];
};

/*
 * What the function of thread->frames[frame] was called with. Nothing is known without the
 * disassembler, or if it is of no such function.
 */
void snap_call_arguments_find(struct snap_crash *crash, const struct snap_crash_thread *thread,
	size_t frame, struct snap_call_arguments *ret);

#endif
