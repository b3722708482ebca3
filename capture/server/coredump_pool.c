#include "capture/server/coredump_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture/server/coredump_worker.h"
#include "capture/server/log.h"
#include "capture/server/workers.h"

/* How often one is started anew that ends at once. */
#define RETRY_MS 1000

static void fill_slot(void *arg);

static void send_signal(const struct snap_coredump_slot *slot, int signo)
{
	/* By now it may be gone. */
	(void)syscall(SYS_pidfd_send_signal, slot->pidfd, signo, NULL, 0);
}

static void fill_later(struct snap_coredump_slot *slot, int64_t after_ms)
{
	slot->timer = (struct snap_timer){.due = fill_slot, .arg = slot};
	snap_loop_arm(slot->pool->loop, &slot->timer, after_ms);
}

static void worker_ended(struct snap_coredump_slot *slot)
{
	struct snap_coredump_pool *pool = slot->pool;
	snap_loop_remove(pool->loop, &slot->watch);
	(void)close(slot->watch.fd); /* only read from */
	(void)close(slot->pidfd);
	slot->watch.fd = slot->pidfd = -1;
	pool->num_running--;
	if (pool->stopping) {
		if (pool->num_running == 0)
			pool->idle(pool->idle_arg);
		return;
	}
	if (!slot->may_end)
		snap_log(SNAP_LOG_WARNING, "a worker for coredumps was killed, or took too long");
	bool is_sound = slot->may_end || snap_loop_now_ms() - slot->started_ms >= RETRY_MS;
	fill_later(slot, is_sound ? 0 : RETRY_MS);
}

static void worker_ready(void *arg, uint32_t events)
{
	struct snap_coredump_slot *slot = arg;
	char byte;
	(void)events; /* read() tells, too */
	ssize_t n = read(slot->watch.fd, &byte, 1);
	if (n > 0)
		slot->may_end = true;
	else if (n == 0)
		worker_ended(slot);
}

static int launch(struct snap_coredump_slot *slot)
{
	struct snap_coredump_pool *pool = slot->pool;
	int ends[2];
	if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0)
		return -errno;
	pid_t pid = fork();
	if (pid == 0) {
		int keep[] = {pool->listener_fd, ends[1]};
		snap_worker_isolate(keep, 2);
		_exit(snap_coredump_worker_run(pool->config, pool->listener_fd, ends[1]));
	}
	int r = pid < 0 ? -errno : 0;
	(void)close(ends[1]); /* the child's */
	/* Our child, not reaped yet: the number is its. */
	slot->pidfd = r == 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
	if (r == 0 && slot->pidfd < 0) {
		r = -errno;
		(void)kill(pid, SIGKILL);
	}
	if (r == 0) {
		slot->may_end = false;
		slot->started_ms = snap_loop_now_ms();
		slot->watch = (struct snap_watch){ends[0], worker_ready, slot};
		r = snap_loop_add(pool->loop, &slot->watch, EPOLLIN);
		if (r < 0) {
			send_signal(slot, SIGKILL);
			(void)close(slot->pidfd);
		}
	}
	if (r < 0) {
		(void)close(ends[0]); /* only read from */
		slot->watch.fd = slot->pidfd = -1;
		return r;
	}
	pool->num_running++;
	return 0;
}

static void fill_slot(void *arg)
{
	struct snap_coredump_slot *slot = arg;
	struct snap_coredump_pool *pool = slot->pool;
	snap_loop_disarm(pool->loop, &slot->timer);
	/* There may be fewer by now. */
	if (pool->stopping || slot->watch.fd >= 0 ||
		(uint64_t)(slot - pool->slots) >= pool->config->max_dumps)
		return;
	int r = launch(slot);
	if (r < 0) {
		snap_log(SNAP_LOG_ERROR, "cannot start a worker for coredumps: %s", strerror(-r));
		fill_later(slot, RETRY_MS);
	}
}

static void fill_slots(struct snap_coredump_pool *pool)
{
	for (unsigned int i = 0; i < SNAP_COREDUMP_MAX_WORKERS; i++)
		fill_slot(&pool->slots[i]);
}

int snap_coredump_pool_start(struct snap_coredump_pool *pool)
{
	/* Workers wait in accept(), where the kernel wakes one of them; the server itself does not.
	 */
	int flags = fcntl(pool->listener_fd, F_GETFL);
	if (flags < 0 || fcntl(pool->listener_fd, F_SETFL, flags & ~O_NONBLOCK) < 0)
		return -errno;
	for (unsigned int i = 0; i < SNAP_COREDUMP_MAX_WORKERS; i++)
		pool->slots[i] = (struct snap_coredump_slot){
			.pool = pool,
			.watch.fd = -1,
			.pidfd = -1,
		};
	fill_slots(pool);
	return 0;
}

/* Ends a worker that waits; others don't hear it. */
static void end_waiting(struct snap_coredump_pool *pool)
{
	for (unsigned int i = 0; i < SNAP_COREDUMP_MAX_WORKERS; i++)
		if (pool->slots[i].watch.fd >= 0)
			send_signal(&pool->slots[i], SIGTERM);
}

void snap_coredump_pool_reload(struct snap_coredump_pool *pool)
{
	if (pool->stopping || !pool->loop)
		return;
	for (unsigned int i = 0; i < SNAP_COREDUMP_MAX_WORKERS; i++)
		pool->slots[i].may_end = true;
	end_waiting(pool);
	fill_slots(pool);
}

void snap_coredump_pool_stop(struct snap_coredump_pool *pool)
{
	if (!pool->loop)
		return;
	pool->stopping = true;
	for (unsigned int i = 0; i < SNAP_COREDUMP_MAX_WORKERS; i++)
		if (pool->slots[i].watch.fd < 0)
			snap_loop_disarm(pool->loop, &pool->slots[i].timer);
	end_waiting(pool);
}
