/*
 * Which memory of a target is taken, how much of it, and why the rest is not.
 *
 * Crash-time: no allocation, bounded reads. Deciding (from the table of mappings alone) and reading
 * are apart, so that a stopped process is held for the reading only.
 */
#ifndef SNAP_CAPTURE_MEMORY_H
#define SNAP_CAPTURE_MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "capture/proc_maps.h"
#include "common/snapshot.h"

/* Bytes of stack: of the thread that matters most, of each of the next SNAP_STACK_NUM_SECOND, and
 * the bounds for those up to SNAP_STACK_NUM_TAKEN. Whoever comes after has registers only. */
#define SNAP_STACK_FIRST      (64u << 10)
#define SNAP_STACK_SECOND     (16u << 10)
#define SNAP_STACK_NUM_SECOND 63u
#define SNAP_STACK_THIRD_MIN  512u
#define SNAP_STACK_NUM_TAKEN  1024u
/* What the threads after the first share. */
#define SNAP_STACK_BUDGET (1280u << 10)
/* Taken below the stack pointer: a red zone, or what a return just left behind. */
#define SNAP_STACK_BELOW 256u
/* How far above a stack pointer without memory (an overflow) its stack is looked for. */
#define SNAP_STACK_GAP (1u << 20)
/* Bytes of code before and after a program counter. */
#define SNAP_CODE_BEFORE 128u
#define SNAP_CODE_AFTER	 128u
#define SNAP_VDSO_MAX	 (64u << 10)
/* No range is longer. */
#define SNAP_MEMORY_MAX (64u << 10)

/* How many bytes of its stack the index-th thread may give, of 1 + num_others. */
size_t snap_stack_cap(uint64_t index, uint64_t num_others);

/* Where decisions and bytes go. Data is valid during the call. */
struct snap_memory_sink {
	void (*range)(void *arg, const struct snap_memory_range *range);
	void (*omission)(void *arg, const struct snap_omission *omission);
	void *arg;
};

/* A thing to be taken: a range of memory, and what of it is left out already. */
struct snap_memory_plan {
	uint32_t reason; /* enum snap_memory_reason */
	bool has_tid;
	uint64_t tid;
	uint64_t addr, len; /* len <= SNAP_MEMORY_MAX; 0: nothing */
	uint64_t cut_addr, cut_len;
	bool unmapped; /* there is no memory at cut_addr */
};

/* The stack of the thread tid, whose stack pointer is sp; at most cap bytes. */
void snap_memory_plan_stack(const struct snap_areas *areas, uint64_t tid, uint64_t sp, size_t cap,
	struct snap_memory_plan *ret);
/* The instructions round pc. */
void snap_memory_plan_code(
	const struct snap_areas *areas, uint64_t tid, uint64_t pc, struct snap_memory_plan *ret);

/*
 * pread(2) on a mem file of /proc. Returns how many bytes were read (fewer than len where readable
 * memory ends) or, if none, a negative errno: -ESRCH if the process has gone. As a
 * snap_memory_read_fn, arg points to the descriptor.
 */
ssize_t snap_memory_read(void *arg, uint64_t addr, void *buf, size_t len);

/* Read what was planned and hand it, and what can't be had, to sink. */
void snap_memory_take(int mem_fd, const struct snap_memory_plan *plan,
	uint8_t buf[static SNAP_MEMORY_MAX], const struct snap_memory_sink *sink);

#endif
