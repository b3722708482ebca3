/*
 * What the pool knows of its workers and inputs: shared by the pool*.c files, and nobody else's
 * business.
 */
#ifndef SNAP_ANALYZE_SANDBOX_POOL_STATE_H
#define SNAP_ANALYZE_SANDBOX_POOL_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>
#include <time.h>

#include "analyze/sandbox/broker.h"
#include "analyze/sandbox/note.h"
#include "analyze/sandbox/pool.h"
#include "analyze/sandbox/protocol.h"
#include "analyze/sandbox/result.h"

#define SNAP_NS_PER_S INT64_C(1000000000)

/* Build IDs that are remembered for the rest of a batch. */
#define SNAP_POOL_MAX_REMEMBERED 64

/*
 * So many inputs are given to a worker ahead of time, at most, while each takes little; to all workers
 * together, so many: their descriptors are on the way, and the kernel bounds these.
 */
#define SNAP_POOL_MAX_AHEAD	64
#define SNAP_POOL_MAX_ALL_AHEAD 256

enum snap_task_state {
	TASK_FREE,
	TASK_WAITING,
	TASK_RUNNING,
	TASK_READY, /* to be printed */
};

/* Modules whose files are left out. */
struct snap_pool_left_out {
	uint32_t num;
	struct snap_quarantined modules[SNAP_MAX_QUARANTINED];
};

/* An input that is being worked on, or whose result waits for its turn. */
struct snap_pool_task {
	enum snap_task_state state;
	size_t index;
	int status; /* enum snap_exit */
	struct snap_result result;
	unsigned int num_retries;
	struct snap_pool_left_out *left_out; /* on the heap; NULL: nothing */
};

/* Why a worker is ended by us. */
enum snap_pool_cause {
	CAUSE_NONE,
	CAUSE_LIBRARY, /* another goes on that has it */
	CAUSE_TIME,
	CAUSE_CLOCK,
	CAUSE_OUTPUT,
	CAUSE_REQUESTS,
	CAUSE_NONSENSE,
	CAUSE_SPOOL, /* no fault of its own */
};

struct snap_pool_worker {
	pid_t pid;	      /* 0: none */
	int socket, work;     /* ours */
	struct snap_note_page *page;
	struct snap_broker_peer peer;
	struct snap_pool_task *task; /* NULL: it waits */
	struct snap_pool_task *next[SNAP_POOL_MAX_AHEAD]; /* told already: what follows, in order */
	size_t num_next;
	size_t ahead; /* so many are worth it */
	int64_t input_ns; /* of CPU, which one of the last inputs took; 0: not known yet */
	bool is_begun;		/* task is another than the clocks are of */
	bool is_told_to_finish;	/* after what it was given */
	bool is_finishing, is_gone;
	enum snap_pool_cause cause;
	uint64_t num_inputs, num_done, num_requests;
	bool libraries[SNAP_NUM_LIBRARIES]; /* that it has */
	clockid_t cpu_clock;
	int64_t cpu_base_ns, clock_base_ns;
	rlim_t cpu_limit_s; /* what the kernel was told */
};

/* A build ID that inputs died of. */
struct snap_pool_remembered {
	struct snap_quarantined module;
	unsigned int num_deaths;
	size_t last_index; /* of the input */
};

struct snap_pool {
	const struct snap_pool_config *config;
	struct snap_broker broker;
	struct snap_pool_worker *workers;
	size_t num_workers;
	struct snap_pool_task *tasks;
	size_t num_tasks;
	size_t max_ahead; /* of each worker */
	size_t next_index, next_printed; /* of the inputs */
	size_t num_done;
	bool libraries[SNAP_NUM_LIBRARIES];
	struct snap_pool_remembered remembered[SNAP_POOL_MAX_REMEMBERED];
	size_t num_remembered;
	bool has_printed;
	int worst;
	rlim_t max_cpu_s; /* our own hard limit */
};

#endif
