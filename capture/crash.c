#include "capture/crash.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "capture/access.h"
#include "capture/close_fd.h"
#include "capture/crash_indirect.h"
#include "capture/crash_records.h"
#include "capture/crash_threads.h"
#include "capture/facts.h"
#include "capture/memory.h"
#include "capture/prefault.h"

/* So many threads' notes, some 4 KiB each, fill a pipe of the usual size; and what anybody may make
 * of a pipe (fs.pipe-max-size). */
#define MANY_THREADS   16
#define NOTES_BYTES    4096
#define PIPE_BYTES_MIN (64 << 10)
#define PIPE_BYTES_MAX (1 << 20)

/* ---------------------------------------------------------------- who crashed */

/* What there is to be read of the process, by its thread tid. Returns NULL, or why it is not used.
 */
static const char *open_process(struct snap_crash *c, uint64_t tid)
{
	const struct snap_crash_facts *facts = &c->facts;
	c->mem_fd = -1;
	c->has_stat = false;
	const char *why = snap_identity_find(facts->pid, tid, facts->pidfd, &c->identity);
	if (why)
		return why;
	c->has_stat = snap_proc_stat_read(c->identity.task_fd, "stat", &c->stat) == 0;
	if (c->has_stat)
		c->start_stack = c->stat.start_stack;
	c->mem_fd = openat(c->identity.task_fd, "mem", O_RDONLY | O_CLOEXEC);
	c->mem_error = c->mem_fd < 0 ? -errno : 0;
	return NULL;
}

static void close_process(struct snap_crash *c)
{
	snap_close_fd(&c->mem_fd);
	snap_close_fd(&c->identity.task_fd);
	if (c->identity.pidfd != c->facts.pidfd)
		snap_close_fd(&c->identity.pidfd);
}

/*
 * What the kernel's arguments would have told, from the first note, the crashing thread's; of
 * struct elf_prstatus, pr_cursig is at the same place on all machines (include/linux/elfcore.h).
 * Returns the thread's number in its own namespace, 0 if it is not told.
 */
static uint32_t learn_from_note(struct snap_crash *c, const struct snap_core_note *note)
{
	const struct snap_arch *arch = c->arch;
	if (!arch || !snap_bytes_equal_str(note->name, "CORE") || note->type != NT_PRSTATUS ||
		note->desc.len < arch->prstatus_size)
		return 0;
	c->facts.signo = snap_crash_load(c, note->desc.data + 12, 2);
	return (uint32_t)snap_crash_load(c, note->desc.data + arch->prstatus_pid_off, 4);
}

/*
 * The crashing thread, which nobody named, from its note: mostly it is the main one, by which the
 * process was opened. why: what open_process() said; returns the same of the thread that it is.
 */
static const char *find_thread(
	struct snap_crash *c, const struct snap_core_note *note, const char *why)
{
	uint64_t tid = learn_from_note(c, note);
	c->facts.tid = c->facts.pid;
	if (tid == 0 || (!why && c->identity.status.num_pid_namespaces < 2 && tid == c->facts.pid))
		return why;
	int main_fd = snap_proc_open((pid_t)c->facts.pid, (pid_t)c->facts.pid);
	struct snap_proc_status status;
	bool found = main_fd >= 0 && snap_proc_status_read(main_fd, "status", &status) == 0;
	/* A process that is in no namespace of its own has one number for each thread. */
	if (found && status.num_pid_namespaces > 1)
		found = snap_tid_map_read(&c->tids, main_fd) == 0 &&
			snap_tid_map_find(&c->tids, (uint32_t)tid, &tid);
	snap_close_fd(&main_fd);
	if (!found) {
		close_process(c);
		return why ? why : "the crashing thread can't be told";
	}
	c->facts.tid = tid;
	if (!why && tid == c->facts.pid)
		return NULL;
	close_process(c);
	return open_process(c, tid);
}

/*
 * The text of maps, as far as there is room for it. It is kept, if it is short enough: to have the
 * kernel make it a second time for write_layout() would take longer than to parse it again.
 */
static void fetch_maps(struct snap_crash *c)
{
	c->maps_len = 0;
	c->maps_whole = c->maps_dropped = false;
	c->maps_error = 0;
	c->maps_fd = -1;
	if (c->identity.task_fd < 0)
		return;
	c->maps_fd = openat(c->identity.task_fd, "maps", O_RDONLY | O_CLOEXEC);
	if (c->maps_fd < 0)
		c->maps_error = -errno;
}

/* Go on until there is no room. True: that was all, or an error ends it. */
static bool fill_maps(struct snap_crash *c)
{
	while (c->maps_fd >= 0 && c->maps_len < sizeof(c->maps)) {
		ssize_t n = read(c->maps_fd, c->maps + c->maps_len, sizeof(c->maps) - c->maps_len);
		if (n > 0) {
			c->maps_len += (size_t)n;
			continue;
		}
		c->maps_error = n < 0 ? -errno : 0;
		c->maps_whole = n == 0 && !c->maps_dropped;
		snap_close_fd(&c->maps_fd);
	}
	return c->maps_fd < 0;
}

/* The table of addresses, from maps. */
static int read_areas(struct snap_crash *c)
{
	snap_areas_init(&c->areas);
	snap_maps_parser_init(&c->maps_parser);
	if (!c->has_looked)
		fetch_maps(c);
	c->has_looked = false;
	for (;;) {
		bool is_end = fill_maps(c);
		snap_maps_parser_feed(&c->maps_parser, snap_bytes(c->maps, c->maps_len),
			snap_areas_add, &c->areas);
		if (is_end)
			return c->maps_error;
		c->maps_len = 0;
		c->maps_dropped = true;
	}
}

static void tell_of_areas(struct snap_crash *c, int r)
{
	if (r < 0)
		snap_emit_note(&c->emit, true, "the mappings can't be read: errno %d", -r);
	if (c->maps_parser.num_bad > 0 || c->areas.num_left_out > 0)
		snap_emit_note(&c->emit, false,
			"%llu lines of maps are not understood, %llu mappings not looked up",
			(unsigned long long)c->maps_parser.num_bad,
			(unsigned long long)c->areas.num_left_out);
}

/* ---------------------------------------------------------------- notes */

/* What is most valuable, as soon as the first thread's notes are there. */
static void write_first_group(struct snap_crash *c)
{
	snap_crash_write_metadata(c);
	snap_crash_write_signal(c);
	snap_crash_write_process(c);
	snap_crash_write_thread(c, &c->first, snap_bytes(NULL, 0));
	snap_crash_checkpoint(c);
	snap_emit_stage(&c->emit, SNAP_EMIT_LAYOUT);
	snap_crash_write_layout(c);
	snap_crash_write_annotations(c);
	snap_crash_checkpoint(c);
	snap_emit_stage(&c->emit, SNAP_EMIT_THREADS);
	snap_stack_budget_limit(&c->budget, snap_emit_room(&c->emit));
}

/* The thread whose notes are now all there; the first one is the crashing one. */
static void finish_thread(struct snap_crash *c)
{
	struct snap_crash_thread *thread = c->thread;
	if (!thread->present)
		return;
	thread->present = false;
	if (thread == &c->first) {
		write_first_group(c);
		c->thread = &c->waiting[0];
		return;
	}
	if (thread->tid == 0)
		snap_crash_find_host_tid(c, thread);
	c->num_waiting++;
	c->thread = &c->waiting[c->num_waiting % SNAP_THREAD_NAMES_MAX];
	if (c->num_waiting == SNAP_THREAD_NAMES_MAX || c->names.fd < 0)
		snap_crash_write_waiting(c);
}

static void reset_thread(struct snap_crash_thread *thread)
{
	thread->present = true;
	thread->tid = 0;
	thread->is_foreign = false;
	thread->ns_tid = 0;
	thread->regs_len = 0;
	memset(&thread->extra, 0, sizeof(thread->extra));
	memset(&thread->vectors, 0, offsetof(struct snap_vector_regsets, data));
}

static void begin_thread(struct snap_crash *c, const struct snap_core_note *note)
{
	const struct snap_arch *arch = c->arch;
	struct snap_crash_thread *thread = c->thread;
	reset_thread(thread);
	if (!arch)
		return;
	if (note->desc_len != arch->prstatus_size || note->desc.len < arch->prstatus_size ||
		arch->prstatus_reg_size > sizeof(thread->regs)) {
		snap_emit_note(&c->emit, true, "a PRSTATUS note has %llu bytes instead of %u",
			(unsigned long long)note->desc_len, (unsigned int)arch->prstatus_size);
		return;
	}
	thread->ns_tid = (uint32_t)snap_crash_load(c, note->desc.data + arch->prstatus_pid_off, 4);
	thread->regs_len = arch->prstatus_reg_size;
	memcpy(thread->regs, note->desc.data + arch->prstatus_reg_off, arch->prstatus_reg_size);
}

static size_t keep(const struct snap_core_note *note, uint8_t *to, size_t size)
{
	size_t len = note->desc.len < size ? note->desc.len : size;
	memcpy(to, note->desc.data, len);
	return len;
}

static void take_note(struct snap_crash *c, const struct snap_core_note *note)
{
	if (snap_bytes_equal_str(note->name, "LINUX") && c->thread->present &&
		note->desc.len == note->desc_len)
		snap_extra_regsets_keep(&c->thread->extra, c->arch, note->type, note->desc);
	/* Of the first one, the floating point registers in any case. */
	bool all = c->facts.config && c->facts.config->vector_registers;
	if (c->thread->present && snap_vector_regsets_has(c->arch, note->type) &&
		(all || (c->num_threads == 0 && note->type == NT_FPREGSET)))
		snap_vector_regsets_keep(
			&c->thread->vectors, note->type, note->desc, note->desc_len);
	if (!snap_bytes_equal_str(note->name, "CORE"))
		return;
	if (note->type == NT_PRSTATUS) {
		finish_thread(c);
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
	reset_thread(c->thread);
	c->thread->present = false;
	c->thread->tid = tid;
	snap_crash_write_thread(c, c->thread, snap_bytes(NULL, 0));
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
		c->thread->present = true;
	finish_thread(c);
	snap_crash_write_waiting(c);
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
	snap_crash_checkpoint(c);
}

/* ---------------------------------------------------------------- the whole */

void snap_crash_prefault(struct snap_crash *c)
{
	/* What is read of the process's memory at once is mostly short. */
	snap_prefault(c, offsetof(struct snap_crash, emit.buf[16 << 10]));
	snap_prefault(&c->areas, offsetof(struct snap_areas, areas[64]));
}

void snap_crash_begin(struct snap_crash *c, const struct snap_crash_facts *facts, int out_fd,
	const char *program, const struct timespec *start, const volatile sig_atomic_t *timed_out)
{
	c->facts = *facts;
	c->start = *start;
	c->timed_out = timed_out;
	c->thread = &c->first;
	c->names.fd = -1;
	snap_emit_init(&c->emit, out_fd, c->facts.config);
	snap_emit_uuid(c->uuid);
	snap_emit_header(&c->emit, program);
}

static bool has_threads(const struct snap_crash *c, uint64_t num)
{
	return c->identity.task_fd >= 0 && c->identity.status.num_threads != SNAP_PROC_UNKNOWN &&
	       c->identity.status.num_threads >= num;
}

void snap_crash_look(struct snap_crash *c, const struct snap_crash_facts *facts)
{
	c->facts = *facts;
	c->unused_why = open_process(c, facts->tid != 0 ? facts->tid : facts->pid);
	fetch_maps(c);
	(void)fill_maps(c); /* what does not fit is read when there is room again */
	c->has_looked = true;
}

/*
 * Of many threads' notes the kernel can write more before it has to wait for us, and then for its
 * turn. Beyond them a pipe would be filled with memory that nobody reads. It may be no pipe.
 */
static void widen_pipe(int stream_fd, uint64_t num_threads)
{
	int bytes = PIPE_BYTES_MIN;
	while (bytes < PIPE_BYTES_MAX && (uint64_t)bytes < num_threads * NOTES_BYTES)
		bytes *= 2;
	(void)fcntl(stream_fd, F_SETPIPE_SZ, bytes);
}

/* Until the first notes come; and what is guessed wrong does no harm. */
static void guess_names(struct snap_crash *c, int stream_fd)
{
	struct pollfd notes = {.fd = stream_fd, .events = POLLIN};
	snap_guessed_names_begin(&c->guessed_names, c->facts.pid + 1);
	while (c->names.fd >= 0 && poll(&notes, 1, 0) == 0 &&
		snap_guessed_names_ask(&c->guessed_names, &c->names))
		;
}

/*
 * What of the process does not need its notes, which the kernel collects meanwhile. Returns why it
 * is not used, or NULL; *ret_maps_error: what read_areas() says.
 */
static const char *look_at_process(struct snap_crash *c, int stream_fd, int *ret_maps_error)
{
	const char *why =
		c->has_looked ? c->unused_why
			      : open_process(c, c->facts.tid != 0 ? c->facts.tid : c->facts.pid);
	if (has_threads(c, MANY_THREADS)) {
		widen_pipe(stream_fd, c->identity.status.num_threads);
		snap_thread_names_open(&c->names);
	}
	*ret_maps_error = read_areas(c);
	guess_names(c, stream_fd);
	return why;
}

static void tell_of_process(struct snap_crash *c, const char *why)
{
	const struct snap_crash_facts *facts = &c->facts;
	unsigned long long pid = facts->pid;
	c->identity_unverified = why != NULL;
	if (c->identity.pidfd_was_foreign)
		snap_emit_note(&c->emit, false, "descriptor %d is no pidfd of process %llu",
			facts->pidfd, pid);
	if (why)
		snap_emit_note(&c->emit, true, "nothing is taken from process %llu: %s", pid, why);
	else if (c->mem_fd < 0)
		snap_emit_note(&c->emit, true, "the process's memory can't be opened: errno %d",
			-c->mem_error);
}

void snap_crash_capture(struct snap_crash *c, int stream_fd)
{
	struct snap_core_note note = {0};
	int maps_error;
	const char *why = look_at_process(c, stream_fd, &maps_error);
	int r = begin_stream(c, stream_fd, &note);
	if (c->facts.tid == 0)
		why = find_thread(c, &note, why);
	tell_of_process(c, why);
	if (c->areas.num == 0 && !why) /* that a main thread which has ended does not tell */
		maps_error = read_areas(c);
	tell_of_areas(c, maps_error);
	read_stream(c, &note, r);
	snap_thread_names_close(&c->names);
	snap_crash_write_indirect(c);
	snap_emit_stage(&c->emit, SNAP_EMIT_REST);
	snap_crash_write_late(c);
	snap_crash_checkpoint(c);
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
	snap_facts_write_cgroup(&c->emit);
	snap_facts_write_system(&c->emit);
	write_thread_facts(c);
	snap_emit_stage(&c->emit, SNAP_EMIT_END);
	snap_emit_refused(&c->emit);
	(void)snap_write_capture(&c->emit.writer, &capture); /* its error sticks */
	int r = snap_write_checkpoint(&c->emit.writer, true);
	return r < 0 || c->emit.writer.len > 0 ? r : -EIO;
}
