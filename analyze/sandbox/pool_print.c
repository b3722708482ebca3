#include "analyze/sandbox/pool_print.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/command.h"
#include "analyze/sandbox/pool_workers.h"
#include "analyze/sandbox/result.h"
#include "common/escape.h"

bool snap_pool_has_progress(const struct snap_pool *pool)
{
	return pool->config->job->num_inputs > 1 && !pool->config->is_streaming;
}

static void show_progress(struct snap_pool *pool)
{
	size_t num = pool->config->job->num_inputs;
	char text[80];
	if (!snap_pool_has_progress(pool))
		return;
	(void)snprintf(text, sizeof(text), "%zu of %zu inputs", pool->num_done, num);
	snap_progress_tell(pool->config->progress, SNAP_PROGRESS_UPDATE, text);
}

void snap_pool_hide_progress(struct snap_pool *pool)
{
	if (snap_pool_has_progress(pool))
		snap_progress_tell(pool->config->progress, SNAP_PROGRESS_HIDE, NULL);
}

void snap_pool_separate(struct snap_pool *pool)
{
	if (pool->has_printed && pool->config->separates)
		(void)putchar('\n'); /* that stdout failed is found at the end */
	pool->has_printed = true;
}

/* More is no result that anybody expects: some kilobytes for each backtrace of a text. */
#define MAX_TAKEN (UINT64_C(512) << 20)

static void take_result(struct snap_pool *pool, struct snap_pool_task *task)
{
	const struct snap_result *result = &task->result;
	if (result->num_messages > 0)
		snap_pool_hide_progress(pool);
	snap_result_print_messages(result, pool->config->complain);
	if (task->status >= SNAP_EXIT_FAILED)
		return;
	uint8_t *bytes = snap_result_read(result, MAX_TAKEN);
	if (bytes) {
		pool->config->take(task->index, snap_bytes(bytes, result->len),
			pool->config->take_data);
		free(bytes);
	} else {
		const struct snap_job *job = pool->config->job;
		char text[1200], name[1024];
		(void)snap_escape(snap_bytes_str(job->name(task->index, job->data)),
			SNAP_ESCAPE_TERMINAL, name, sizeof(name));
		(void)snprintf(text, sizeof(text),
			"'%s' is left out: what was found in it is too long", name);
		pool->config->complain(text);
		task->status = SNAP_EXIT_FAILED;
	}
}

static void print_task(struct snap_pool *pool, struct snap_pool_task *task)
{
	int64_t begun_ns = snap_pool_clock_ns(CLOCK_MONOTONIC);
	if (pool->config->take) {
		take_result(pool, task);
	} else if (!pool->config->is_streaming) {
		if (task->result.len > 0 || task->result.num_messages > 0)
			snap_pool_hide_progress(pool);
		if (task->result.len > 0)
			snap_pool_separate(pool);
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
	free(task->left_out);
	*task = (struct snap_pool_task){.state = TASK_FREE};
	pool->num_done++;
	snap_pool_shift_clocks(pool, begun_ns);
}

static struct snap_pool_task *find_task(
	struct snap_pool *pool, enum snap_task_state state, size_t index)
{
	for (size_t i = 0; i < pool->num_tasks; i++)
		if (pool->tasks[i].state == state && pool->tasks[i].index == index)
			return &pool->tasks[i];
	return NULL;
}

void snap_pool_print_ready(struct snap_pool *pool)
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
