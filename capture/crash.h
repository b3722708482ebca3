/*
 * The capture of a process that dumps core: from the core's stream and /proc to the records of a
 * snapshot.
 *
 * Crash-time, privileged, parses hostile input. The process is held by whoever holds the stream, so
 * everything that needs the process comes first, and nothing here waits for a disk. No allocation:
 * all storage is in the struct, which does not grow with the target.
 *
 * Sources: core(5); the kernel's fs/coredump.c, fs/binfmt_elf.c.
 */
#ifndef SNAP_CAPTURE_CRASH_H
#define SNAP_CAPTURE_CRASH_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "capture/annotations.h"
#include "capture/config.h"
#include "capture/core_stream.h"
#include "capture/emit.h"
#include "capture/extra_regsets.h"
#include "capture/identity.h"
#include "capture/layout.h"
#include "capture/proc_container.h"
#include "capture/proc_maps.h"
#include "capture/proc_status.h"
#include "capture/proc_tids.h"
#include "capture/stack_batch.h"
#include "capture/thread_names.h"
#include "capture/vector_regsets.h"
#include "common/arch.h"
#include "common/areas.h"
#include "common/crash_windows.h"
#include "common/memory_plan.h"
#include "common/stack_budget.h"

#define SNAP_CRASH_UNKNOWN UINT64_MAX

/* What is known of a crash before anything of it was read. */
struct snap_crash_facts {
	/* As core_pattern's %P %I %s %t %d %u %g %c. tid 0: tid, signo and comm are not known, and
	 * taken from the core and from /proc. */
	uint64_t pid, tid, signo, time_s, dumpable, uid, gid;
	uint64_t rlimit_core; /* or SNAP_CRASH_UNKNOWN */
	int pidfd;	      /* the kernel's, borrowed; -1: it passed none */
	const char *comm;     /* the crashing thread's, borrowed; from the target */
	const char *exe;      /* where /proc/PID/exe leads, borrowed; NULL: not looked at yet */
	enum snap_capture_method method;
	enum snap_capture_storage storage; /* who made the file that is written */
	uint64_t queue_time_ns;		   /* what it took to get it of the server; 0: none did */
	const struct snap_config *config;  /* what is to be taken, borrowed; NULL: the defaults */
	struct snap_core_copy *core_copy;  /* gets what is read of the core, borrowed; NULL: none */
};

/* PID_MAX_LIMIT of the kernel's include/linux/threads.h. */
#define SNAP_CRASH_MAX_TID (4u << 20)

/* What the notes say of one thread. */
struct snap_crash_thread {
	bool present;
	uint64_t tid;	 /* the host's, once it is known; else 0 */
	bool is_foreign; /* it can't be known: it is its own namespace's */
	uint32_t ns_tid;
	size_t regs_len; /* 0: none that we understand */
	uint8_t regs[1024];
	struct snap_extra_regsets extra;
	struct snap_vector_regsets vectors; /* at least the first thread's NT_FPREGSET */
};

/* Of some 8000 threads. */
#define SNAP_CRASH_MAPS_KEPT (1u << 20)

/* Storage of what memory = indirect needs: 4 MiB of blocks. */
#define SNAP_CRASH_INDIRECT_SLOTS 65536u
struct snap_crash_indirect {
	size_t regs_len;
	uint8_t regs[1024]; /* the first thread's */
	struct snap_extent taken[SNAP_WINDOWS_MAX];
	uint64_t blocks[SNAP_CRASH_INDIRECT_SLOTS];
	uint64_t wanted[SNAP_CRASH_INDIRECT_SLOTS / 2];
};

struct snap_crash {
	struct snap_crash_facts facts;
	struct timespec start;
	const volatile sig_atomic_t *timed_out; /* borrowed */
	uint8_t uuid[16];

	/* The process, as far as it is certainly the crashed one; else its task_fd is -1. */
	struct snap_identity identity;
	int mem_fd;
	int mem_error; /* negative errno: why there is none */
	bool identity_unverified;
	char comm[SNAP_COMM_MAX]; /* what facts.comm points to, if it was not known */
	bool has_stat;
	struct snap_proc_stat stat; /* of the crashing thread */
	uint64_t start_stack;	    /* where its argc was put, or 0 */
	struct snap_namespaces namespaces;

	const struct snap_arch *arch; /* NULL: unknown */
	/* The first thread, then those that wait to be written until their names are known, and
	 * last the one whose notes come. */
	struct snap_crash_thread first;
	struct snap_crash_thread *thread;
	size_t num_waiting;
	uint64_t num_threads; /* written */
	uint64_t threads_left_out;
	struct snap_stack_budget budget;
	struct snap_crash_windows windows;
	bool leader_seen;
	/* The process has had its snapshot made already, by libsnapcrash. */
	bool has_snapshot;
	struct snap_annotations_captured captured;
	/* The first thread's. */
	size_t siginfo_len, auxv_len;
	bool auxv_cut;
	uint8_t siginfo[256];
	uint8_t auxv[SNAP_AUXV_MAX];
	char fname[17]; /* pr_fname */

	struct snap_core_stream stream;
	/* What snap_crash_look() found: maps has the text, as far as there is room, and nobody
	 * parsed it. */
	bool has_looked;
	const char *unused_why;	       /* why the process is not to be used; NULL: it is */
	bool maps_whole, maps_dropped; /* whether maps has all the text */
	int maps_fd;		       /* -1: it was read to its end; valid with identity.task_fd */
	int maps_error;		       /* negative errno: why maps is not whole */
	size_t maps_len;
	struct snap_maps_parser maps_parser;
	struct snap_layout layout;
	struct snap_emit emit;
	/* What a small process hardly touches, last. */
	struct snap_areas areas;
	struct snap_tid_map tids;
	struct snap_thread_names names;
	struct snap_guessed_names guessed_names;
	struct snap_crash_thread waiting[SNAP_THREAD_NAMES_MAX];
	struct snap_stack_batch stacks; /* of the threads in work */
	/* The text of /proc/PID/maps, if it is short enough to be kept. */
	uint8_t maps[SNAP_CRASH_MAPS_KEPT];
	struct snap_crash_indirect indirect;
	uint8_t seen[SNAP_CRASH_MAX_TID /
		     8]; /* host's ids of threads that were written, a bit each */
	struct snap_annotations annotations;
};

/* Have the kernel map what every capture writes to (capture/prefault.h). May be left out. */
void snap_crash_prefault(struct snap_crash *c);

/*
 * Open the process, prove that it is the one, and read the text of its maps, which is not parsed
 * yet: what there is to do before there is a file, which a server makes meanwhile. c: zeroed; of
 * facts, pid, tid and pidfd count. May be left out.
 */
void snap_crash_look(struct snap_crash *c, const struct snap_crash_facts *facts);

/*
 * Begin the snapshot. c: zeroed, but for snap_crash_look(); facts are copied. out_fd: an empty
 * file, borrowed. program: name and version of who writes. start: when the capture began
 * (CLOCK_MONOTONIC). timed_out: becomes non-zero, by a signal handler, when the capture is to be
 * brought to an end.
 */
void snap_crash_begin(struct snap_crash *c, const struct snap_crash_facts *facts, int out_fd,
	const char *program, const struct timespec *start, const volatile sig_atomic_t *timed_out);

/*
 * Write everything that takes the process. stream_fd: where the core comes from; only its notes are
 * read, and it is not closed. After this, the process may go.
 */
void snap_crash_capture(struct snap_crash *c, int stream_fd);

/* Whether the process's user may read the snapshot: it was his own process and no more. */
bool snap_crash_owner_allowed(const struct snap_crash *c);

/*
 * Write the rest, the final checkpoint included. released: when the process was let go. Returns 0
 * when all was handed to the kernel, or the negative errno of what could not be written; what is
 * missing for other reasons is told by c->emit.partial.
 */
int snap_crash_finish(struct snap_crash *c, const struct timespec *released);

#endif
