/*
 * The names of several threads at once.
 *
 * To open, read and close /proc/PID/task/TID/comm takes some nine microseconds, most of what a
 * thread of a crash takes; the kernel's interface for task statistics answers for several threads
 * within one call, at one microsecond each.
 *
 * Crash-time: fixed storage, no allocation. It is the kernel who answers; the names are hostile.
 *
 * Sources: the kernel's Documentation/accounting/taskstats.rst, kernel/taskstats.c (which takes
 * CAP_NET_ADMIN, and the first user, PID and network namespaces).
 */
#ifndef SNAP_CAPTURE_THREAD_NAMES_H
#define SNAP_CAPTURE_THREAD_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"

/* Threads at once; what is left of the cost of a call is then little. */
#define SNAP_THREAD_NAMES_MAX 16
/* TASK_COMM_LEN of the kernel's include/linux/sched.h, with its NUL. */
#define SNAP_THREAD_NAME_SIZE 16

struct snap_thread_names {
	int fd; /* of the socket; owned; -1: the kernel is not asked */
	uint16_t family;
	size_t num;
	struct snap_thread_name {
		uint32_t tid;
		bool known;
		uint8_t len;
		char name[SNAP_THREAD_NAME_SIZE];
	} names[SNAP_THREAD_NAMES_MAX];
};

/* Some fifty microseconds: for many threads. Where it fails, no name is ever known. */
void snap_thread_names_open(struct snap_thread_names *names);
void snap_thread_names_close(struct snap_thread_names *names);

/*
 * Ask for the names of these threads, at most SNAP_THREAD_NAMES_MAX; what was asked before is
 * forgotten. tids: of our PID namespace. names: opened.
 */
void snap_thread_names_ask(struct snap_thread_names *names, const uint64_t *tids, size_t num);

/*
 * The name of the thread that was asked for as the index-th, without a NUL; *ret points into names.
 * False if it is not known: the kernel or our rights do not allow to ask, or the thread is gone.
 */
bool snap_thread_names_get(
	const struct snap_thread_names *names, size_t index, struct snap_bytes *ret);

#endif
