/*
 * What /proc tells of a process and its threads: how its files are read, and the names.
 *
 * Crash-time and hostile: fixed buffers, bounded reads, negative errno, no allocation. Everything
 * goes through a descriptor of /proc/PID/task/TID, which stands for that very thread: once it is
 * gone, nothing is read from whoever gets its number. The thread's directory is used rather than
 * the process's, for after the main thread's pthread_exit() the latter's maps and mem are empty.
 *
 * Sources: the kernel's fs/proc/array.c, Documentation/filesystems/proc.rst.
 */
#ifndef SNAP_CAPTURE_PROC_INFO_H
#define SNAP_CAPTURE_PROC_INFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "capture/proc_status.h"
#include "common/memory_plan.h"
#include "common/snapshot.h"

/* Descriptor of /proc/PID/task/TID, or a negative errno. */
int snap_proc_open(pid_t pid, pid_t tid);

/*
 * Up to size - 1 bytes of the file, NUL-terminated. name: relative to dir_fd. Returns their number
 * or a negative errno.
 */
ssize_t snap_proc_read(int dir_fd, const char *name, char *buf, size_t size);

/*
 * Hand over every line of the file, NUL-terminated and without its newline; of one that is longer
 * the first SNAP_PROC_LINE_MAX bytes. name: relative to dir_fd. Returns 0 or a negative errno.
 */
#define SNAP_PROC_LINE_MAX 4095
int snap_proc_lines(int dir_fd, const char *name,
	void (*take)(void *arg, const char *line, size_t len), void *arg);

/* The decimal number that s starts with, after blanks. False, and *ret untouched, if there is none
 * or one beyond 2^64 - 10. */
bool snap_proc_number(const char *s, uint64_t *ret);

/* The thread tid's comm, without its newline, into buf. Absent if it can't be read. */
struct snap_bytes snap_proc_comm(int task_fd, uint64_t tid, char buf[static SNAP_COMM_MAX]);

/* A thread state as the file has it; false if the letter is unknown. */
bool snap_proc_thread_state(char state, uint32_t *ret);

/* What /proc/PID/exe points to. */
struct snap_proc_link {
	char text[SNAP_MAX_LINK + 1];
};

/*
 * Where a link of /proc leads: up to SNAP_MAX_LINK bytes, pointing into *buf, without " (deleted)",
 * which *ret_deleted tells instead (NULL: it stays). Nothing is opened. Absent if there is none.
 */
struct snap_bytes snap_proc_link(
	int dir_fd, const char *name, struct snap_proc_link *buf, bool *ret_deleted);

#endif
