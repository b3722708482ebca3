#include "capture/server/loop.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

int64_t snap_loop_now_ms(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* can't fail */
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int snap_loop_init(struct snap_loop *loop, struct snap_error *err)
{
	*loop = (struct snap_loop){.epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
	return loop->epoll_fd < 0 ? snap_error_errno(err, errno, "cannot make an epoll instance")
				  : 0;
}

void snap_loop_deinit(struct snap_loop *loop)
{
	if (loop->epoll_fd >= 0)
		(void)close(loop->epoll_fd); /* nothing to lose */
	loop->epoll_fd = -1;
}

int snap_loop_add(struct snap_loop *loop, struct snap_watch *watch, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};
	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event) < 0 ? -errno : 0;
}

void snap_loop_remove(struct snap_loop *loop, struct snap_watch *watch)
{
	(void)epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL); /* it was added */
}

void snap_loop_disarm(struct snap_loop *loop, struct snap_timer *timer)
{
	if (!timer->armed)
		return;
	timer->armed = false;
	struct snap_timer **at = &loop->timers;
	while (*at != timer)
		at = &(*at)->next;
	*at = timer->next;
}

void snap_loop_arm(struct snap_loop *loop, struct snap_timer *timer, int64_t after_ms)
{
	snap_loop_disarm(loop, timer);
	timer->at_ms = snap_loop_now_ms() + after_ms;
	timer->armed = true;
	timer->next = loop->timers;
	loop->timers = timer;
}

/* Call what is due; returns the milliseconds until something is, or -1. */
static int run_timers(struct snap_loop *loop)
{
	for (;;) {
		struct snap_timer *first = NULL;
		for (struct snap_timer *t = loop->timers; t; t = t->next)
			if (!first || t->at_ms < first->at_ms)
				first = t;
		if (!first)
			return -1;
		int64_t left = first->at_ms - snap_loop_now_ms();
		if (left > 0)
			return left < INT_MAX ? (int)left : INT_MAX;
		snap_loop_disarm(loop, first);
		first->due(first->arg);
		if (loop->stopped)
			return 0;
	}
}

int snap_loop_run(struct snap_loop *loop, struct snap_error *err)
{
	while (!loop->stopped) {
		int wait_ms = run_timers(loop);
		if (loop->stopped)
			break;
		struct epoll_event event;
		int n = epoll_wait(loop->epoll_fd, &event, 1, wait_ms);
		if (n < 0 && errno != EINTR)
			return snap_error_errno(err, errno, "cannot wait for events");
		if (n > 0) {
			struct snap_watch *watch = event.data.ptr;
			watch->ready(watch->arg, event.events);
		}
	}
	return 0;
}

void snap_loop_stop(struct snap_loop *loop)
{
	loop->stopped = true;
}
