/*
 * What the pool prints: results, in the order of the inputs, and how far it is.
 */
#ifndef SNAP_ANALYZE_SANDBOX_POOL_PRINT_H
#define SNAP_ANALYZE_SANDBOX_POOL_PRINT_H

#include <stdbool.h>

#include "analyze/sandbox/pool_state.h"

/* The results whose turn it is. */
void snap_pool_print_ready(struct snap_pool *pool);

/* Before the first byte of an input's output. */
void snap_pool_separate(struct snap_pool *pool);

/* How far it is is shown, of many inputs; else what a worker says. */
bool snap_pool_has_progress(const struct snap_pool *pool);
void snap_pool_hide_progress(struct snap_pool *pool);

#endif
