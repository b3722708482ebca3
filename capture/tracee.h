/*
 * Stops a live process with ptrace(2), reads its registers and lets it go on as it was.
 *
 * PTRACE_SEIZE, never PTRACE_ATTACH: no signal is sent to the target, a stopped target stays
 * stopped, and if this program dies the kernel lets every thread go. While threads stand still
 * nothing is allocated and nothing is written.
 *
 * Sources: ptrace(2); the kernel's kernel/ptrace.c (ptrace_attach, __ptrace_unlink).
 */
#ifndef SNAP_CAPTURE_TRACEE_H
#define SNAP_CAPTURE_TRACEE_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>
#include <sys/types.h>

#include "capture/extra_regsets.h"
#include "capture/proc_info.h"
#include "capture/proc_thread.h"
#include "capture/thread_names.h"
#include "capture/vector_regsets.h"
#include "common/error.h"
#include "common/snapshot.h"

/* Bytes of a thread's general registers, and of the main thread's floating point ones. */
#define SNAP_TRACEE_REGS_MAX   512
#define SNAP_TRACEE_FPREGS_MAX 4096
/* Until all threads stand still, counted from the first that is asked to. */
#define SNAP_TRACEE_DEADLINE_MS 200
/* PID_MAX_LIMIT of the kernel's include/linux/threads.h. */
#define SNAP_TRACEE_MAX_TID (4u << 20)

enum snap_tracee_phase {
	SNAP_TRACEE_SEIZED,  /* runs, traced: if still so after _stop(), time ran out */
	SNAP_TRACEE_STOPPED, /* its registers are read */
	SNAP_TRACEE_ENDED,   /* it exited */
	SNAP_TRACEE_ZOMBIE,  /* it had exited before: a main thread after pthread_exit() */
};

struct snap_tracee_thread {
	pid_t tid;
	enum snap_tracee_phase phase;
	char state;	/* the letter of /proc/PID/stat, from before it was stopped; 0: not known */
	int signo;	/* that it was about to get, or 0 */
	int regs_error; /* negative errno if they can't be read */
	bool no_room;	/* for its registers, nor its stack; the caller's to say */
	/* Floating point and vectors, if they were asked for; in the caller's memory. */
	const struct snap_vector_regsets *vectors;
	size_t regs_len;
	struct snap_extra_regsets extra;
	bool has_comm;
	uint8_t comm_len;
	char comm[SNAP_COMM_MAX];
	uint8_t regs[SNAP_TRACEE_REGS_MAX];
};

struct snap_tracee {
	pid_t pid;
	int tasks_fd;			     /* /proc/PID/task */
	const struct snap_proc_thread *seen; /* borrowed while threads are attached to */
	size_t num_seen, next_seen;
	/* Of those that were not, names are asked for together, and their registers tell their
	 * states: indices into threads. */
	bool ask_names, has_asked;
	struct snap_thread_names names; /* opened when has_asked */
	size_t num_nameless;
	size_t nameless[SNAP_THREAD_NAMES_MAX];
	uint64_t pause_ns;
	uint64_t num_left_out; /* threads for which there is no room */
	uint64_t pause_start_ns, deadline_ns;
	struct sigaction old_action; /* from _stop() to _release() */
	struct itimerval old_timer;
	size_t fpregs_len;
	uint8_t fpregs[SNAP_TRACEE_FPREGS_MAX];
	uint8_t known[SNAP_TRACEE_MAX_TID / 8];
	size_t known_start, known_end; /* no bit is set elsewhere */
	size_t num_threads;
	/* The main thread first. */
	struct snap_tracee_thread threads[SNAP_MAX_THREADS];
};

/* t: zeroed, or as _deinit() left it. */
void snap_tracee_init(struct snap_tracee *t);
void snap_tracee_deinit(struct snap_tracee *t);

/* That another process, tracer, is in the way. Returns -1. */
int snap_tracee_traced_error(pid_t pid, uint64_t tracer, struct snap_error *err);

/*
 * Attach to every thread of the process without stopping any. seen: what was read of some of its
 * threads just before, in the order of /proc/PID/task, and need not be read again. arch: the
 * machine's, or NULL. Returns 0, or -1 with the reason.
 *
 * In either case threads may be attached that are not stopped and can't be detached: the kernel
 * lets them go when the calling task ends, which is soon, please.
 */
int snap_tracee_seize(struct snap_tracee *t, pid_t pid, const struct snap_arch *arch,
	const struct snap_proc_thread *seen, size_t num_seen, struct snap_error *err);

/*
 * Stop every thread and read its registers, until the deadline. arch: whose further register sets
 * are read, or NULL.
 */
void snap_tracee_stop(struct snap_tracee *t, const struct snap_arch *arch);

/* Of a stopped thread, the floating point and vector registers. */
void snap_tracee_read_vectors(const struct snap_tracee_thread *thread, const struct snap_arch *arch,
	struct snap_vector_regsets *ret);

/* Let every stopped thread go on, each with the signal that it was about to get. */
void snap_tracee_release(struct snap_tracee *t);

#endif
