#include "analyze/sandbox/pool.h"

#include <errno.h>
#include <fcntl.h>
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
#include "analyze/sandbox/pool_failures.h"
#include "analyze/sandbox/pool_state.h"
#include "analyze/sandbox/pool_workers.h"
#include "analyze/sandbox/result.h"
#include "common/escape.h"

/* A worker is looked at for its size after so many inputs. */
#define INPUTS_PER_LOOK 16

/* The pool itself was busy for so long: no worker's fault. */
static void shift_clocks(struct snap_pool *pool, int64_t begun_ns)
{
	int64_t ns = snap_pool_clock_ns(CLOCK_MONOTONIC) - begun_ns;
	for (size_t i = 0; i < pool->num_workers; i++)
		pool->workers[i].clock_base_ns += ns;
}

/* ---------------------------------------------------------------- printing */

/* How far it is, of many inputs; else what a worker says is shown. */
static bool has_progress(const struct snap_pool *pool)
{
	return pool->config->job->num_inputs > 1 && !pool->config->is_streaming;
}

static void show_progress(struct snap_pool *pool)
{
	size_t num = pool->config->job->num_inputs;
	char text[80];
	if (!has_progress(pool))
		return;
	(void)snprintf(text, sizeof(text), "%zu of %zu inputs", pool->num_done, num);
	snap_progress_tell(pool->config->progress, SNAP_PROGRESS_UPDATE, text);
}

static void hide_progress(struct snap_pool *pool)
{
	if (has_progress(pool))
		snap_progress_tell(pool->config->progress, SNAP_PROGRESS_HIDE, NULL);
}

static void separate(struct snap_pool *pool)
{
	if (pool->has_printed && pool->config->separates)
		(void)putchar('\n'); /* that stdout failed is found at the end */
	pool->has_printed = true;
}

static void print_task(struct snap_pool *pool, struct snap_pool_task *task)
{
	int64_t begun_ns = snap_pool_clock_ns(CLOCK_MONOTONIC);
	if (!pool->config->is_streaming) {
		if (task->result.len > 0 || task->result.num_messages > 0)
			hide_progress(pool);
		if (task->result.len > 0)
			separate(pool);
		int r = snap_result_print(&task->result, stdout, pool->config->complain);
		if (r < 0) {
			char text[128];
			(void)snprintf(
				text, sizeof(text), "cannot read a result back: %s", strerror(-r));
			pool->config->complain(text);
			task->status = SNAP_EXIT_FAILED;
		}
	}
	if (task->status > pool->worst)
		pool->worst = task->status;
	snap_result_deinit(&task->result);
	*task = (struct snap_pool_task){.state = TASK_FREE};
	snap_result_init(&task->result);
	pool->num_done++;
	shift_clocks(pool, begun_ns);
}

static struct snap_pool_task *find_task(
	struct snap_pool *pool, enum snap_task_state state, size_t index)
{
	for (size_t i = 0; i < pool->num_tasks; i++)
		if (pool->tasks[i].state == state && pool->tasks[i].index == index)
			return &pool->tasks[i];
	return NULL;
}

static void print_ready(struct snap_pool *pool)
{
	struct snap_pool_task *task;
	bool any = false;
	if (pool->config->is_unordered) {
		for (size_t i = 0; i < pool->num_tasks; i++)
			if (pool->tasks[i].state == TASK_READY) {
				print_task(pool, &pool->tasks[i]);
				any = true;
			}
	} else {
		while ((task = find_task(pool, TASK_READY, pool->next_printed))) {
			pool->next_printed++;
			print_task(pool, task);
			any = true;
		}
	}
	if (any)
		show_progress(pool);
}

/* ---------------------------------------------------------------- giving work */

static struct snap_pool_task *next_task(struct snap_pool *pool)
{
	struct snap_pool_task *free_task = NULL, *waiting = NULL;
	size_t oldest = pool->next_index;
	for (size_t i = 0; i < pool->num_tasks; i++) {
		struct snap_pool_task *task = &pool->tasks[i];
		if (task->state == TASK_FREE)
			free_task = task;
		else if (task->state == TASK_WAITING && (!waiting || task->index < waiting->index))
			waiting = task;
		if (task->state != TASK_FREE && task->index < oldest)
			oldest = task->index;
	}
	if (waiting)
		return waiting;
	if (!free_task || pool->next_index >= pool->config->job->num_inputs)
		return NULL;
	*free_task = (struct snap_pool_task){
		.state = TASK_WAITING,
		.index = pool->next_index++,
	};
	snap_result_init(&free_task->result);
	snap_pool_leave_out_remembered(pool, &free_task->command);
	return free_task;
}

/* Whether another input may still have to be given. */
static bool has_more(const struct snap_pool *pool)
{
	if (pool->next_index < pool->config->job->num_inputs)
		return true;
	for (size_t i = 0; i < pool->num_tasks; i++)
		if (pool->tasks[i].state == TASK_WAITING)
			return true;
	return false;
}

/* What was given comes to be worked on. */
static void begin_task(
	struct snap_pool *pool, struct snap_pool_worker *worker, struct snap_pool_task *task)
{
	worker->task = task;
	worker->num_inputs++;
	worker->num_requests = 0;
	snap_pool_worker_reset_clocks(worker);
	snap_broker_peer_set_input(&worker->peer, task->index);
	/* Should the pool itself be held up, by who reads what it prints. */
	rlim_t limit_s =
		(rlim_t)(worker->cpu_base_ns / SNAP_NS_PER_S) + pool->config->limits.time_s + 2;
	if (pool->config->is_streaming || limit_s == worker->cpu_limit_s)
		return;
	const struct rlimit limit = {
		.rlim_cur = limit_s < pool->max_cpu_s ? limit_s : pool->max_cpu_s,
		.rlim_max = pool->max_cpu_s,
	};
	worker->cpu_limit_s = limit_s;
	(void)prlimit(worker->pid, RLIMIT_CPU, &limit, NULL); /* see above */
}

static void give(
	struct snap_pool *pool, struct snap_pool_worker *worker, struct snap_pool_task *task)
{
	task->command.op = SNAP_COMMAND_RUN;
	task->command.index = (uint32_t)task->index;
	task->state = TASK_RUNNING;
	size_t len = SNAP_COMMAND_HEAD +
		     task->command.num_quarantined * sizeof(task->command.quarantined[0]);
	int fd = snap_broker_open_input(&pool->broker, task->index);
	/* If that fails it is dead, which is seen. */
	(void)snap_packet_send(worker->commands, &task->command, len, fd, MSG_DONTWAIT);
	if (fd >= 0)
		(void)close(fd); /* the worker has its own */
	if (worker->task)
		worker->next = task;
	else
		begin_task(pool, worker, task);
	/* It need not wait to be told. */
	if (!has_more(pool))
		snap_pool_worker_finish(worker);
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

/* -1: no worker could be started, and there is none. */
static int give_work(struct snap_pool *pool)
{
	struct snap_pool_task *task;
	for (size_t i = 0; i < pool->num_workers; i++) {
		struct snap_pool_worker *worker = &pool->workers[i];
		if (worker->is_gone)
			(void)snap_pool_worker_bury(
				worker); /* it has said so: how it ends does not matter */
		if (worker->pid && (worker->task || worker->is_told_to_finish))
			continue;
		if (!(task = next_task(pool)))
			return 0;
		if (!worker->pid && !get_worker(pool, worker))
			return -1;
		if (worker->pid)
			give(pool, worker, task);
	}
	/* What each does next, so that it need not wait; the last ones go to who is ready first. */
	for (size_t i = 0; i < pool->num_workers && !pool->config->is_streaming; i++) {
		struct snap_pool_worker *worker = &pool->workers[i];
		if (!worker->task || worker->next || worker->is_told_to_finish || worker->cause ||
			worker->num_inputs >= pool->config->limits.num_inputs ||
			pool->config->job->num_inputs - pool->next_index < pool->num_workers)
			continue;
		if (!(task = next_task(pool)))
			return 0;
		give(pool, worker, task);
	}
	return 0;
}

/* ---------------------------------------------------------------- what a worker says */

static void take_output(
	struct snap_pool *pool, struct snap_pool_worker *worker, struct snap_bytes bytes)
{
	struct snap_pool_task *task = worker->task;
	if (bytes.len == 0 || !task)
		return;
	if (!pool->config->is_streaming) {
		if (bytes.len > pool->config->limits.output_bytes - task->result.len)
			snap_pool_worker_end(worker, CAUSE_OUTPUT);
		else if (snap_result_add(&task->result, bytes.data, bytes.len) < 0)
			snap_pool_worker_end(worker, CAUSE_SPOOL);
		return;
	}
	int64_t begun_ns = snap_pool_clock_ns(CLOCK_MONOTONIC);
	if (task->result.len == 0)
		separate(pool);
	task->result.len += bytes.len;
	(void)fwrite(bytes.data, 1, bytes.len, stdout);
	(void)fflush(stdout); /* that it failed is seen by the caller */
	shift_clocks(pool, begun_ns);
	snap_pool_worker_reset_clocks(worker);
}

static void reply_to(struct snap_pool_worker *worker, struct snap_reply *reply, int fd)
{
	size_t len = SNAP_REPLY_HEAD;
	for (size_t i = 0; i < SNAP_REPLY_STRINGS; i++)
		len += reply->len[i];
	/* It waits for it, so that there is room: else it speaks out of turn. */
	int r = snap_packet_send(worker->socket, reply, len, fd, MSG_DONTWAIT);
	if (r == -EAGAIN)
		snap_pool_worker_end(worker, CAUSE_NONSENSE);
}

/* A worker's words, which may be anything if it was taken over. */
static void take_complaint(struct snap_pool *pool, struct snap_pool_worker *worker,
	const struct snap_request_view *request)
{
	char text[2048];
	(void)snap_escape(
		snap_bytes_str(request->text[0]), SNAP_ESCAPE_TERMINAL, text, sizeof(text));
	if (worker->task && !pool->config->is_streaming)
		snap_result_complain(&worker->task->result, text);
	else
		pool->config->complain(text);
}

static void take_progress(struct snap_pool *pool, const struct snap_request_view *request)
{
	char text[512];
	if (request->number > SNAP_PROGRESS_END)
		return;
	(void)snap_escape(
		snap_bytes_str(request->text[0]), SNAP_ESCAPE_TERMINAL, text, sizeof(text));
	/* Those of several workers would come in each other's way. */
	if (has_progress(pool) ? request->number == SNAP_PROGRESS_UPDATE : pool->num_workers == 1)
		snap_progress_tell(pool->config->progress,
			(enum snap_progress_event)request->number,
			request->number == SNAP_PROGRESS_UPDATE ? text : NULL);
}

static void take_done(struct snap_pool *pool, struct snap_pool_worker *worker,
	const struct snap_request_view *request)
{
	struct snap_pool_task *task = worker->task;
	static const int known[] = {SNAP_EXIT_DONE, SNAP_EXIT_PARTIAL, SNAP_EXIT_FAILED,
		SNAP_EXIT_USAGE, SNAP_EXIT_OUTPUT};
	bool is_known = false;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		is_known |= request->number == (uint32_t)known[i];
	if (!task || !is_known) {
		snap_pool_worker_end(worker, CAUSE_NONSENSE);
		return;
	}
	take_output(pool, worker, request->output);
	if (worker->cause)
		return;
	task->status = (int)request->number;
	task->state = TASK_READY;
	worker->task = NULL;
	struct snap_pool_task *next = worker->next;
	worker->next = NULL;
	if (next) {
		begin_task(pool, worker, next);
	} else if (worker->is_told_to_finish) {
		worker->is_finishing = true;
		snap_pool_worker_reset_clocks(worker);
		worker->num_requests = 0;
	}
	if (has_more(pool) && (worker->num_inputs >= pool->config->limits.num_inputs ||
				      (worker->num_inputs % INPUTS_PER_LOOK == 0 &&
					      snap_pool_worker_is_grown(pool, worker))))
		snap_pool_worker_finish(worker);
}

/* False: it has to be begun anew by one that has the library. */
static void take_library(struct snap_pool *pool, struct snap_pool_worker *worker,
	const struct snap_request_view *request)
{
	if (request->number >= SNAP_NUM_LIBRARIES || worker->libraries[request->number] ||
		!worker->task || (pool->config->is_streaming && worker->task->result.len > 0)) {
		snap_pool_worker_end(worker, CAUSE_NONSENSE);
		return;
	}
	/* The one that most go on to ask for takes a tenth of what another replacement would. */
	pool->libraries[request->number] = pool->libraries[SNAP_LIBRARY_DEFLATE] = true;
	snap_pool_worker_end(worker, CAUSE_LIBRARY);
}

static void serve(struct snap_pool *pool, struct snap_pool_worker *worker,
	const struct snap_request_view *request)
{
	static struct snap_reply reply;
	int fd = -1;
	bool is_own = true;
	int64_t begun_ns = snap_pool_clock_ns(CLOCK_MONOTONIC);
	if (!snap_broker_serve(&pool->broker, &worker->peer, request, &reply, &fd, &is_own)) {
		snap_pool_worker_end(worker, CAUSE_NONSENSE);
		return;
	}
	if (request->op == SNAP_REQUEST_FETCH)
		shift_clocks(pool, begun_ns);
	if (request->op == SNAP_REQUEST_OPEN && pool->config->is_streaming)
		snap_pool_worker_reset_clocks(worker);
	reply_to(worker, &reply, fd);
	if (fd >= 0 && is_own)
		(void)close(fd); /* the worker has its own */
}

/* False: it was ended, or its line is closed. */
static bool take_request(struct snap_pool *pool, struct snap_pool_worker *worker,
	const struct snap_request *request, ssize_t len)
{
	static struct snap_request_view view;
	static struct snap_reply taken; /* zeros: no text, no failure */
	if (len < 0 || !snap_request_read(request, (size_t)len, &view)) {
		snap_pool_worker_end(worker, CAUSE_NONSENSE);
		return false;
	}
	if (view.op != SNAP_REQUEST_OUTPUT && view.op != SNAP_REQUEST_DONE &&
		++worker->num_requests > pool->config->limits.num_requests) {
		snap_pool_worker_end(worker, CAUSE_REQUESTS);
		return false;
	}
	switch (view.op) {
	case SNAP_REQUEST_OUTPUT:
		take_output(pool, worker, view.output);
		break;
	case SNAP_REQUEST_DONE:
		take_done(pool, worker, &view);
		break;
	case SNAP_REQUEST_COMPLAIN:
		take_complaint(pool, worker, &view);
		reply_to(worker, &taken, -1);
		break;
	case SNAP_REQUEST_PROGRESS:
		take_progress(pool, &view);
		reply_to(worker, &taken, -1);
		break;
	case SNAP_REQUEST_BYE:
		if (worker->is_finishing)
			worker->is_gone = true;
		else
			snap_pool_worker_end(worker, CAUSE_NONSENSE);
		break;
	case SNAP_REQUEST_LIBRARY:
		take_library(pool, worker, &view);
		break;
	default:
		serve(pool, worker, &view);
	}
	return !worker->cause;
}

/* Of one worker, so much at once. */
#define REQUESTS_AT_ONCE 16

static void listen_to(struct snap_pool *pool, struct snap_pool_worker *worker)
{
	static struct snap_request request;
	for (int i = 0; i < REQUESTS_AT_ONCE; i++) {
		ssize_t n = snap_packet_receive(
			worker->socket, &request, sizeof(request), NULL, MSG_DONTWAIT);
		if (n == -EAGAIN)
			return;
		if (n == 0 || n == -ECONNRESET) {
			snap_pool_worker_take_death(pool, worker);
			return;
		}
		/* One that is being ended may still have said something. */
		if (!worker->cause && !take_request(pool, worker, &request, n))
			return;
		/* It is answered, and works: what it does next takes longer than a look. */
		if (request.op != SNAP_REQUEST_OUTPUT && request.op != SNAP_REQUEST_DONE)
			return;
	}
}

/* ---------------------------------------------------------------- the watchdog */

/* How long it may still go on, in ns; ended if it is too late. */
static int64_t time_left(struct snap_pool *pool, struct snap_pool_worker *worker)
{
	int64_t time_ns = (int64_t)pool->config->limits.time_s * SNAP_NS_PER_S;
	int64_t by_clock_ns = snap_pool_clock_ns(CLOCK_MONOTONIC) - worker->clock_base_ns;
	/* It can't have had more of the CPU than has passed by the clock. */
	if (by_clock_ns < time_ns)
		return time_ns - by_clock_ns;
	int64_t cpu_ns = snap_pool_clock_ns(worker->cpu_clock) - worker->cpu_base_ns;
	int64_t left = time_ns - cpu_ns;
	if (left <= 0) {
		snap_pool_worker_end(worker, CAUSE_TIME);
	} else if (!pool->config->is_interactive) {
		int64_t clock_left = time_ns * SNAP_CLOCK_PER_CPU - by_clock_ns;
		if (clock_left <= 0)
			snap_pool_worker_end(worker, CAUSE_CLOCK);
		left = clock_left < left ? clock_left : left;
	}
	return left;
}

/* Milliseconds until somebody must be looked at again; -1: for ever. */
static int watch(struct snap_pool *pool)
{
	int64_t least = INT64_MAX;
	for (size_t i = 0; i < pool->num_workers; i++) {
		struct snap_pool_worker *worker = &pool->workers[i];
		if (!worker->pid || worker->cause || (!worker->task && !worker->is_finishing))
			continue;
		int64_t left = time_left(pool, worker);
		least = left < least ? left : least;
	}
	if (least == INT64_MAX)
		return -1;
	least = least / 1000000 + 1;
	return least > 60000 ? 60000 : least < 1 ? 1 : (int)least;
}

/* ---------------------------------------------------------------- the loop */

/* Whether any worker is there. Waits, and takes what comes. */
static bool listen_to_workers(struct snap_pool *pool, struct pollfd *polls)
{
	bool any = false;
	for (size_t i = 0; i < pool->num_workers; i++) {
		const struct snap_pool_worker *worker = &pool->workers[i];
		polls[i] =
			(struct pollfd){.fd = worker->pid ? worker->socket : -1, .events = POLLIN};
		any |= worker->pid && !worker->is_gone;
	}
	if (!any)
		return false;
	if (poll(polls, pool->num_workers, watch(pool)) <= 0)
		return true;
	for (size_t i = 0; i < pool->num_workers; i++) {
		struct snap_pool_worker *worker = &pool->workers[i];
		if (polls[i].revents && worker->pid)
			listen_to(pool, worker);
	}
	return true;
}

static void run(struct snap_pool *pool, struct pollfd *polls)
{
	const size_t num = pool->config->job->num_inputs;
	while (pool->num_done < num && !ferror(stdout)) {
		if (give_work(pool) < 0 || !listen_to_workers(pool, polls)) {
			pool->worst = SNAP_EXIT_FAILED;
			break;
		}
		print_ready(pool);
	}
	hide_progress(pool);
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

/*
 * A standard stream that was closed stays as good as closed (EBADF), but no socket of ours gets its
 * number.
 */
static void occupy_streams(void)
{
	int fd;
	do
		fd = open("/", O_PATH | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		(void)close(fd); /* O_PATH */
}

int snap_pool_run(const struct snap_pool_config *config)
{
	occupy_streams();
	struct snap_error err = SNAP_ERROR_INIT;
	struct snap_pool pool = {
		.config = config,
		.num_workers = config->num_workers,
		.num_tasks = 4 * config->num_workers,
	};
	struct rlimit cpu = {RLIM_INFINITY, RLIM_INFINITY};
	(void)getrlimit(RLIMIT_CPU, &cpu); /* there is such a limit */
	pool.max_cpu_s = cpu.rlim_max;
	memcpy(pool.libraries, config->libraries, sizeof(pool.libraries));
	pool.workers = calloc(pool.num_workers, sizeof(*pool.workers));
	pool.tasks = calloc(pool.num_tasks, sizeof(*pool.tasks));
	struct pollfd *polls = calloc(pool.num_workers, sizeof(*polls));
	bool has_memory = pool.workers && pool.tasks && polls;
	for (size_t i = 0; has_memory && i < pool.num_tasks; i++)
		snap_result_init(&pool.tasks[i].result);
	if (!has_memory || snap_broker_init(&pool.broker, config->broker, &err) < 0) {
		config->complain(has_memory ? err.text : "out of memory");
		pool.worst = err.code == SNAP_ERROR_USAGE ? SNAP_EXIT_USAGE : SNAP_EXIT_FAILED;
	} else {
		if (has_progress(&pool))
			snap_progress_tell(config->progress, SNAP_PROGRESS_BEGIN, NULL);
		run(&pool, polls);
		if (has_progress(&pool))
			snap_progress_tell(config->progress, SNAP_PROGRESS_END, NULL);
		for (size_t i = 0; i < pool.num_tasks; i++)
			snap_result_deinit(&pool.tasks[i].result);
		for (size_t i = 0; i < pool.num_workers; i++)
			snap_note_page_destroy(pool.workers[i].page);
		snap_broker_deinit(&pool.broker);
	}
	free(pool.workers);
	free(pool.tasks);
	free(polls);
	return pool.worst;
}
