/*
 * Which threads wait for what other threads have, and which of them wait in a circle.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_LOCKS_H
#define SNAP_ANALYZE_EXPLAIN_LOCKS_H

#include "analyze/crash.h"
#include "common/error.h"

/* Fill the threads' locks and crash->deadlocks. -1 only if memory is exhausted. */
int snap_locks_find(struct snap_crash *crash, struct snap_error *err);

/* "; a deadlock: 2 threads wait for each other ..." of all deadlocks; "" if there are none; NULL without
 * memory. */
const char *snap_deadlock_words(struct snap_crash *crash);

#endif
