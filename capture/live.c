#include "capture/live.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/annotations_find.h"
#include "capture/close_fd.h"
#include "capture/extra_regsets.h"
#include "capture/facts.h"
#include "capture/interrupted_call.h"
#include "capture/live_locks.h"
#include "capture/live_pieces.h"
#include "capture/memory.h"
#include "capture/prefault.h"
#include "capture/priority.h"
#include "capture/proc_thread.h"
#include "capture/stack_figures.h"
#include "common/memory_plan.h"

#define CHECKPOINT_THREADS 64
/* Of the vDSO, modules, and what stands before the threads; and of one mapping. */
#define LAYOUT_BYTES  (20u << 10)
#define MAPPING_BYTES 56u
/* No page of any Linux is larger. */
#define TRACER_GUARD (64u << 10)
/* Of its stack, what a capture mostly takes. */
#define TRACER_STACK_USED (32u << 10)

/* ---------------------------------------------------------------- before the stop */

void snap_live_init(struct snap_live *l)
{
	memset(l, 0, offsetof(struct snap_live, tracee));
	l->pidfd = l->task_fd = l->mem_fd = l->maps_fd = -1;
	snap_tracee_init(&l->tracee);
	snap_maps_parser_init(&l->maps_parser);
}

void snap_live_deinit(struct snap_live *l)
{
	snap_close_fd(&l->pidfd);
	snap_close_fd(&l->task_fd);
	snap_close_fd(&l->mem_fd);
	snap_close_fd(&l->maps_fd);
	snap_tracee_deinit(&l->tracee);
	if (l->arena)
		(void)munmap(l->arena, l->arena_size); /* as it was mapped: can't fail */
	l->arena = NULL;
}

bool snap_live_ended(const struct snap_live *l)
{
	struct pollfd poll_fd = {.fd = l->pidfd, .events = POLLIN};
	return l->pidfd >= 0 && poll(&poll_fd, 1, 0) > 0;
}

static int no_such_process(pid_t pid, struct snap_error *err)
{
	return snap_error_set(err, SNAP_ERROR_SYSTEM, "no such process: %d", (int)pid);
}

static int read_status(struct snap_live *l, pid_t pid)
{
	char name[40];
	(void)snprintf(name, sizeof(name), "/proc/%d/status", (int)pid);
	return snap_proc_status_read(AT_FDCWD, name, &l->status);
}

int snap_live_find(struct snap_live *l, pid_t pid, struct snap_error *err)
{
	l->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (l->pidfd < 0) {
		/* Before Linux 5.3 there are none, and a thread has none of this kind. */
		if (read_status(l, pid) < 0)
			return no_such_process(pid, err);
		if (l->status.tgid != (uint64_t)pid && l->status.tgid <= INT32_MAX)
			pid = (pid_t)l->status.tgid;
		l->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (l->pidfd < 0 && errno == ESRCH)
			return no_such_process(pid, err);
	}
	/* Of the process that the descriptor stands for, or that one has ended. */
	if (read_status(l, pid) < 0)
		return no_such_process(pid, err);
	if (pid == getpid())
		return snap_error_set(err, SNAP_ERROR_USAGE,
			"%d is this program itself, which can't be captured", (int)pid);

	/* PF_KTHREAD of the kernel's include/linux/sched.h; status tells only since 6.8. */
	struct snap_proc_stat stat;
	char name[40];
	(void)snprintf(name, sizeof(name), "/proc/%d/stat", (int)pid);
	if (snap_proc_stat_read(AT_FDCWD, name, &stat) == 0) {
		if (stat.flags & 0x00200000)
			return snap_error_set(
				err, SNAP_ERROR_SYSTEM, "process %d is a kernel thread", (int)pid);
		l->start_stack = stat.start_stack;
	}
	if ((l->status.state == 'Z' || l->status.state == 'X') &&
		(l->status.num_threads <= 1 || l->status.num_threads == SNAP_PROC_UNKNOWN))
		return snap_error_set(err, SNAP_ERROR_SYSTEM,
			"process %d is a zombie: it has ended, and its parent has not asked how",
			(int)pid);
	if (l->status.tracer_pid != 0 && l->status.tracer_pid != SNAP_PROC_UNKNOWN)
		return snap_tracee_traced_error(pid, l->status.tracer_pid, err);
	l->pid = pid;
	return 0;
}

/* ---------------------------------------------------------------- while it stands still */

/* A thread's directory that has an address space. */
static void open_memory(struct snap_live *l)
{
	snap_close_fd(&l->task_fd);
	snap_close_fd(&l->mem_fd);
	snap_close_fd(&l->maps_fd);
	for (size_t i = 0; i < l->tracee.num_threads && l->mem_fd < 0; i++) {
		const struct snap_tracee_thread *thread = &l->tracee.threads[i];
		if (thread->phase != SNAP_TRACEE_STOPPED && thread->phase != SNAP_TRACEE_SEIZED)
			continue;
		l->task_fd = snap_proc_open(l->tracee.pid, thread->tid);
		if (l->task_fd < 0)
			continue;
		l->mem_fd = openat(l->task_fd, "mem", O_RDONLY | O_CLOEXEC);
		if (l->mem_fd < 0)
			snap_close_fd(&l->task_fd);
	}
	if (l->task_fd >= 0)
		l->maps_fd = openat(l->task_fd, "maps", O_RDONLY | O_CLOEXEC);
}

static void read_maps(struct snap_live *l)
{
	int fd = l->maps_fd;
	if (fd < 0) {
		l->maps_error = -ESRCH;
		return;
	}
	for (;;) {
		size_t room = sizeof(l->maps) - l->maps_len;
		if (room == 0) {
			l->maps_cut = true;
			break;
		}
		uint8_t *to = l->maps + l->maps_len;
		ssize_t n = read(fd, to, room < 65536 ? room : 65536);
		if (n < 0)
			l->maps_error = -errno;
		if (n <= 0)
			break;
		l->maps_len += (size_t)n;
		snap_maps_parser_feed(
			&l->maps_parser, snap_bytes(to, (size_t)n), snap_areas_add, &l->areas);
	}
}

/* This program's own machine, which its ELF header (that the linker names so) tells. */
static const struct snap_arch *own_arch(void)
{
	extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));
	return snap_arch_find(__ehdr_start.e_machine, __ehdr_start.e_ident[EI_CLASS],
		__ehdr_start.e_ident[EI_DATA]);
}

/*
 * The process's machine: ptrace gives a thread's general registers as its own ABI has them, and
 * they are of different lengths in those that one kernel runs.
 */
static void find_arch(struct snap_live *l)
{
	const struct snap_arch *other = snap_arch_other_abi(l->arch);
	for (size_t i = 0; i < l->tracee.num_threads; i++) {
		size_t len = l->tracee.threads[i].regs_len;
		if (len == 0 || !l->arch)
			continue;
		if (other && len == other->prstatus_reg_size)
			l->arch = other;
		return;
	}
}

/* Whoever asks is what is looked at first. */
static void put_caller_first(struct snap_live *l)
{
	struct snap_tracee_thread *threads = l->tracee.threads;
	for (size_t i = 1; l->caller.tid != 0 && i < l->tracee.num_threads; i++) {
		if ((uint64_t)threads[i].tid != l->caller.tid)
			continue;
		struct snap_tracee_thread first = threads[0];
		threads[0] = threads[i];
		threads[i] = first;
		return;
	}
}

/* Where the signal came, instead of within its handler. */
static void take_caller_registers(struct snap_live *l)
{
	struct snap_tracee_thread *first = &l->tracee.threads[0];
	const struct snap_live_caller *caller = &l->caller;
	if (l->tracee.num_threads == 0 || (uint64_t)first->tid != caller->tid)
		l->caller.crashed = false;
	if (!caller->crashed || caller->regs.len == 0 || caller->regs.len != first->regs_len)
		return;
	memcpy(first->regs, caller->regs.data, caller->regs.len);
	l->tracee.fpregs_len = 0;
	if (caller->fpregs.len > 0 && caller->fpregs.len <= sizeof(l->tracee.fpregs)) {
		memcpy(l->tracee.fpregs, caller->fpregs.data, caller->fpregs.len);
		l->tracee.fpregs_len = caller->fpregs.len;
	}
}

/* What the first thread speaks of beside its stack. */
static void take_windows(struct snap_live *l, const struct snap_memory_thread *where)
{
	const struct snap_memory_source source = {snap_memory_read, &l->mem_fd};
	const struct snap_memory_sink sink = {snap_live_keep_range, snap_live_keep_omission, l};
	const struct snap_tracee_thread *first = &l->tracee.threads[0];
	uint64_t fault_addr = 0;
	bool has_fault =
		l->caller.crashed && snap_emit_fault_addr(l->caller.signo, l->caller.siginfo,
					     l->arch->elf_class, l->arch->elf_data, &fault_addr);
	snap_crash_windows_take(&l->windows, where, snap_bytes(first->regs, first->regs_len),
		has_fault, fault_addr, &source, &sink);
}

/* The code that it returns to, which is the same when it runs again. */
static void write_callers(struct snap_live *l)
{
	const struct snap_memory_source source = {snap_memory_read, &l->mem_fd};
	const struct snap_memory_thread where = {.tid = (uint64_t)l->tracee.threads[0].tid};
	if (l->mem_fd >= 0)
		snap_crash_windows_take_callers(&l->windows, &where, &source, &l->emit.sink);
}

/*
 * Where the stack is of a thread that did not come to its stop: the kernel tells that much of one
 * that waits in a system call.
 */
static bool find_waiting_stack(struct snap_live *l, const struct snap_tracee_thread *thread,
	struct snap_memory_thread *ret)
{
	char name[40], text[256];
	struct snap_thread_facts facts = {0};
	(void)snprintf(name, sizeof(name), "../%d/syscall", (int)thread->tid);
	if (snap_proc_read(l->task_fd, name, text, sizeof(text)) <= 0)
		return false;
	snap_proc_syscall_parse(text, &facts);
	if (!facts.has_stack_pointer || !facts.has_program_counter || facts.stack_pointer == 0)
		return false;
	ret->sp = facts.stack_pointer;
	ret->pc = facts.program_counter;
	return true;
}

/* Where its stack is; false: that is not known, or nothing may be read. */
static bool find_stack(struct snap_live *l, const struct snap_tracee_thread *thread,
	struct snap_memory_thread *ret)
{
	struct snap_regset regsets[1 + SNAP_ARCH_MAX_EXTRA_REGSETS];
	*ret = (struct snap_memory_thread){
		.tid = (uint64_t)thread->tid,
		.start_stack = l->start_stack,
		.is_main = thread->tid == l->tracee.pid,
	};
	if (l->mem_fd < 0)
		return false;
	if (thread->phase == SNAP_TRACEE_SEIZED)
		return l->arch && find_waiting_stack(l, thread, ret);
	if (thread->phase != SNAP_TRACEE_STOPPED)
		return false;
	if (!l->arch || thread->regs_len != l->arch->prstatus_reg_size) {
		l->registers_foreign |= thread->regs_len > 0;
		return false;
	}
	regsets[0] = (struct snap_regset){NT_PRSTATUS, snap_bytes(thread->regs, thread->regs_len)};
	size_t num_regsets = 1 + snap_extra_regsets_list(&thread->extra, l->arch, regsets + 1);
	return snap_memory_thread_registers(l->arch, regsets, num_regsets, ret);
}

/* The index-th stack of the batch, and what else its thread may give. */
static void take_memory(struct snap_live *l, const struct snap_stack_source *source, size_t index)
{
	const struct snap_memory_sink to_keep = {snap_live_keep_range, snap_live_keep_omission, l};
	const struct snap_batched_stack *stack = &l->stacks.stacks[index];
	const struct snap_memory_thread *where = &stack->thread;
	bool first = stack->index == 0;
	struct snap_memory_plan plan;
	struct snap_windows_sink looking;
	if (first)
		snap_crash_windows_init(&l->windows, &l->areas, l->arch);
	snap_windows_sink_init(&looking, &l->windows, where->sp, &to_keep);
	const struct snap_memory_sink *sink = first ? &looking.sink : &to_keep;
	(void)snap_stack_batch_take(&l->stacks, source, index, sink); /* or its omission */
	if (l->tracee.threads[stack->index].phase != SNAP_TRACEE_STOPPED)
		return;
	if (snap_memory_wants_code(&l->areas, stack->index, stack->cap, where->pc)) {
		snap_memory_plan_code(&l->areas, where, &plan);
		snap_memory_take(l->mem_fd, &plan, l->emit.buf, sink);
	}
	if (first)
		take_windows(l, where);
}

static void keep_vectors(struct snap_live *l, struct snap_tracee_thread *thread)
{
	if (thread->phase != SNAP_TRACEE_STOPPED)
		return;
	snap_tracee_read_vectors(thread, l->arch, &l->vectors);
	size_t len = snap_vector_regsets_size(&l->vectors);
	size_t at = (l->arena_len + 7) & ~(size_t)7;
	if (at > l->arena_size || len > l->arena_size - at) {
		l->pieces_left_out++;
		return;
	}
	thread->vectors = memcpy(l->arena + at, &l->vectors, len);
	l->arena_len = at + len;
}

/* What the threads from the one at index on give, as many as fit into a batch. Returns where the
 * rest begins. */
static size_t take_threads(struct snap_live *l, size_t index, bool vectors)
{
	const struct snap_stack_source source = {
		.areas = &l->areas,
		.arch = l->arch,
		.budget = &l->budget,
		.mem_fd = l->mem_fd,
		.pid = l->tracee.pid, /* which waits for us */
		.buf = l->emit.buf,
	};
	struct snap_memory_thread where;
	/* What the first one gives decides what the others may. */
	const size_t most = index == 0 ? 1 : l->tracee.num_threads;
	size_t end = index, num_taken = 0;
	snap_stack_batch_begin(&l->stacks);
	for (; end < most && l->stacks.num < SNAP_STACK_BATCH_MAX; end++) {
		struct snap_tracee_thread *thread = &l->tracee.threads[end];
		/* The first one, dead or not, is the first. */
		if (end > 0 && thread->phase == SNAP_TRACEE_ENDED)
			continue;
		bool room;
		uint64_t cap = snap_stack_budget_next(&l->budget, &room);
		thread->no_room = !room;
		if (room && vectors)
			keep_vectors(l, thread);
		if (room && find_stack(l, thread, &where))
			snap_stack_batch_add(&l->stacks, &source, end, cap, &where);
	}
	for (; index < end; index++) {
		l->first_piece[index] = l->num_pieces;
		if (num_taken < l->stacks.num && l->stacks.stacks[num_taken].index == index)
			take_memory(l, &source, num_taken++);
	}
	return end;
}

/* What is written to while the process stands still. */
static void prefault(struct snap_live *l)
{
	size_t num = l->tracee.num_threads;
	/* A stack and its guard page are two mappings, of some 60 bytes of text each. */
	size_t num_areas = 2 * num + 64 < SNAP_AREAS_MAX ? 2 * num + 64 : SNAP_AREAS_MAX;
	uint64_t bytes = 8u << 10; /* of code */
	const struct snap_memory_limits limits = snap_emit_memory_limits(l->config);
	struct snap_stack_budget budget;
	snap_stack_budget_init(&budget, &limits, num, l->arch, 0);
	for (size_t i = 0; i < num && bytes < l->arena_size; i++) {
		bool room;
		uint64_t cap = snap_stack_budget_next(&budget, &room);
		snap_stack_budget_spend(&budget, cap);
		bytes += cap;
	}
	snap_prefault(l->arena, bytes < l->arena_size ? (size_t)bytes : l->arena_size);
	snap_prefault(
		l->pieces, (num < SNAP_MAX_THREADS ? 2 * num + 2 : num) * sizeof(l->pieces[0]));
	snap_prefault(l->first_piece, (num + 1) * sizeof(l->first_piece[0]));
	snap_prefault(l->tracee.threads, num * sizeof(l->tracee.threads[0]));
	snap_prefault(l->areas.areas, num_areas * sizeof(l->areas.areas[0]));
	snap_prefault(l->maps, num_areas * 60);
	snap_prefault(&l->emit, sizeof(l->emit));
	snap_prefault(&l->stacks,
		num > 1 ? sizeof(l->stacks) : offsetof(struct snap_stack_batch, stacks[1]));
}

static void find_annotations(struct snap_live *l)
{
	snap_annotations_init(&l->annotations, snap_memory_read, &l->mem_fd);
	if (l->mem_fd >= 0)
		snap_annotations_find(&l->annotations, l->task_fd, l->mem_fd, &l->maps_parser);
	snap_maps_parser_init(&l->maps_parser);
}

static void take_annotations(struct snap_live *l)
{
	const struct snap_annotations_sink sink = {
		.tag = snap_live_keep_tag,
		.log = snap_live_keep_log,
		.range = snap_live_keep_range,
		.omission = snap_live_keep_omission,
		.arg = l,
	};
	if (l->mem_fd >= 0)
		snap_annotations_read(
			&l->annotations, false, l->status.num_pid_namespaces < 2, &sink);
}

static void take_locks(struct snap_live *l)
{
	const struct snap_memory_sink sink = {snap_live_keep_range, snap_live_keep_omission, l};
	if (l->mem_fd >= 0)
		snap_live_locks_take(&l->threads, l->arch, &l->areas, l->mem_fd, &sink);
}

static void capture_stopped(struct snap_live *l)
{
	open_memory(l);
	find_annotations(l);
	put_caller_first(l);
	snap_tracee_stop(&l->tracee, l->arch);
	take_caller_registers(l);
	find_arch(l);
	read_maps(l);
	if (l->maps_len == 0) {
		/* Its program was replaced meanwhile, or the thread is gone: what was opened before
		 * is of an address space that is no more. */
		l->maps_error = 0;
		open_memory(l);
		read_maps(l);
	}
	for (size_t i = 0; i < l->tracee.num_threads; i++)
		if (l->tracee.threads[i].phase != SNAP_TRACEE_ENDED)
			l->num_alive++;
	const struct snap_memory_limits limits = snap_emit_memory_limits(l->config);
	bool vectors = l->config && l->config->vector_registers;
	uint64_t vector_bytes = 0;
	if (vectors && l->tracee.num_threads > 0) {
		/* The others' are as long. */
		snap_tracee_read_vectors(&l->tracee.threads[0], l->arch, &l->vectors);
		vector_bytes = l->vectors.len;
	}
	snap_stack_budget_init(&l->budget, &limits, l->num_alive, l->arch, vector_bytes);
	/* As the records of mappings and modules will have it, in most cases. */
	uint64_t layout_bytes = LAYOUT_BYTES;
	layout_bytes +=
		MAPPING_BYTES *
		(l->areas.num < SNAP_MAX_MAPPINGS_TAKEN ? l->areas.num : SNAP_MAX_MAPPINGS_TAKEN);
	uint64_t others = limits.max_bytes / 16 + layout_bytes;
	snap_stack_budget_limit(
		&l->budget, limits.max_bytes > others ? limits.max_bytes - others : 0);
	for (size_t i = 0; i < l->tracee.num_threads;)
		i = take_threads(l, i, vectors);
	l->first_piece[l->tracee.num_threads] = l->num_pieces;
	take_annotations(l);
	if (l->syscalls_later && l->arch)
		snap_live_threads_stopped(&l->threads, &l->tracee, l->arch);
	take_locks(l);
	snap_tracee_release(&l->tracee);
}

/*
 * A new task may be put to the end of another processor's queue, where it waits for milliseconds;
 * ours is free as soon as we wait for the task.
 */
struct processors {
	bool known;
	cpu_set_t all;
};

static void stay_here(struct processors *ret)
{
	cpu_set_t here;
	int cpu = sched_getcpu();
	CPU_ZERO(&here);
	if (cpu >= 0 && cpu < CPU_SETSIZE)
		CPU_SET((unsigned int)cpu, &here);
	/* More of them than fit in: then it is put where it may be. */
	ret->known = sched_getaffinity(0, sizeof(ret->all), &ret->all) == 0 &&
		     sched_setaffinity(0, sizeof(here), &here) == 0;
}

static void allow_all(const struct processors *processors)
{
	if (processors->known)
		(void)sched_setaffinity(0, sizeof(processors->all), &processors->all);
}

static int seize_and_capture(struct snap_live *l, struct snap_error *err)
{
	if (snap_tracee_seize(
		    &l->tracee, l->pid, l->arch, l->threads.threads, l->threads.num, err) < 0)
		return -1;
	/* What is attached to can't be replaced by another process of its number: it waits for us.
	 */
	if (snap_live_ended(l))
		return no_such_process(l->pid, err);
	prefault(l);
	capture_stopped(l);
	if (l->num_alive == 0)
		return snap_error_set(err, SNAP_ERROR_SYSTEM,
			"process %d ended before it stood still", (int)l->pid);
	return 0;
}

struct tracer {
	struct snap_live *live;
	struct snap_error *err;
	pid_t parent;
	struct processors processors;
	unsigned int time_ms; /* until it is killed */
	int result;
};

static unsigned int time_s(const struct snap_live *l)
{
	return l->config ? (unsigned int)l->config->dump_time_s : SNAP_LIVE_TIME_S;
}

/*
 * Memory may never come: that of a userfaultfd or of a mapped file whose server is the process that
 * is held. Only SIGKILL wakes who waits for it, and when we end, the process is let go.
 */
static void end_in_time(unsigned int time_ms)
{
	timer_t killer;
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGKILL};
	struct itimerspec when = {
		.it_value = {.tv_sec = time_ms / 1000, .tv_nsec = time_ms % 1000 * 1000000L}};
	/* It goes when this task ends. */
	if (timer_create(CLOCK_MONOTONIC, &event, &killer) == 0)
		(void)timer_settime(killer, 0, &when, NULL); /* valid arguments: can't fail */
}

static int run_tracer(void *arg)
{
	struct tracer *tracer = arg;
	allow_all(&tracer->processors);
	end_in_time(tracer->time_ms);
	/* Killed with its parent, who may have been killed just before. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 && getppid() == tracer->parent)
		tracer->result = seize_and_capture(tracer->live, tracer->err);
	return 0;
}

/* Nothing of it is left but what snap_live_find() found. */
static void begin(struct snap_live *l)
{
	snap_tracee_deinit(&l->tracee);
	snap_tracee_init(&l->tracee);
	snap_maps_parser_init(&l->maps_parser);
	snap_areas_init(&l->areas);
	l->maps_len = 0;
	l->maps_cut = l->registers_foreign = false;
	l->maps_error = 0;
	l->arena_len = l->num_pieces = 0;
	l->pieces_left_out = l->num_alive = 0;
	l->arch = own_arch();
	l->syscalls_later = snap_interrupted_call_known(l->arch);
	snap_live_threads_read(&l->threads, l->pid, !l->syscalls_later);
}

/* For one task: what is in use on it when that is killed stays so, for the sanitizers at least.
 * NULL: no memory. */
static uint8_t *make_stack(void)
{
	uint8_t *stack = mmap(NULL, SNAP_LIVE_TRACER_STACK, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	if (stack == MAP_FAILED)
		return NULL;
	/* Stacks grow down on all machines that Linux supports but parisc. */
	(void)mprotect(stack, TRACER_GUARD, PROT_NONE);
	snap_prefault(stack + SNAP_LIVE_TRACER_STACK - TRACER_STACK_USED, TRACER_STACK_USED);
	return stack;
}

/* Has a task do it. Returns whether that was killed. */
static bool run_task(struct tracer *tracer)
{
	uint8_t *stack = make_stack();
	int status = 0;
	if (!stack) {
		(void)snap_error_errno(tracer->err, errno, "cannot make a stack");
		return false;
	}
	/* The task's as well, and ours until we have our turn among the threads that were let go.
	 */
	int priority = snap_priority_raise();
	stay_here(&tracer->processors);
	pid_t pid = clone(run_tracer, stack + SNAP_LIVE_TRACER_STACK,
		CLONE_VM | CLONE_VFORK | CLONE_FILES | CLONE_FS | SIGCHLD, tracer);
	if (pid < 0)
		(void)snap_error_errno(tracer->err, errno, "cannot start a task");
	/* It has ended: CLONE_VFORK. ECHILD: whoever started us ignores SIGCHLD. */
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	allow_all(&tracer->processors);
	snap_priority_restore(priority);
	bool killed = pid > 0 && WIFSIGNALED(status);
	/* Else it stays, so that the next one is another. */
	if (!killed)
		(void)munmap(stack, SNAP_LIVE_TRACER_STACK);
	return killed;
}

/* Until it is done, by more than it ever takes: many stacks are read at once. */
static unsigned int first_time_ms(const struct snap_live *l)
{
	uint64_t num = l->status.num_threads, most = (uint64_t)time_s(l) * 1000;
	uint64_t time_ms = 1000 + (num < SNAP_MAX_THREADS ? num : 0);
	return (unsigned int)(time_ms < most ? time_ms : most);
}

int snap_live_capture(struct snap_live *l, struct snap_error *err)
{
	struct tracer tracer = {.live = l, .err = err, .parent = getpid(), .result = -1};
	(void)clock_gettime(CLOCK_REALTIME, &l->start); /* can't fail */
	begin(l);
	/* Its pages come as they are used. */
	l->arena_size = snap_emit_memory_limits(l->config).max_bytes;
	l->arena = mmap(NULL, l->arena_size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (l->arena == MAP_FAILED) {
		l->arena = NULL;
		return snap_error_errno(err, errno, "cannot get memory");
	}
	(void)snap_error_set(err, SNAP_ERROR_SYSTEM,
		"the capture was killed, or it took longer than %u s", time_s(l));

	tracer.time_ms = first_time_ms(l);
	if (run_task(&tracer)) {
		/* Who reads a mem file gets an error where process_vm_readv(2) waits for good. */
		l->stacks.ahead.refused = true;
		begin(l);
		tracer.time_ms = time_s(l) * 1000;
		(void)run_task(&tracer); /* tracer.result tells */
	}
	return tracer.result;
}

/* ---------------------------------------------------------------- while it runs again */

static void write_process_early(struct snap_live *l, struct snap_process *process)
{
	static char auxv[4096];
	*process = (struct snap_process){
		.has_pid = true,
		.pid = (uint32_t)l->tracee.pid,
		.has_uid = l->status.uid != SNAP_PROC_UNKNOWN,
		.uid = (uint32_t)l->status.uid,
		.has_gid = l->status.gid != SNAP_PROC_UNKNOWN,
		.gid = (uint32_t)l->status.gid,
		.has_num_threads = true,
		.num_threads = (uint32_t)(l->num_alive + l->tracee.num_left_out),
	};
	if (l->arch) {
		process->has_elf = true;
		process->elf_machine = l->arch->elf_machine;
		process->elf_class = l->arch->elf_class;
		process->elf_data = l->arch->elf_data;
	}
	struct rlimit limit;
	if (prlimit(l->tracee.pid, RLIMIT_CORE, NULL, &limit) == 0) {
		process->has_rlimit_core = true;
		process->rlimit_core = limit.rlim_cur;
	}
	ssize_t n =
		l->task_fd < 0 ? -ESRCH : snap_proc_read(l->task_fd, "auxv", auxv, sizeof(auxv));
	if (n > 0)
		process->auxv = snap_bytes(auxv, (size_t)n);
	(void)snap_write_process(&l->emit.writer, process); /* its error sticks */
	if (n <= 0)
		snap_emit_omission(&l->emit, SNAP_OMITTED_AUXV, SNAP_OMITTED_UNREADABLE, 0,
			n < 0 ? (int)-n : 0);
	else if (n == sizeof(auxv) - 1)
		snap_emit_omission(&l->emit, SNAP_OMITTED_AUXV, SNAP_OMITTED_CAP, 0, 0);
}

/* What the thread's own PID namespace calls it. */
static bool inner_tid(const struct snap_live *l, pid_t tid, uint32_t *ret)
{
	char name[40];
	struct snap_proc_status status;
	(void)snprintf(name, sizeof(name), "%d/status", (int)tid);
	if (snap_proc_status_read(l->tracee.tasks_fd, name, &status) < 0 ||
		status.ns_pid > UINT32_MAX)
		return false;
	*ret = (uint32_t)status.ns_pid;
	return true;
}

static void write_thread(struct snap_live *l, size_t index)
{
	const struct snap_tracee_thread *t = &l->tracee.threads[index];
	struct snap_regset regsets[2 + SNAP_VECTOR_MAX + SNAP_ARCH_MAX_EXTRA_REGSETS];
	struct snap_thread thread = {
		.has_tid = true,
		.tid = (uint64_t)t->tid,
		.regsets = regsets,
	};
	thread.has_state = snap_proc_thread_state(t->state, &thread.state);
	/* The crashing thread, and no other, is RUNNING. */
	if (l->caller.crashed && index == 0)
		thread.state = SNAP_THREAD_RUNNING;
	else if (l->caller.crashed && thread.state == SNAP_THREAD_RUNNING)
		thread.state = SNAP_THREAD_READY;
	if (t->has_comm)
		thread.name = snap_bytes(t->comm, t->comm_len);
	if (l->status.num_pid_namespaces > 1)
		thread.has_ns_tid = inner_tid(l, t->tid, &thread.ns_tid);
	bool room = !t->no_room;
	if (t->regs_len > 0 && room)
		regsets[thread.num_regsets++] =
			(struct snap_regset){NT_PRSTATUS, snap_bytes(t->regs, t->regs_len)};
	/* Those of a crash are as of the place where the signal came, not as of now. */
	bool vectors = t->vectors && room && !(index == 0 && l->caller.crashed);
	if (vectors)
		thread.num_regsets +=
			snap_vector_regsets_list(t->vectors, regsets + thread.num_regsets);
	else if (index == 0 && l->tracee.fpregs_len > 0)
		regsets[thread.num_regsets++] = (struct snap_regset){
			NT_FPREGSET, snap_bytes(l->tracee.fpregs, l->tracee.fpregs_len)};
	if (room)
		thread.num_regsets +=
			snap_extra_regsets_list(&t->extra, l->arch, regsets + thread.num_regsets);
	if (room && l->arch && l->arch->tp_regset != 0) {
		struct snap_memory_thread tls;
		thread.has_tls_base =
			snap_memory_thread_registers(l->arch, regsets, thread.num_regsets, &tls) &&
			tls.tp != 0;
		thread.tls_base = thread.has_tls_base ? tls.tp : 0;
	}
	snap_stack_figures(&l->areas, l->arch, &thread);
	if (snap_write_thread(&l->emit.writer, &thread) == -ENOSPC) {
		l->emit.writer.num_refused--; /* counted here */
		l->threads_left_out++;
		return;
	}

	snap_live_write_pieces(l, l->first_piece[index], l->first_piece[index + 1]);
	if (vectors && t->vectors->num_left_out > 0)
		snap_emit_omission(
			&l->emit, SNAP_OMITTED_REGISTERS, SNAP_OMITTED_CAP, thread.tid, 0);
	if (!room) {
		snap_emit_omission(
			&l->emit, SNAP_OMITTED_REGISTERS, SNAP_OMITTED_CAP, thread.tid, 0);
		snap_emit_omission(&l->emit, SNAP_OMITTED_STACK, SNAP_OMITTED_CAP, thread.tid, 0);
		return;
	}
	if (t->regs_len > 0)
		return;
	enum snap_omission_why why = SNAP_OMITTED_UNREADABLE;
	if (t->phase == SNAP_TRACEE_SEIZED)
		why = SNAP_OMITTED_DEADLINE;
	else if (t->phase == SNAP_TRACEE_ENDED || t->phase == SNAP_TRACEE_ZOMBIE)
		why = SNAP_OMITTED_GONE;
	snap_emit_omission(&l->emit, SNAP_OMITTED_REGISTERS, why, thread.tid, -t->regs_error);
	if (t->phase != SNAP_TRACEE_ZOMBIE)
		l->emit.partial = true;
}

static uint64_t auxv_value(const struct snap_live *l, struct snap_bytes auxv, uint64_t type)
{
	if (!l->arch)
		return 0;
	unsigned int word = snap_arch_word(l->arch);
	for (size_t i = 0; i + 2 * word <= auxv.len; i += 2 * word)
		if (snap_arch_load(l->arch, auxv.data + i, word) == type)
			return snap_arch_load(l->arch, auxv.data + i + word, word);
	return 0;
}

/* Where the first thread is, and what a crash was about. */
static void want_mappings(struct snap_live *l)
{
	const struct snap_tracee_thread *first = &l->tracee.threads[0];
	const struct snap_regset general = {NT_PRSTATUS, snap_bytes(first->regs, first->regs_len)};
	struct snap_memory_thread where;
	uint64_t fault_addr;
	if (l->tracee.num_threads == 0 || !l->arch)
		return;
	if (snap_memory_thread_registers(l->arch, &general, 1, &where)) {
		snap_layout_want(&l->layout, where.sp);
		snap_layout_want(&l->layout, where.pc);
	}
	if (l->caller.crashed && snap_emit_fault_addr(l->caller.signo, l->caller.siginfo,
					 l->arch->elf_class, l->arch->elf_data, &fault_addr))
		snap_layout_want(&l->layout, fault_addr);
}

static void write_layout(struct snap_live *l, struct snap_bytes auxv)
{
	struct snap_emit *e = &l->emit;
	if (l->maps_error < 0 || l->maps_cut) {
		snap_emit_omission(e, SNAP_OMITTED_MAPPING,
			l->maps_cut ? SNAP_OMITTED_CAP : SNAP_OMITTED_UNREADABLE, 0,
			-l->maps_error);
		e->partial = true;
	}
	if (l->maps_parser.num_bad > 0 || l->areas.num_left_out > 0)
		snap_emit_note(e, false,
			"%llu lines of maps are not understood, %llu mappings not looked up",
			(unsigned long long)l->maps_parser.num_bad,
			(unsigned long long)l->areas.num_left_out);
	snap_layout_init(&l->layout, e, &l->areas, l->mem_fd, auxv_value(l, auxv, AT_SYSINFO_EHDR),
		NULL, true);
	want_mappings(l);
	snap_maps_parser_init(&l->maps_parser);
	snap_maps_parser_feed(
		&l->maps_parser, snap_bytes(l->maps, l->maps_len), snap_layout_add, &l->layout);
	snap_layout_finish(&l->layout);
	if (l->arch)
		snap_layout_write_abort_message(&l->layout, false, l->arch->elf_data);
	snap_live_write_pieces(l, l->first_piece[l->tracee.num_threads], l->num_pieces);
}

static void write_capture(struct snap_live *l, const struct snap_live_words *words)
{
	struct snap_capture capture = {
		.has_method = true,
		.method = words->method,
		.has_storage = words->storage != SNAP_STORAGE_UNSTATED,
		.storage = words->storage,
		.has_queue_time = words->queue_time_ns > 0,
		.queue_time_ns = words->queue_time_ns,
		.has_time = true,
		.time_s = l->start.tv_sec,
		.time_ns = (uint32_t)l->start.tv_nsec,
		.has_pause_time = true,
		.pause_time_ns = l->tracee.pause_ns,
	};
	(void)snap_write_capture(&l->emit.writer, &capture); /* its error sticks */
}

int snap_live_write(struct snap_live *l, int out_fd, const struct snap_live_words *words)
{
	struct snap_emit *e = &l->emit;
	struct snap_process process;
	uint64_t num_ended = 0;
	snap_emit_init(e, out_fd, l->config);
	snap_emit_uuid(l->uuid);
	snap_emit_header(e, words->program);
	snap_emit_metadata(e, l->config, words->reason, l->caller.crashed, l->uuid);
	for (size_t i = 0; i < words->num_tags; i++)
		if (snap_write_tag(&e->writer, &words->tags[i]) == -EMSGSIZE)
			snap_emit_note(e, true, "tag %zu is too long", i + 1);
	if (l->caller.crashed && l->arch)
		snap_emit_signal(e, l->caller.signo, l->caller.tid, l->caller.siginfo,
			l->arch->elf_class, l->arch->elf_data);
	write_process_early(l, &process);
	if (l->tracee.num_threads > 0) {
		write_thread(l, 0);
		write_callers(l);
	}
	(void)snap_write_checkpoint(&e->writer, false); /* its error sticks */
	snap_emit_stage(e, SNAP_EMIT_LAYOUT);
	write_layout(l, process.auxv);
	snap_emit_stage(e, SNAP_EMIT_THREADS);
	for (size_t i = 1; i < l->tracee.num_threads; i++) {
		if (i % CHECKPOINT_THREADS == 1)
			(void)snap_write_checkpoint(&e->writer, false);
		if (l->tracee.threads[i].phase == SNAP_TRACEE_ENDED)
			num_ended++;
		else
			write_thread(l, i);
	}
	(void)snap_write_checkpoint(&e->writer, false);
	snap_emit_stage(e, SNAP_EMIT_REST);
	snap_emit_omission_count(e, SNAP_OMITTED_THREAD, SNAP_OMITTED_GONE, num_ended);
	snap_emit_omission_count(e, SNAP_OMITTED_THREAD, SNAP_OMITTED_CAP,
		l->tracee.num_left_out + l->threads_left_out);
	snap_emit_omission_count(e, SNAP_OMITTED_OTHER, SNAP_OMITTED_CAP, l->pieces_left_out);
	if (l->registers_foreign)
		snap_emit_note(e, true, "a thread's registers are of a machine that is not known");

	const struct snap_facts_source source = {
		.task_fd = l->task_fd,
		.pid = process.pid,
		.status = &l->status,
		.config = l->config,
	};
	struct snap_namespaces namespaces;
	snap_facts_write_process(e, &source, &namespaces);
	snap_facts_write_namespaces(e, &namespaces);
	snap_facts_write_cgroup(e);
	snap_facts_write_system(e);
	snap_live_threads_write(e, &l->threads);
	snap_emit_stage(e, SNAP_EMIT_END);
	snap_emit_refused(e);
	write_capture(l, words);
	return snap_write_checkpoint(&e->writer, true);
}
