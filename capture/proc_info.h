/*
 * What /proc tells of a process and its threads, and uname of the machine.
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
#include <sys/utsname.h>

#include "common/memory_plan.h"
#include "common/snapshot.h"

#define SNAP_COMM_MAX 64 /* a kernel thread's can be longer than a process's 15 */

/* Descriptor of /proc/PID/task/TID, or a negative errno. */
int snap_proc_open(pid_t pid, pid_t tid);

/*
 * Up to size - 1 bytes of the file, NUL-terminated. name: relative to dir_fd. Returns their number
 * or a negative errno.
 */
ssize_t snap_proc_read(int dir_fd, const char *name, char *buf, size_t size);

/* The lines of a status file that are used. Numbers are absent as UINT64_MAX. */
struct snap_proc_status {
	char state; /* 'R', 'S', ...; 0: unknown */
	uint64_t tgid, pid, tracer_pid, uid, gid, num_threads, core_dumping, kthread;
	uint64_t num_pid_namespaces; /* columns of NSpid */
	uint64_t ns_pid;	     /* its last one: the id that the task itself sees */
};
#define SNAP_PROC_UNKNOWN UINT64_MAX

int snap_proc_status_read(int dir_fd, const char *name, struct snap_proc_status *ret);

/* Fields of a stat file, numbered as in proc(5). */
struct snap_proc_stat {
	char state;
	uint64_t flags;	      /* 9: PF_ bits */
	uint64_t start_time;  /* 22: ticks since boot */
	uint64_t start_stack; /* 28: where argc was put; 0: not allowed to be seen */
	uint64_t sp, pc;      /* 29, 30: valid for a thread that dumps core, else 0 */
};
int snap_proc_stat_read(int dir_fd, const char *name, struct snap_proc_stat *ret);

/* The thread tid's comm, without its newline, into buf. Absent if it can't be read. */
struct snap_bytes snap_proc_comm(int task_fd, uint64_t tid, char buf[static SNAP_COMM_MAX]);

/* A thread state as the file has it; false if the letter is unknown. */
bool snap_proc_thread_state(char state, uint32_t *ret);

/* Milliseconds since the process pid started. */
bool snap_proc_uptime_ms(int task_fd, uint64_t pid, uint64_t *ret);

/* The facts that a target can stretch or slow down, to be read last. */
struct snap_proc_late {
	char comm[SNAP_COMM_MAX];
	char exe[4096];
	char cmdline[SNAP_CMDLINE_MAX + 2];
	bool cmdline_cut;
	int cmdline_error; /* negative errno, else 0 */
};
/* Fill comm, exe, cmdline and uptime of *process, whose bytes then point into *late. */
void snap_proc_late_read(
	int task_fd, uint64_t pid, struct snap_proc_late *late, struct snap_process *process);

/* Host ids of threads that the core's notes know by their namespace's. */
#define SNAP_TID_MAP_MAX 65536
struct snap_tid_map {
	size_t num;
	struct {
		uint32_t ns_tid, tid;
	} entries[SNAP_TID_MAP_MAX];
};
/* Read them all. Returns 0 or a negative errno. */
int snap_tid_map_read(struct snap_tid_map *map, int task_fd);
/* False if there is no such thread. */
bool snap_tid_map_find(const struct snap_tid_map *map, uint32_t ns_tid, uint64_t *ret);

/* uname(2) and /etc/os-release; *ret points into *buf. */
struct snap_system_buf {
	struct utsname uts;
	char os_release[4096];
};
void snap_system_read(struct snap_system_buf *buf, struct snap_system *ret);

#endif
