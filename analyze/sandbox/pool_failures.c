#include "analyze/sandbox/pool_failures.h"

#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "analyze/command.h"
#include "analyze/sandbox/result.h"
#include "common/escape.h"

/* So often an input is begun anew without a module. */
#define MAX_RETRIES 4
/* A module that so many inputs died of is left out of all that follow. */
#define DEATHS_TO_REMEMBER 2

/* ---------------------------------------------------------------- why one failed */

static const char *signal_name(int signo)
{
	return sigabbrev_np(signo) ? sigabbrev_np(signo) : "?";
}

void snap_pool_describe_end(const struct snap_pool *pool, enum snap_pool_cause cause,
	int wait_status, char *ret, size_t size)
{
	const struct snap_limits *limits = &pool->config->limits;
	int signo = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
	if (cause == CAUSE_TIME || (cause == CAUSE_NONE && signo == SIGXCPU))
		(void)snprintf(ret, size,
			"took more than %" PRIu64 " s of CPU time (--worker-time)", limits->time_s);
	else if (cause == CAUSE_CLOCK)
		(void)snprintf(ret, size, "took more than %" PRIu64 " s (--worker-time)",
			limits->time_s * SNAP_CLOCK_PER_CPU);
	else if (cause == CAUSE_OUTPUT)
		(void)snprintf(ret, size, "printed more than %" PRIu64 " bytes (--worker-output)",
			limits->output_bytes);
	else if (cause == CAUSE_REQUESTS)
		(void)snprintf(ret, size,
			"asked for files more than %" PRIu64 " times (--worker-requests)",
			limits->num_requests);
	else if (cause == CAUSE_NONSENSE)
		(void)snprintf(ret, size, "asked for what no analysis asks for");
	else if (cause == CAUSE_SPOOL)
		(void)snprintf(ret, size, "printed more than there is room for in temporary files");
	else if (signo == SIGSYS)
		(void)snprintf(ret, size, "tried a forbidden system call (SIGSYS)");
	else if (signo)
		(void)snprintf(ret, size, "was ended by SIG%s", signal_name(signo));
	else
		(void)snprintf(ret, size, "ended early, with status %d",
			WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : -1);
}

bool snap_pool_is_of_the_file(enum snap_pool_cause cause, int wait_status)
{
	if (cause != CAUSE_NONE)
		return cause == CAUSE_TIME || cause == CAUSE_CLOCK;
	int signo = WIFSIGNALED(wait_status) ? WTERMSIG(wait_status) : 0;
	return signo == SIGSEGV || signo == SIGBUS || signo == SIGABRT || signo == SIGFPE ||
	       signo == SIGILL || signo == SIGXCPU || signo == SIGSYS || signo == SIGTRAP;
}

void snap_pool_fail_task(struct snap_pool *pool, struct snap_pool_task *task, const char *what,
	const struct snap_note *note)
{
	const struct snap_job *job = pool->config->job;
	char text[2048], name[512], module[512] = "", hex[2 * SNAP_MAX_BUILD_ID + 1];
	const char *file = job->name(task->index, job->data);
	bool is_stdin = strcmp(file, "-") == 0;
	(void)snap_escape(snap_bytes_str(file), SNAP_ESCAPE_TERMINAL, name, sizeof(name));
	if (note) {
		(void)snap_escape(snap_bytes(note->name, note->name_len), SNAP_ESCAPE_TERMINAL,
			module, sizeof(module));
		snap_hex(snap_bytes(note->build_id, note->build_id_len), hex);
	}
	(void)snprintf(text, sizeof(text), "cannot analyse %s%s%s: its worker %s%s%s%s%s%s",
		is_stdin ? "" : "'", is_stdin ? "standard input" : name, is_stdin ? "" : "'", what,
		note ? " while it read files of '" : "", module, note ? "' (build ID " : "",
		note ? hex : "", note ? ")" : "");
	/* What it had said so far was not the whole. */
	snap_result_deinit(&task->result);
	if (pool->config->is_streaming)
		pool->config->complain(text);
	else
		snap_result_complain(&task->result, text);
	task->state = TASK_READY;
	task->status = SNAP_EXIT_FAILED;
}

/* ---------------------------------------------------------------- quarantine */

/* False: it is left out already, or there are enough of those, or there is no memory. */
static bool leave_out(struct snap_pool_task *task, const struct snap_quarantined *module)
{
	struct snap_pool_left_out *out = task->left_out;
	if (!out)
		task->left_out = out = calloc(1, sizeof(*out));
	if (!out || out->num == SNAP_MAX_QUARANTINED)
		return false;
	for (uint32_t i = 0; i < out->num; i++)
		if (out->modules[i].len == module->len &&
			memcmp(out->modules[i].build_id, module->build_id, module->len) == 0)
			return false;
	out->modules[out->num++] = *module;
	return true;
}

/* One input's word is not enough for others: the worker that died may have been taken over. */
static void remember(struct snap_pool *pool, const struct snap_quarantined *module, size_t index)
{
	for (size_t i = 0; i < pool->num_remembered; i++) {
		struct snap_pool_remembered *r = &pool->remembered[i];
		if (r->module.len != module->len ||
			memcmp(r->module.build_id, module->build_id, module->len) != 0)
			continue;
		r->num_deaths += r->last_index != index;
		r->last_index = index;
		return;
	}
	if (pool->num_remembered < SNAP_POOL_MAX_REMEMBERED)
		pool->remembered[pool->num_remembered++] = (struct snap_pool_remembered){
			.module = *module, .num_deaths = 1, .last_index = index};
}

void snap_pool_leave_out_remembered(const struct snap_pool *pool, struct snap_pool_task *task)
{
	for (size_t i = 0; i < pool->num_remembered; i++)
		if (pool->remembered[i].num_deaths >= DEATHS_TO_REMEMBER)
			(void)leave_out(task, &pool->remembered[i].module); /* as many as fit */
}

bool snap_pool_retry_without(struct snap_pool *pool, struct snap_pool_task *task,
	const struct snap_note *note, const char *what)
{
	struct snap_quarantined module = {.len = note->build_id_len};
	memcpy(module.build_id, note->build_id, note->build_id_len);
	(void)snprintf(module.why, sizeof(module.why),
		"its files are left out: a worker that read them %.120s", what);
	if (task->num_retries == MAX_RETRIES || !leave_out(task, &module))
		return false;
	task->num_retries++;
	remember(pool, &module, task->index);
	snap_result_deinit(&task->result);
	task->state = TASK_WAITING;
	return true;
}
