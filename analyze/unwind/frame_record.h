/*
 * From a frame to its caller by the frame pointer, where no call frame information covers the code.
 */
#ifndef SNAP_ANALYZE_UNWIND_FRAME_RECORD_H
#define SNAP_ANALYZE_UNWIND_FRAME_RECORD_H

#include "analyze/unwind/walk.h"

/*
 * By the architecture's convention (struct snap_arch_frame_record). Believed only if the record
 * names a return address behind a call, and a frame pointer further up; SNAP_STEP_UNKNOWN if not,
 * or if the function's first instructions show that it keeps no frame pointer.
 */
enum snap_step snap_step_by_frame_record(struct snap_walk *w, struct snap_frame *frame,
	const struct snap_registers *registers, struct snap_registers *caller);

/*
 * Whether a plausible frame record is where fp points, above floor: to tell a frame pointer from
 * any other number. ret may be NULL; else *ret is which of the architecture's it is.
 */
bool snap_is_frame_record(struct snap_walk *w, uint64_t fp, uint64_t floor,
	const struct snap_arch_frame_record **ret);

#endif
