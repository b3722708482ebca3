/*
 * From a frame to its caller by the tables that arm has instead of call frame information.
 */
#ifndef SNAP_ANALYZE_UNWIND_EXIDX_STEP_H
#define SNAP_ANALYZE_UNWIND_EXIDX_STEP_H

#include "analyze/unwind/walk.h"

/*
 * They hold at calls: in the prologue and the epilogue of the innermost function they lead to no
 * return address, which is SNAP_STEP_UNKNOWN, or to a wrong one. "Can't unwind" is UNKNOWN, too,
 * but the walk's end is then complete, should no other way lead on.
 */
enum snap_step snap_step_by_exidx(struct snap_walk *w, struct snap_frame *frame,
	const struct snap_registers *registers, struct snap_registers *caller);

#endif
