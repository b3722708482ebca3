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

uint64_t snap_crash_host_tid(struct snap_crash *c, uint32_t ns_tid)
{
	uint64_t tid;
	if (c->identity.task_fd < 0 || c->identity.status.num_pid_namespaces < 2)
		return ns_tid;
	if (c->tids.num == 0) {
		int r = snap_tid_map_read(&c->tids, c->identity.task_fd);
		if (r < 0)
			snap_emit_note(&c->emit, true, "the threads can't be listed: errno %d", -r);
	}
	if (snap_tid_map_find(&c->tids, ns_tid, &tid))
		return tid;
	snap_emit_note(&c->emit, true, "thread %u is known by its own namespace's number only",
		(unsigned int)ns_tid);
	return ns_tid;
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

/* cap: bytes that it may give of its stack. */
static void write_thread_memory(
	struct snap_crash *c, uint64_t index, uint64_t cap, const struct snap_memory_thread *thread)
{
	if (c->mem_fd < 0) {
		snap_emit_omission(&c->emit, SNAP_OMITTED_STACK,
			*c->timed_out ? SNAP_OMITTED_DEADLINE : SNAP_OMITTED_GONE, thread->tid, 0);
		return;
	}
	struct snap_memory_plan plan;
	struct snap_windows_sink looking;
	if (index == 0)
		snap_crash_windows_init(&c->windows, &c->areas, c->arch);
	snap_windows_sink_init(&looking, &c->windows, thread->sp, &c->emit.sink);
	const struct snap_memory_sink *sink = index == 0 ? &looking.sink : &c->emit.sink;
	uint64_t taken = snap_memory_take_stack(
		c->mem_fd, &c->areas, c->arch, thread, cap, c->emit.buf, sink);
	snap_stack_budget_spend(&c->budget, taken);
	if (index == 0 && taken == 0 && cap > 0)
		c->emit.partial = true;
	if (snap_memory_wants_code(&c->areas, index, cap, thread->pc)) {
		snap_memory_plan_code(&c->areas, thread, &plan);
		snap_memory_take(c->mem_fd, &plan, c->emit.buf, sink);
	}
	if (index == 0)
		write_windows(c, thread);
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

void snap_crash_write_thread(
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
	struct snap_proc_stat stat;
	if (snap_memory_thread_registers(c->arch, regsets, thread.num_regsets, &where)) {
		write_thread_memory(c, index, cap, &where);
		return;
	}
	snap_emit_omission(&c->emit, SNAP_OMITTED_REGISTERS, SNAP_OMITTED_UNREADABLE, tid, 0);
	c->emit.partial = true;
	/* For a thread that dumps core, /proc tells the two that say where its stack is. */
	char stat_name[40];
	(void)snprintf(stat_name, sizeof(stat_name), "../%llu/stat", (unsigned long long)tid);
	if (c->identity.task_fd >= 0 &&
		snap_proc_stat_read(c->identity.task_fd, stat_name, &stat) == 0 && stat.sp != 0) {
		where.pc = stat.pc;
		where.sp = stat.sp;
		const struct snap_thread_facts facts = {
			.has_tid = true,
			.tid = tid,
			.has_stack_pointer = true,
			.stack_pointer = stat.sp,
			.has_program_counter = true,
			.program_counter = stat.pc,
		};
		(void)snap_write_thread_facts(&c->emit.writer, &facts); /* its error sticks */
		write_thread_memory(c, index, cap, &where);
	} else {
		snap_emit_omission(&c->emit, SNAP_OMITTED_STACK, SNAP_OMITTED_UNREADABLE, tid, 0);
	}
}

void snap_crash_write_waiting(struct snap_crash *c)
{
	uint64_t tids[SNAP_THREAD_NAMES_MAX] = {0};
	size_t num = c->num_waiting;
	for (size_t i = 0; i < num; i++)
		tids[i] = c->waiting[i].tid;
	snap_thread_names_ask(&c->names, tids, num);
	for (size_t i = 0; i < num; i++) {
		struct snap_bytes name = {0};
		(void)snap_thread_names_get(&c->names, i, &name); /* else /proc is asked */
		snap_crash_write_thread(c, &c->waiting[i], name);
		if (c->num_threads % CHECKPOINT_THREADS == 0)
			snap_crash_checkpoint(c);
	}
	c->num_waiting = 0;
	c->thread = &c->waiting[0];
}
