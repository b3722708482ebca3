/*
 * Stacks that were captured in parts: what is missing, how much that is, and where they go on.
 */
#ifndef SNAP_ANALYZE_UNWIND_GAP_H
#define SNAP_ANALYZE_UNWIND_GAP_H

#include "analyze/unwind/walk.h"

/*
 * The walk's missing_addr is in a part of the stack that was not captured: go on where it was
 * again, from the first return address that can be found there (trust scan). frame->gap_bytes and
 * ->gap_frames say what is between. SNAP_STEP_FAILED, with the walk's end as it was, if there is no
 * such part, or nothing in it.
 */
enum snap_step snap_step_over_gap(
	struct snap_walk *w, struct snap_frame *frame, struct snap_registers *caller);

/* Bytes from missing_addr on to where the stack was captured again, or to its end; 0: not known. */
uint64_t snap_missing_bytes(const struct snap_walk *w);

#endif
