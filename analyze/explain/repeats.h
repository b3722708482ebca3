/*
 * Finds recursion: groups of frames that stand on a stack again and again.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_REPEATS_H
#define SNAP_ANALYZE_EXPLAIN_REPEATS_H

#include "analyze/crash.h"
#include "common/error.h"

/* A group of up to so many lines that stands at least so often is recursion. */
#define SNAP_MAX_REPEAT_LENGTH 32
#define SNAP_MIN_REPEAT_COUNT  4

/*
 * Fill repeats of every thread, from its listed lines. Of groups that could be told apart in
 * several ways, the first and shortest counts. -1 only without memory.
 */
int snap_find_repeats(struct snap_crash *crash, struct snap_error *err);

#endif
