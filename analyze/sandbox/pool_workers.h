/*
 * The life of the pool's workers: started, timed, told to end, ended, and reaped.
 */
#ifndef SNAP_ANALYZE_SANDBOX_POOL_WORKERS_H
#define SNAP_ANALYZE_SANDBOX_POOL_WORKERS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "analyze/sandbox/pool_state.h"

/* 0 of a process that is dead. */
int64_t snap_pool_clock_ns(clockid_t clock);

/* Its time is counted from now on. */
void snap_pool_worker_reset_clocks(struct snap_pool_worker *worker);

/* The pool itself was busy since begun_ns (CLOCK_MONOTONIC): no worker's fault. */
void snap_pool_shift_clocks(struct snap_pool *pool, int64_t begun_ns);

/* 0, or a negative errno. */
int snap_pool_worker_start(struct snap_pool *pool, struct snap_pool_worker *worker);

/* It keeps what it found out, and ends. */
void snap_pool_worker_finish(struct snap_pool_worker *worker);

/* Kill it, and remember why. */
void snap_pool_worker_end(struct snap_pool_worker *worker, enum snap_pool_cause cause);

/* Reap it; if it still lives, it is ended. Returns its wait status. */
int snap_pool_worker_bury(struct snap_pool_worker *worker);

/* It has said that it ends: nobody waits for that. */
void snap_pool_worker_let_go(struct snap_pool_worker *worker);

/* It has ended, or was ended, and is to be reaped; its input fails or is begun anew. */
void snap_pool_worker_take_death(struct snap_pool *pool, struct snap_pool_worker *worker);

/* Objects of all its inputs are kept: whether that takes half of what it may. */
bool snap_pool_worker_is_grown(const struct snap_pool *pool, const struct snap_pool_worker *worker);

#endif
