/*
 * The open files of a process: what /proc/PID/fd and /proc/PID/fdinfo tell.
 *
 * Crash-time and hostile: fixed buffers, no allocation, bounded in number and time. The links are
 * read and never followed: a file may lie on a file system that hangs, and to open one may have
 * effects (a FIFO, a tape).
 *
 * Sources: proc_pid_fd(5), proc_pid_fdinfo(5); the kernel's fs/proc/fd.c.
 */
#ifndef SNAP_CAPTURE_PROC_FILES_H
#define SNAP_CAPTURE_PROC_FILES_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/snapshot.h"

struct snap_proc_files_wish {
	uint64_t max_files;
	uint64_t max_ns; /* of time; what is not listed by then is left out */
	/* Flags and position of those only that are named by a path outside of /dev: they cost as
	 * much as all the rest. */
	bool only_named_flags;
	const volatile sig_atomic_t *timed_out; /* borrowed; NULL: never */
};

struct snap_proc_files {
	uint64_t num_listed;
	bool has_num_open;
	uint64_t num_open; /* when it was looked at */
	bool cut;	   /* there are more than max_files */
	bool late;	   /* time ran out */
	int error;	   /* negative errno if they can't be listed, else 0 */
};

/*
 * Hand over the open files, ascending by descriptor; what file points to is valid during the call.
 * task_fd: /proc/PID/task/TID.
 */
void snap_proc_files_read(int task_fd, const struct snap_proc_files_wish *wish,
	void (*take)(void *arg, const struct snap_open_file *file), void *arg,
	struct snap_proc_files *ret);

/* What a link's text tells of its kind. */
enum snap_open_file_kind snap_open_file_kind(struct snap_bytes link);

#endif
