/*
 * The capture of a live process: all threads stand still together while registers, mappings and
 * stacks are read into static storage; everything else waits until they run again.
 *
 * Parses hostile input. No allocation: all storage is in the struct, which does not grow with the
 * target.
 */
#ifndef SNAP_CAPTURE_LIVE_H
#define SNAP_CAPTURE_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "capture/annotations.h"
#include "capture/config.h"
#include "capture/emit.h"
#include "capture/layout.h"
#include "capture/live_threads.h"
#include "capture/proc_info.h"
#include "capture/proc_maps.h"
#include "capture/stack_batch.h"
#include "capture/tracee.h"
#include "common/arch.h"
#include "common/areas.h"
#include "common/crash_windows.h"
#include "common/error.h"
#include "common/stack_budget.h"

/* The stack of the task that traces; it has a page without access below it. */
#define SNAP_LIVE_TRACER_STACK (256u << 10)
/* Seconds until a capture is given up, unless configured otherwise. */
#define SNAP_LIVE_TIME_S     10u
#define SNAP_LIVE_MAPS_BYTES (16u << 20)
#define SNAP_LIVE_MAX_PIECES (4u * SNAP_MAX_THREADS)

/* A record that is kept until it can be written. */
struct snap_live_piece {
	enum { SNAP_LIVE_RANGE, SNAP_LIVE_OMISSION, SNAP_LIVE_TAG, SNAP_LIVE_LOG } kind;
	union {
		struct snap_memory_range range;
		struct snap_omission omission;
		struct snap_tag tag;
		struct snap_log log;
	};
};

/*
 * The thread at whose wish a process is captured, and what it says of itself: hostile, but of no
 * consequence for any other process.
 */
struct snap_live_caller {
	uint64_t tid; /* 0: nobody of the process */
	/* Its crash, if it is that: the registers are those of the place where the signal came. */
	bool crashed;
	int32_t signo;
	struct snap_bytes siginfo;
	struct snap_bytes regs, fpregs; /* NT_PRSTATUS's pr_reg, NT_FPREGSET; may be absent */
};

struct snap_live {
	const struct snap_config *config; /* what is to be taken, borrowed; the caller's to set
					     after _init(); NULL: the defaults */
	struct snap_live_caller caller;	  /* likewise; its bytes are borrowed */
	pid_t pid;
	int pidfd; /* of the process: whether it is still the one that was found; owned */
	struct snap_proc_status status; /* of the process, before it was stopped */
	struct timespec start;		/* CLOCK_REALTIME */
	uint8_t uuid[16];
	const struct snap_arch *arch;
	bool registers_foreign;	      /* of some thread, of no ABI that this machine's kernel has */
	int task_fd, mem_fd, maps_fd; /* of a thread that lives */
	uint64_t start_stack;	      /* where the process's argc was put, or 0 */

	uint64_t num_alive; /* threads that had not ended when all stood still */
	size_t maps_len;
	bool maps_cut;
	int maps_error;
	/* For what is read while the process stands still: as much as a snapshot may have. */
	uint8_t *arena;
	size_t arena_len, arena_size;
	struct snap_stack_budget budget;
	struct snap_vector_regsets vectors; /* of the thread in work */
	struct snap_crash_windows windows;
	size_t num_pieces;
	uint64_t pieces_left_out;
	uint64_t threads_left_out; /* for want of room in the file */

	struct snap_tracee tracee;
	struct snap_maps_parser maps_parser;
	struct snap_areas areas;
	struct snap_layout layout;
	struct snap_annotations annotations;
	struct snap_emit emit;
	struct snap_stack_batch stacks; /* of the threads in work */

	struct snap_live_threads threads; /* from before the stop */
	bool syscalls_later;		  /* but for these */

	/* The first of each thread's pieces; behind them those of the annotations. */
	size_t first_piece[SNAP_MAX_THREADS + 1];
	struct snap_live_piece pieces[SNAP_LIVE_MAX_PIECES];
	uint8_t maps[SNAP_LIVE_MAPS_BYTES];
};

/* l: zeroed, or as _deinit() left it. Most of it is not touched: its pages come as they are used.
 */
void snap_live_init(struct snap_live *l);
/* Close what is open, free what is mapped. */
void snap_live_deinit(struct snap_live *l);

/*
 * Whether the process can be captured at all: it is there, and none of those that can't be. l:
 * initialised. A thread's id stands for its process, whose id is then l->pid. From here on l is
 * about that very process, whoever gets its number. Returns 0, or -1 with the reason.
 */
int snap_live_find(struct snap_live *l, pid_t pid, struct snap_error *err);

/* Whether the process that was found has ended; false where the kernel can't tell (before 5.3). */
bool snap_live_ended(const struct snap_live *l);

/*
 * Stop the process, read, and let it go on as it was; for the shortest pause, after
 * snap_prefault_program(). Returns 0, or -1 with the reason; the process
 * runs in either case, and nothing is attached to it any more.
 *
 * ptrace(2) is used by a task of its own, which shares our memory and ends before this returns. It
 * is killed if memory does not come for a second and some; then there is a second attempt, until
 * the configuration's dump_time. A thread in an uninterruptible wait would come to its stop later,
 * perhaps while we wait for a disk or a terminal, and it can't be detached until then: the kernel
 * does that when its tracer ends.
 */
int snap_live_capture(struct snap_live *l, struct snap_error *err);

/* What goes before everything else that was captured, at the caller's wish. */
struct snap_live_words {
	const char *program; /* name and version */
	const char *reason;
	const struct snap_tag *tags;
	size_t num_tags;
	enum snap_capture_method method;
	enum snap_capture_storage storage; /* who made the file */
	uint64_t queue_time_ns;		   /* what it took to get it of the server; 0: none did */
};

/*
 * Write the snapshot to out_fd, an empty file or a pipe, borrowed. Returns 0 when all was handed to
 * the kernel, or the negative errno of what could not be written; what is missing for other reasons
 * is told by l->emit.partial.
 */
int snap_live_write(struct snap_live *l, int out_fd, const struct snap_live_words *words);

#endif
