/*
 * snapcrash-debugger: a snapshot of a live process.
 *
 * Parses hostile input. While the process stands still, its registers, mappings and stacks are read
 * into static storage; everything else waits until it runs again.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <link.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "capture/config.h"
#include "capture/emit.h"
#include "capture/layout.h"
#include "capture/memory.h"
#include "capture/output.h"
#include "capture/proc_info.h"
#include "capture/proc_maps.h"
#include "capture/program.h"
#include "capture/spool.h"
#include "capture/tracee.h"
#include "common/arch.h"
#include "common/areas.h"
#include "common/escape.h"
#include "common/memory_plan.h"

#define PROGRAM "snapcrash-debugger"

#define MAX_TAGS	   64
#define CHECKPOINT_THREADS 64
/* Storage for what is read while the process stands still. The stacks' limits add up to 2.6 MiB. */
#define ARENA_BYTES (4u << 20)
#define MAPS_BYTES  (16u << 20)
#define MAX_PIECES  (4u * SNAP_MAX_THREADS)

struct options {
	const char *output, *config_file;
	pid_t pid;
	size_t num_tags;
	struct snap_tag tags[MAX_TAGS];
};

/* A range of memory or an omission, kept until it can be written. */
struct piece {
	bool is_omission;
	union {
		struct snap_memory_range range;
		struct snap_omission omission;
	};
};

struct debugger {
	struct options options;
	struct snap_config config;
	struct snap_proc_status status; /* of the process, before it was stopped */
	struct timespec start;
	uint8_t uuid[16];
	const struct snap_arch *arch;
	bool registers_foreign; /* another ABI's than this program's */
	int task_fd, mem_fd;	/* of a thread that lives */
	uint64_t start_stack;	/* where the process's argc was put, or 0 */

	uint64_t num_alive; /* threads that had not ended when all stood still */
	size_t maps_len;
	bool maps_cut;
	int maps_error;
	size_t arena_len;
	size_t num_pieces;
	uint64_t pieces_left_out;

	struct snap_tracee tracee;
	struct snap_maps_parser maps_parser;
	struct snap_areas areas;
	struct snap_layout layout;
	struct snap_emit emit;
	struct snap_output output;
	struct snap_spool_file file;

	/* The first of each thread's pieces. */
	size_t first_piece[SNAP_MAX_THREADS + 1];
	struct piece pieces[MAX_PIECES];
	uint8_t arena[ARENA_BYTES];
	uint8_t maps[MAPS_BYTES];
};

static struct debugger debugger;

static void print_usage(FILE *to)
{
	fputs("usage: " PROGRAM " [-o FILE] [--config FILE] [--tag KEY=VALUE]... PID\n"
	      "\n"
	      "Write a snapshot of a live process, which stands still for some milliseconds and "
	      "then\n"
	      "goes on as it was. Prints the path of the snapshot.\n"
	      "\n"
	      "  -o, --output FILE  write FILE, or standard output with '-', instead of a file in\n"
	      "                     the spool\n"
	      "  --config FILE      read FILE instead of " SNAP_CONFIG_DEFAULT_FILE "\n"
	      "  --tag KEY=VALUE    attach a tag\n"
	      "  --help             print this\n"
	      "  --version          print the version\n"
	      "\n"
	      "Exit status: 0 complete, 1 partial, 2 nothing captured, 64 usage.\n",
		to);
}

static int report(const struct snap_error *err)
{
	fprintf(stderr, PROGRAM ": %s\n", err->text);
	return err->code == SNAP_ERROR_USAGE ? EXIT_USAGE : EXIT_NOTHING;
}

static int parse_pid(const char *s, pid_t *ret, struct snap_error *err)
{
	char *end;
	errno = 0;
	long pid = *s >= '0' && *s <= '9' ? strtol(s, &end, 10) : 0;
	if (pid <= 0 || errno != 0 || *end != '\0' || pid > INT32_MAX) {
		char shown[64];
		(void)snap_escape(snap_bytes_str(s), SNAP_ESCAPE_TERMINAL, shown, sizeof(shown));
		return snap_error_set(err, SNAP_ERROR_USAGE, "bad pid '%s'", shown);
	}
	*ret = (pid_t)pid;
	return 0;
}

static int add_tag(struct options *options, const char *s, struct snap_error *err)
{
	const char *equals = strchr(s, '=');
	if (!equals || equals == s)
		return snap_error_set(err, SNAP_ERROR_USAGE, "--tag needs KEY=VALUE");
	if (options->num_tags == MAX_TAGS)
		return snap_error_set(err, SNAP_ERROR_USAGE, "more than %d tags", MAX_TAGS);
	options->tags[options->num_tags++] = (struct snap_tag){
		.key = snap_bytes(s, (size_t)(equals - s)),
		.value = snap_bytes_str(equals + 1),
	};
	return 0;
}

/* Returns -1 to go on, else the exit status. */
static int parse_options(int argc, char **argv, struct options *options)
{
	static const struct option longs[] = {
		{"output", required_argument, NULL, 'o'},
		{"config", required_argument, NULL, 'c'},
		{"tag", required_argument, NULL, 't'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{0},
	};
	struct snap_error err = SNAP_ERROR_INIT;
	int option;
	opterr = 0; /* its messages begin with argv[0] */
	while ((option = getopt_long(argc, argv, "o:", longs, NULL)) != -1) {
		switch (option) {
		case 'o':
			options->output = optarg;
			break;
		case 'c':
			options->config_file = optarg;
			break;
		case 't':
			if (add_tag(options, optarg, &err) < 0)
				return report(&err);
			break;
		case 'h':
			print_usage(stdout);
			return snap_program_shown(PROGRAM);
		case 'V':
			puts(PROGRAM " " SNAP_VERSION);
			return snap_program_shown(PROGRAM);
		default:
			fputs(PROGRAM ": unknown option, or one without its value\n", stderr);
			print_usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (argc - optind != 1) {
		fputs(PROGRAM ": one PID is needed\n", stderr);
		print_usage(stderr);
		return EXIT_USAGE;
	}
	return parse_pid(argv[optind], &options->pid, &err) < 0 ? report(&err) : -1;
}

/* ---------------------------------------------------------------- before the stop */

/* Whether the process can be captured at all; a thread's id is replaced by its process's. */
static int check_target(struct debugger *d, struct snap_error *err)
{
	pid_t pid = d->options.pid;
	char name[40];
	(void)snprintf(name, sizeof(name), "/proc/%d/status", (int)pid);
	if (snap_proc_status_read(AT_FDCWD, name, &d->status) < 0)
		return snap_error_set(err, SNAP_ERROR_SYSTEM, "no such process: %d", (int)pid);
	if (d->status.tgid != (uint64_t)pid && d->status.tgid <= INT32_MAX) {
		fprintf(stderr, PROGRAM ": %d is a thread of process %llu, which is captured\n",
			(int)pid, (unsigned long long)d->status.tgid);
		d->options.pid = pid = (pid_t)d->status.tgid;
		(void)snprintf(name, sizeof(name), "/proc/%d/status", (int)pid);
		if (snap_proc_status_read(AT_FDCWD, name, &d->status) < 0)
			return snap_error_set(
				err, SNAP_ERROR_SYSTEM, "no such process: %d", (int)pid);
	}
	if (pid == getpid())
		return snap_error_set(err, SNAP_ERROR_USAGE,
			"%d is this program itself, which can't be captured", (int)pid);

	/* PF_KTHREAD of the kernel's include/linux/sched.h; status tells only since 6.8. */
	struct snap_proc_stat stat;
	(void)snprintf(name, sizeof(name), "/proc/%d/stat", (int)pid);
	if (snap_proc_stat_read(AT_FDCWD, name, &stat) == 0) {
		if (stat.flags & 0x00200000)
			return snap_error_set(
				err, SNAP_ERROR_SYSTEM, "process %d is a kernel thread", (int)pid);
		d->start_stack = stat.start_stack;
	}
	if ((d->status.state == 'Z' || d->status.state == 'X') &&
		(d->status.num_threads <= 1 || d->status.num_threads == SNAP_PROC_UNKNOWN))
		return snap_error_set(err, SNAP_ERROR_SYSTEM, "process %d is a zombie", (int)pid);
	if (d->status.tracer_pid != 0 && d->status.tracer_pid != SNAP_PROC_UNKNOWN)
		return snap_error_set(err, SNAP_ERROR_SYSTEM,
			"process %d is already traced by process %llu", (int)pid,
			(unsigned long long)d->status.tracer_pid);
	return 0;
}

static int open_output(struct debugger *d, struct snap_error *err)
{
	if (d->options.output) {
		if (snap_output_create(d->options.output, &d->output, err) < 0)
			return -1;
		snap_emit_init(&d->emit, d->output.fd);
		return 0;
	}
	int r = snap_spool_create(d->config.spool, &d->file);
	if (r < 0)
		return snap_error_errno(
			err, -r, "cannot create a file in the spool '%s'", d->config.spool);
	snap_emit_init(&d->emit, d->file.fd);
	return 0;
}

/* ---------------------------------------------------------------- while it stands still */

static struct piece *new_piece(struct debugger *d)
{
	if (d->num_pieces < MAX_PIECES)
		return &d->pieces[d->num_pieces++];
	d->pieces_left_out++;
	return NULL;
}

static void keep_omission(void *arg, const struct snap_omission *omission)
{
	struct piece *piece = new_piece(arg);
	if (piece)
		*piece = (struct piece){.is_omission = true, .omission = *omission};
}

static void keep_range(void *arg, const struct snap_memory_range *range)
{
	struct debugger *d = arg;
	if (range->data.len > sizeof(d->arena) - d->arena_len) {
		d->pieces_left_out++;
		return;
	}
	struct piece *piece = new_piece(d);
	if (!piece)
		return;
	uint8_t *to = d->arena + d->arena_len;
	memcpy(to, range->data.data, range->data.len);
	d->arena_len += range->data.len;
	*piece = (struct piece){.range = *range};
	piece->range.data.data = to;
}

/* A thread's directory that has an address space. */
static void open_memory(struct debugger *d)
{
	d->task_fd = d->mem_fd = -1;
	for (size_t i = 0; i < d->tracee.num_threads && d->mem_fd < 0; i++) {
		const struct snap_tracee_thread *thread = &d->tracee.threads[i];
		if (thread->phase != SNAP_TRACEE_STOPPED && thread->phase != SNAP_TRACEE_SEIZED)
			continue;
		d->task_fd = snap_proc_open(d->tracee.pid, thread->tid);
		if (d->task_fd < 0)
			continue;
		d->mem_fd = openat(d->task_fd, "mem", O_RDONLY | O_CLOEXEC);
		if (d->mem_fd < 0) {
			(void)close(d->task_fd);
			d->task_fd = -1;
		}
	}
}

static void read_maps(struct debugger *d)
{
	int fd = d->task_fd < 0 ? -1 : openat(d->task_fd, "maps", O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		d->maps_error = d->task_fd < 0 ? -ESRCH : -errno;
		return;
	}
	snap_maps_parser_init(&d->maps_parser);
	for (;;) {
		size_t room = sizeof(d->maps) - d->maps_len;
		if (room == 0) {
			d->maps_cut = true;
			break;
		}
		uint8_t *to = d->maps + d->maps_len;
		ssize_t n = read(fd, to, room < 65536 ? room : 65536);
		if (n < 0)
			d->maps_error = -errno;
		if (n <= 0)
			break;
		d->maps_len += (size_t)n;
		snap_maps_parser_feed(
			&d->maps_parser, snap_bytes(to, (size_t)n), snap_areas_add, &d->areas);
	}
	(void)close(fd); /* nothing was written */
}

/*
 * The machine whose registers ptrace gives: this program's own, which its ELF header (that the
 * linker names so) tells, unless the process is of another ABI and its register set of another
 * size.
 */
static const struct snap_arch *own_arch(void)
{
	extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));
	return snap_arch_find(__ehdr_start.e_machine, __ehdr_start.e_ident[EI_CLASS],
		__ehdr_start.e_ident[EI_DATA]);
}

static void take_thread_memory(
	struct debugger *d, uint64_t index, const struct snap_tracee_thread *thread)
{
	struct snap_memory_sink sink = {keep_range, keep_omission, d};
	struct snap_memory_plan plan;
	struct snap_memory_thread where = {
		.tid = (uint64_t)thread->tid,
		.start_stack = d->start_stack,
		.is_main = thread->tid == d->tracee.pid,
	};
	struct snap_regset regsets[1 + SNAP_ARCH_MAX_EXTRA_REGSETS];
	if (thread->phase != SNAP_TRACEE_STOPPED || d->mem_fd < 0)
		return;
	if (!d->arch || thread->regs_len != d->arch->prstatus_reg_size) {
		d->registers_foreign |= thread->regs_len > 0;
		return;
	}
	regsets[0] = (struct snap_regset){NT_PRSTATUS, snap_bytes(thread->regs, thread->regs_len)};
	size_t num_regsets = 1 + snap_extra_regsets_list(&thread->extra, d->arch, regsets + 1);
	if (!snap_memory_thread_registers(d->arch, regsets, num_regsets, &where))
		return;
	size_t cap = snap_stack_cap(index, d->num_alive > 0 ? d->num_alive - 1 : 0);
	(void)snap_memory_take_stack(d->mem_fd, &d->areas, d->arch, &where, cap, d->emit.buf,
		&sink); /* or its omission */
	if (snap_memory_wants_code(&d->areas, index, where.pc)) {
		snap_memory_plan_code(&d->areas, &where, &plan);
		snap_memory_take(d->mem_fd, &plan, d->emit.buf, &sink);
	}
}

static void capture_stopped(struct debugger *d)
{
	snap_tracee_stop(&d->tracee, d->arch);
	open_memory(d);
	read_maps(d);
	for (size_t i = 0; i < d->tracee.num_threads; i++)
		if (d->tracee.threads[i].phase != SNAP_TRACEE_ENDED)
			d->num_alive++;
	uint64_t rank = 0; /* the main thread's, dead or not, is 0 */
	for (size_t i = 0; i < d->tracee.num_threads; i++) {
		d->first_piece[i] = d->num_pieces;
		take_thread_memory(d, rank, &d->tracee.threads[i]);
		if (i == 0 || d->tracee.threads[i].phase != SNAP_TRACEE_ENDED)
			rank++;
	}
	d->first_piece[d->tracee.num_threads] = d->num_pieces;
	snap_tracee_release(&d->tracee);
}

/* ---------------------------------------------------------------- while it runs again */

static void write_process_early(struct debugger *d, struct snap_process *process)
{
	static char auxv[4096];
	*process = (struct snap_process){
		.has_pid = true,
		.pid = (uint32_t)d->tracee.pid,
		.has_uid = d->status.uid != SNAP_PROC_UNKNOWN,
		.uid = (uint32_t)d->status.uid,
		.has_gid = d->status.gid != SNAP_PROC_UNKNOWN,
		.gid = (uint32_t)d->status.gid,
		.has_num_threads = true,
		.num_threads = (uint32_t)(d->num_alive + d->tracee.num_left_out),
	};
	if (d->arch && !d->registers_foreign) {
		process->has_elf = true;
		process->elf_machine = d->arch->elf_machine;
		process->elf_class = d->arch->elf_class;
		process->elf_data = d->arch->elf_data;
	}
	struct rlimit limit;
	if (prlimit(d->tracee.pid, RLIMIT_CORE, NULL, &limit) == 0) {
		process->has_rlimit_core = true;
		process->rlimit_core = limit.rlim_cur;
	}
	ssize_t n =
		d->task_fd < 0 ? -ESRCH : snap_proc_read(d->task_fd, "auxv", auxv, sizeof(auxv));
	if (n > 0)
		process->auxv = snap_bytes(auxv, (size_t)n);
	(void)snap_write_process(&d->emit.writer, process); /* its error sticks */
	if (n <= 0)
		snap_emit_omission(&d->emit, SNAP_OMITTED_AUXV, SNAP_OMITTED_UNREADABLE, 0,
			n < 0 ? (int)-n : 0);
	else if (n == sizeof(auxv) - 1)
		snap_emit_omission(&d->emit, SNAP_OMITTED_AUXV, SNAP_OMITTED_CAP, 0, 0);
}

static void write_thread(struct debugger *d, size_t index)
{
	const struct snap_tracee_thread *t = &d->tracee.threads[index];
	struct snap_regset regsets[2 + SNAP_ARCH_MAX_EXTRA_REGSETS];
	struct snap_thread thread = {
		.has_tid = true,
		.tid = (uint64_t)t->tid,
		.regsets = regsets,
	};
	thread.has_state = snap_proc_thread_state(t->state, &thread.state);
	if (t->has_comm)
		thread.name = snap_bytes(t->comm, t->comm_len);
	if (t->regs_len > 0)
		regsets[thread.num_regsets++] =
			(struct snap_regset){NT_PRSTATUS, snap_bytes(t->regs, t->regs_len)};
	if (index == 0 && d->tracee.fpregs_len > 0)
		regsets[thread.num_regsets++] = (struct snap_regset){
			NT_FPREGSET, snap_bytes(d->tracee.fpregs, d->tracee.fpregs_len)};
	thread.num_regsets +=
		snap_extra_regsets_list(&t->extra, d->arch, regsets + thread.num_regsets);
	(void)snap_write_thread(&d->emit.writer, &thread); /* its error sticks */

	for (size_t i = d->first_piece[index]; i < d->first_piece[index + 1]; i++) {
		const struct piece *piece = &d->pieces[i];
		if (piece->is_omission)
			d->emit.sink.omission(&d->emit, &piece->omission);
		else
			d->emit.sink.range(&d->emit, &piece->range);
	}
	if (t->regs_len > 0)
		return;
	enum snap_omission_why why = SNAP_OMITTED_UNREADABLE;
	if (t->phase == SNAP_TRACEE_SEIZED)
		why = SNAP_OMITTED_DEADLINE;
	else if (t->phase == SNAP_TRACEE_ENDED || t->phase == SNAP_TRACEE_ZOMBIE)
		why = SNAP_OMITTED_GONE;
	snap_emit_omission(&d->emit, SNAP_OMITTED_REGISTERS, why, thread.tid, -t->regs_error);
	if (t->phase != SNAP_TRACEE_ZOMBIE)
		d->emit.partial = true;
}

static uint64_t auxv_value(const struct debugger *d, struct snap_bytes auxv, uint64_t type)
{
	if (!d->arch || d->registers_foreign)
		return 0;
	unsigned int word = snap_arch_word(d->arch);
	for (size_t i = 0; i + 2 * word <= auxv.len; i += 2 * word)
		if (snap_arch_load(d->arch, auxv.data + i, word) == type)
			return snap_arch_load(d->arch, auxv.data + i + word, word);
	return 0;
}

static void write_layout(struct debugger *d, struct snap_bytes auxv)
{
	struct snap_emit *e = &d->emit;
	if (d->maps_error < 0 || d->maps_cut) {
		snap_emit_omission(e, SNAP_OMITTED_MAPPING,
			d->maps_cut ? SNAP_OMITTED_CAP : SNAP_OMITTED_UNREADABLE, 0,
			-d->maps_error);
		e->partial = true;
	}
	if (d->maps_parser.num_bad > 0 || d->areas.num_left_out > 0)
		snap_emit_note(e, false,
			"%llu lines of maps are not understood, %llu mappings not looked up",
			(unsigned long long)d->maps_parser.num_bad,
			(unsigned long long)d->areas.num_left_out);
	snap_layout_init(&d->layout, e, &d->areas, d->mem_fd, auxv_value(d, auxv, AT_SYSINFO_EHDR));
	snap_maps_parser_init(&d->maps_parser);
	snap_maps_parser_feed(
		&d->maps_parser, snap_bytes(d->maps, d->maps_len), snap_layout_add, &d->layout);
	snap_layout_finish(&d->layout);
}

static void write_capture(struct debugger *d)
{
	struct snap_capture capture = {
		.has_method = true,
		.method = SNAP_CAPTURE_PTRACE,
		.has_time = true,
		.time_s = d->start.tv_sec,
		.time_ns = (uint32_t)d->start.tv_nsec,
		.has_pause_time = true,
		.pause_time_ns = d->tracee.pause_ns,
	};
	(void)snap_write_capture(&d->emit.writer, &capture); /* its error sticks */
}

/* Returns 0 or the writer's negative errno. */
static int write_snapshot(struct debugger *d)
{
	struct snap_emit *e = &d->emit;
	struct snap_process process;
	uint64_t num_ended = 0;
	snap_emit_uuid(d->uuid);
	snap_emit_start(e, PROGRAM " " SNAP_VERSION, "live", false, d->uuid);
	for (size_t i = 0; i < d->options.num_tags; i++)
		if (snap_write_tag(&e->writer, &d->options.tags[i]) == -EMSGSIZE)
			snap_emit_note(e, true, "tag %zu is too long", i + 1);
	write_process_early(d, &process);
	if (d->tracee.num_threads > 0)
		write_thread(d, 0);
	(void)snap_write_checkpoint(&e->writer, false); /* its error sticks */
	write_layout(d, process.auxv);
	for (size_t i = 1; i < d->tracee.num_threads; i++) {
		if (i % CHECKPOINT_THREADS == 1)
			(void)snap_write_checkpoint(&e->writer, false);
		if (d->tracee.threads[i].phase == SNAP_TRACEE_ENDED)
			num_ended++;
		else
			write_thread(d, i);
	}
	(void)snap_write_checkpoint(&e->writer, false);
	snap_emit_omission_count(e, SNAP_OMITTED_THREAD, SNAP_OMITTED_GONE, num_ended);
	snap_emit_omission_count(e, SNAP_OMITTED_THREAD, SNAP_OMITTED_CAP, d->tracee.num_left_out);
	snap_emit_omission_count(e, SNAP_OMITTED_OTHER, SNAP_OMITTED_CAP, d->pieces_left_out);
	if (d->registers_foreign)
		snap_emit_note(e, true, "the registers are not this program's machine's");

	struct snap_process late = {.has_pid = true, .pid = process.pid};
	snap_emit_process_late(e, d->task_fd, &late, snap_bytes(NULL, 0));
	snap_emit_system(e);
	write_capture(d);
	int r = snap_write_checkpoint(&e->writer, true);
	snap_tracee_sweep(&d->tracee);
	return r;
}

static int publish(struct debugger *d, struct snap_error *err)
{
	if (d->options.output) {
		if (snap_output_publish(&d->output, err) < 0)
			return -1;
		if (strcmp(d->options.output, "-") != 0)
			puts(d->options.output);
		return 0;
	}
	/* The main thread's name is the process's. */
	const struct snap_tracee_thread *leader = &d->tracee.threads[0];
	char name[SNAP_SPOOL_NAME_MAX];
	snap_spool_name(name, d->start.tv_sec, snap_bytes(leader->comm, leader->comm_len),
		(uint64_t)d->tracee.pid, d->uuid);
	int r = snap_spool_publish(&d->file, name);
	if (r < 0)
		return snap_error_errno(err, -r, "cannot publish '%s/%s'", d->config.spool, name);
	printf("%s/%s\n", d->config.spool, name);
	return 0;
}

static int run(struct debugger *d, struct snap_error *err)
{
	if (check_target(d, err) < 0)
		return -1;
	if (open_output(d, err) < 0)
		return -1;
	(void)clock_gettime(CLOCK_REALTIME, &d->start); /* can't fail */
	d->arch = own_arch();
	snap_areas_init(&d->areas);
	if (snap_tracee_seize(&d->tracee, d->options.pid, err) < 0)
		return -1;
	capture_stopped(d);
	if (d->num_alive == 0)
		return snap_error_set(err, SNAP_ERROR_SYSTEM,
			"process %d ended before it stood still", (int)d->options.pid);

	int r = write_snapshot(d);
	if (r < 0)
		return snap_error_errno(err, -r, "cannot write the snapshot");
	return publish(d, err);
}

int main(int argc, char **argv)
{
	struct debugger *d = &debugger;
	struct snap_error err = SNAP_ERROR_INIT;
	d->file = (struct snap_spool_file)SNAP_SPOOL_FILE_INIT;
	d->output = (struct snap_output)SNAP_OUTPUT_INIT;
	int status = parse_options(argc, argv, &d->options);
	if (status >= 0)
		return status;
	if (snap_config_read(d->options.config_file, &d->config, &err) < 0) {
		fprintf(stderr, PROGRAM ": %s\n", err.text);
		return EXIT_USAGE;
	}
	(void)signal(SIGPIPE, SIG_IGN); /* a write's error tells */

	if (run(d, &err) < 0) {
		status = report(&err);
		if (d->file.fd >= 0)
			snap_spool_discard(&d->file);
	} else if (fflush(stdout) != 0) {
		fprintf(stderr, PROGRAM ": cannot write standard output: %s\n", strerror(errno));
		status = EXIT_PARTIAL;
	} else {
		status = d->emit.partial ? EXIT_PARTIAL : EXIT_COMPLETE;
	}
	snap_output_deinit(&d->output);
	snap_spool_file_deinit(&d->file);
	return status;
}
