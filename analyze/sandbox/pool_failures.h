/*
 * What it costs that a worker died: which words the user gets, and whether its input is begun anew
 * without the module whose files it was reading (docs/security.rst).
 */
#ifndef SNAP_ANALYZE_SANDBOX_POOL_FAILURES_H
#define SNAP_ANALYZE_SANDBOX_POOL_FAILURES_H

#include <stdbool.h>
#include <stddef.h>

#include "analyze/sandbox/note.h"
#include "analyze/sandbox/pool_state.h"

/* What became of a worker, as in "its worker ...", into ret. wait_status: as of waitpid(2). */
void snap_pool_describe_end(const struct snap_pool *pool, enum snap_pool_cause cause,
	int wait_status, char *ret, size_t size);

/* Whether the file that was being read can be to blame: somebody's SIGKILL is not it. */
bool snap_pool_is_of_the_file(enum snap_pool_cause cause, int wait_status);

/* The input is done, as failed. what: of snap_pool_describe_end(). note: what its worker was
 * reading, NULL if that does not matter. */
void snap_pool_fail_task(struct snap_pool *pool, struct snap_pool_task *task, const char *what,
	const struct snap_note *note);

/* Begin anew without the module; false: it was left out already, or there were enough of those. */
bool snap_pool_retry_without(struct snap_pool *pool, struct snap_pool_task *task,
	const struct snap_note *note, const char *what);

/* Of an input that begins: the modules that several inputs died of are left out. */
void snap_pool_leave_out_remembered(const struct snap_pool *pool, struct snap_pool_task *task);

#endif
