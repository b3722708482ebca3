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
 * Names that are asked for before it is known which threads there are: most processes start theirs
 * one after the other, and the kernel numbers them so.
 */
#define SNAP_THREAD_NAMES_GUESSED 1024
struct snap_guessed_names {
	uint64_t first; /* the first number's */
	size_t num;	/* of numbers that were asked for */
	struct snap_thread_name names[SNAP_THREAD_NAMES_GUESSED];
};

/* Of the threads from the number first on; none was asked for yet. */
void snap_guessed_names_begin(struct snap_guessed_names *guessed, uint64_t first);

/* The next SNAP_THREAD_NAMES_MAX. False: it is not worth to go on, there are no such threads. */
bool snap_guessed_names_ask(struct snap_guessed_names *guessed, struct snap_thread_names *names);

/* Whose thread it is, is for the caller to know. False if its name was not asked for, or not known.
 */
bool snap_guessed_names_get(
	const struct snap_guessed_names *guessed, uint64_t tid, struct snap_bytes *ret);

/*
 * The name of the thread that was asked for as the index-th, without a NUL; *ret points into names.
 * False if it is not known: the kernel or our rights do not allow to ask, or the thread is gone.
 */
bool snap_thread_names_get(
	const struct snap_thread_names *names, size_t index, struct snap_bytes *ret);

#endif
