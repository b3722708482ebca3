/*
 * A process that does the analysis of inputs, one after the other, and has nothing else.
 */
#ifndef SNAP_ANALYZE_SANDBOX_WORKER_H
#define SNAP_ANALYZE_SANDBOX_WORKER_H

#include <stdbool.h>
#include <stddef.h>

#include "analyze/sandbox/limits.h"
#include "analyze/sandbox/note.h"
#include "analyze/sandbox/protocol.h"

/* What is done, in a worker or (with --no-sandbox) in the process itself. */
struct snap_job {
	size_t num_inputs;
	/* Called before the first input, with the index of that. Returns an enum snap_exit; of
	 * another than 0 no input is worked on, each has this status. NULL. */
	int (*start)(void *data);
	/* Returns an enum snap_exit. */
	int (*run)(size_t index, void *data);
	/* When the output of all is printed: what is to be kept for later runs. NULL. */
	void (*finish)(void *data);
	void *data;
	/* How an input is called. */
	const char *(*name)(size_t index, void *data);
};

struct snap_worker_setup {
	const struct snap_job *job;
	struct snap_limits limits;
	int socket, work;	     /* to the broker, and from and to the parent (protocol.h) */
	struct snap_note_page *page; /* shared with the parent */
	bool keeps_stdin, may_fork;
	bool is_streaming; /* what is printed is wanted at once */
	bool libraries[SNAP_NUM_LIBRARIES]; /* to be loaded before anything is given up */
};

/* In the new process. */
_Noreturn void snap_worker_main(const struct snap_worker_setup *setup);

#endif
