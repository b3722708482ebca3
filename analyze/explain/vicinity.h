/*
 * What the crashing thread's registers point to, and the memory round there.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_VICINITY_H
#define SNAP_ANALYZE_EXPLAIN_VICINITY_H

#include "analyze/crash.h"
#include "common/error.h"

/*
 * Fill crash->pointers and crash->vicinity. A register points somewhere if what is there was mapped
 * or captured; of memory, what was captured from 32 bytes below to 96 above it (of the program
 * counter 64 each way, of the stack pointer 256 above). Nothing without a crashing thread and its
 * registers. -1 only if memory is exhausted.
 */
int snap_find_vicinity(struct snap_crash *crash, struct snap_error *err);

#endif
