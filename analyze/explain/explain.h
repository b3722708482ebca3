/*
 * Explain: what went wrong, as a kind that machines can group by and one sentence for people.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_EXPLAIN_H
#define SNAP_ANALYZE_EXPLAIN_EXPLAIN_H

#include "analyze/crash.h"
#include "common/error.h"

/* Fill crash->cause. -1 only if memory is exhausted. */
int snap_explain(struct snap_crash *crash, struct snap_error *err);

#endif
