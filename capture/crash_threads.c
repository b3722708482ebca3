#include "capture/crash_threads.h"

#include <elf.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "capture/crash_records.h"
#include "capture/memory.h"
#include "capture/stack_figures.h"

/* Threads between two checkpoints. */
#define CHECKPOINT_THREADS 64

void snap_crash_checkpoint(struct snap_crash *c)
{
	(void)snap_write_checkpoint(&c->emit.writer, false); /* its error sticks */
}

void snap_crash_find_host_tid(struct snap_crash *c, struct snap_crash_thread *thread)
{
	thread->tid = thread->ns_tid;
	thread->is_foreign = false;
	if (c->identity.task_fd < 0 || c->identity.status.num_pid_namespaces < 2)
		return;
	if (c->tids.num == 0) {
		int r = snap_tid_map_read(&c->tids, c->identity.task_fd);
		if (r < 0)
			snap_emit_note(&c->emit, true, "the threads can't be listed: errno %d", -r);
	}
	if (snap_tid_map_find(&c->tids, thread->ns_tid, &thread->tid))
		return;
	thread->is_foreign = true;
	snap_emit_note(&c->emit, true, "thread %u is known by its own namespace's number only",
		(unsigned int)thread->ns_tid);
}

/* What the crash speaks of beside the stack. */
static void write_windows(struct snap_crash *c, const struct snap_memory_thread *thread)
{
	const struct snap_memory_source source = {snap_memory_read, &c->mem_fd};
	uint64_t fault_addr = 0;
	bool has_fault = snap_emit_fault_addr((int32_t)c->facts.signo,
		snap_bytes(c->siginfo, c->siginfo_len), c->stream.elf_class, c->stream.elf_data,
		&fault_addr);
	snap_crash_windows_take(&c->windows, thread, snap_bytes(c->first.regs, c->first.regs_len),
		has_fault, fault_addr, &source, &c->emit.sink);
	snap_crash_windows_take_callers(&c->windows, thread, &source, &c->emit.sink);
	if (c->facts.config && c->facts.config->memory == SNAP_CONFIG_MEMORY_INDIRECT) {
		c->indirect.regs_len = c->first.regs_len;
		memcpy(c->indirect.regs, c->first.regs, c->first.regs_len);
	}
}

static void begin_budget(struct snap_crash *c)
{
	const struct snap_memory_limits limits = snap_emit_memory_limits(c->facts.config);
	uint64_t num_threads = c->identity.status.num_threads;
	if (c->identity.task_fd < 0 || num_threads == SNAP_PROC_UNKNOWN)
		num_threads = limits.stack_threads;
	/* The others' are as long as the first one's, if they are taken. */
	bool all = c->facts.config && c->facts.config->vector_registers;
	snap_stack_budget_init(
		&c->budget, &limits, num_threads, c->arch, all ? c->first.vectors.len : 0);
}

/* For a thread that dumps core, /proc tells the two that say where its stack is. */
static bool find_stack_in_proc(struct snap_crash *c, struct snap_memory_thread *thread)
{
	struct snap_proc_stat stat;
	char name[40];
	(void)snprintf(name, sizeof(name), "../%llu/stat", (unsigned long long)thread->tid);
	if (c->identity.task_fd < 0 || snap_proc_stat_read(c->identity.task_fd, name, &stat) < 0 ||
		stat.sp == 0)
		return false;
	thread->pc = stat.pc;
	thread->sp = stat.sp;
	const struct snap_thread_facts facts = {
		.has_tid = true,
		.tid = thread->tid,
		.has_stack_pointer = true,
		.stack_pointer = stat.sp,
		.has_program_counter = true,
		.program_counter = stat.pc,
	};
	(void)snap_write_thread_facts(&c->emit.writer, &facts); /* its error sticks */
	return true;
}

static struct snap_stack_source stack_source(struct snap_crash *c)
{
	return (struct snap_stack_source){
		.areas = &c->areas,
		.arch = c->arch,
		.budget = &c->budget,
		.mem_fd = c->mem_fd,
		.pid = (pid_t)c->facts.pid,
		.identity = &c->identity,
		.buf = c->emit.buf,
	};
}

/* Everything but its memory, which joins c->stacks if it is to be taken. */
static void write_registers(
	struct snap_crash *c, const struct snap_crash_thread *notes, struct snap_bytes name)
{
	uint64_t index = c->num_threads++;
	bool first = index == 0;
	uint64_t tid = first ? c->facts.tid : notes->tid;
	if (tid < SNAP_CRASH_MAX_TID)
		c->seen[tid / 8] |= (uint8_t)(1u << tid % 8);
	if (tid == c->facts.pid)
		c->leader_seen = true;
	if (index >= SNAP_MAX_THREADS) {
		c->threads_left_out++;
		return;
	}
	if (first)
		begin_budget(c);
	bool room;
	uint64_t cap = snap_stack_budget_next(&c->budget, &room);

	struct snap_regset regsets[1 + SNAP_VECTOR_MAX + SNAP_ARCH_MAX_EXTRA_REGSETS];
	struct snap_thread thread = {
		.has_tid = true,
		.tid = tid,
		.has_state = first,
		.state = SNAP_THREAD_RUNNING,
		.regsets = regsets,
	};
	if (notes->ns_tid != 0 && c->identity.task_fd >= 0 &&
		c->identity.status.num_pid_namespaces > 1) {
		thread.has_ns_tid = true;
		thread.ns_tid = notes->ns_tid;
	}
	char comm[SNAP_COMM_MAX];
	if (first && c->has_stat)
		thread.name = snap_bytes(c->stat.comm, c->stat.comm_len);
	else if (name.data)
		thread.name = name;
	else if (c->identity.task_fd >= 0)
		thread.name = snap_proc_comm(c->identity.task_fd, tid, comm);
	else if (first && c->facts.comm)
		thread.name = snap_bytes_str(c->facts.comm);
	if (first && !c->facts.comm) {
		size_t len =
			thread.name.len < sizeof(c->comm) ? thread.name.len : sizeof(c->comm) - 1;
		if (len > 0)
			memcpy(c->comm, thread.name.data, len);
		c->facts.comm = c->comm;
	}
	if (notes->regs_len > 0 && room)
		regsets[thread.num_regsets++] =
			(struct snap_regset){NT_PRSTATUS, snap_bytes(notes->regs, notes->regs_len)};
	if (room) {
		thread.num_regsets +=
			snap_vector_regsets_list(&notes->vectors, regsets + thread.num_regsets);
		thread.num_regsets += snap_extra_regsets_list(
			&notes->extra, c->arch, regsets + thread.num_regsets);
	}
	if (room && c->arch && c->arch->tp_regset != 0) {
		struct snap_memory_thread tls;
		thread.has_tls_base =
			snap_memory_thread_registers(c->arch, regsets, thread.num_regsets, &tls) &&
			tls.tp != 0;
		thread.tls_base = thread.has_tls_base ? tls.tp : 0;
	}
	snap_stack_figures(&c->areas, c->arch, &thread);
	if (snap_write_thread(&c->emit.writer, &thread) == -ENOSPC) {
		c->emit.writer.num_refused--; /* counted here */
		c->threads_left_out++;
		return;
	}
	if (room && notes->vectors.num_left_out > 0)
		snap_emit_omission(&c->emit, SNAP_OMITTED_REGISTERS, SNAP_OMITTED_CAP, tid, 0);
	if (!room) {
		snap_emit_omission(&c->emit, SNAP_OMITTED_REGISTERS, SNAP_OMITTED_CAP, tid, 0);
		snap_emit_omission(&c->emit, SNAP_OMITTED_STACK, SNAP_OMITTED_CAP, tid, 0);
		return;
	}
	/* The target's memory may be long in coming, or never come: this is out of harm's way. */
	if (first)
		snap_crash_checkpoint(c);

	struct snap_memory_thread where = {
		.tid = tid,
		.start_stack = c->start_stack,
		.is_main = tid == c->facts.pid,
	};
	if (!snap_memory_thread_registers(c->arch, regsets, thread.num_regsets, &where)) {
		snap_emit_omission(
			&c->emit, SNAP_OMITTED_REGISTERS, SNAP_OMITTED_UNREADABLE, tid, 0);
		c->emit.partial = true;
		if (!find_stack_in_proc(c, &where)) {
			snap_emit_omission(
				&c->emit, SNAP_OMITTED_STACK, SNAP_OMITTED_UNREADABLE, tid, 0);
			return;
		}
	}
	if (c->mem_fd >= 0) {
		const struct snap_stack_source source = stack_source(c);
		snap_stack_batch_add(&c->stacks, &source, index, cap, &where);
	} else {
		snap_emit_omission(&c->emit, SNAP_OMITTED_STACK,
			*c->timed_out ? SNAP_OMITTED_DEADLINE : SNAP_OMITTED_GONE, tid, 0);
	}
}

/* ---------------------------------------------------------------- their memory */

static void write_memory(struct snap_crash *c, const struct snap_stack_source *source, size_t i)
{
	struct snap_batched_stack *stack = &c->stacks.stacks[i];
	bool first = stack->index == 0;
	struct snap_memory_plan plan;
	struct snap_windows_sink looking;
	if (first)
		snap_crash_windows_init(&c->windows, &c->areas, c->arch);
	snap_windows_sink_init(&looking, &c->windows, stack->thread.sp, &c->emit.sink);
	const struct snap_memory_sink *sink = first ? &looking.sink : &c->emit.sink;
	uint64_t taken = snap_stack_batch_take(&c->stacks, source, i, sink);
	if (taken == 0 && first && stack->cap > 0)
		c->emit.partial = true;
	if (snap_memory_wants_code(&c->areas, stack->index, stack->cap, stack->thread.pc)) {
		snap_memory_plan_code(&c->areas, &stack->thread, &plan);
		snap_memory_take(c->mem_fd, &plan, c->emit.buf, sink);
	}
	if (first)
		write_windows(c, &stack->thread);
}

/* Of those threads that were written. */
static void write_memories(struct snap_crash *c)
{
	const struct snap_stack_source source = stack_source(c);
	for (size_t i = 0; i < c->stacks.num; i++) {
		if (!*c->timed_out)
			write_memory(c, &source, i);
		else
			snap_emit_omission(&c->emit, SNAP_OMITTED_STACK, SNAP_OMITTED_DEADLINE,
				c->stacks.stacks[i].thread.tid, 0);
	}
}

/* ---------------------------------------------------------------- threads */

void snap_crash_write_thread(
	struct snap_crash *c, const struct snap_crash_thread *notes, struct snap_bytes name)
{
	snap_stack_batch_begin(&c->stacks);
	write_registers(c, notes, name);
	write_memories(c);
}

void snap_crash_write_waiting(struct snap_crash *c)
{
	_Static_assert(SNAP_THREAD_NAMES_MAX <= SNAP_STACK_BATCH_MAX, "their stacks have room");
	uint64_t tids[SNAP_THREAD_NAMES_MAX] = {0};
	uint64_t num_before = c->num_threads;
	size_t num = c->num_waiting, num_asked = 0, asked = 0;
	struct snap_bytes name;
	/* Of one that is not known by the host's number, another thread has that name. */
	for (size_t i = 0; i < num; i++)
		if (!c->waiting[i].is_foreign &&
			!snap_guessed_names_get(&c->guessed_names, c->waiting[i].tid, &name))
			tids[num_asked++] = c->waiting[i].tid;
	snap_thread_names_ask(&c->names, tids, num_asked);
	snap_stack_batch_begin(&c->stacks);
	for (size_t i = 0; i < num; i++) {
		if (c->waiting[i].is_foreign ||
			(!snap_guessed_names_get(&c->guessed_names, c->waiting[i].tid, &name) &&
				!snap_thread_names_get(&c->names, asked++, &name)))
			name = snap_bytes(NULL, 0); /* /proc is asked */
		write_registers(c, &c->waiting[i], name);
	}
	write_memories(c);
	if (c->num_threads / CHECKPOINT_THREADS != num_before / CHECKPOINT_THREADS)
		snap_crash_checkpoint(c);
	c->num_waiting = 0;
	c->thread = &c->waiting[0];
}
