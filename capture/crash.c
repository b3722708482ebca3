#include "capture/crash.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture/access.h"
#include "capture/crash_indirect.h"
#include "capture/crash_records.h"
#include "capture/facts.h"
#include "capture/memory.h"
#include "capture/prefault.h"

/* Threads between two checkpoints. */
#define CHECKPOINT_THREADS 64
/* So many threads' notes, some 4 KiB each, fill a pipe; and what anybody may make of a pipe
 * (fs.pipe-max-size). */
#define MANY_THREADS 16
#define PIPE_BYTES   (1 << 20)

/* ---------------------------------------------------------------- who crashed */

/*
 * What the kernel's arguments would have told, from the first note, the crashing thread's; of
 * struct elf_prstatus, pr_cursig is at the same place on all machines (include/linux/elfcore.h).
 */
static void learn_from_note(struct snap_crash *c, const struct snap_core_note *note)
{
	const struct snap_arch *arch = c->arch;
	c->facts.tid = c->facts.pid;
	if (!arch || !snap_bytes_equal_str(note->name, "CORE") || note->type != NT_PRSTATUS ||
		note->desc.len < arch->prstatus_size)
		return;
	c->facts.signo = snap_crash_load(c, note->desc.data + 12, 2);
	c->facts.tid = snap_crash_load(c, note->desc.data + arch->prstatus_pid_off, 4);
	c->tid_is_namespaced = true;
}

/* The thread is known by a number that may be of its own namespace: snap_identity_find() for it. */
static const char *find_namespaced(struct snap_crash *c)
{
	const struct snap_crash_facts *facts = &c->facts;
	uint64_t tid;
	const char *why = snap_identity_find(facts->pid, facts->tid, facts->pidfd, &c->identity);
	if (!why && c->identity.status.num_pid_namespaces < 2)
		return NULL;
	if (c->identity.task_fd >= 0)
		(void)close(c->identity.task_fd); /* another thread's, by chance */
	c->identity.task_fd = -1;
	int leader_fd = snap_proc_open((pid_t)facts->pid, (pid_t)facts->pid);
	bool found = leader_fd >= 0 && snap_tid_map_read(&c->tids, leader_fd) == 0 &&
		     snap_tid_map_find(&c->tids, (uint32_t)facts->tid, &tid);
	if (leader_fd >= 0)
		(void)close(leader_fd); /* only looked at */
	c->facts.tid = found ? tid : facts->pid;
	return found ? snap_identity_find(facts->pid, facts->tid, facts->pidfd, &c->identity)
		     : "the crashing thread can't be told";
}

static void find_process(struct snap_crash *c)
{
	const struct snap_crash_facts *facts = &c->facts;
	unsigned long long pid = facts->pid;
	const char *why = c->tid_is_namespaced ? find_namespaced(c)
					       : snap_identity_find(facts->pid, facts->tid,
							 facts->pidfd, &c->identity);
	c->identity_unverified = why != NULL;
	c->mem_fd = -1;
	if (c->identity.pidfd_was_foreign)
		snap_emit_note(&c->emit, false, "descriptor %d is no pidfd of process %llu",
			facts->pidfd, pid);
	if (why) {
		snap_emit_note(&c->emit, true, "nothing is taken from process %llu: %s", pid, why);
		return;
	}
	c->has_stat = snap_proc_stat_read(c->identity.task_fd, "stat", &c->stat) == 0;
	if (c->has_stat)
		c->start_stack = c->stat.start_stack;
	c->mem_fd = openat(c->identity.task_fd, "mem", O_RDONLY | O_CLOEXEC);
	if (c->mem_fd < 0)
		snap_emit_note(
			&c->emit, true, "the process's memory can't be opened: errno %d", errno);
}

/*
 * Read maps for the table of addresses, and keep its text if it is short, as it mostly is: to have
 * the kernel make it a second time for write_layout() would take longer than to parse it again.
 */
static int keep_maps(struct snap_crash *c, int fd)
{
	snap_maps_parser_init(&c->maps_parser);
	for (;;) {
		uint8_t *to = c->maps + c->maps_len;
		ssize_t n = read(fd, to, sizeof(c->maps) - c->maps_len);
		if (n < 0)
			return -errno;
		if (n == 0) {
			c->maps_whole = !c->maps_dropped;
			return 0;
		}
		snap_maps_parser_feed(
			&c->maps_parser, snap_bytes(to, (size_t)n), snap_areas_add, &c->areas);
		c->maps_len += (size_t)n;
		if (c->maps_len == sizeof(c->maps)) {
			c->maps_len = 0;
			c->maps_dropped = true;
		}
	}
}

static void read_areas(struct snap_crash *c)
{
	snap_areas_init(&c->areas);
	if (c->identity.task_fd < 0)
		return;
	int fd = openat(c->identity.task_fd, "maps", O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? -errno : keep_maps(c, fd);
	if (fd >= 0)
		(void)close(fd);
	if (r < 0)
		snap_emit_note(&c->emit, true, "the mappings can't be read: errno %d", -r);
	if (c->maps_parser.num_bad > 0 || c->areas.num_left_out > 0)
		snap_emit_note(&c->emit, false,
			"%llu lines of maps are not understood, %llu mappings not looked up",
			(unsigned long long)c->maps_parser.num_bad,
			(unsigned long long)c->areas.num_left_out);
}

static void checkpoint(struct snap_crash *c)
{
	(void)snap_write_checkpoint(&c->emit.writer, false); /* its error sticks */
}

/* ---------------------------------------------------------------- threads */

/* The host's id of the thread that the notes call ns_tid. */
static uint64_t host_tid(struct snap_crash *c, uint32_t ns_tid)
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
	snap_crash_windows_take(&c->windows, thread, snap_bytes(c->thread.regs, c->thread.regs_len),
		has_fault, fault_addr, &source, &c->emit.sink);
	snap_crash_windows_take_callers(&c->windows, thread, &source, &c->emit.sink);
	if (c->facts.config && c->facts.config->memory == SNAP_CONFIG_MEMORY_INDIRECT) {
		c->indirect.regs_len = c->thread.regs_len;
		memcpy(c->indirect.regs, c->thread.regs, c->thread.regs_len);
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
		&c->budget, &limits, num_threads, c->arch, all ? c->thread.vectors.len : 0);
}

/* The thread whose notes are now all there; the first one is the crashing one. */
static void write_thread(struct snap_crash *c)
{
	uint64_t index = c->num_threads++;
	bool first = index == 0;
	const struct snap_crash_thread *notes = &c->thread;
	uint64_t tid = first ? c->facts.tid : notes->tid ? notes->tid : host_tid(c, notes->ns_tid);
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
		checkpoint(c);

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
	char name[40];
	(void)snprintf(name, sizeof(name), "../%llu/stat", (unsigned long long)tid);
	if (c->identity.task_fd >= 0 &&
		snap_proc_stat_read(c->identity.task_fd, name, &stat) == 0 && stat.sp != 0) {
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

/* What is most valuable, as soon as the first thread's notes are there. */
static void write_first_group(struct snap_crash *c)
{
	snap_crash_write_metadata(c);
	snap_crash_write_signal(c);
	snap_crash_write_process(c);
	write_thread(c);
	checkpoint(c);
	snap_emit_stage(&c->emit, SNAP_EMIT_LAYOUT);
	snap_crash_write_layout(c);
	snap_crash_write_annotations(c);
	checkpoint(c);
	snap_emit_stage(&c->emit, SNAP_EMIT_THREADS);
	snap_stack_budget_limit(&c->budget, snap_emit_room(&c->emit));
}

static void flush_thread(struct snap_crash *c)
{
	if (!c->thread.present)
		return;
	c->thread.present = false;
	if (c->num_threads == 0) {
		write_first_group(c);
		return;
	}
	write_thread(c);
	if (c->num_threads % CHECKPOINT_THREADS == 0)
		checkpoint(c);
}

static void reset_thread(struct snap_crash *c)
{
	c->thread.present = true;
	c->thread.tid = 0;
	c->thread.ns_tid = 0;
	c->thread.regs_len = 0;
	memset(&c->thread.extra, 0, sizeof(c->thread.extra));
	memset(&c->thread.vectors, 0, offsetof(struct snap_vector_regsets, data));
}

static void begin_thread(struct snap_crash *c, const struct snap_core_note *note)
{
	const struct snap_arch *arch = c->arch;
	reset_thread(c);
	if (!arch)
		return;
	if (note->desc_len != arch->prstatus_size || note->desc.len < arch->prstatus_size ||
		arch->prstatus_reg_size > sizeof(c->thread.regs)) {
		snap_emit_note(&c->emit, true, "a PRSTATUS note has %llu bytes instead of %u",
			(unsigned long long)note->desc_len, (unsigned int)arch->prstatus_size);
		return;
	}
	c->thread.ns_tid =
		(uint32_t)snap_crash_load(c, note->desc.data + arch->prstatus_pid_off, 4);
	c->thread.regs_len = arch->prstatus_reg_size;
	memcpy(c->thread.regs, note->desc.data + arch->prstatus_reg_off, arch->prstatus_reg_size);
}

static size_t keep(const struct snap_core_note *note, uint8_t *to, size_t size)
{
	size_t len = note->desc.len < size ? note->desc.len : size;
	memcpy(to, note->desc.data, len);
	return len;
}

static void take_note(struct snap_crash *c, const struct snap_core_note *note)
{
	if (snap_bytes_equal_str(note->name, "LINUX") && c->thread.present &&
		note->desc.len == note->desc_len)
		snap_extra_regsets_keep(&c->thread.extra, c->arch, note->type, note->desc);
	/* Of the first one, the floating point registers in any case. */
	bool all = c->facts.config && c->facts.config->vector_registers;
	if (c->thread.present && snap_vector_regsets_has(c->arch, note->type) &&
		(all || (c->num_threads == 0 && note->type == NT_FPREGSET)))
		snap_vector_regsets_keep(
			&c->thread.vectors, note->type, note->desc, note->desc_len);
	if (!snap_bytes_equal_str(note->name, "CORE"))
		return;
	if (note->type == NT_PRSTATUS) {
		flush_thread(c);
		begin_thread(c, note);
		return;
	}
	if (c->num_threads > 0)
		return; /* the other threads' further register sets */
	switch (note->type) {
	case NT_SIGINFO:
		c->siginfo_len = keep(note, c->siginfo, sizeof(c->siginfo));
		break;
	case NT_AUXV:
		c->auxv_len = keep(note, c->auxv, sizeof(c->auxv));
		c->auxv_cut = note->desc_len > c->auxv_len;
		break;
	case NT_PRPSINFO:
		/* struct elf_prpsinfo ends with pr_fname[16] and pr_psargs[80], however wide its
		 * numbers are. */
		if (note->desc.len >= 96 && note->desc.len == note->desc_len)
			memcpy(c->fname, note->desc.data + note->desc.len - 96, 16);
		break;
	}
}

static const char *stream_fault(int error)
{
	switch (error) {
	case -ENOEXEC:
		return "it is no ELF core";
	case -ENODATA:
		return "it ends early";
	case -EBADMSG:
		return "it contradicts itself";
	case -EINTR:
		return "time ran out";
	}
	return "it can't be read";
}

/* Up to the first note; returns what snap_core_stream_next() does. */
static int begin_stream(struct snap_crash *c, int fd, struct snap_core_note *ret)
{
	int r = snap_core_stream_open(&c->stream, fd, c->facts.core_copy);
	c->arch = snap_arch_find(c->stream.elf_machine, c->stream.elf_class, c->stream.elf_data);
	if (r == 0 && !c->arch)
		snap_emit_note(&c->emit, true, "no register table for ELF machine %u of class %u",
			(unsigned int)c->stream.elf_machine, (unsigned int)c->stream.elf_class);
	return r == 0 ? snap_core_stream_next(&c->stream, ret) : r;
}

/* note, r: from begin_stream(). */
/* One of /proc/PID/task, of which the notes did not tell. True if it was written. */
static bool write_missing_thread(struct snap_crash *c, int tasks_fd, const char *name)
{
	char stat_name[32];
	struct snap_proc_stat stat;
	uint64_t tid = strtoull(name, NULL, 10); /* "." and ".." give 0 */
	if (tid == 0 || tid >= SNAP_CRASH_MAX_TID || c->seen[tid / 8] & 1u << tid % 8)
		return false;
	(void)snprintf(stat_name, sizeof(stat_name), "%llu/stat", (unsigned long long)tid);
	/* One that has ended has neither registers nor a stack: a main thread, for one. */
	if (snap_proc_stat_read(tasks_fd, stat_name, &stat) < 0 || stat.state == 'Z' ||
		stat.state == 'X')
		return false;
	reset_thread(c);
	c->thread.present = false;
	c->thread.tid = tid;
	write_thread(c);
	return true;
}

/* Threads without notes: /proc tells where their stacks are. */
static void write_missing_threads(struct snap_crash *c, bool notes_whole)
{
	_Alignas(struct dirent64) char buf[8192];
	uint64_t num = c->identity.status.num_threads, num_missing = 0;
	if (c->identity.task_fd < 0 || *c->timed_out || c->has_snapshot ||
		(notes_whole && (num == SNAP_PROC_UNKNOWN || c->num_threads >= num)))
		return;
	int fd = openat(c->identity.task_fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long n;
	/* struct linux_dirent64 of getdents64(2), which glibc's dirent64 is. */
	while (fd >= 0 && (n = syscall(SYS_getdents64, fd, buf, sizeof(buf))) > 0) {
		for (long i = 0; i < n && !*c->timed_out;) {
			const struct dirent64 *entry = (const void *)(buf + i);
			i += entry->d_reclen;
			num_missing += write_missing_thread(c, fd, entry->d_name);
		}
	}
	if (fd >= 0)
		(void)close(fd); /* nothing was written */
	if (num_missing > 0)
		snap_emit_note(&c->emit, true,
			"%llu threads have no notes in the core: what is known of them is from "
			"/proc",
			(unsigned long long)num_missing);
}

static void read_stream(struct snap_crash *c, struct snap_core_note *note, int r)
{
	for (; r > 0 && !*c->timed_out && !c->has_snapshot;
		r = snap_core_stream_next(&c->stream, note))
		take_note(c, note);
	if (*c->timed_out) {
		r = -EINTR;
		/* What kept the kernel waiting would keep us: memory is not touched any more. */
		if (c->mem_fd >= 0)
			(void)close(c->mem_fd); /* nothing was written */
		c->mem_fd = -1;
	}
	if (r < 0)
		snap_emit_note(&c->emit, true, "the core's notes are not whole: %s (errno %d)",
			stream_fault(r), -r);
	/* Without any notes the arguments still tell of one thread. */
	if (c->num_threads == 0)
		c->thread.present = true;
	flush_thread(c);
	write_missing_threads(c, r == 0);

	if (r < 0)
		snap_emit_omission(&c->emit, SNAP_OMITTED_THREAD,
			r == -EINTR ? SNAP_OMITTED_DEADLINE : SNAP_OMITTED_UNREADABLE, 0, -r);
	snap_emit_omission_count(
		&c->emit, SNAP_OMITTED_THREAD, SNAP_OMITTED_CAP, c->threads_left_out);
	/* A main thread that called pthread_exit() has no notes, but is still the process's. */
	if (r == 0 && !c->leader_seen && c->identity.task_fd >= 0) {
		char comm[SNAP_COMM_MAX];
		struct snap_thread leader = {
			.has_tid = true,
			.tid = c->facts.pid,
			.name = snap_proc_comm(c->identity.task_fd, c->facts.pid, comm),
			.has_state = true,
			.state = SNAP_THREAD_INACTIVE,
		};
		(void)snap_write_thread(&c->emit.writer, &leader); /* its error sticks */
		snap_emit_omission(
			&c->emit, SNAP_OMITTED_REGISTERS, SNAP_OMITTED_GONE, c->facts.pid, 0);
	}
	checkpoint(c);
}

/* ---------------------------------------------------------------- the whole */

void snap_crash_prefault(struct snap_crash *c)
{
	snap_prefault(c, offsetof(struct snap_crash, areas.areas[64]));
}

void snap_crash_begin(struct snap_crash *c, const struct snap_crash_facts *facts, int out_fd,
	const char *program, const struct timespec *start, const volatile sig_atomic_t *timed_out)
{
	c->facts = *facts;
	c->start = *start;
	c->timed_out = timed_out;
	snap_emit_init(&c->emit, out_fd, c->facts.config);
	snap_emit_uuid(c->uuid);
	snap_emit_header(&c->emit, program);
}

/*
 * Of many threads' notes the kernel can write more before it has to wait for us, and then for its
 * turn; of few, the pipe has room, and more of it would be filled with memory that nobody reads.
 */
static void make_room(const struct snap_crash *c, int stream_fd)
{
	if (c->identity.task_fd >= 0 && c->identity.status.num_threads != SNAP_PROC_UNKNOWN &&
		c->identity.status.num_threads >= MANY_THREADS)
		(void)fcntl(stream_fd, F_SETPIPE_SZ, PIPE_BYTES); /* it may be no pipe */
}

void snap_crash_capture(struct snap_crash *c, int stream_fd)
{
	struct snap_core_note note = {0};
	int r = begin_stream(c, stream_fd, &note);
	if (c->facts.tid == 0)
		learn_from_note(c, &note);
	find_process(c);
	make_room(c, stream_fd);
	read_areas(c);
	read_stream(c, &note, r);
	snap_crash_write_indirect(c);
	snap_emit_stage(&c->emit, SNAP_EMIT_REST);
	snap_crash_write_late(c);
	checkpoint(c);
}

bool snap_crash_owner_allowed(const struct snap_crash *c)
{
	const struct snap_access_facts facts = {
		.dumpable = c->facts.dumpable,
		.uid = c->facts.uid,
		.gid = c->facts.gid,
		.identity_verified = !c->identity_unverified,
		.auxv = snap_bytes(c->auxv, c->auxv_len),
		.elf_class = c->stream.elf_class,
		.elf_data = c->stream.elf_data,
	};
	return snap_access_owner_allowed(&facts);
}

/*
 * What the crashing thread's stat told. Its system call and its functions in the kernel are those
 * of the dump: nobody needs them.
 */
static void write_thread_facts(struct snap_crash *c)
{
	const struct snap_thread_facts facts = {
		.has_tid = true,
		.tid = c->facts.tid,
		.has_cpu = c->stat.cpu <= UINT32_MAX,
		.cpu = (uint32_t)c->stat.cpu,
		.has_user_ms = true,
		.user_ms = snap_proc_ticks_ms(c->stat.user_ticks),
		.has_system_ms = true,
		.system_ms = snap_proc_ticks_ms(c->stat.system_ticks),
	};
	if (c->has_stat)
		(void)snap_write_thread_facts(&c->emit.writer, &facts); /* its error sticks */
}

int snap_crash_finish(struct snap_crash *c, const struct timespec *released)
{
	struct snap_capture capture = {
		.has_method = true,
		.method = c->facts.method,
		.has_time = true,
		.time_s = (int64_t)c->facts.time_s,
		.has_hold_time = true,
		.hold_time_ns = (uint64_t)(released->tv_sec - c->start.tv_sec) * 1000000000 +
				(uint64_t)released->tv_nsec - (uint64_t)c->start.tv_nsec,
		.has_storage = c->facts.storage != SNAP_STORAGE_UNSTATED,
		.storage = c->facts.storage,
		.has_queue_time = c->facts.queue_time_ns > 0,
		.queue_time_ns = c->facts.queue_time_ns,
	};
	snap_facts_write_namespaces(&c->emit, &c->namespaces);
	snap_facts_write_system(&c->emit);
	write_thread_facts(c);
	snap_emit_stage(&c->emit, SNAP_EMIT_END);
	snap_emit_refused(&c->emit);
	(void)snap_write_capture(&c->emit.writer, &capture); /* its error sticks */
	int r = snap_write_checkpoint(&c->emit.writer, true);
	return r < 0 || c->emit.writer.len > 0 ? r : -EIO;
}
