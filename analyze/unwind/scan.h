/*
 * From a frame to its caller by looking for a return address on the stack, where nothing says where
 * it is.
 */
#ifndef SNAP_ANALYZE_UNWIND_SCAN_H
#define SNAP_ANALYZE_UNWIND_SCAN_H

#include "analyze/unwind/walk.h"

/*
 * A word on the stack from addr on is taken for a return address only if a call instruction ends
 * there, in a known function, and if that call and the function that it returns from do not
 * contradict each other; the nearest that fits best is chosen. *caller has the stack pointer and a
 * frame pointer only where the machine's convention tells them, checked against the stack.
 * SNAP_STEP_UNKNOWN if there is none in reach. If one is, and the frame's module has no file at hand,
 * what may be return addresses in such modules before it come first, though nothing proves them.
 *
 * frame: the one whose caller is looked for; its CFA is set where the convention tells it. NULL:
 * not known, as beyond a part of the stack that was not captured.
 */
enum snap_step snap_step_by_scan(struct snap_walk *w, struct snap_frame *frame,
	const struct snap_registers *registers, uint64_t addr, struct snap_registers *caller);

/*
 * The pc is where no code is: the thread jumped or returned there. After a call, the return address
 * is on top of the stack or in the link register, and believed if a call instruction ends there.
 */
enum snap_step snap_step_from_bad_pc(struct snap_walk *w, struct snap_frame *frame,
	const struct snap_registers *registers, struct snap_registers *caller);

#endif
