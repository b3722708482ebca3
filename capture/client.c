/*
 * snapcrash-client: what the kernel starts through core_pattern when a process crashes.
 *
 * Crash-time, privileged, parses hostile input. The crashed process is held until standard input is
 * closed, so that comes as soon as everything that needs the process is written (to the page
 * cache); only then is anything waited for. No allocation: all storage is static, and does not grow
 * with the target.
 *
 * Sources: core(5); the kernel's fs/coredump.c, fs/binfmt_elf.c.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "capture/client_args.h"
#include "capture/config.h"
#include "capture/core_stream.h"
#include "capture/emit.h"
#include "capture/extra_regsets.h"
#include "capture/identity.h"
#include "capture/layout.h"
#include "capture/memory.h"
#include "capture/proc_info.h"
#include "capture/proc_maps.h"
#include "capture/program.h"
#include "capture/spool.h"
#include "common/arch.h"
#include "common/areas.h"
#include "common/elf_load.h"
#include "common/memory_plan.h"

#define PROGRAM SNAP_CLIENT_PROGRAM

/* Seconds until the capture is brought to an end, and, from then on, until it is killed. */
#define DEADLINE_S	 20
#define DEADLINE_GRACE_S 5
/* Seconds for a slow disk, when nobody waits any more. */
#define FINISH_S      120
#define ADDRESS_SPACE (64u << 20)
/* Threads between two checkpoints. */
#define CHECKPOINT_THREADS 64

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
	__has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif
#ifndef SANITIZED
#define SANITIZED 0
#endif

/* What the notes say of one thread. */
struct thread_notes {
	bool present;
	uint32_t ns_tid;
	size_t regs_len; /* 0: none that we understand */
	uint8_t regs[1024];
	struct snap_extra_regsets extra;
};

struct client {
	struct snap_client_args args;
	struct timespec start;
	struct snap_config config;
	struct snap_spool_file file;
	uint8_t uuid[16];

	/* The process, as far as it is certainly the crashed one; else its task_fd is -1. */
	struct snap_identity identity;
	int mem_fd;
	bool identity_unverified;
	uint64_t start_stack; /* where its argc was put, or 0 */

	const struct snap_arch *arch; /* NULL: unknown */
	struct thread_notes thread;
	uint64_t num_threads; /* written */
	uint64_t threads_left_out;
	bool leader_seen;
	/* The first thread's. */
	size_t fpregs_len, siginfo_len, auxv_len;
	bool auxv_cut;
	uint8_t fpregs[4096];
	uint8_t siginfo[256];
	uint8_t auxv[SNAP_AUXV_MAX];
	char fname[17]; /* pr_fname */

	struct snap_core_stream stream;
	/* The text of maps, if it was short enough to be kept. */
	bool maps_whole, maps_dropped;
	size_t maps_len;
	uint8_t maps[32768];
	struct snap_maps_parser maps_parser;
	struct snap_areas areas;
	struct snap_layout layout;
	struct snap_tid_map tids;
	struct snap_emit emit;
};

static struct client client;

static volatile sig_atomic_t timed_out;

static void on_alarm(int signo)
{
	(void)signo;
	timed_out = 1;
	/* The handler is reset by now: the next one kills, and so closes the stream. */
	(void)alarm(DEADLINE_GRACE_S);
}

/*
 * The kernel starts us with 1 and 2 closed: no later file may get these numbers. What is said on 2
 * then goes to the kernel's log, the only place where somebody may find it.
 */
static void bind_standard_fds(void)
{
	for (int fd = 0; fd <= 2; fd++) {
		if (fcntl(fd, F_GETFD) >= 0 || errno != EBADF)
			continue;
		if (fd < 2 || open("/dev/kmsg", O_WRONLY | O_NOCTTY) < 0)
			(void)open("/dev/null", fd == 0 ? O_RDONLY : O_WRONLY);
	}
}

static void limit_ourselves(void)
{
	struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESETHAND};
	(void)sigaction(SIGALRM, &action, NULL); /* none of these can fail, or is worth failing */
	(void)alarm(DEADLINE_S);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (!SANITIZED) {
		struct rlimit limit = {ADDRESS_SPACE, ADDRESS_SPACE};
		(void)setrlimit(RLIMIT_AS, &limit);
	}
}

/* ---------------------------------------------------------------- who crashed */

static void find_process(struct client *c)
{
	const struct snap_client_args *args = &c->args;
	unsigned long long pid = args->pid;
	const char *why = snap_identity_find(args->pid, args->tid, args->pidfd, &c->identity);
	c->identity_unverified = why != NULL;
	c->mem_fd = -1;
	if (c->identity.pidfd_was_foreign)
		snap_emit_note(&c->emit, false, "descriptor %d is no pidfd of process %llu",
			args->pidfd, pid);
	if (why) {
		snap_emit_note(&c->emit, true, "nothing is taken from process %llu: %s", pid, why);
		return;
	}
	struct snap_proc_stat stat;
	if (snap_proc_stat_read(c->identity.task_fd, "stat", &stat) == 0)
		c->start_stack = stat.start_stack;
	c->mem_fd = openat(c->identity.task_fd, "mem", O_RDONLY | O_CLOEXEC);
	if (c->mem_fd < 0)
		snap_emit_note(
			&c->emit, true, "the process's memory can't be opened: errno %d", errno);
}

/*
 * Read maps for the table of addresses, and keep its text if it is short, as it mostly is: to have
 * the kernel make it a second time for write_layout() would take longer than to parse it again.
 */
static int keep_maps(struct client *c, int fd)
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

static void read_areas(struct client *c)
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

/* ---------------------------------------------------------------- what the notes say */

static uint64_t load(const struct client *c, const uint8_t *p, unsigned int size)
{
	return snap_elf_load(p, size, c->stream.elf_data);
}

static unsigned int word_size(const struct client *c)
{
	return c->stream.elf_class == ELFCLASS32 ? 4 : 8;
}

static uint64_t auxv_value(const struct client *c, uint64_t type)
{
	unsigned int word = word_size(c);
	for (size_t i = 0; i + 2 * word <= c->auxv_len; i += 2 * word)
		if (load(c, c->auxv + i, word) == type)
			return load(c, c->auxv + i + word, word);
	return 0;
}

/*
 * struct siginfo: three ints, then, aligned to a word, the union. Source: the kernel's
 * include/uapi/asm-generic/siginfo.h (signo, errno, code stand in this order but on MIPS).
 */
static void write_signal(struct client *c)
{
	struct snap_signal sig = {
		.has_signo = true,
		.signo = (int32_t)c->args.signo,
		.has_tid = true,
		.tid = c->args.tid,
	};
	unsigned int word = word_size(c);
	size_t fields = word == 8 ? 16 : 12;
	if (c->siginfo_len >= fields + 8) {
		sig.siginfo = snap_bytes(c->siginfo, c->siginfo_len);
		sig.has_code = true;
		sig.code = (int32_t)load(c, c->siginfo + 8, 4);
		int32_t signo = (int32_t)load(c, c->siginfo, 4);
		if (signo != sig.signo) {
			snap_emit_note(&c->emit, true,
				"the core tells of signal %d, the kernel of %d", (int)signo,
				(int)sig.signo);
			sig.has_code = false;
		} else if (sig.code > 0) {
			/* With SI_KERNEL (a general protection fault, for one) there is none. */
			sig.has_address = sig.code != SI_KERNEL &&
					  (signo == SIGSEGV || signo == SIGBUS || signo == SIGILL ||
						  signo == SIGFPE || signo == SIGTRAP);
			sig.address = load(c, c->siginfo + fields, word);
		} else if (sig.code != SI_TIMER && sig.code != SI_SIGIO) {
			sig.has_sender = true;
			sig.sender_pid = (int32_t)load(c, c->siginfo + fields, 4);
			sig.sender_uid = (uint32_t)load(c, c->siginfo + fields + 4, 4);
		}
	}
	(void)snap_write_signal(&c->emit.writer, &sig); /* its error sticks */
}

static void write_process_early(struct client *c)
{
	struct snap_process process = {
		.has_pid = true,
		.pid = (uint32_t)c->args.pid,
		.has_uid = true,
		.uid = (uint32_t)c->args.uid,
		.has_gid = true,
		.gid = (uint32_t)c->args.gid,
		.has_dumpable = true,
		.dumpable = (uint32_t)c->args.dumpable,
		.has_rlimit_core = true,
		.rlimit_core = c->args.rlimit_core,
		.has_elf = c->stream.elf_class != 0,
		.elf_machine = c->stream.elf_machine,
		.elf_class = c->stream.elf_class,
		.elf_data = c->stream.elf_data,
		.has_identity_unverified = c->identity_unverified,
		.identity_unverified = c->identity_unverified,
	};
	if (c->auxv_len > 0)
		process.auxv = snap_bytes(c->auxv, c->auxv_len);
	if (c->identity.task_fd >= 0 && c->identity.status.num_threads != SNAP_PROC_UNKNOWN) {
		process.has_num_threads = true;
		process.num_threads = (uint32_t)c->identity.status.num_threads;
	}
	(void)snap_write_process(&c->emit.writer, &process); /* its error sticks */
	if (c->auxv_len == 0)
		snap_emit_omission(&c->emit, SNAP_OMITTED_AUXV, SNAP_OMITTED_UNREADABLE, 0, 0);
	else if (c->auxv_cut)
		snap_emit_omission(&c->emit, SNAP_OMITTED_AUXV, SNAP_OMITTED_CAP, 0, 0);
}

/* ---------------------------------------------------------------- threads */

/* The host's id of the thread that the notes call ns_tid. */
static uint64_t host_tid(struct client *c, uint32_t ns_tid)
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

static void write_thread_memory(
	struct client *c, uint64_t index, const struct snap_memory_thread *thread)
{
	if (c->mem_fd < 0) {
		snap_emit_omission(&c->emit, SNAP_OMITTED_STACK, SNAP_OMITTED_GONE, thread->tid, 0);
		return;
	}
	uint64_t known = c->identity.status.num_threads;
	uint64_t num_others = known != SNAP_PROC_UNKNOWN && known > 0 ? known - 1 : 0;
	bool taken = snap_memory_take_stack(c->mem_fd, &c->areas, c->arch, thread,
		snap_stack_cap(index, num_others), c->emit.buf, &c->emit.sink);
	if (index == 0 && !taken)
		c->emit.partial = true;
	if (snap_memory_wants_code(&c->areas, index, thread->pc)) {
		struct snap_memory_plan plan;
		snap_memory_plan_code(&c->areas, thread, &plan);
		snap_memory_take(c->mem_fd, &plan, c->emit.buf, &c->emit.sink);
	}
}

/* The thread whose notes are now all there; the first one is the crashing one. */
static void write_thread(struct client *c)
{
	uint64_t index = c->num_threads++;
	bool first = index == 0;
	const struct thread_notes *notes = &c->thread;
	uint64_t tid = first ? c->args.tid : host_tid(c, notes->ns_tid);
	if (tid == c->args.pid)
		c->leader_seen = true;
	if (index >= SNAP_MAX_THREADS) {
		c->threads_left_out++;
		return;
	}

	struct snap_regset regsets[2 + SNAP_ARCH_MAX_EXTRA_REGSETS];
	struct snap_thread thread = {
		.has_tid = true,
		.tid = tid,
		.has_state = first,
		.state = SNAP_THREAD_RUNNING,
		.regsets = regsets,
	};
	char comm[SNAP_COMM_MAX];
	if (c->identity.task_fd >= 0)
		thread.name = snap_proc_comm(c->identity.task_fd, tid, comm);
	else if (first)
		thread.name = snap_bytes_str(c->args.comm);
	if (notes->regs_len > 0)
		regsets[thread.num_regsets++] =
			(struct snap_regset){NT_PRSTATUS, snap_bytes(notes->regs, notes->regs_len)};
	if (first && c->fpregs_len > 0)
		regsets[thread.num_regsets++] =
			(struct snap_regset){NT_FPREGSET, snap_bytes(c->fpregs, c->fpregs_len)};
	thread.num_regsets +=
		snap_extra_regsets_list(&notes->extra, c->arch, regsets + thread.num_regsets);
	(void)snap_write_thread(&c->emit.writer, &thread); /* its error sticks */

	struct snap_memory_thread where = {
		.tid = tid,
		.start_stack = c->start_stack,
		.is_main = tid == c->args.pid,
	};
	struct snap_proc_stat stat;
	if (snap_memory_thread_registers(c->arch, regsets, thread.num_regsets, &where)) {
		write_thread_memory(c, index, &where);
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
		write_thread_memory(c, index, &where);
	} else {
		snap_emit_omission(&c->emit, SNAP_OMITTED_STACK, SNAP_OMITTED_UNREADABLE, tid, 0);
	}
}

/* Mappings, modules and the vDSO. */
static void write_layout(struct client *c)
{
	if (c->identity.task_fd < 0) {
		snap_emit_omission(&c->emit, SNAP_OMITTED_MAPPING, SNAP_OMITTED_GONE, 0, 0);
		return;
	}
	int r = 0;
	snap_layout_init(
		&c->layout, &c->emit, &c->areas, c->mem_fd, auxv_value(c, AT_SYSINFO_EHDR));
	if (c->maps_whole) {
		snap_maps_parser_init(&c->maps_parser);
		snap_maps_parser_feed(&c->maps_parser, snap_bytes(c->maps, c->maps_len),
			snap_layout_add, &c->layout);
	} else {
		int fd = openat(c->identity.task_fd, "maps", O_RDONLY | O_CLOEXEC);
		r = fd < 0 ? -errno
			   : snap_maps_read(&c->maps_parser, fd, snap_layout_add, &c->layout);
		if (fd >= 0)
			(void)close(fd);
	}
	snap_layout_finish(&c->layout);
	if (r < 0 || c->areas.num == 0) {
		snap_emit_omission(&c->emit, SNAP_OMITTED_MAPPING, SNAP_OMITTED_UNREADABLE, 0, -r);
		c->emit.partial = true;
	}
}

static void checkpoint(struct client *c)
{
	(void)snap_write_checkpoint(&c->emit.writer, false); /* its error sticks */
}

/* What is most valuable, as soon as the first thread's notes are there. */
static void write_first_group(struct client *c)
{
	write_signal(c);
	write_process_early(c);
	write_thread(c);
	checkpoint(c);
	write_layout(c);
	checkpoint(c);
}

static void flush_thread(struct client *c)
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

static void begin_thread(struct client *c, const struct snap_core_note *note)
{
	const struct snap_arch *arch = c->arch;
	c->thread.present = true;
	c->thread.ns_tid = 0;
	c->thread.regs_len = 0;
	memset(&c->thread.extra, 0, sizeof(c->thread.extra));
	if (!arch)
		return;
	if (note->desc_len != arch->prstatus_size || note->desc.len < arch->prstatus_size ||
		arch->prstatus_reg_size > sizeof(c->thread.regs)) {
		snap_emit_note(&c->emit, true, "a PRSTATUS note has %llu bytes instead of %u",
			(unsigned long long)note->desc_len, (unsigned int)arch->prstatus_size);
		return;
	}
	c->thread.ns_tid = (uint32_t)load(c, note->desc.data + arch->prstatus_pid_off, 4);
	c->thread.regs_len = arch->prstatus_reg_size;
	memcpy(c->thread.regs, note->desc.data + arch->prstatus_reg_off, arch->prstatus_reg_size);
}

static size_t keep(const struct snap_core_note *note, uint8_t *to, size_t size)
{
	size_t len = note->desc.len < size ? note->desc.len : size;
	memcpy(to, note->desc.data, len);
	return len;
}

static void take_note(struct client *c, const struct snap_core_note *note)
{
	if (snap_bytes_equal_str(note->name, "LINUX") && c->thread.present &&
		note->desc.len == note->desc_len)
		snap_extra_regsets_keep(&c->thread.extra, c->arch, note->type, note->desc);
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
	case NT_FPREGSET:
		if (note->desc_len <= sizeof(c->fpregs))
			c->fpregs_len = keep(note, c->fpregs, sizeof(c->fpregs));
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

static void read_stream(struct client *c)
{
	struct snap_core_note note;
	int r = snap_core_stream_open(&c->stream, STDIN_FILENO);
	c->arch = snap_arch_find(c->stream.elf_machine, c->stream.elf_class, c->stream.elf_data);
	if (r == 0 && !c->arch)
		snap_emit_note(&c->emit, true, "no register table for ELF machine %u of class %u",
			(unsigned int)c->stream.elf_machine, (unsigned int)c->stream.elf_class);
	if (r == 0)
		while ((r = snap_core_stream_next(&c->stream, &note)) > 0 && !timed_out)
			take_note(c, &note);
	if (timed_out)
		r = -EINTR;
	if (r < 0)
		snap_emit_note(&c->emit, true, "the core's notes are not whole: %s (errno %d)",
			stream_fault(r), -r);
	/* Without any notes the arguments still tell of one thread. */
	if (c->num_threads == 0)
		c->thread.present = true;
	flush_thread(c);

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
			.tid = c->args.pid,
			.name = snap_proc_comm(c->identity.task_fd, c->args.pid, comm),
			.has_state = true,
			.state = SNAP_THREAD_INACTIVE,
		};
		(void)snap_write_thread(&c->emit.writer, &leader); /* its error sticks */
		snap_emit_omission(
			&c->emit, SNAP_OMITTED_REGISTERS, SNAP_OMITTED_GONE, c->args.pid, 0);
	}
	checkpoint(c);
}

/* ---------------------------------------------------------------- the rest */

static void write_late(struct client *c)
{
	struct snap_process process = {.has_pid = true, .pid = (uint32_t)c->args.pid};
	/* The crashing thread's comm is the process's if it is the main one. */
	struct snap_bytes comm =
		c->args.pid == c->args.tid ? snap_bytes_str(c->args.comm) : snap_bytes(NULL, 0);
	if (c->fname[0] != '\0')
		comm = snap_bytes_str(c->fname);
	snap_emit_process_late(&c->emit, c->identity.task_fd, &process, comm);
	snap_emit_system(&c->emit);

	/* Nothing is read from /proc after this. */
	if (c->identity.task_fd >= 0 && !snap_identity_holds(&c->identity)) {
		c->identity_unverified = true;
		snap_emit_note(&c->emit, true, "process %llu was killed during the capture",
			(unsigned long long)c->args.pid);
	}
	struct snap_process identity = {
		.has_identity_unverified = true,
		.identity_unverified = c->identity_unverified,
	};
	(void)snap_write_process(&c->emit.writer, &identity); /* its error sticks */
}

static void release_target(struct client *c)
{
	/* Before, not after: close() wakes the dying process, and the time that it takes to tear
	 * itself down on this processor would count as ours. */
	struct timespec now;
	(void)clock_gettime(CLOCK_MONOTONIC, &now); /* can't fail */
	(void)close(STDIN_FILENO);
	(void)alarm(FINISH_S);
	struct snap_capture capture = {
		.has_method = true,
		.method = SNAP_CAPTURE_CORE_PATTERN,
		.has_time = true,
		.time_s = (int64_t)c->args.time_s,
		.has_hold_time = true,
		.hold_time_ns = (uint64_t)(now.tv_sec - c->start.tv_sec) * 1000000000 +
				(uint64_t)now.tv_nsec - (uint64_t)c->start.tv_nsec,
	};
	(void)snap_write_capture(&c->emit.writer, &capture); /* its error sticks */
}

static const char *signal_name(uint64_t signo, char *buf, size_t size)
{
	const char *name = signo <= INT32_MAX ? sigabbrev_np((int)signo) : NULL;
	if (name)
		(void)snprintf(buf, size, "SIG%s", name);
	else
		(void)snprintf(buf, size, "signal %llu", (unsigned long long)signo);
	return buf;
}

static int publish(struct client *c)
{
	int r = snap_write_checkpoint(&c->emit.writer, true);
	if (r < 0 && c->emit.writer.len == 0)
		r = -EIO;
	char name[SNAP_SPOOL_NAME_MAX];
	snap_spool_name(
		name, (int64_t)c->args.time_s, snap_bytes_str(c->args.comm), c->args.pid, c->uuid);
	if (r < 0) {
		fprintf(stderr, PROGRAM ": cannot write the snapshot: %s\n", strerror(-r));
		off_t len = lseek(c->file.fd, 0, SEEK_END);
		if (len <= 0) {
			snap_spool_discard(&c->file);
			return EXIT_NOTHING;
		}
	}
	/* What was written before the disk was full is worth having, and tells that it is cut. */
	int p = snap_spool_publish(&c->file, name);
	if (p < 0)
		fprintf(stderr, PROGRAM ": cannot publish '%s': %s\n", name, strerror(-p));
	return r < 0 || p < 0 || c->emit.partial ? EXIT_PARTIAL : EXIT_COMPLETE;
}

static int capture(struct client *c)
{
	struct snap_error err = SNAP_ERROR_INIT;
	int config = snap_config_read(c->args.config_file, &c->config, &err);
	int r = snap_spool_create(c->config.spool, &c->file);
	if (r < 0) {
		fprintf(stderr, PROGRAM ": cannot create a file in the spool '%s': %s\n",
			c->config.spool, strerror(-r));
		return EXIT_NOTHING;
	}

	char reason[32];
	snap_emit_init(&c->emit, c->file.fd);
	snap_emit_uuid(c->uuid);
	snap_emit_start(&c->emit, PROGRAM " " SNAP_VERSION,
		signal_name(c->args.signo, reason, sizeof(reason)), true, c->uuid);
	if (config < 0)
		snap_emit_note(&c->emit, false, "configuration: %s", err.text);
	find_process(c);
	read_areas(c);
	read_stream(c);
	write_late(c);
	checkpoint(c);
	release_target(c);
	return publish(c);
}

int main(int argc, char **argv)
{
	(void)clock_gettime(CLOCK_MONOTONIC, &client.start); /* can't fail */
	bind_standard_fds();
	int status = snap_client_args_parse(argc, argv, &client.args);
	if (status >= 0)
		return status;
	limit_ourselves();
	return capture(&client);
}
