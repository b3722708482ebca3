#include "capture/server/workers.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/priority.h"
#include "capture/server/log.h"

struct snap_worker {
	struct snap_workers *workers;
	struct snap_worker_pool *pool;
	struct snap_worker_job job;
	pid_t pid;     /* -1: it could not be started, which error tells */
	int report_fd; /* -1: none */
	int error;
	bool timed_out;
	struct snap_timer timer;
	struct snap_worker *next;
};

static int ordinary_priority;

void snap_workers_init(struct snap_workers *workers, struct snap_loop *loop)
{
	ordinary_priority = snap_priority_raise();
	*workers = (struct snap_workers){.loop = loop};
}

/* ---------------------------------------------------------------- in the child */

static void close_range_of_fds(unsigned int first, unsigned int last)
{
	if (first > last || syscall(SYS_close_range, first, last, 0) == 0)
		return;
	/* Before Linux 5.9. Nothing has more open than it may have. */
	long max = sysconf(_SC_OPEN_MAX);
	for (unsigned int fd = first; fd <= last && (long)fd < max; fd++)
		(void)close((int)fd); /* most are not open */
}

void snap_worker_isolate(const int *keep_fds, size_t num_keep)
{
	static const int caught[] = {SIGCHLD, SIGTERM, SIGINT, SIGHUP, SIGPIPE};
	for (size_t i = 0; i < sizeof(caught) / sizeof(caught[0]); i++)
		(void)signal(caught[i], SIG_DFL); /* valid signals */
	sigset_t none;
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL); /* can't fail */
	snap_priority_restore(ordinary_priority);

	unsigned int next = STDERR_FILENO + 1;
	for (;;) {
		/* The smallest one to keep that is not below next. */
		unsigned int keep = UINT_MAX;
		for (size_t i = 0; i <= num_keep; i++) {
			int fd = i < num_keep ? keep_fds[i] : snap_log_fd();
			if (fd >= 0 && (unsigned int)fd >= next && (unsigned int)fd < keep)
				keep = (unsigned int)fd;
		}
		close_range_of_fds(next, keep == UINT_MAX ? UINT_MAX : keep - 1);
		if (keep == UINT_MAX)
			return;
		next = keep + 1;
	}
}

static void run_child(const struct snap_worker_job *job, int report_fd)
{
	int keep[SNAP_WORKER_KEEP_MAX + 1];
	memcpy(keep, job->keep_fds, sizeof(job->keep_fds));
	keep[job->num_keep] = report_fd;
	snap_worker_isolate(keep, job->num_keep + 1);
	_exit(job->run(job->arg, report_fd));
}

/* ---------------------------------------------------------------- in the server */

static void give_result(struct snap_worker *worker, int status)
{
	struct snap_worker_result result = {
		.error = worker->error,
		.status = status,
		.timed_out = worker->timed_out,
	};
	if (worker->report_fd >= 0) {
		ssize_t n = read(worker->report_fd, result.report, sizeof(result.report));
		result.report_len = n > 0 ? (size_t)n : 0;
		(void)close(worker->report_fd); /* only read from */
	}
	worker->job.ended(worker->job.arg, &result);
}

static void start_queued(struct snap_worker_pool *pool);

static void could_not_start(void *arg)
{
	struct snap_worker *worker = arg;
	struct snap_worker_pool *pool = worker->pool;
	pool->num_running--;
	give_result(worker, 0);
	free(worker);
	start_queued(pool);
}

/* Not reaped yet, so the number is still its. */
static void kill_worker(const struct snap_worker *worker)
{
	if (worker->job.own_group)
		(void)kill(-worker->pid, SIGKILL); /* it may not have got so far */
	(void)kill(worker->pid, SIGKILL);
}

static void deadline(void *arg)
{
	struct snap_worker *worker = arg;
	worker->timed_out = true;
	kill_worker(worker);
}

static int fork_worker(struct snap_worker *worker)
{
	int report[2];
	/* So that reading a report never waits for a grandchild that has the other end. */
	if (pipe2(report, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	worker->pid = fork();
	if (worker->pid == 0) {
		(void)close(report[0]);
		run_child(&worker->job, report[1]);
	}
	int error = -errno;
	(void)close(report[1]); /* the child's */
	if (worker->pid < 0) {
		(void)close(report[0]);
		return error;
	}
	worker->report_fd = report[0];
	return 0;
}

static void start(struct snap_worker *worker)
{
	struct snap_workers *workers = worker->workers;
	worker->pool->num_running++;
	worker->error = fork_worker(worker);
	if (worker->error < 0) {
		worker->timer = (struct snap_timer){.due = could_not_start, .arg = worker};
		snap_loop_arm(workers->loop, &worker->timer, 0);
		return;
	}
	worker->next = workers->running;
	workers->running = worker;
	worker->timer = (struct snap_timer){.due = deadline, .arg = worker};
	if (worker->job.time_ms > 0)
		snap_loop_arm(workers->loop, &worker->timer, worker->job.time_ms);
}

static void start_queued(struct snap_worker_pool *pool)
{
	while (pool->num_queued > 0 && pool->num_running < pool->max_running) {
		struct snap_worker *worker = pool->queue;
		pool->queue = worker->next;
		pool->num_queued--;
		start(worker);
	}
}

int snap_workers_start(struct snap_workers *workers, struct snap_worker_pool *pool,
	const struct snap_worker_job *job)
{
	bool now = pool->num_running < pool->max_running;
	if (!now && pool->num_queued >= pool->max_queued)
		return -EAGAIN;
	struct snap_worker *worker = calloc(1, sizeof(*worker));
	if (!worker)
		return -ENOMEM;
	worker->workers = workers;
	worker->pool = pool;
	worker->job = *job;
	worker->pid = -1;
	worker->report_fd = -1;
	if (now) {
		start(worker);
		return 0;
	}
	if (pool->num_queued++ == 0)
		pool->queue_end = &pool->queue;
	*pool->queue_end = worker;
	pool->queue_end = &worker->next;
	return 0;
}

static struct snap_worker *take(struct snap_workers *workers, pid_t pid)
{
	for (struct snap_worker **at = &workers->running; *at; at = &(*at)->next) {
		if ((*at)->pid == pid) {
			struct snap_worker *worker = *at;
			*at = worker->next;
			return worker;
		}
	}
	return NULL;
}

void snap_workers_reap(struct snap_workers *workers)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		struct snap_worker *worker = take(workers, pid);
		if (!worker)
			continue; /* killed by snap_workers_kill() */
		struct snap_worker_pool *pool = worker->pool;
		snap_loop_disarm(workers->loop, &worker->timer);
		pool->num_running--;
		give_result(worker, status);
		free(worker);
		start_queued(pool);
	}
}

static void cancel(struct snap_worker *worker)
{
	worker->error = -ECANCELED;
	give_result(worker, 0);
	free(worker);
}

void snap_workers_give_up_queued(struct snap_worker_pool *pool)
{
	while (pool->num_queued > 0) {
		struct snap_worker *worker = pool->queue;
		pool->queue = worker->next;
		pool->num_queued--;
		cancel(worker);
	}
}

void snap_workers_kill(struct snap_workers *workers, struct snap_worker_pool *pool)
{
	snap_workers_give_up_queued(pool);
	struct snap_worker **at = &workers->running;
	while (*at) {
		struct snap_worker *worker = *at;
		if (worker->pool != pool) {
			at = &worker->next;
			continue;
		}
		*at = worker->next;
		pool->num_running--;
		kill_worker(worker);
		snap_loop_disarm(workers->loop, &worker->timer);
		cancel(worker);
	}
}

const char *snap_worker_result_text(const struct snap_worker_result *result, char *buf, size_t size)
{
	if (result->error < 0)
		(void)snprintf(buf, size, "it can't be started: %s", strerror(-result->error));
	else if (result->timed_out)
		(void)snprintf(buf, size, "it took too long and was killed");
	else if (WIFSIGNALED(result->status))
		(void)snprintf(buf, size, "it was ended by signal %d", WTERMSIG(result->status));
	else
		(void)snprintf(buf, size, "exit status %d", WEXITSTATUS(result->status));
	return buf;
}
