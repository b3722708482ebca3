/*
 * What workers say: output, requests, and that an input is done.
 */
#ifndef SNAP_ANALYZE_SANDBOX_POOL_LISTEN_H
#define SNAP_ANALYZE_SANDBOX_POOL_LISTEN_H

#include <stdbool.h>

#include "analyze/sandbox/pool_state.h"

/* Take what has come; has_request: something is there on the line, or it is closed. */
void snap_pool_listen_to(
	struct snap_pool *pool, struct snap_pool_worker *worker, bool has_request);

/* What it has printed and is done with, alone. False: there is nobody at the other end. */
bool snap_pool_take_results(struct snap_pool *pool, struct snap_pool_worker *worker);

#endif
