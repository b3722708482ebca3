/*
 * Children that the server forks for what may block, or parses what is hostile: bounded in number,
 * with a queue, each with a deadline after which it is killed.
 *
 * A job is a function that runs in a child of its own, which ends with it. It can leave a report of
 * a few bytes for the server. Of the server's descriptors it has those that it asks to keep, the
 * log's, and 0 to 2.
 */
#ifndef SNAP_CAPTURE_SERVER_WORKERS_H
#define SNAP_CAPTURE_SERVER_WORKERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "capture/server/loop.h"

#define SNAP_WORKER_REPORT_MAX 1024
#define SNAP_WORKER_KEEP_MAX   4

struct snap_worker_result {
	int error;	/* negative errno: it could not be started; the rest is then 0 */
	int status;	/* of wait(2) */
	bool timed_out; /* and so was killed */
	size_t report_len;
	uint8_t report[SNAP_WORKER_REPORT_MAX];
};

struct snap_worker_job {
	/*
	 * In the child. Whatever it writes to report_fd, at most SNAP_WORKER_REPORT_MAX bytes, the
	 * server gets when it has ended. Returns the exit status.
	 */
	int (*run)(void *arg, int report_fd);
	/* In the server, exactly once for each job that was accepted; never within the call that
	 * starts it. */
	void (*ended)(void *arg, const struct snap_worker_result *result);
	void *arg;
	int keep_fds[SNAP_WORKER_KEEP_MAX]; /* the child's, beside those named above */
	size_t num_keep;
	int64_t time_ms; /* 0: no deadline */
	bool own_group;	 /* the child leads a process group, which is killed with it at its deadline
			  */
};

/* One subject's share. The caller's storage; zeroed but for the two limits. */
struct snap_worker_pool {
	unsigned int max_running, max_queued;
	unsigned int num_running, num_queued;
	struct snap_worker *queue, **queue_end;
};

/* All of a server. The caller's storage. */
struct snap_workers {
	struct snap_loop *loop;
	struct snap_worker *running;
};

/*
 * The process goes before ordinary ones from now on (capture/priority.h): clients wait for it, and
 * crashed processes for them. Its children do not.
 */
void snap_workers_init(struct snap_workers *workers, struct snap_loop *loop);

/*
 * Start the job in a child now or, if the pool has enough of them, later. Returns 0, or a negative
 * errno: -EAGAIN if the queue is full.
 */
int snap_workers_start(struct snap_workers *workers, struct snap_worker_pool *pool,
	const struct snap_worker_job *job);

/* To be called after SIGCHLD. */
void snap_workers_reap(struct snap_workers *workers);

/* Give up what is queued: its ended() gets -ECANCELED. */
void snap_workers_give_up_queued(struct snap_worker_pool *pool);

/* Give up what is queued and kill what runs, without waiting; ended() is called for none of them.
 */
void snap_workers_kill(struct snap_workers *workers, struct snap_worker_pool *pool);

/* Whether anything of the pool runs or waits. */
static inline bool snap_worker_pool_is_idle(const struct snap_worker_pool *pool)
{
	return pool->num_running == 0 && pool->num_queued == 0;
}

/* "exit status 1", "signal 9", ... into buf; returns it. */
const char *snap_worker_result_text(
	const struct snap_worker_result *result, char *buf, size_t size);

/*
 * What every child of the server does first, those of this module already have: no signal is
 * blocked or caught, the priority is an ordinary one, and no descriptor is open but 0 to 2, the
 * log's and those given.
 */
void snap_worker_isolate(const int *keep_fds, size_t num_keep);

#endif
