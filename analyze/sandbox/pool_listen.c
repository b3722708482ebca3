#include "analyze/sandbox/pool_listen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "analyze/command.h"
#include "analyze/sandbox/pool_give.h"
#include "analyze/sandbox/pool_print.h"
#include "analyze/sandbox/pool_workers.h"
#include "common/escape.h"

/* A worker is looked at for its size after so many inputs. */
#define INPUTS_PER_LOOK 16

/* More inputs are given ahead of time if one takes less, less if it takes more. */
#define SHORT_INPUT_NS 1000000
#define LONG_INPUT_NS  4000000

/*
 * Of one worker, in packets. The socket's buffer does not take as many (each counts with some 700
 * bytes at least, and by default there are 212,992), so that who goes on is no analysis; the rest is
 * taken the next time.
 */
#define RESULTS_AT_ONCE 1024

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
		snap_pool_separate(pool);
	task->result.len += bytes.len;
	(void)fwrite(bytes.data, 1, bytes.len, stdout);
	(void)fflush(stdout); /* that it failed is seen by the caller */
	snap_pool_shift_clocks(pool, begun_ns);
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
	if (snap_pool_has_progress(pool) ? request->number == SNAP_PROGRESS_UPDATE : pool->num_workers == 1)
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
	snap_pool_begin_next(worker);
	worker->num_done++;
	if (!worker->task && worker->is_told_to_finish)
		worker->is_finishing = true;
	else if (snap_pool_has_more(pool) &&
		 (worker->num_inputs >= pool->config->limits.num_inputs ||
			 (worker->num_done % INPUTS_PER_LOOK == 0 &&
				 snap_pool_worker_is_grown(pool, worker))))
		snap_pool_worker_finish(worker);
}

/* What is given ahead of time: little where inputs take long, so that others can have them. */
static void choose_ahead(
	const struct snap_pool *pool, struct snap_pool_worker *worker, int64_t ns, size_t num)
{
	worker->input_ns = ns / (int64_t)num;
	if (worker->input_ns < SHORT_INPUT_NS)
		worker->ahead = worker->ahead < pool->max_ahead / 2 ? 2 * worker->ahead
								   : pool->max_ahead;
	else if (worker->input_ns > LONG_INPUT_NS)
		worker->ahead = worker->ahead > 1 ? worker->ahead / 2 : 1;
}

bool snap_pool_take_results(struct snap_pool *pool, struct snap_pool_worker *worker)
{
	static struct snap_request request;
	static struct snap_request_view view;
	uint64_t num_done = worker->num_done;
	bool is_open = true;
	for (int i = 0; i < RESULTS_AT_ONCE; i++) {
		ssize_t n = snap_packet_receive(
			worker->work, &request, sizeof(request), NULL, MSG_DONTWAIT);
		/* Said once, before what came until then, where it had still inputs to do. */
		if (n == -ECONNRESET)
			continue;
		is_open = n != 0;
		if (n == -EAGAIN || !is_open)
			break;
		/* One that is being ended may still have said something. */
		if (worker->cause)
			continue;
		if (n < 0 || !snap_request_read(&request, (size_t)n, &view) ||
			(view.op != SNAP_REQUEST_OUTPUT && view.op != SNAP_REQUEST_DONE))
			snap_pool_worker_end(worker, CAUSE_NONSENSE);
		else if (view.op == SNAP_REQUEST_OUTPUT)
			take_output(pool, worker, view.output);
		else
			take_done(pool, worker, &view);
	}
	if (worker->is_begun) {
		int64_t before_ns = worker->cpu_base_ns;
		snap_pool_begin_clocks(pool, worker);
		choose_ahead(pool, worker, worker->cpu_base_ns - before_ns,
			(size_t)(worker->num_done - num_done));
	}
	return is_open;
}

/* It has to be begun anew by one that has the library. */
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
		snap_pool_shift_clocks(pool, begun_ns);
	if (request->op == SNAP_REQUEST_OPEN && pool->config->is_streaming)
		snap_pool_worker_reset_clocks(worker);
	reply_to(worker, &reply, fd);
	if (fd >= 0 && is_own)
		(void)close(fd); /* the worker has its own */
}

static void take_request(struct snap_pool *pool, struct snap_pool_worker *worker,
	const struct snap_request *request, ssize_t len)
{
	static struct snap_request_view view;
	static struct snap_reply taken; /* zeros: no text, no failure */
	if (len < 0 || !snap_request_read(request, (size_t)len, &view)) {
		snap_pool_worker_end(worker, CAUSE_NONSENSE);
		return;
	}
	if (++worker->num_requests > pool->config->limits.num_requests) {
		snap_pool_worker_end(worker, CAUSE_REQUESTS);
		return;
	}
	switch (view.op) {
	case SNAP_REQUEST_OUTPUT:
	case SNAP_REQUEST_DONE:
		snap_pool_worker_end(worker, CAUSE_NONSENSE); /* that goes the other way */
		break;
	case SNAP_REQUEST_WAKE:
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
}

void snap_pool_listen_to(struct snap_pool *pool, struct snap_pool_worker *worker, bool has_request)
{
	static struct snap_request request;
	ssize_t n = -EAGAIN;
	if (has_request)
		n = snap_packet_receive(
			worker->socket, &request, sizeof(request), NULL, MSG_DONTWAIT);
	/* It has printed and done this before it asked. */
	bool is_open = snap_pool_take_results(pool, worker);
	/* One that has ended may have said so. */
	if (!is_open && n == -EAGAIN)
		n = snap_packet_receive(
			worker->socket, &request, sizeof(request), NULL, MSG_DONTWAIT);
	if (n == 0 || n == -ECONNRESET || (n == -EAGAIN && !is_open))
		snap_pool_worker_take_death(pool, worker);
	else if (n != -EAGAIN && !worker->cause)
		take_request(pool, worker, &request, n);
}
