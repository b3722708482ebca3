/*
 * The server's event loop: descriptors and timers, over epoll(7). One event at a time: what a
 * handler closes or frees can't be the subject of an event that was fetched before.
 */
#ifndef SNAP_CAPTURE_SERVER_LOOP_H
#define SNAP_CAPTURE_SERVER_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"

/* A descriptor that is watched. The caller's storage, at one place from add to remove. */
struct snap_watch {
	int fd;
	void (*ready)(void *arg, uint32_t events); /* of epoll_ctl(2) */
	void *arg;
};

/* The caller's storage, at one place while it is armed. Zeroed but for the two: not armed. */
struct snap_timer {
	void (*due)(void *arg);
	void *arg;
	bool armed;
	int64_t at_ms;
	struct snap_timer *next;
};

struct snap_loop {
	int epoll_fd;
	bool stopped;
	struct snap_timer *timers; /* the armed ones */
};

int snap_loop_init(struct snap_loop *loop, struct snap_error *err);
void snap_loop_deinit(struct snap_loop *loop);

/* Returns 0 or a negative errno. */
int snap_loop_add(struct snap_loop *loop, struct snap_watch *watch, uint32_t events);
/* Before the descriptor is closed. */
void snap_loop_remove(struct snap_loop *loop, struct snap_watch *watch);

/* Call due() once, after so many milliseconds from now; a timer that is armed is armed anew. */
void snap_loop_arm(struct snap_loop *loop, struct snap_timer *timer, int64_t after_ms);
void snap_loop_disarm(struct snap_loop *loop, struct snap_timer *timer);

/* Until snap_loop_stop(). */
int snap_loop_run(struct snap_loop *loop, struct snap_error *err);
void snap_loop_stop(struct snap_loop *loop);

/* CLOCK_MONOTONIC */
int64_t snap_loop_now_ms(void);

#endif
