/*
 * Threads that stand alike: a report shows their stack once.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_ALIKE_H
#define SNAP_ANALYZE_EXPLAIN_ALIKE_H

#include "analyze/crash.h"
#include "common/error.h"

/*
 * Fill crash->groups, of all threads: two are in the same group if their stacks have the same
 * functions at the same lines (where there are no lines: the same addresses), known as surely, with
 * the same gaps and the same end, whatever addresses its reason names, and both wait in the same way. The crashing thread stands alone.
 * Groups are in the order of their first threads in the file, the threads of a group ascending by
 * tid. -1 only if memory is exhausted.
 */
int snap_find_alike(struct snap_crash *crash, struct snap_error *err);

#endif
