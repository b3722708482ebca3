/*
 * Finds the functions that left the stack by a tail call.
 *
 * A function that ends in a jump to another leaves no frame; but where the caller's DWARF says
 * which function it called, and that is not the one found below it, the call sites marked as tail
 * calls (DWARF 5, section 3.4.2) may prove the way from one to the other.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_TAIL_CALL_H
#define SNAP_ANALYZE_SYMBOLS_TAIL_CALL_H

#include "analyze/crash.h"
#include "common/error.h"

/*
 * Insert such frames into every thread's frames, where exactly one chain of at most
 * SNAP_MAX_TAIL_CALLS explains what is there. To be called between unwinding and symbolising. -1
 * only without memory.
 */
int snap_tail_calls_insert(struct snap_crash *crash, struct snap_error *err);

#define SNAP_MAX_TAIL_CALLS 8

#endif
