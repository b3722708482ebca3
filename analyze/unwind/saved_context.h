/*
 * The registers of a microcontroller's thread that did not run when the snapshot was taken: its
 * kernel has left them on its stack, below the frame of the exception in which it was switched.
 */
#ifndef SNAP_ANALYZE_UNWIND_SAVED_CONTEXT_H
#define SNAP_ANALYZE_UNWIND_SAVED_CONTEXT_H

#include "analyze/unwind/walk.h"

/*
 * If the input has no registers of the walk's thread, but its stack pointer, and one of the known
 * layouts is convincingly there, set the thread's pr_reg and saved_by. Else these are left, or taken
 * back: since an earlier call, files may have been found that tell better. -1: no memory.
 */
int snap_saved_context_find(struct snap_walk *w, struct snap_error *err);

/*
 * Without registers: the first return address above the stack pointer. False: there is none, or the
 * thread has ended, or the machine is no microcontroller.
 */
bool snap_saved_context_guess(struct snap_walk *w, struct snap_registers *ret);

#endif
