/*
 * Signal trampolines that no call frame information describes (other C libraries' restorers, arm's
 * [sigpage], emulators): known by their instructions, which the kernel's interface fixes.
 */
#ifndef SNAP_ANALYZE_UNWIND_SIGRETURN_H
#define SNAP_ANALYZE_UNWIND_SIGRETURN_H

#include "analyze/unwind/walk.h"

/*
 * If the frame's pc is at the system call that returns from a signal handler, the registers that
 * were interrupted; frame->is_signal is set, and its CFA is where they were saved.
 * SNAP_STEP_UNKNOWN if it is not.
 */
enum snap_step snap_step_by_sigreturn(struct snap_walk *w, struct snap_frame *frame,
	const struct snap_registers *registers, struct snap_registers *caller);

/* Whether pc is where a handler returns to, in such a trampoline. */
bool snap_is_sigreturn(struct snap_walk *w, uint64_t pc);

#endif
