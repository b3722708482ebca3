#include "capture/server/keeper.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture/priority.h"
#include "capture/server/fd_pass.h"
#include "capture/server/log.h"
#include "capture/server/workers.h"

/* One that ends at once is not started anew at once. */
#define RETRY_MS 1000

static void drop(struct snap_keeper *keeper)
{
	if (keeper->watch.fd < 0)
		return;
	snap_loop_remove(keeper->loop, &keeper->watch);
	(void)close(keeper->watch.fd); /* what was sent stays there to be read */
	keeper->watch.fd = -1;
}

static int launch(struct snap_keeper *keeper);

static void try_again(void *arg)
{
	struct snap_keeper *keeper = arg;
	int r = launch(keeper);
	if (r < 0) {
		snap_log(SNAP_LOG_ERROR, "cannot start the %s: %s", keeper->what, strerror(-r));
		snap_loop_arm(keeper->loop, &keeper->retry, RETRY_MS);
		return;
	}
	keeper->renewed(keeper->arg);
}

static void ready(void *arg, uint32_t events)
{
	struct snap_keeper *keeper = arg;
	(void)events; /* recvmsg() tells, too */
	struct snap_keeper_message message;
	int fd = -1;
	int r = snap_fd_receive(keeper->watch.fd, &message, sizeof(message), &fd, MSG_DONTWAIT);
	if (r > 0) {
		keeper->answer(keeper->arg, &message, fd);
		return;
	}
	if (r == -EAGAIN)
		return;
	snap_log(SNAP_LOG_WARNING, "the %s has ended; another one is started", keeper->what);
	drop(keeper);
	int64_t age_ms = snap_loop_now_ms() - keeper->started_ms;
	snap_loop_arm(keeper->loop, &keeper->retry, age_ms < RETRY_MS ? RETRY_MS : 0);
}

static int launch(struct snap_keeper *keeper)
{
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	pid_t pid = fork();
	if (pid == 0) {
		snap_worker_isolate(&ends[1], 1);
		if (keeper->in_hurry)
			(void)snap_priority_raise(); /* for good */
		/* Meant for the server, which lets this child finish its work. */
		static const int ignored[] = {SIGTERM, SIGINT, SIGHUP, SIGPIPE};
		for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
			(void)signal(ignored[i], SIG_IGN); /* valid signals */
		_exit(snap_keeper_serve(ends[1], keeper->config));
	}
	int r = pid < 0 ? -errno : 0;
	(void)close(ends[1]); /* the child's */
	if (r == 0) {
		keeper->watch = (struct snap_watch){ends[0], ready, keeper};
		r = snap_loop_add(keeper->loop, &keeper->watch, EPOLLIN);
	}
	if (r < 0) {
		(void)close(ends[0]); /* the child, if there is one, ends by it */
		keeper->watch.fd = -1;
		return r;
	}
	keeper->started_ms = snap_loop_now_ms();
	return 0;
}

int snap_keeper_start(struct snap_keeper *keeper)
{
	keeper->watch.fd = -1;
	keeper->retry = (struct snap_timer){.due = try_again, .arg = keeper};
	return launch(keeper);
}

int snap_keeper_ask(struct snap_keeper *keeper, const struct snap_keeper_message *message, int fd)
{
	return keeper->watch.fd < 0 ? -EAGAIN
				    : snap_fd_send(keeper->watch.fd, message, sizeof(*message), fd,
					      MSG_DONTWAIT);
}

void snap_keeper_restart(struct snap_keeper *keeper)
{
	drop(keeper);
	snap_loop_disarm(keeper->loop, &keeper->retry);
	try_again(keeper);
}

void snap_keeper_stop(struct snap_keeper *keeper)
{
	drop(keeper);
	snap_loop_disarm(keeper->loop, &keeper->retry);
}
