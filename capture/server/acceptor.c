#include "capture/server/acceptor.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "capture/server/log.h"

#define PAUSE_MS 100

static void resume(void *arg)
{
	struct snap_acceptor *acceptor = arg;
	(void)snap_loop_add(acceptor->loop, &acceptor->watch, EPOLLIN); /* it was before */
}

void snap_acceptor_pause(struct snap_acceptor *acceptor)
{
	if (acceptor->watch.fd < 0 || acceptor->resume.armed)
		return;
	snap_loop_remove(acceptor->loop, &acceptor->watch);
	acceptor->resume = (struct snap_timer){.due = resume, .arg = acceptor};
	snap_loop_arm(acceptor->loop, &acceptor->resume, PAUSE_MS);
}

static void ready(void *arg, uint32_t events)
{
	struct snap_acceptor *acceptor = arg;
	(void)events; /* accept4() tells, too */
	int fd = accept4(acceptor->watch.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0) {
		if (errno == EAGAIN || errno == EINTR || errno == ECONNABORTED)
			return;
		snap_log(SNAP_LOG_ERROR, "cannot accept a connection: %s", strerror(errno));
		snap_acceptor_pause(acceptor); /* descriptors or memory may come back */
		return;
	}
	struct snap_peer peer;
	int r = snap_peer_find(fd, &peer);
	if (r == 0) {
		acceptor->accepted(acceptor->arg, fd, &peer);
		return;
	}
	/* Somebody who has gone again is nothing to talk about. */
	if (r != -ESRCH)
		snap_log(SNAP_LOG_WARNING, "a connection is cut off: %s", strerror(-r));
	(void)close(fd); /* nothing was sent */
}

int snap_acceptor_start(struct snap_acceptor *acceptor, int fd)
{
	acceptor->watch = (struct snap_watch){fd, ready, acceptor};
	int r = fd < 0 ? 0 : snap_loop_add(acceptor->loop, &acceptor->watch, EPOLLIN);
	if (r < 0)
		acceptor->watch.fd = -1;
	return r;
}

void snap_acceptor_stop(struct snap_acceptor *acceptor)
{
	if (acceptor->watch.fd >= 0 && !acceptor->resume.armed)
		snap_loop_remove(acceptor->loop, &acceptor->watch);
	snap_loop_disarm(acceptor->loop, &acceptor->resume);
	acceptor->watch.fd = -1;
}
