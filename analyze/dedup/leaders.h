/*
 * Groups of similar stacks in an index: each signature joins the group of the most similar one that is
 * in a group, or leads one itself. What was decided stays, so that what is added later never
 * changes a group's name.
 */
#ifndef SNAP_ANALYZE_DEDUP_LEADERS_H
#define SNAP_ANALYZE_DEDUP_LEADERS_H

#include "analyze/dedup/index.h"
#include "analyze/progress.h"
#include "common/error.h"

/* Decide of the signatures of which nothing was decided yet, in the order in which they were first
 * seen. */
int snap_leaders_assign(
	struct snap_index *index, struct snap_progress progress, struct snap_error *err);

#endif
