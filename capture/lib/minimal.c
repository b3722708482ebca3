#include "capture/lib/minimal.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "capture/annotations.h"
#include "capture/lib/own_area.h"
#include "capture/lib/record.h"
#include "capture/lib/registers.h"
#include "capture/memory.h"
#include "capture/proc_maps.h"
#include "common/arch.h"
#include "common/areas.h"
#include "common/elf_image.h"
#include "common/escape.h"
#include "common/memory_plan.h"

#define PROGRAM "libsnapcrash " SNAP_VERSION

/* Bytes of stack that are taken blindly where the mappings can't be read. */
#define BLIND_STACK (32u << 10)
#define PAGE_BYTES  4096u

/* Much of it is never touched, and so never takes memory. */
struct minimal {
	const struct snap_lib_crash *crash;
	const struct snap_arch *arch;
	int mem_fd;
	uint64_t image_end; /* of the module that was last written */
	uint64_t num_modules;
	size_t regs_len, fpregs_len;
	uint8_t regs[512];
	uint8_t fpregs[1024];
	char path[4096];
	struct snap_mapping_quota quota;
	struct snap_maps_parser parser;
	struct snap_areas areas;
	struct snap_elf_image image;
	struct snap_lib_message message, inner;
	struct snap_lib_writer writer;
	uint8_t buf[SNAP_MEMORY_MAX];
};

static struct minimal minimal;

/* ---------------------------------------------------------------- facts */

static const struct snap_arch *own_arch(void)
{
	extern const ElfW(Ehdr) __ehdr_start __attribute__((visibility("hidden")));
	return snap_arch_find(__ehdr_start.e_machine, __ehdr_start.e_ident[EI_CLASS],
		__ehdr_start.e_ident[EI_DATA]);
}

/* As much of a file of /proc as fits. Returns absent bytes if there is none. */
static struct snap_bytes read_file(struct minimal *m, const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return snap_bytes(NULL, 0);
	size_t len = 0;
	ssize_t n;
	while (len < sizeof(m->path) && (n = read(fd, m->path + len, sizeof(m->path) - len)) > 0)
		len += (size_t)n;
	(void)close(fd); /* nothing was written */
	return snap_bytes(len > 0 ? m->path : NULL, len);
}

static struct snap_lib_message *begin(struct minimal *m)
{
	snap_lib_message_init(&m->message);
	return &m->message;
}

static void write_metadata(struct minimal *m)
{
	struct snap_lib_message *to = begin(m);
	snap_lib_put_text(to, 1, snap_bytes_str(m->crash->reason));
	snap_lib_put_number(to, 2, true);
	snap_lib_put_bytes(to, 7, snap_bytes(m->crash->uuid, 16));
	snap_lib_put_number(to, 8, 0);
	snap_lib_write_record(&m->writer, SNAP_RECORD_METADATA, to);
}

/* As the kernel gives faults one; and not with SI_KERNEL. */
static bool has_address(const struct minimal *m)
{
	int signo = m->crash->signo, code = m->crash->info->si_code;
	return code > 0 && code != SI_KERNEL &&
	       (signo == SIGSEGV || signo == SIGBUS || signo == SIGILL || signo == SIGFPE ||
		       signo == SIGTRAP);
}

static void write_signal(struct minimal *m)
{
	const siginfo_t *info = m->crash->info;
	int signo = m->crash->signo;
	struct snap_lib_message *to = begin(m);
	snap_lib_put_number(to, 1, (uint64_t)signo);
	snap_lib_put_number(to, 2, (uint64_t)(int64_t)info->si_code);
	snap_lib_put_number(to, 3, m->crash->tid);
	if (has_address(m))
		snap_lib_put_number(to, 4, (uintptr_t)info->si_addr);
	if (info->si_code <= 0 && info->si_code != SI_TIMER && info->si_code != SI_SIGIO) {
		snap_lib_put_number(to, 5, (uint64_t)(int64_t)info->si_pid);
		snap_lib_put_number(to, 6, info->si_uid);
	}
	snap_lib_put_bytes(to, 7, snap_bytes(info, sizeof(*info)));
	snap_lib_write_record(&m->writer, SNAP_RECORD_SIGNAL, to);
}

static void write_process(struct minimal *m)
{
	struct snap_lib_message *to = begin(m);
	snap_lib_put_number(to, 1, (uint64_t)getpid());
	snap_lib_put_number(to, 2, getuid());
	snap_lib_put_number(to, 3, getgid());
	int dumpable = prctl(PR_GET_DUMPABLE, 0, 0, 0, 0);
	if (dumpable >= 0)
		snap_lib_put_number(to, 9, (uint64_t)dumpable);
	if (m->arch) {
		snap_lib_put_number(to, 11, m->arch->elf_machine);
		snap_lib_put_number(to, 12, m->arch->elf_class);
		snap_lib_put_number(to, 13, m->arch->elf_data);
	}
	snap_lib_put_bytes(to, 14, read_file(m, "/proc/self/auxv"));
	snap_lib_write_record(&m->writer, SNAP_RECORD_PROCESS, to);
}

static void write_process_late(struct minimal *m)
{
	struct snap_lib_message *to = begin(m);
	struct snap_bytes comm = read_file(m, "/proc/self/comm");
	if (comm.len > 0 && comm.data[comm.len - 1] == '\n')
		comm.len--;
	snap_lib_put_bytes(to, 4, comm);
	ssize_t n = readlink("/proc/self/exe", m->path, sizeof(m->path));
	if (n > 0) {
		static const char deleted[] = " (deleted)";
		size_t len = (size_t)n, end = sizeof(deleted) - 1;
		bool is_deleted = len > end && memcmp(m->path + len - end, deleted, end) == 0;
		snap_lib_put_bytes(to, 5, snap_bytes(m->path, is_deleted ? len - end : len));
		snap_lib_put_number(to, 6, is_deleted);
	}
	struct stat tasks;
	/* A directory for each thread, and ".", and "..". */
	if (stat("/proc/self/task", &tasks) == 0 && tasks.st_nlink > 2)
		snap_lib_put_number(to, 16, tasks.st_nlink - 2);
	snap_lib_put_bytes(to, 7, read_file(m, "/proc/self/cmdline"));
	snap_lib_write_record(&m->writer, SNAP_RECORD_PROCESS, to);

	struct snap_omission omission = {
		.what = SNAP_OMITTED_THREAD,
		.why = SNAP_OMITTED_UNSTATED,
		.has_count = true,
		.count = tasks.st_nlink > 3 ? tasks.st_nlink - 3 : 0,
	};
	if (omission.count > 0)
		snap_lib_write_omission(&m->writer, &omission);
}

static void write_system(struct minimal *m)
{
	struct utsname uts;
	struct snap_lib_message *to = begin(m);
	if (uname(&uts) < 0)
		return;
	snap_lib_put_text(to, 1, snap_bytes_str(uts.sysname));
	snap_lib_put_text(to, 2, snap_bytes_str(uts.release));
	snap_lib_put_text(to, 3, snap_bytes_str(uts.version));
	snap_lib_put_text(to, 4, snap_bytes_str(uts.machine));
	snap_lib_write_record(&m->writer, SNAP_RECORD_SYSTEM, to);
}

static void write_capture(struct minimal *m)
{
	struct snap_lib_message *to = begin(m);
	snap_lib_put_number(to, 1, SNAP_CAPTURE_IN_PROCESS);
	snap_lib_put_number(to, 2, (uint64_t)m->crash->time_s);
	snap_lib_put_number(to, 3, m->crash->time_ns);
	snap_lib_write_record(&m->writer, SNAP_RECORD_CAPTURE, to);
}

static void write_note(struct minimal *m, const char *text)
{
	snap_lib_write_bytes(&m->writer, SNAP_RECORD_NOTE, snap_bytes_str(text));
}

/* ---------------------------------------------------------------- the thread */

static void put_regset(struct minimal *m, struct snap_lib_message *linux_thread, uint32_t type,
	struct snap_bytes data)
{
	static struct snap_lib_message regset;
	if (data.len == 0)
		return;
	(void)m;
	snap_lib_message_init(&regset);
	snap_lib_put_number(&regset, 1, type);
	snap_lib_put_bytes(&regset, 2, data);
	snap_lib_put_message(linux_thread, 2, &regset);
}

static void write_thread(struct minimal *m)
{
	char name[17] = "";
	struct snap_lib_message *to = begin(m);
	(void)prctl(PR_GET_NAME, name, 0, 0, 0); /* empty then */
	snap_lib_put_text(to, 1, snap_bytes_str(name));
	snap_lib_put_number(to, 3, SNAP_THREAD_RUNNING);
	snap_lib_put_number(to, 12, m->crash->tid);
	snap_lib_message_init(&m->inner);
	put_regset(m, &m->inner, NT_PRSTATUS, snap_bytes(m->regs, m->regs_len));
	put_regset(m, &m->inner, NT_FPREGSET, snap_bytes(m->fpregs, m->fpregs_len));
	snap_lib_put_message(to, 1032, &m->inner);
	snap_lib_write_record(&m->writer, SNAP_RECORD_THREAD, to);
}

static void put_range(void *arg, const struct snap_memory_range *range)
{
	snap_lib_write_memory(&((struct minimal *)arg)->writer, range);
}

static void put_omission(void *arg, const struct snap_omission *omission)
{
	snap_lib_write_omission(&((struct minimal *)arg)->writer, omission);
}

/* What can be read from the stack pointer on, where nothing tells how far the stack goes. */
static void write_blind_stack(struct minimal *m, const struct snap_memory_thread *where)
{
	uint64_t addr = where->sp - SNAP_STACK_BELOW, end = where->sp + BLIND_STACK;
	while (addr < end) {
		uint64_t page_end = (addr | (PAGE_BYTES - 1)) + 1;
		size_t len = (size_t)((page_end < end ? page_end : end) - addr);
		struct iovec local = {m->buf, len}, remote = {(void *)(uintptr_t)addr, len};
		ssize_t n = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
		if (n <= 0 && addr >= where->sp)
			return;
		struct snap_memory_range range = {
			.address = addr,
			.data = snap_bytes(m->buf, n > 0 ? (size_t)n : 0),
			.reason = SNAP_MEMORY_STACK,
			.has_tid = true,
			.tid = m->crash->tid,
		};
		if (n > 0)
			snap_lib_write_memory(&m->writer, &range);
		addr += len;
	}
}

static void write_thread_memory(struct minimal *m)
{
	struct snap_memory_sink sink = {put_range, put_omission, m};
	struct snap_memory_plan plan;
	struct snap_memory_thread where = {
		.tid = m->crash->tid,
		.is_main = m->crash->tid == (uint32_t)getpid(),
	};
	const struct snap_regset regset = {NT_PRSTATUS, snap_bytes(m->regs, m->regs_len)};
	if (m->regs_len == 0 || !snap_memory_thread_registers(m->arch, &regset, 1, &where)) {
		write_note(m, "the registers of this machine are not known");
		return;
	}
	if (m->mem_fd < 0 || m->areas.num == 0) {
		write_note(m, "the process can't read its own mappings or memory from /proc");
		write_blind_stack(m, &where);
		return;
	}
	(void)snap_memory_take_stack(m->mem_fd, &m->areas, m->arch, &where, SNAP_STACK_FIRST,
		m->buf, &sink); /* or its omission */
	snap_memory_plan_code(&m->areas, &where, &plan);
	snap_memory_take(m->mem_fd, &plan, m->buf, &sink);
}

/* ---------------------------------------------------------------- what is mapped where */

static void read_maps(struct minimal *m, snap_maps_fn *fn, void *arg)
{
	int fd = open("/proc/thread-self/maps", O_RDONLY | O_CLOEXEC);
	ssize_t n;
	if (fd < 0)
		return;
	snap_maps_parser_init(&m->parser);
	while ((n = read(fd, m->buf, sizeof(m->buf))) > 0)
		snap_maps_parser_feed(&m->parser, snap_bytes(m->buf, (size_t)n), fn, arg);
	(void)close(fd); /* nothing was written */
}

/* An image whose ELF header is mapped there. */
static void write_module(struct minimal *m, const struct snap_mapping *mapping, bool vdso)
{
	if (mapping->start < m->image_end || m->num_modules == SNAP_MAX_MODULES_TAKEN ||
		!(mapping->permissions & SNAP_MAPPING_READ) || m->mem_fd < 0 ||
		snap_elf_image_read(snap_memory_read, &m->mem_fd, mapping->start, &m->image) < 0)
		return;
	const struct snap_elf_image *image = &m->image;
	m->num_modules++;
	m->image_end = image->end;
	struct snap_lib_message *to = begin(m);
	snap_lib_put_number(to, 1, mapping->start);
	snap_lib_put_number(to, 2, vdso ? mapping->end : image->end);
	if (image->build_id_len > 0)
		snap_lib_put_bytes(to, 3, snap_bytes(image->build_id, image->build_id_len));
	else
		snap_lib_put_number(to, 4, image->status);
	snap_lib_put_number(to, 5, image->load_bias);
	snap_lib_put_bytes(to, 6, mapping->path);
	if (mapping->deleted)
		snap_lib_put_number(to, 7, true);
	snap_lib_write_record(&m->writer, SNAP_RECORD_MODULE, to);
}

static void write_mapping(void *arg, const struct snap_mapping *mapping)
{
	struct minimal *m = arg;
	struct snap_lib_message *to = begin(m);
	bool vdso = snap_bytes_equal_str(mapping->path, "[vdso]");
	snap_lib_put_number(to, 1, mapping->start);
	snap_lib_put_number(to, 2, mapping->end);
	snap_lib_put_number(to, 3, mapping->file_offset);
	snap_lib_put_number(to, 4, mapping->permissions);
	if (mapping->path.len > 0)
		snap_lib_put_bytes(to, 5, mapping->path);
	if (mapping->deleted)
		snap_lib_put_number(to, 6, true);
	snap_lib_put_number(to, 7, mapping->device_major);
	snap_lib_put_number(to, 8, mapping->device_minor);
	snap_lib_put_number(to, 9, mapping->inode);
	if (snap_mapping_quota_take(&m->quota, mapping))
		snap_lib_write_record(&m->writer, SNAP_RECORD_MAPPING, to);
	if (vdso || (mapping->file_offset == 0 && snap_mapping_is_file(mapping)))
		write_module(m, mapping, vdso);
}

/* Where the crash was. */
static void want_mappings(struct minimal *m)
{
	const struct snap_regset regset = {NT_PRSTATUS, snap_bytes(m->regs, m->regs_len)};
	struct snap_memory_thread where;
	if (m->regs_len > 0 && snap_memory_thread_registers(m->arch, &regset, 1, &where)) {
		snap_mapping_quota_want(&m->quota, &m->areas, where.sp);
		snap_mapping_quota_want(&m->quota, &m->areas, where.pc);
	}
	if (has_address(m))
		snap_mapping_quota_want(&m->quota, &m->areas, (uintptr_t)m->crash->info->si_addr);
}

/* The bytes of the vDSO are in no file. */
static void write_vdso(void *arg, const struct snap_mapping *mapping)
{
	struct minimal *m = arg;
	struct snap_memory_sink sink = {put_range, put_omission, m};
	struct snap_memory_plan plan;
	if (m->mem_fd < 0 || !snap_bytes_equal_str(mapping->path, "[vdso]"))
		return;
	snap_memory_plan_vdso(mapping->start, mapping->end - mapping->start, &plan);
	/* The parser is done with what it was given. */
	static uint8_t buf[SNAP_MEMORY_MAX];
	snap_memory_take(m->mem_fd, &plan, buf, &sink);
}

/* ---------------------------------------------------------------- annotations */

static void put_tag(void *arg, const struct snap_tag *tag)
{
	struct minimal *m = arg;
	struct snap_lib_message *to = begin(m);
	snap_lib_put_text(to, 1, tag->key);
	snap_lib_put_text(to, 2, tag->value);
	snap_lib_write_record(&m->writer, SNAP_RECORD_TAG, to);
	if (snap_escape_unneeded(tag->key, SNAP_ESCAPE_INVALID) &&
		snap_escape_unneeded(tag->value, SNAP_ESCAPE_INVALID))
		return;
	to = begin(m);
	snap_lib_put_bytes(to, 1, tag->key);
	snap_lib_put_bytes(to, 2, tag->value);
	snap_lib_write_record(&m->writer, SNAP_RECORD_RAW_TAG, to);
}

static void put_log(void *arg, const struct snap_log *log)
{
	struct minimal *m = arg;
	struct snap_lib_message *to = begin(m);
	if (log->message.data)
		snap_lib_put_text(to, 1, log->message);
	if (log->has_line_level)
		snap_lib_put_number(to, 2, log->line_level);
	if (log->has_timestamp)
		snap_lib_put_number(to, 4, (uint64_t)log->timestamp);
	if (log->has_dropped)
		snap_lib_put_number(to, 6, log->dropped);
	if (log->message.data && !snap_escape_unneeded(log->message, SNAP_ESCAPE_INVALID))
		snap_lib_put_bytes(to, 1032, log->message);
	if (log->has_tid)
		snap_lib_put_number(to, 1033, log->tid);
	snap_lib_write_record(&m->writer, SNAP_RECORD_LOG, to);
}

static void write_annotations(struct minimal *m)
{
	static struct snap_annotations annotations;
	const struct snap_annotations_sink sink = {
		.tag = put_tag,
		.log = put_log,
		.range = put_range,
		.omission = put_omission,
		.arg = m,
	};
	if (m->mem_fd < 0)
		return;
	snap_annotations_init(&annotations, snap_memory_read, &m->mem_fd);
	snap_annotations_offer_pointer(&annotations, (uintptr_t)&snap_own_area_addr);
	/* The other threads go on. */
	snap_annotations_read(&annotations, true, true, &sink);
}

/* ---------------------------------------------------------------- the whole */

int snap_lib_minimal_write(int fd, const struct snap_lib_crash *crash)
{
	struct minimal *m = &minimal;
	m->crash = crash;
	m->arch = own_arch();
	m->image_end = m->num_modules = 0;
	m->regs_len = snap_lib_registers(crash->context, m->regs, sizeof(m->regs));
	m->fpregs_len = snap_lib_fp_registers(crash->context, m->fpregs, sizeof(m->fpregs));
	m->mem_fd = open("/proc/thread-self/mem", O_RDONLY | O_CLOEXEC);
	snap_areas_init(&m->areas);
	read_maps(m, snap_areas_add, &m->areas);

	snap_lib_writer_init(&m->writer, fd);
	snap_lib_write_header(&m->writer, PROGRAM);
	write_metadata(m);
	write_signal(m);
	write_process(m);
	write_thread(m);
	write_thread_memory(m);
	(void)snap_lib_write_checkpoint(&m->writer, false); /* its error sticks */

	snap_mapping_quota_init(&m->quota, m->areas.num_telling);
	want_mappings(m);
	read_maps(m, write_mapping, m);
	struct snap_omission omission = {
		.what = SNAP_OMITTED_MAPPING,
		.why = SNAP_OMITTED_CAP,
		.has_count = true,
		.count = m->quota.num_left_out,
	};
	if (omission.count > 0)
		snap_lib_write_omission(&m->writer, &omission);
	read_maps(m, write_vdso, m);
	(void)snap_lib_write_checkpoint(&m->writer, false);

	write_annotations(m);
	write_process_late(m);
	write_system(m);
	write_note(m,
		"written by the crashed process itself: no server answered. Process and thread "
		"ids are those of its own PID namespace");
	write_capture(m);
	int r = snap_lib_write_checkpoint(&m->writer, true);
	if (m->mem_fd >= 0)
		(void)close(m->mem_fd);
	return r;
}
