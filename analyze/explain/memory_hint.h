/*
 * Whether memory was short: by what the kernel counted of the process's control group. It is a hint:
 * that the crash came from it is not proved.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_MEMORY_HINT_H
#define SNAP_ANALYZE_EXPLAIN_MEMORY_HINT_H

#include "analyze/crash.h"

/* Fill the cause's memory_hint, if there is one. -1 without memory. */
int snap_memory_hint_find(struct snap_crash *crash);

#endif
