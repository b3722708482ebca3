/*
 * Does a job in workers: gives them inputs, serves what they ask for, watches their time, prints
 * what they say in the order of the inputs, and goes on when one dies.
 *
 * A worker that dies or takes too long costs its input; or, if it noted (note.h) that it was
 * reading the files of a module, these: the input is begun anew without them.
 */
#ifndef SNAP_ANALYZE_SANDBOX_POOL_H
#define SNAP_ANALYZE_SANDBOX_POOL_H

#include <stdbool.h>
#include <stddef.h>

#include "analyze/progress.h"
#include "analyze/sandbox/broker.h"
#include "analyze/sandbox/limits.h"
#include "analyze/sandbox/worker.h"
#include "common/bytes.h"

struct snap_pool_config {
	const struct snap_job *job;
	struct snap_limits limits;
	size_t num_workers; /* > 0 */
	bool is_unordered;  /* printed as they come */
	/*
	 * Printed at once, one input at a time, however much it is; what was printed before a
	 * worker died stays. Time is counted anew with each output and each file that is opened.
	 */
	bool is_streaming;
	bool is_interactive; /* it waits for a user: only CPU time counts */
	bool separates;	     /* an empty line between the outputs of inputs */
	bool keeps_stdin;
	bool may_fork;
	bool libraries[SNAP_NUM_LIBRARIES]; /* loaded from the start */
	const struct snap_broker_config *broker;
	/* A line for stderr, without its end. */
	void (*complain)(const char *text);
	/* Instead of printing it: what a worker has printed of an input that it did not fail with. NULL. */
	void (*take)(size_t index, struct snap_bytes result, void *data);
	void *take_data;
	struct snap_progress progress;
};

/*
 * Returns the worst enum snap_exit. Stops when stdout has failed. The caller has flushed nothing:
 * what stands in stdout's buffer stays in order.
 */
int snap_pool_run(const struct snap_pool_config *config);

#endif
