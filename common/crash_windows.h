/*
 * What the crashing thread itself speaks of, beside its stack: the code that called, and small
 * windows of memory round the address that it failed at, round what its registers point to, and
 * round its thread pointer.
 *
 * Crash-time and hostile: no allocation, bounded, every number comes from the target.
 */
#ifndef SNAP_COMMON_CRASH_WINDOWS_H
#define SNAP_COMMON_CRASH_WINDOWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arch.h"
#include "common/areas.h"
#include "common/elf_image.h"
#include "common/memory_plan.h"

/* Bytes of a window, and how many of them are before the address. */
#define SNAP_WINDOW_BYTES  256u
#define SNAP_WINDOW_BEFORE 128u
/* Where the address has no memory, or none that may be read: memory that is not farther away than
 * this, and half a window of it. */
#define SNAP_WINDOW_GAP (64u << 10)
/* Bytes of code before and after an address that a call returns to; how many of them are taken, and
 * how many words of the stack that may be such are looked at. */
#define SNAP_CALLER_BEFORE     64u
#define SNAP_CALLER_AFTER      32u
#define SNAP_CALLERS	       16u
#define SNAP_CALLERS_LOOKED_AT 64u

#define SNAP_WINDOWS_MAX 256u

struct snap_crash_windows {
	const struct snap_areas *areas; /* borrowed, as arch */
	const struct snap_arch *arch;	/* NULL: only the fault's address is known */
	/* What is taken already. */
	size_t num_taken;
	size_t num_stacks; /* so many of them, the first ones, are stacks */
	struct snap_extent taken[SNAP_WINDOWS_MAX];
	/* Words of the stack that point into code, each once, the innermost first. */
	size_t num_callers;
	uint64_t callers[SNAP_CALLERS_LOOKED_AT];
};

void snap_crash_windows_init(struct snap_crash_windows *windows, const struct snap_areas *areas,
	const struct snap_arch *arch);

/* That [addr, addr + len) is taken, so that it is not once more. */
void snap_crash_windows_taken(struct snap_crash_windows *windows, uint64_t addr, uint64_t len);

/* The same of a part of the thread's stacks, which is in buf. What is below sp is not in use, if
 * that is in this part. */
void snap_crash_windows_look(struct snap_crash_windows *windows, uint64_t sp, uint64_t addr,
	const uint8_t *buf, size_t len);

/* How the target's memory is read. */
struct snap_memory_source {
	snap_memory_read_fn *read;
	void *arg;
};

/*
 * Read the windows and hand them to sink. thread, pr_reg: of the crashing thread; pr_reg may be
 * absent. fault_addr: the signal's, if has_fault. What can't be read is no omission: nothing was
 * known to be there.
 */
void snap_crash_windows_take(struct snap_crash_windows *windows,
	const struct snap_memory_thread *thread, struct snap_bytes pr_reg, bool has_fault,
	uint64_t fault_addr, const struct snap_memory_source *source,
	const struct snap_memory_sink *sink);

/*
 * The code round the addresses that words of the stack return to: those that stand right behind a
 * call. It does not change: the process may run meanwhile.
 */
void snap_crash_windows_take_callers(struct snap_crash_windows *windows,
	const struct snap_memory_thread *thread, const struct snap_memory_source *source,
	const struct snap_memory_sink *sink);

/*
 * A sink that has the windows look at what goes through it to another one: at the stack of a thread
 * whose stack pointer is sp, and at the code at its pc.
 */
struct snap_windows_sink {
	struct snap_memory_sink sink;
	struct snap_crash_windows *windows;
	const struct snap_memory_sink *to;
	uint64_t sp;
};
/* windows, to: borrowed. */
void snap_windows_sink_init(struct snap_windows_sink *looking, struct snap_crash_windows *windows,
	uint64_t sp, const struct snap_memory_sink *to);

#endif
