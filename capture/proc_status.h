/*
 * The files status and stat of a process or thread in /proc.
 *
 * Crash-time and hostile: fixed buffers, bounded reads, negative errno, no allocation.
 *
 * Sources: the kernel's fs/proc/array.c, fs/proc/task_mmu.c; proc_pid_status(5), proc_pid_stat(5).
 */
#ifndef SNAP_CAPTURE_PROC_STATUS_H
#define SNAP_CAPTURE_PROC_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/snapshot.h"

#define SNAP_PROC_UNKNOWN UINT64_MAX

/* The lines of a status file that are used. Numbers are absent as SNAP_PROC_UNKNOWN. */
struct snap_proc_status {
	char state; /* 'R', 'S', ...; 0: unknown */
	uint64_t tgid, pid, ppid, tracer_pid, num_threads, core_dumping, kthread;
	uint64_t uid, euid, suid, fsuid;
	uint64_t gid, egid, sgid, fsgid;
	uint64_t num_pid_namespaces; /* columns of NSpid */
	uint64_t ns_pid, ns_tgid;    /* the last of NSpid and NStgid: what the task itself sees */
	uint64_t pgid, sid;	     /* the first of NSpgid and NSsid */
	uint64_t vm_kib, vm_peak_kib, rss_kib, rss_peak_kib, swap_kib;
	uint64_t seccomp, no_new_privs;
	bool has_capabilities;
	uint64_t capabilities;
};

/* name: relative to dir_fd. Returns 0 or a negative errno. */
int snap_proc_status_read(int dir_fd, const char *name, struct snap_proc_status *ret);

/* Fill what status tells of the process as a whole; the other members of *process stay. */
void snap_proc_status_facts(const struct snap_proc_status *status, struct snap_process *process);

#define SNAP_COMM_MAX 64 /* a kernel thread's can be longer than a process's 15 */

/* Fields of a stat file, numbered as in proc(5). */
struct snap_proc_stat {
	size_t comm_len;
	char comm[SNAP_COMM_MAX]; /* 2 */
	char state;		  /* 3 */
	uint64_t flags;		  /* 9: PF_ bits */
	uint64_t user_ticks;	  /* 14 */
	uint64_t system_ticks;	  /* 15 */
	uint64_t num_threads;	  /* 20: of the process */
	uint64_t start_time;	  /* 22: ticks since boot */
	uint64_t start_stack;	  /* 28: where argc was put; 0: not allowed to be seen */
	uint64_t sp, pc;	  /* 29, 30: valid for a thread that dumps core, else 0 */
	uint64_t cpu;		  /* 39 */
};

/* name: relative to dir_fd. Returns 0 or a negative errno. */
int snap_proc_stat_read(int dir_fd, const char *name, struct snap_proc_stat *ret);

/* Clock ticks as the kernel counts them for /proc. */
uint64_t snap_proc_ticks_ms(uint64_t ticks);

#endif
