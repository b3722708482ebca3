/*
 * Of a thread's stack, what Pigweed's tools show of it: where it starts and ends, and how far it is
 * used.
 */
#ifndef SNAP_CAPTURE_STACK_FIGURES_H
#define SNAP_CAPTURE_STACK_FIGURES_H

#include "common/arch.h"
#include "common/areas.h"
#include "common/snapshot.h"

/*
 * Fills the thread's stack_pointer by its registers and, by the mapping that it is in, stack_start
 * (its highest address: stacks go down) and stack_end. A stack pointer just below a mapping, in the
 * guard page or where nothing is, has overflowed that one. What can't be told stays absent, as all
 * does if arch is NULL.
 */
void snap_stack_figures(
	const struct snap_areas *areas, const struct snap_arch *arch, struct snap_thread *thread);

#endif
