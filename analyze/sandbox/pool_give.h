/*
 * Which worker gets which input, and when.
 */
#ifndef SNAP_ANALYZE_SANDBOX_POOL_GIVE_H
#define SNAP_ANALYZE_SANDBOX_POOL_GIVE_H

#include <stdbool.h>

#include "analyze/sandbox/pool_state.h"

/* Start workers and give them what there is to do. -1: none could be started, and there is none. */
int snap_pool_give_work(struct snap_pool *pool);

/* Whether another input may still have to be given. */
bool snap_pool_has_more(const struct snap_pool *pool);

/* The worker comes to the next of its inputs, if it has one. Its clocks are as they were. */
void snap_pool_begin_next(struct snap_pool_worker *worker);
/* It has: its time is counted from now on. */
void snap_pool_begin_clocks(struct snap_pool *pool, struct snap_pool_worker *worker);

#endif
