/*
 * What the kernel tells of a thread that waits: in which system call, in which of the kernel's
 * functions.
 *
 * Hostile: fixed buffers, bounded reads, negative errno, no allocation. Of a thread that stands
 * still for a tracer or a core dump the kernel tells of that only, so it is asked before.
 *
 * Sources: proc_pid_syscall(5), proc_pid_wchan(5), proc_pid_stack(5).
 */
#ifndef SNAP_CAPTURE_PROC_THREAD_H
#define SNAP_CAPTURE_PROC_THREAD_H

#include <stddef.h>
#include <stdint.h>

#include "capture/proc_info.h"
#include "common/snapshot.h"

struct snap_proc_thread {
	struct snap_thread_facts facts; /* its bytes point to those below */
	int stack_error;		/* negative errno: the kernel stack can't be read, else 0 */
	int syscall_error;		/* likewise */
	bool stack_cut;
	bool has_stat; /* comm is known, and facts.letter */
	uint8_t comm_len;
	char comm[SNAP_COMM_MAX];
	char wchan[SNAP_MAX_WCHAN + 1];
	char stack[SNAP_MAX_KERNEL_STACK + 1];
};

/* tasks_fd: /proc/PID/task. What can't be read is absent, and which system call, unless
 * with_syscall. */
void snap_proc_thread_read(
	int tasks_fd, uint64_t tid, bool with_syscall, struct snap_proc_thread *ret);

/* The system call alone. */
void snap_proc_thread_read_syscall(int tasks_fd, uint64_t tid, struct snap_proc_thread *ret);

/*
 * A text of /proc/PID/syscall: "running", "-1 SP PC" or "NUMBER ARGUMENT... SP PC". Fills what it
 * tells and nothing if it is of another form.
 */
void snap_proc_syscall_parse(const char *text, struct snap_thread_facts *facts);

#endif
