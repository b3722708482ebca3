#include "analyze/sandbox/pool.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "analyze/command.h"
#include "analyze/sandbox/note.h"
#include "analyze/sandbox/pool_give.h"
#include "analyze/sandbox/pool_listen.h"
#include "analyze/sandbox/pool_print.h"
#include "analyze/sandbox/pool_state.h"
#include "analyze/sandbox/pool_workers.h"
#include "analyze/sandbox/result.h"
#include "common/escape.h"

/* A worker is left alone only if it has so many inputs, for at least and at most so long. */
#define MUCH_AHEAD     4
#define LEAST_SLEEP_NS 100000
#define MOST_SLEEP_NS  1000000

/* ---------------------------------------------------------------- the watchdog */

/* How long it may still go on with its input, in ns; 0: it is too late, and *ret_cause says how. */
static int64_t time_left(const struct snap_pool *pool, const struct snap_pool_worker *worker,
	enum snap_pool_cause *ret_cause)
{
	int64_t time_ns = (int64_t)pool->config->limits.time_s * SNAP_NS_PER_S;
	int64_t by_clock_ns = snap_pool_clock_ns(CLOCK_MONOTONIC) - worker->clock_base_ns;
	/* It can't have had more of the CPU than has passed by the clock. */
	if (by_clock_ns < time_ns)
		return time_ns - by_clock_ns;
	int64_t cpu_ns = snap_pool_clock_ns(worker->cpu_clock) - worker->cpu_base_ns;
	int64_t left = time_ns - cpu_ns;
	*ret_cause = CAUSE_TIME;
	if (left > 0 && !pool->config->is_interactive) {
		int64_t clock_left = time_ns * SNAP_CLOCK_PER_CPU - by_clock_ns;
		*ret_cause = CAUSE_CLOCK;
		left = clock_left < left ? clock_left : left;
	}
	return left > 0 ? left : 0;
}

/* The same; it is ended then. */
static int64_t check_time(struct snap_pool *pool, struct snap_pool_worker *worker)
{
	enum snap_pool_cause cause;
	int64_t left = time_left(pool, worker, &cause);
	if (left > 0)
		return left;
	/* It may be done with that input, and nobody has looked. */
	(void)snap_pool_take_results(pool, worker); /* its death is seen by the line */
	if (worker->cause || (!worker->task && !worker->is_finishing))
		return 0;
	left = time_left(pool, worker, &cause);
	if (left == 0)
		snap_pool_worker_end(worker, cause);
	return left;
}

/* Nanoseconds until somebody must be looked at again; -1: for ever. */
static int64_t watch(struct snap_pool *pool)
{
	int64_t least = INT64_MAX;
	for (size_t i = 0; i < pool->num_workers; i++) {
		struct snap_pool_worker *worker = &pool->workers[i];
		if (!worker->pid || worker->cause || (!worker->task && !worker->is_finishing))
			continue;
		int64_t left = check_time(pool, worker);
		least = left < least ? left : least;
	}
	return least == INT64_MAX ? -1 : least;
}

/*
 * Of a worker that still has much to do results are not waited for: how long they need not be looked
 * at, in ns; 0: they are waited for.
 */
static int64_t unheard_ns(const struct snap_pool_worker *worker)
{
	int64_t ns = (int64_t)worker->num_next * worker->input_ns / 2;
	if (!worker->pid || worker->cause || worker->num_next < MUCH_AHEAD || ns < LEAST_SLEEP_NS)
		return 0;
	return ns < MOST_SLEEP_NS ? ns : MOST_SLEEP_NS;
}

/* ---------------------------------------------------------------- the loop */

/* Whether any worker is there. Waits, and takes what comes. polls: two of each worker. */
static bool listen_to_workers(struct snap_pool *pool, struct pollfd *polls)
{
	bool any = false;
	int64_t wait_ns = watch(pool);
	for (size_t i = 0; i < pool->num_workers; i++) {
		const struct snap_pool_worker *worker = &pool->workers[i];
		int64_t ns = unheard_ns(worker);
		polls[2 * i] = (struct pollfd){
			.fd = worker->pid ? worker->socket : -1, .events = POLLIN};
		polls[2 * i + 1] = (struct pollfd){
			.fd = worker->pid && ns == 0 ? worker->work : -1, .events = POLLIN};
		if (ns > 0 && (wait_ns < 0 || ns < wait_ns))
			wait_ns = ns;
		any |= worker->pid && !worker->is_gone;
	}
	if (!any)
		return false;
	const struct timespec wait = {
		.tv_sec = wait_ns / SNAP_NS_PER_S, .tv_nsec = wait_ns % SNAP_NS_PER_S};
	if (ppoll(polls, 2 * pool->num_workers, wait_ns < 0 ? NULL : &wait, NULL) < 0)
		return true;
	for (size_t i = 0; i < pool->num_workers; i++) {
		struct snap_pool_worker *worker = &pool->workers[i];
		bool has_request = polls[2 * i].revents, is_unheard = polls[2 * i + 1].fd < 0;
		if (worker->pid && (has_request || is_unheard || polls[2 * i + 1].revents))
			snap_pool_listen_to(pool, worker, has_request);
	}
	return true;
}

static void run(struct snap_pool *pool, struct pollfd *polls)
{
	const size_t num = pool->config->job->num_inputs;
	while (pool->num_done < num && !ferror(stdout)) {
		if (snap_pool_give_work(pool) < 0 || !listen_to_workers(pool, polls)) {
			pool->worst = SNAP_EXIT_FAILED;
			break;
		}
		snap_pool_print_ready(pool);
	}
	snap_pool_hide_progress(pool);
	(void)fflush(stdout); /* that it failed is found at the end */
	for (size_t i = 0; i < pool->num_workers; i++) {
		struct snap_pool_worker *worker = &pool->workers[i];
		if (worker->pid && worker->task)
			snap_pool_worker_end(
				worker, CAUSE_LIBRARY); /* its work is not wanted any more */
		else if (worker->pid)
			snap_pool_worker_finish(worker);
	}
	while (listen_to_workers(pool, polls))
		continue;
	/* What takes longest of ending is giving memory back: that is not waited for. */
	for (size_t i = 0; i < pool->num_workers; i++)
		if (pool->workers[i].pid)
			snap_pool_worker_let_go(&pool->workers[i]);
}

static size_t choose_max_ahead(size_t num_workers)
{
	size_t num = SNAP_POOL_MAX_ALL_AHEAD / num_workers;
	return num < 1 ? 1 : num < SNAP_POOL_MAX_AHEAD ? num : SNAP_POOL_MAX_AHEAD;
}

int snap_pool_run(const struct snap_pool_config *config)
{
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_pool pool = {
		.config = config,
		.num_workers = config->num_workers,
		.max_ahead = choose_max_ahead(config->num_workers),
	};
	/* Those of one worker may have to wait until another has done its own. */
	pool.num_tasks = (3 * pool.max_ahead + 4) * pool.num_workers;
	if (pool.num_tasks > config->job->num_inputs)
		pool.num_tasks = config->job->num_inputs;
	struct rlimit cpu = {RLIM_INFINITY, RLIM_INFINITY};
	(void)getrlimit(RLIMIT_CPU, &cpu); /* there is such a limit */
	pool.max_cpu_s = cpu.rlim_max;
	memcpy(pool.libraries, config->libraries, sizeof(pool.libraries));
	pool.workers = calloc(pool.num_workers, sizeof(*pool.workers));
	pool.tasks = calloc(pool.num_tasks, sizeof(*pool.tasks));
	struct pollfd *polls = calloc(pool.num_workers, 2 * sizeof(*polls));
	bool has_memory = pool.workers && pool.tasks && polls;
	if (!has_memory || snap_broker_init(&pool.broker, config->broker, &err) < 0) {
		config->complain(has_memory ? err.text : "out of memory");
		pool.worst = err.code == SNAP_ERROR_USAGE ? SNAP_EXIT_USAGE : SNAP_EXIT_FAILED;
	} else {
		if (snap_pool_has_progress(&pool))
			snap_progress_tell(config->progress, SNAP_PROGRESS_BEGIN, NULL);
		run(&pool, polls);
		if (snap_pool_has_progress(&pool))
			snap_progress_tell(config->progress, SNAP_PROGRESS_END, NULL);
		for (size_t i = 0; i < pool.num_tasks; i++) {
			if (pool.tasks[i].state != TASK_FREE)
				snap_result_deinit(&pool.tasks[i].result);
			free(pool.tasks[i].left_out);
		}
		for (size_t i = 0; i < pool.num_workers; i++)
			snap_note_page_destroy(pool.workers[i].page);
		snap_broker_deinit(&pool.broker);
	}
	free(pool.workers);
	free(pool.tasks);
	free(polls);
	return pool.worst;
}
