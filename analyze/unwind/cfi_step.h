/*
 * From a frame to its caller by call frame information.
 */
#ifndef SNAP_ANALYZE_UNWIND_CFI_STEP_H
#define SNAP_ANALYZE_UNWIND_CFI_STEP_H

#include "analyze/unwind/walk.h"

/*
 * Fills frame->cfa and ->is_signal as far as they are found, and *caller on SNAP_STEP_DONE.
 * SNAP_STEP_UNKNOWN, with the walk's end set to unavailable and its reason: there is no such
 * information for the pc.
 */
enum snap_step snap_step_by_cfi(struct snap_walk *w, struct snap_frame *frame,
	const struct snap_registers *registers, struct snap_registers *caller);

#endif
