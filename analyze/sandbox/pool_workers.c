#include "analyze/sandbox/pool_workers.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "analyze/sandbox/pool_failures.h"
#include "analyze/sandbox/result.h"

int64_t snap_pool_clock_ns(clockid_t clock)
{
	struct timespec now = {0};
	(void)clock_gettime(clock, &now); /* of a dead process: 0 */
	return now.tv_sec * SNAP_NS_PER_S + now.tv_nsec;
}

void snap_pool_worker_reset_clocks(struct snap_pool_worker *worker)
{
	worker->cpu_base_ns = snap_pool_clock_ns(worker->cpu_clock);
	worker->clock_base_ns = snap_pool_clock_ns(CLOCK_MONOTONIC);
}

void snap_pool_shift_clocks(struct snap_pool *pool, int64_t begun_ns)
{
	int64_t ns = snap_pool_clock_ns(CLOCK_MONOTONIC) - begun_ns;
	for (size_t i = 0; i < pool->num_workers; i++)
		pool->workers[i].clock_base_ns += ns;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd); /* a socket: nothing can be lost */
	*fd = -1;
}

int snap_pool_worker_start(struct snap_pool *pool, struct snap_pool_worker *worker)
{
	const struct snap_pool_config *config = pool->config;
	int sockets[2] = {-1, -1}, work[2] = {-1, -1};
	pid_t parent = getpid();
	if (!worker->page && !(worker->page = snap_note_page_create()))
		return -ENOMEM;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sockets) < 0 ||
		socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, work) < 0) {
		int r = -errno;
		close_fd(&sockets[0]);
		close_fd(&sockets[1]);
		return r;
	}
	worker->page->current = 0;
	pid_t pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		struct snap_worker_setup setup = {
			.job = config->job,
			.limits = config->limits,
			.socket = sockets[1],
			.work = work[1],
			.is_streaming = config->is_streaming,
			.page = worker->page,
			.keeps_stdin = config->keeps_stdin,
			.may_fork = config->may_fork,
		};
		memcpy(setup.libraries, pool->libraries, sizeof(setup.libraries));
		snap_worker_main(&setup);
	}
	int r = pid < 0 ? -errno : 0;
	(void)close(sockets[1]);
	(void)close(work[1]);
	if (pid < 0) {
		close_fd(&sockets[0]);
		close_fd(&work[0]);
		return r;
	}
	struct snap_note_page *page = worker->page;
	*worker = (struct snap_pool_worker){
		.pid = pid,
		.socket = sockets[0],
		.work = work[0],
		.page = page,
		.ahead = 1,
	};
	memcpy(worker->libraries, pool->libraries, sizeof(worker->libraries));
	snap_broker_peer_init(&worker->peer);
	if (clock_getcpuclockid(pid, &worker->cpu_clock) != 0)
		worker->cpu_clock = CLOCK_MONOTONIC;
	return 0;
}

int snap_pool_worker_bury(struct snap_pool_worker *worker)
{
	int status = 0;
	/* One that was taken over may close its line and live on. Of a dead one it stays as it was. */
	(void)kill(worker->pid, SIGKILL);
	while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	worker->pid = 0;
	worker->is_gone = false;
	close_fd(&worker->socket);
	close_fd(&worker->work);
	snap_broker_peer_deinit(&worker->peer);
	return status;
}

void snap_pool_worker_let_go(struct snap_pool_worker *worker)
{
	(void)waitpid(worker->pid, NULL, WNOHANG); /* else whoever comes after us does */
	worker->pid = 0;
	close_fd(&worker->socket);
	close_fd(&worker->work);
	snap_broker_peer_deinit(&worker->peer);
}

void snap_pool_worker_end(struct snap_pool_worker *worker, enum snap_pool_cause cause)
{
	worker->cause = cause;
	(void)kill(worker->pid, SIGKILL); /* a child that was not reaped yet */
}

void snap_pool_worker_take_death(struct snap_pool *pool, struct snap_pool_worker *worker)
{
	struct snap_pool_task *task = worker->task;
	struct snap_note note;
	char what[256];
	bool was_finishing = worker->is_finishing;
	enum snap_pool_cause cause = worker->cause;
	int status = snap_pool_worker_bury(worker);
	worker->task = NULL;
	for (size_t i = 0; i < worker->num_next; i++)
		worker->next[i]->state = TASK_WAITING;
	worker->num_next = 0;
	if (!task) {
		if (was_finishing && !(WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
			char text[512];
			snap_pool_describe_end(pool, cause, status, what, sizeof(what));
			(void)snprintf(text, sizeof(text),
				"not all that was found out could be kept: a worker %s", what);
			pool->config->complain(text);
		}
		return;
	}
	if (cause == CAUSE_LIBRARY) {
		snap_result_deinit(&task->result);
		task->state = TASK_WAITING;
		return;
	}
	snap_pool_describe_end(pool, cause, status, what, sizeof(what));
	bool has_note =
		snap_pool_is_of_the_file(cause, status) && snap_note_page_read(worker->page, &note);
	if (has_note && !pool->config->is_streaming &&
		snap_pool_retry_without(pool, task, &note, what))
		return;
	snap_pool_fail_task(pool, task, what, has_note ? &note : NULL);
}

void snap_pool_worker_finish(struct snap_pool_worker *worker)
{
	const struct snap_command command = {.op = SNAP_COMMAND_FINISH};
	if (worker->is_told_to_finish)
		return;
	worker->is_told_to_finish = true;
	if (!worker->task) {
		worker->is_finishing = true;
		snap_pool_worker_reset_clocks(worker);
		worker->num_requests = 0;
	}
	/* If that fails it is dead, which is seen. */
	(void)snap_packet_send(worker->work, &command, SNAP_COMMAND_HEAD, -1, MSG_DONTWAIT);
}

bool snap_pool_worker_is_grown(const struct snap_pool *pool, const struct snap_pool_worker *worker)
{
	char path[40], text[128] = "";
	unsigned long long data = 0;
	(void)snprintf(path, sizeof(path), "/proc/%d/statm", (int)worker->pid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;
	if (fd >= 0)
		(void)close(fd); /* only read from */
	if (n <= 0 || sscanf(text, "%*u %*u %*u %*u %*u %llu", &data) != 1)
		return false;
	return data * (unsigned long long)sysconf(_SC_PAGESIZE) >
	       pool->config->limits.memory_bytes / 2;
}
