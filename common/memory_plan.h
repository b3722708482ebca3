/*
 * Which memory of a process is taken, how much of it, and why the rest is not: decided from the
 * table of its mappings and its threads' registers alone. Reading and writing are others' work.
 *
 * Crash-time and hostile: no allocation, every number comes from the target.
 */
#ifndef SNAP_COMMON_MEMORY_PLAN_H
#define SNAP_COMMON_MEMORY_PLAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arch.h"
#include "common/areas.h"
#include "common/snapshot.h"

/* Bytes of the stack that matters most, unless configured otherwise. */
#define SNAP_STACK_FIRST (64u << 10)
/* Taken below the stack pointer: a red zone, or what a return just left behind. */
#define SNAP_STACK_BELOW 256u
/* How far above a stack pointer without memory (an overflow) its stack is looked for. */
#define SNAP_STACK_GAP (1u << 20)
/* The same where it is known to be that thread's: the kernel leaves as much free below the main one
 * (mmap_base() in arch/x86/mm/mmap.c). */
#define SNAP_STACK_GAP_HOME (128u << 20)
/*
 * Of a stack that is longer than its thread may give, the outermost frames are taken too: a
 * quarter of what it may give, if that is worth it. Where the stack's base is not known, but only
 * the mapping's end, thread-local data or a process's strings may stand there: then it has to be as
 * many bytes, and no more than half.
 */
#define SNAP_STACK_BASE_MIN	256u
#define SNAP_STACK_BASE_UNKNOWN (8u << 10)
/* Bytes of code before and after a program counter. */
#define SNAP_CODE_BEFORE 128u
#define SNAP_CODE_AFTER	 128u
#define SNAP_VDSO_MAX	 (64u << 10)
/* Executable memory that is in no file, where signal handlers return to: the kernel's [sigpage] of
 * 32-bit ARM, qemu-user's. No more bytes each, and no more of them. */
#define SNAP_TRAMPOLINE_MAX  4096u
#define SNAP_NUM_TRAMPOLINES 8u
/* Bytes of what the process was started with. */
#define SNAP_AUXV_MAX	 4096u
#define SNAP_CMDLINE_MAX 4096u
/* No range is longer, but for stacks that are asked for whole. */
#define SNAP_MEMORY_MAX (64u << 10)

/* Where bytes and omissions go. Data is valid during the call. */
struct snap_memory_sink {
	void (*range)(void *arg, const struct snap_memory_range *range);
	void (*omission)(void *arg, const struct snap_omission *omission);
	void *arg;
};

/* What is known of a thread. */
struct snap_memory_thread {
	uint64_t tid, pc, sp;
	uint64_t fp; /* the frame pointer by the machine's convention; 0: not known */
	/* The thread pointer, which glibc and musl put between a thread's frames and the end of its
	 * mapping (for the main thread elsewhere); 0: not known. */
	uint64_t tp;
	/* Of the process: where the kernel put argc, above which there are its strings (start_stack
	 * of proc_pid_stat(5)); 0: not known. */
	uint64_t start_stack;
	bool is_main; /* the process's first thread */
};

/*
 * pc, sp, fp and tp out of a thread's register sets, as far as they are there. False if pc or sp is
 * not; *ret is then as it was. arch may be NULL.
 */
bool snap_memory_thread_registers(const struct snap_arch *arch, const struct snap_regset *regsets,
	size_t num_regsets, struct snap_memory_thread *ret);

struct snap_extent {
	uint64_t addr, len;
};

/* A thing to be taken. */
struct snap_memory_plan {
	uint32_t reason; /* enum snap_memory_reason */
	bool has_tid;
	uint64_t tid;
	struct snap_extent parts[2]; /* ascending, the first ones used; of no bytes: none */
	struct snap_extent cuts[2];  /* likewise: what is left out of it already */
	bool unmapped;		     /* there is no memory at cuts[0].addr, to be told */
};

/* Bytes of all parts. */
uint64_t snap_memory_plan_len(const struct snap_memory_plan *plan);

/*
 * The thread's stack; at most cap bytes. Where sp leads to none, fp may still be good, and call
 * frame information may go by that alone.
 */
void snap_memory_plan_stack(const struct snap_areas *areas, const struct snap_memory_thread *thread,
	uint64_t cap, struct snap_memory_plan *ret);
/*
 * Whether it runs on another stack than it was started on: a signal handler on an alternate stack,
 * a coroutine. It then may give half of its cap for either.
 */
bool snap_memory_is_away(const struct snap_areas *areas, const struct snap_memory_thread *thread);
/*
 * Where such a thread left the stack that it was started on: the lowest address in it that words of
 * the other stack speak of, of which [addr, addr + len) is in buf. The stack pointer that it left
 * behind must be among them, and nothing below it is alive. False if none of them does.
 */
bool snap_memory_find_home(const struct snap_areas *areas, const struct snap_arch *arch,
	const struct snap_memory_thread *thread, uint64_t addr, const uint8_t *buf, size_t len,
	uint64_t *ret_sp);
/* Neither take nor miss anything from end on: there it is no stack any more. */
void snap_memory_plan_shorten(struct snap_memory_plan *plan, uint64_t end);
/* The instructions round its pc. */
void snap_memory_plan_code(const struct snap_areas *areas, const struct snap_memory_thread *thread,
	struct snap_memory_plan *ret);
/* Whether those are taken: of the first thread, and of one whose code stands in no file. cap: what
 * it may give of its stack. */
bool snap_memory_wants_code(
	const struct snap_areas *areas, uint64_t index, uint64_t cap, uint64_t pc);
/* A vDSO of len bytes. */
void snap_memory_plan_vdso(uint64_t addr, uint64_t len, struct snap_memory_plan *ret);

/*
 * The next place that signal handlers may return to, from *position on, which begins as 0; false if
 * there are no more.
 */
bool snap_memory_plan_trampoline(
	const struct snap_areas *areas, size_t *position, struct snap_memory_plan *ret);

/* An omission of that kind of thing, which the caller completes. */
struct snap_omission snap_memory_plan_omission(const struct snap_memory_plan *plan);
/*
 * What the plan leaves out: the index-th omission of it into *ret; false if there are no more.
 */
bool snap_memory_plan_cut(
	const struct snap_memory_plan *plan, size_t index, struct snap_omission *ret);

#endif
