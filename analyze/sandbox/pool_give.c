#include "analyze/sandbox/pool_give.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "analyze/sandbox/pool_failures.h"
#include "analyze/sandbox/pool_workers.h"

/* So much output that waits for its turn, or as many inputs as before: then nothing is begun. */
#define MUCH_MEMORY (4 * SNAP_RESULT_MEMORY)
#define FEW_TASKS   4 /* of each worker */

static struct snap_pool_task *next_task(struct snap_pool *pool)
{
	struct snap_pool_task *free_task = NULL, *waiting = NULL;
	size_t num_used = 0, memory = 0;
	for (size_t i = 0; i < pool->num_tasks; i++) {
		struct snap_pool_task *task = &pool->tasks[i];
		if (task->state == TASK_FREE) {
			free_task = task;
			continue;
		}
		if (task->state == TASK_WAITING && (!waiting || task->index < waiting->index))
			waiting = task;
		num_used++;
		memory += task->result.memory_size;
	}
	if (waiting)
		return waiting;
	if (!free_task || pool->next_index >= pool->config->job->num_inputs ||
		(memory > MUCH_MEMORY * pool->num_workers &&
			num_used >= FEW_TASKS * pool->num_workers))
		return NULL;
	*free_task = (struct snap_pool_task){
		.state = TASK_WAITING,
		.index = pool->next_index++,
	};
	snap_result_init(&free_task->result);
	snap_pool_leave_out_remembered(pool, free_task);
	return free_task;
}

bool snap_pool_has_more(const struct snap_pool *pool)
{
	if (pool->next_index < pool->config->job->num_inputs)
		return true;
	for (size_t i = 0; i < pool->num_tasks; i++)
		if (pool->tasks[i].state == TASK_WAITING)
			return true;
	return false;
}

/* ---------------------------------------------------------------- what a worker does now */

/* Should the pool itself be held up, by who reads what it prints. */
static void limit_time(struct snap_pool *pool, struct snap_pool_worker *worker)
{
	rlim_t limit_s = (rlim_t)(worker->cpu_base_ns / SNAP_NS_PER_S) + 2 +
			 pool->config->limits.time_s * (1 + worker->num_next);
	if (pool->config->is_streaming || !worker->task || limit_s == worker->cpu_limit_s)
		return;
	const struct rlimit limit = {
		.rlim_cur = limit_s < pool->max_cpu_s ? limit_s : pool->max_cpu_s,
		.rlim_max = pool->max_cpu_s,
	};
	worker->cpu_limit_s = limit_s;
	(void)prlimit(worker->pid, RLIMIT_CPU, &limit, NULL); /* the pool watches it, too */
}

void snap_pool_begin_clocks(struct snap_pool *pool, struct snap_pool_worker *worker)
{
	worker->is_begun = false;
	snap_pool_worker_reset_clocks(worker);
	limit_time(pool, worker);
}

void snap_pool_begin_next(struct snap_pool_worker *worker)
{
	worker->task = NULL;
	worker->num_requests = 0;
	worker->is_begun = true;
	if (worker->num_next == 0)
		return;
	worker->task = worker->next[0];
	worker->num_next--;
	memmove(worker->next, worker->next + 1, worker->num_next * sizeof(worker->next[0]));
	snap_broker_peer_set_input(&worker->peer, worker->task->index);
}

/* ---------------------------------------------------------------- giving */

/* Inputs that follow each other; several only if nothing is left out. */
static void give(struct snap_pool *pool, struct snap_pool_worker *worker,
	struct snap_pool_task *const *tasks, size_t num)
{
	static struct snap_command command;
	const struct snap_pool_left_out *out = tasks[0]->left_out;
	int fds[SNAP_MAX_GIVEN] = {0};
	size_t num_fds = 0;
	command.op = SNAP_COMMAND_RUN;
	command.index = (uint32_t)tasks[0]->index;
	command.num_inputs = (uint32_t)num;
	command.has_file = 0;
	command.is_unheard = worker->ahead > 1;
	command.num_quarantined = out ? out->num : 0;
	if (out)
		memcpy(command.quarantined, out->modules, sizeof(out->modules));
	for (size_t i = 0; i < num; i++) {
		int fd = snap_broker_open_input(&pool->broker, tasks[i]->index);
		if (fd < 0)
			continue; /* the worker asks for it, and is told why not */
		command.has_file |= UINT32_C(1) << i;
		fds[num_fds++] = fd;
	}
	size_t len = SNAP_COMMAND_HEAD +
		     command.num_quarantined * sizeof(command.quarantined[0]);
	if (snap_packet_send_fds(worker->work, &command, len, fds, num_fds, MSG_DONTWAIT) < 0) {
		/* Too many descriptors are on the way. If it is dead, that is seen. */
		command.has_file = 0;
		(void)snap_packet_send(worker->work, &command, len, -1, MSG_DONTWAIT);
	}
	for (size_t i = 0; i < num_fds; i++)
		(void)close(fds[i]); /* the worker has its own */
	for (size_t i = 0; i < num; i++)
		worker->next[worker->num_next++] = tasks[i];
	worker->num_inputs += num;
	if (!worker->task) {
		snap_pool_begin_next(worker);
		snap_pool_worker_reset_clocks(worker);
		worker->is_begun = false;
	}
	limit_time(pool, worker);
}

static bool go_together(const struct snap_pool_task *a, const struct snap_pool_task *b)
{
	return b->index == a->index + 1 && !a->left_out && !b->left_out;
}

/* Up to num inputs; false: there are no more now. */
static bool give_some(struct snap_pool *pool, struct snap_pool_worker *worker, size_t num)
{
	struct snap_pool_task *tasks[SNAP_MAX_GIVEN], *task = NULL;
	size_t num_tasks = 0;
	while (num > 0 && (task = next_task(pool))) {
		if (num_tasks == SNAP_MAX_GIVEN ||
			(num_tasks > 0 && !go_together(tasks[num_tasks - 1], task))) {
			give(pool, worker, tasks, num_tasks);
			num_tasks = 0;
		}
		task->state = TASK_RUNNING;
		tasks[num_tasks++] = task;
		num--;
	}
	if (num_tasks > 0)
		give(pool, worker, tasks, num_tasks);
	/* It need not wait to be told. */
	if (!snap_pool_has_more(pool))
		snap_pool_worker_finish(worker);
	return task;
}

/* False: none could be started, and there is none. */
static bool get_worker(struct snap_pool *pool, struct snap_pool_worker *worker)
{
	int r = snap_pool_worker_start(pool, worker);
	if (r == 0)
		return true;
	for (size_t i = 0; i < pool->num_workers; i++)
		if (pool->workers[i].pid)
			return true; /* later, or by those that there are */
	char text[128];
	(void)snprintf(text, sizeof(text), "cannot start a worker: %s", strerror(-r));
	pool->config->complain(text);
	return false;
}

/* How many the worker is to have ahead of it. */
static size_t wanted_ahead(const struct snap_pool *pool, const struct snap_pool_worker *worker)
{
	size_t left = pool->config->job->num_inputs - pool->next_index;
	size_t wanted = worker->ahead;
	uint64_t may = pool->config->limits.num_inputs;
	may = may > worker->num_inputs ? may - worker->num_inputs : 0;
	/* The last ones go to who is ready first. */
	if (pool->num_workers > 1 && wanted > left / (2 * pool->num_workers))
		wanted = left < pool->num_workers ? 0 : left / (2 * pool->num_workers);
	if (pool->num_workers > 1 && wanted == 0 && left >= pool->num_workers)
		wanted = 1;
	return wanted < worker->num_next + may ? wanted : worker->num_next + (size_t)may;
}

int snap_pool_give_work(struct snap_pool *pool)
{
	for (size_t i = 0; i < pool->num_workers; i++) {
		struct snap_pool_worker *worker = &pool->workers[i];
		if (worker->is_gone)
			(void)snap_pool_worker_bury(
				worker); /* it has said so: how it ends does not matter */
		if (worker->pid && (worker->task || worker->is_told_to_finish))
			continue;
		if (!snap_pool_has_more(pool))
			return 0;
		if (!worker->pid && !get_worker(pool, worker))
			return -1;
		if (worker->pid && !give_some(pool, worker, 1))
			return 0;
	}
	/* What each does next, so that it need not wait. */
	for (size_t i = 0; i < pool->num_workers && !pool->config->is_streaming; i++) {
		struct snap_pool_worker *worker = &pool->workers[i];
		if (!worker->task || worker->is_told_to_finish || worker->cause)
			continue;
		size_t wanted = wanted_ahead(pool, worker);
		if (worker->num_next <= wanted / 2 && worker->num_next < wanted &&
			!give_some(pool, worker, wanted - worker->num_next))
			return 0;
	}
	return 0;
}
