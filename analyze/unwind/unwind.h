/*
 * Walks the stack of every thread.
 */
#ifndef SNAP_ANALYZE_UNWIND_UNWIND_H
#define SNAP_ANALYZE_UNWIND_UNWIND_H

#include "analyze/analysis.h"
#include "analyze/crash.h"
#include "common/error.h"

/*
 * Fill frames, end and end_reason of every thread (of the crashing one only, if that is all that
 * options want), and mark the modules that have frames. -1 only without memory.
 */
int snap_unwind(
	struct snap_crash *crash, const struct snap_options *options, struct snap_error *err);

#endif
