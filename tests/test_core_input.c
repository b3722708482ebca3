/* analyze/input/core: cores as the kernel writes them, made here piece by piece with its own
 * structs; then cut, lying, and not cores at all. */
#include "analyze/analysis.h"
#include "analyze/input/input.h"
#include "analyze/input/load.h"

#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/procfs.h>
#include <sys/user.h>
#include <time.h>
#include <unistd.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static struct snap_crash crash;
static struct snap_error err;

/* ---------------------------------------------------------------- a core under construction */

static uint8_t *core;
static size_t core_len, core_capacity;

static void put(const void *data, size_t len)
{
	if (core_len + len > core_capacity) {
		core_capacity = 2 * (core_len + len);
		core = realloc(core, core_capacity);
		assert_non_null(core);
	}
	if (data)
		memcpy(core + core_len, data, len);
	else
		memset(core + core_len, 0, len);
	core_len += len;
}

static Elf64_Ehdr *ehdr(void)
{
	return (Elf64_Ehdr *)core;
}

static Elf64_Phdr *phdr(size_t index)
{
	return (Elf64_Phdr *)(core + sizeof(Elf64_Ehdr)) + index;
}

/* Headers of a core with phnum segments, all of them PT_NULL as yet. */
static void begin(uint16_t phnum)
{
	core_len = 0;
	const Elf64_Ehdr header = {
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(header),
		.e_ehsize = sizeof(header),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = phnum,
	};
	put(&header, sizeof(header));
	put(NULL, phnum * sizeof(Elf64_Phdr));
}

static void put_note(const char *name, uint32_t type, const void *desc, size_t len)
{
	const Elf64_Nhdr header = {(uint32_t)strlen(name) + 1, (uint32_t)len, type};
	put(&header, sizeof(header));
	put(name, strlen(name) + 1);
	put(NULL, -core_len & 3);
	put(desc, len);
	put(NULL, -core_len & 3);
}

/* The register as it is in the test's threads. */
static uint64_t pc_of(int tid)
{
	return 0x401000 + (uint64_t)tid;
}

static void put_prstatus(int tid, int signo)
{
	struct elf_prstatus status = {.pr_pid = tid, .pr_cursig = (short)signo};
	struct user_regs_struct regs = {.rip = pc_of(tid), .rsp = 0x7ffc00000100};
	_Static_assert(sizeof(regs) == sizeof(status.pr_reg), "registers");
	memcpy(&status.pr_reg, &regs, sizeof(regs));
	put_note("CORE", NT_PRSTATUS, &status, sizeof(status));
}

static void put_prpsinfo(const char *comm, const char *args)
{
	struct elf_prpsinfo info = {.pr_pid = 4240, .pr_uid = 1000, .pr_gid = 1001};
	memcpy(info.pr_fname, comm, strnlen(comm, sizeof(info.pr_fname)));
	memcpy(info.pr_psargs, args, strnlen(args, sizeof(info.pr_psargs)));
	put_note("CORE", NT_PRPSINFO, &info, sizeof(info));
}

static void put_siginfo(int signo, int code, uint64_t address)
{
	siginfo_t info = {.si_signo = signo, .si_code = code};
	info.si_addr = (void *)(uintptr_t)address;
	put_note("CORE", NT_SIGINFO, &info, sizeof(info));
}

static void put_auxv(uint64_t entry, uint64_t vdso, uint64_t random)
{
	const uint64_t auxv[] = {
		AT_ENTRY, entry, AT_SYSINFO_EHDR, vdso, AT_RANDOM, random, AT_NULL, 0};
	put_note("CORE", NT_AUXV, auxv, sizeof(auxv));
}

struct file {
	uint64_t start, end, page_off;
	const char *path;
};

/* num: what the note says. */
static void put_files(const struct file *files, size_t num_files, uint64_t num)
{
	static uint8_t note[1 << 16];
	size_t len = 0;
	const uint64_t head[] = {num, 4096};
	memcpy(note, head, sizeof(head));
	len = sizeof(head);
	for (size_t i = 0; i < num_files; i++, len += 24)
		memcpy(note + len, &files[i], 24);
	for (size_t i = 0; i < num_files; i++) {
		assert_true(len + strlen(files[i].path) < sizeof(note));
		strcpy((char *)note + len, files[i].path);
		len += strlen(files[i].path) + 1;
	}
	put_note("CORE", NT_FILE, note, len);
}

/* What was put since off becomes segment index. */
static void end_notes(size_t index, size_t off)
{
	*phdr(index) = (Elf64_Phdr){
		.p_type = PT_NOTE, .p_offset = off, .p_filesz = core_len - off, .p_align = 4};
}

static void put_load(
	size_t index, uint64_t vaddr, uint64_t memsz, uint32_t flags, const void *data, size_t len)
{
	*phdr(index) = (Elf64_Phdr){.p_type = PT_LOAD,
		.p_flags = flags,
		.p_vaddr = vaddr,
		.p_offset = core_len,
		.p_filesz = len,
		.p_memsz = memsz,
		.p_align = 4096};
	put(data, len);
}

#define EXE_ADDR   0x400000u
#define STACK_ADDR 0x7ffc00000000u
#define VDSO_ADDR  0x7ffc10000000u

/* The first page of an executable, linked where it is, with a build ID of 20 bytes of id. */
static const uint8_t *first_page(uint64_t vaddr, uint8_t id)
{
	static uint8_t page[512];
	const Elf64_Ehdr header = {
		.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_EXEC,
		.e_machine = EM_X86_64,
		.e_phoff = sizeof(header),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 2,
	};
	const Elf64_Phdr phdrs[] = {
		{.p_type = PT_LOAD, .p_vaddr = vaddr, .p_filesz = 0x2000, .p_memsz = 0x2000},
		{.p_type = PT_NOTE,
			.p_offset = 256,
			.p_vaddr = vaddr + 256,
			.p_filesz = 36,
			.p_align = 4},
	};
	const Elf64_Nhdr note = {4, 20, NT_GNU_BUILD_ID};
	memset(page, 0, sizeof(page));
	memcpy(page, &header, sizeof(header));
	memcpy(page + sizeof(header), phdrs, sizeof(phdrs));
	memcpy(page + 256, &note, sizeof(note));
	memcpy(page + 268, "GNU", 4);
	memset(page + 272, id, 20);
	return page;
}

static size_t notes_end; /* of the realistic core */

/* Two threads, SIGSEGV at 0x10, a program of two mappings, a stack and the vDSO. */
static void make_realistic(void)
{
	static const struct file files[] = {
		{EXE_ADDR, EXE_ADDR + 0x1000, 0, "/usr/bin/program"},
		{EXE_ADDR + 0x1000, EXE_ADDR + 0x2000, 1, "/usr/bin/program"},
		{0x7f0000000000, 0x7f0000001000, 0, "/tmp/gone (deleted)"},
	};
	static uint8_t stack[1024];
	for (size_t i = 0; i < sizeof(stack); i++)
		stack[i] = (uint8_t)(i * 7);
	begin(6);
	size_t off = core_len;
	uint8_t fpregs[512] = {1, 2, 3};
	put_prstatus(4242, SIGSEGV);
	put_prpsinfo("program", "program --arg");
	put_siginfo(SIGSEGV, SEGV_MAPERR, 0x10);
	put_auxv(EXE_ADDR + 0x1040, VDSO_ADDR, STACK_ADDR + 0x200);
	put_files(files, ARRAY_LEN(files), ARRAY_LEN(files));
	put_note("CORE", NT_FPREGSET, fpregs, sizeof(fpregs));
	put_note("LINUX", NT_X86_XSTATE, fpregs, 64);
	put_prstatus(4240, 0);
	put_note("CORE", NT_FPREGSET, fpregs, sizeof(fpregs));
	end_notes(0, off);
	notes_end = core_len;
	put_load(1, EXE_ADDR, 0x1000, PF_R, first_page(EXE_ADDR, 0xaa), 512);
	put_load(2, EXE_ADDR + 0x1000, 0x1000, PF_R | PF_X, NULL, 0);
	put_load(3, STACK_ADDR, sizeof(stack), PF_R | PF_W, stack, sizeof(stack));
	put_load(4, VDSO_ADDR, 0x2000, PF_R | PF_X, first_page(0, 0xbb), 512);
	put_load(5, 0x7f0000000000, 0x1000, PF_R | PF_X, NULL, 0);
}

/* ---------------------------------------------------------------- loading */

static int core_fd = -1;

/* The first len bytes, through the function itself. On success end with unload(). */
static int load_len(size_t len)
{
	err = (struct snap_error)SNAP_ERROR_INIT;
	if (core_fd < 0)
		core_fd = memfd_create("core", MFD_CLOEXEC);
	assert_true(core_fd >= 0);
	assert_int_equal(ftruncate(core_fd, 0), 0);
	assert_int_equal(pwrite(core_fd, core, len, 0), len);
	snap_crash_init(&crash, "core");
	crash.input = malloc(sizeof(*crash.input));
	assert_non_null(crash.input);
	*crash.input = (struct snap_input){.fd = dup(core_fd), .size = len, .is_core = true};
	int r = snap_load_core(&crash, &err);
	if (r < 0) {
		assert_int_not_equal(err.code, SNAP_ERROR_NONE);
		assert_int_not_equal(err.text[0], '\0');
		snap_crash_deinit(&crash);
	} else {
		/* What every later stage relies on. */
		assert_true(crash.num_threads > 0 || crash.integrity == SNAP_INTEGRITY_TRUNCATED);
		for (size_t i = 1; i < crash.num_mappings; i++)
			assert_true(crash.mappings[i].start >= crash.mappings[i - 1].end);
		for (size_t i = 1; i < crash.num_modules; i++)
			assert_true(
				crash.modules[i].record.start >= crash.modules[i - 1].record.end);
		for (size_t i = 1; i < crash.num_threads; i++)
			assert_false(crash.threads[i].crashed);
	}
	return r;
}

static int load(void)
{
	return load_len(core_len);
}

static void unload(void)
{
	snap_crash_deinit(&crash);
}

static void assert_refused(enum snap_error_code code, const char *text)
{
	assert_int_equal(load(), -1);
	assert_int_equal(err.code, code);
	assert_string_equal(err.text, text);
}

static bool has_note(const char *text)
{
	for (size_t i = 0; i < crash.num_notes; i++)
		if (snap_bytes_equal_str(crash.notes[i], text))
			return true;
	return false;
}

static void assert_text(struct snap_bytes bytes, const char *text)
{
	assert_true(snap_bytes_equal_str(bytes, text));
}

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---------------------------------------------------------------- whole cores */

static void test_core_realistic(void **state)
{
	(void)state;
	make_realistic();
	assert_int_equal(load(), 0);
	assert_int_equal(crash.integrity, SNAP_INTEGRITY_COMPLETE);
	assert_int_equal(crash.num_notes, 1);
	assert_true(has_note("the core lacks the first pages of 1 of its 3 modules, and so their "
			     "build IDs: no symbols can be found for them (bit 4 of core(5)'s "
			     "coredump_filter adds these pages)"));
	assert_true(crash.has_signal);
	assert_int_equal(crash.signal.signo, SIGSEGV);
	assert_int_equal(crash.signal.code, SEGV_MAPERR);
	assert_true(crash.signal.has_address);
	assert_int_equal(crash.signal.address, 0x10);
	assert_int_equal(crash.signal.tid, 4242);
	assert_false(crash.signal.has_sender);
	assert_int_equal(crash.signal.siginfo.len, sizeof(siginfo_t));

	assert_int_equal(crash.process.pid, 4240);
	assert_int_equal(crash.process.uid, 1000);
	assert_int_equal(crash.process.gid, 1001);
	assert_text(crash.process.comm, "program");
	assert_text(crash.process.cmdline, "program --arg");
	assert_text(crash.process.exe, "/usr/bin/program");
	assert_false(crash.process.exe_deleted);
	assert_string_equal(crash.arch->name, "x86_64");
	assert_int_equal(crash.capture.method, SNAP_CAPTURE_CORE_FILE);

	assert_int_equal(crash.num_threads, 2);
	assert_int_equal(crash.threads[0].record.tid, 4242);
	assert_true(crash.threads[0].crashed);
	assert_int_equal(crash.threads[0].record.num_regsets, 3);
	assert_int_equal(crash.threads[0].record.regsets[2].type, NT_X86_XSTATE);
	assert_int_equal(crash.threads[1].record.tid, 4240);
	assert_int_equal(crash.threads[1].record.num_regsets, 2);
	for (size_t i = 0; i < 2; i++) {
		uint64_t pc = 0;
		assert_true(snap_arch_reg_get(crash.arch, crash.arch->pc,
			crash.threads[i].pr_reg.data, crash.threads[i].pr_reg.len, &pc));
		assert_true(pc == pc_of((int)crash.threads[i].record.tid));
	}

	assert_int_equal(crash.num_mappings, 5);
	assert_int_equal(crash.mappings[1].start, EXE_ADDR + 0x1000);
	assert_int_equal(crash.mappings[1].file_offset, 0x1000);
	assert_int_equal(crash.mappings[1].permissions, SNAP_MAPPING_READ | SNAP_MAPPING_EXEC);
	assert_text(crash.mappings[1].path, "/usr/bin/program");
	assert_text(crash.mappings[2].path, "/tmp/gone");
	assert_true(crash.mappings[2].deleted);
	assert_text(crash.mappings[3].path, "[stack]");
	assert_text(crash.mappings[4].path, "[vdso]");

	assert_int_equal(crash.num_modules, 3);
	const struct snap_module *module = &crash.modules[0].record;
	assert_int_equal(module->start, EXE_ADDR);
	assert_int_equal(module->end, EXE_ADDR + 0x2000);
	assert_true(module->has_load_bias && module->load_bias == 0);
	assert_int_equal(module->build_id.len, 20);
	assert_int_equal(module->build_id.data[19], 0xaa);
	module = &crash.modules[1].record;
	assert_text(module->path, "/tmp/gone");
	assert_int_equal(module->build_id_status, SNAP_BUILD_ID_UNREADABLE);
	module = &crash.modules[2].record;
	assert_text(module->path, "[vdso]");
	assert_int_equal(module->load_bias, VDSO_ADDR);
	assert_int_equal(module->build_id.data[0], 0xbb);

	uint8_t bytes[4];
	assert_true(snap_memory_read_all(&crash.memory, STACK_ADDR + 100, bytes, 4));
	assert_int_equal(bytes[3], (uint8_t)(103 * 7));
	assert_false(snap_memory_read_all(&crash.memory, EXE_ADDR + 510, bytes, 4));
	unload();
}

static void test_core_by_its_file_name(void **state)
{
	(void)state;
	char path[] = "/tmp/snap-test-core-XXXXXX";
	make_realistic();
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, core, core_len), core_len);
	close(fd);
	assert_int_equal(snap_analysis_load(path, &crash, &err), 0);
	assert_true(crash.is_core);
	assert_int_equal(crash.file_bytes, core_len);
	assert_int_equal(crash.num_threads, 2);
	unload();
	unlink(path);
	assert_int_equal(snap_analysis_load(path, &crash, &err), -1);
	assert_non_null(strstr(err.text, "cannot read '"));
	/* What is refused is named. */
	assert_int_equal(snap_analysis_load("/proc/self/exe", &crash, &err), -1);
	assert_string_equal(err.text,
		"cannot analyse '/proc/self/exe': is an ELF executable or library, not a core");
}

static void test_core_signal_that_a_process_sent(void **state)
{
	(void)state;
	begin(1);
	size_t off = core_len;
	siginfo_t info = {.si_signo = SIGABRT, .si_code = SI_TKILL};
	info.si_pid = 77;
	info.si_uid = 88;
	put_prstatus(1, SIGABRT);
	put_note("CORE", NT_SIGINFO, &info, sizeof(info));
	end_notes(0, off);
	assert_int_equal(load(), 0);
	assert_true(crash.signal.has_sender);
	assert_int_equal(crash.signal.sender_pid, 77);
	assert_int_equal(crash.signal.sender_uid, 88);
	assert_false(crash.signal.has_address);
	unload();
	/* A timer's has its number there. */
	begin(1);
	off = core_len;
	info.si_code = SI_TIMER;
	put_prstatus(1, SIGABRT);
	put_note("CORE", NT_SIGINFO, &info, sizeof(info));
	end_notes(0, off);
	assert_int_equal(load(), 0);
	assert_int_equal(crash.signal.code, SI_TIMER);
	assert_false(crash.signal.has_sender);
	unload();
}

static void test_core_of_a_live_process_has_no_signal(void **state)
{
	(void)state;
	static const int signals[] = {0, SIGSTOP, SIGTRAP + 64, -1, SIGTERM};
	for (size_t i = 0; i < ARRAY_LEN(signals); i++) {
		begin(1);
		put_prstatus(1, signals[i]);
		end_notes(0, sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr));
		assert_int_equal(load(), 0);
		assert_false(crash.has_signal);
		assert_false(crash.threads[0].crashed);
		unload();
	}
}

static void test_core_siginfo_that_contradicts(void **state)
{
	(void)state;
	/* Of another signal, and too short: the thread's own number stands. */
	for (int i = 0; i < 2; i++) {
		siginfo_t info = {.si_signo = i ? SIGSEGV : SIGBUS, .si_code = 1};
		begin(1);
		put_prstatus(1, SIGSEGV);
		put_note("CORE", NT_SIGINFO, &info, i ? 127 : 128);
		end_notes(0, sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr));
		assert_int_equal(load(), 0);
		assert_int_equal(crash.signal.signo, SIGSEGV);
		assert_false(crash.signal.has_code || crash.signal.has_address);
		unload();
	}
}

static void test_core_hostile_strings(void **state)
{
	(void)state;
	/* No NUL at the end, and bytes that are no text. */
	begin(1);
	put_prstatus(1, SIGSEGV);
	put_prpsinfo("sixteen bytes!!\xff...", "\x1b[2J");
	struct elf_prpsinfo info;
	memset(&info, 'x', sizeof(info));
	put_note("CORE", NT_PRPSINFO, &info, sizeof(info));
	end_notes(0, sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr));
	assert_int_equal(load(), 0);
	assert_text(crash.process.comm, "xxxxxxxxxxxxxxxx");
	assert_int_equal(crash.process.cmdline.len, sizeof(info.pr_psargs));
	unload();
}

/* ---------------------------------------------------------------- not cores */

static void test_core_other_elf_files(void **state)
{
	(void)state;
	static const struct {
		uint16_t type;
		const char *text;
	} cases[] = {
		{ET_EXEC, "is an ELF executable or library, not a core"},
		{ET_DYN, "is an ELF executable or library, not a core"},
		{ET_REL, "is an ELF object file, not a core"},
		{ET_NONE, "is an ELF file of unknown type, not a core"},
		{0xfeff, "is an ELF file of unknown type, not a core"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		make_realistic();
		ehdr()->e_type = cases[i].type;
		assert_refused(SNAP_ERROR_UNSUPPORTED, cases[i].text);
	}
}

static void test_core_of_a_machine_without_a_table(void **state)
{
	(void)state;
	make_realistic();
	ehdr()->e_machine = EM_ALPHA;
	assert_int_equal(load(), 0);
	assert_null(crash.arch);
	assert_true(has_note("threads are listed without their registers: nothing is known about "
			     "those of ELF machine 36902, class 2, byte order 1"));
	assert_int_equal(crash.num_threads, 2);
	assert_int_equal(crash.threads[0].record.tid, 4242);
	assert_int_equal(crash.threads[1].record.tid, 4240);
	assert_null(crash.threads[0].pr_reg.data);
	assert_int_equal(crash.process.elf_machine, EM_ALPHA);
	assert_text(crash.process.comm, "program");
	assert_text(crash.process.cmdline, "program --arg");
	assert_text(crash.process.exe, "/usr/bin/program");
	assert_int_equal(crash.signal.signo, SIGSEGV);
	assert_int_equal(crash.signal.address, 0x10);
	assert_int_equal(crash.num_mappings, 5);
	assert_int_equal(crash.num_modules, 3);
	unload();
}

static void test_core_of_no_class_or_byte_order(void **state)
{
	(void)state;
	make_realistic();
	ehdr()->e_ident[EI_CLASS] = 9;
	assert_refused(SNAP_ERROR_UNSUPPORTED, "is an ELF file of unknown class 9 or byte order 1");
	make_realistic();
	ehdr()->e_ident[EI_DATA] = 0;
	assert_refused(SNAP_ERROR_UNSUPPORTED, "is an ELF file of unknown class 2 or byte order 0");
}

static void test_core_segment_counts(void **state)
{
	(void)state;
	make_realistic();
	ehdr()->e_phnum = 0;
	assert_refused(SNAP_ERROR_MALFORMED, "a core without program headers");
	make_realistic();
	ehdr()->e_phentsize = 32;
	assert_refused(SNAP_ERROR_MALFORMED, "a core without program headers");
	make_realistic();
	static const uint64_t offsets[] = {
		1 << 20, 1ull << 40, INT64_MAX, UINT64_MAX - 100, UINT64_MAX};
	for (size_t i = 0; i < ARRAY_LEN(offsets); i++) {
		make_realistic();
		ehdr()->e_phoff = offsets[i];
		assert_refused(SNAP_ERROR_MALFORMED, "a core cut within its program headers");
	}
}

static void test_core_cut_within_its_program_headers(void **state)
{
	(void)state;
	/* More than the file has room for: what is there counts. */
	make_realistic();
	ehdr()->e_phnum = 0xfffe;
	assert_int_equal(load(), 0);
	assert_int_equal(crash.integrity, SNAP_INTEGRITY_TRUNCATED);
	assert_string_equal(crash.integrity_why, "the file ends within its program headers");
	assert_int_equal(crash.num_threads, 2);
	unload();
	/* Without the notes behind them there is no thread, but there are mappings. */
	make_realistic();
	assert_int_equal(load_len(sizeof(Elf64_Ehdr) + 3 * sizeof(Elf64_Phdr) + 17), 0);
	assert_string_equal(crash.integrity_why, "the file ends within its program headers");
	assert_int_equal(crash.num_threads, 0);
	assert_int_equal(crash.num_mappings, 2);
	assert_int_equal(crash.mappings[1].start, EXE_ADDR + 0x1000);
	assert_false(crash.has_signal);
	unload();
	make_realistic();
	assert_int_equal(load_len(notes_end - 1), 0);
	assert_string_equal(crash.integrity_why, "the file ends within its notes");
	unload();
	make_realistic();
	assert_int_equal(load_len(notes_end + 100), 0);
	assert_string_equal(crash.integrity_why, "the file ends before its last segment");
	unload();
}

static void test_core_segments_that_only_the_lost_end_counts(void **state)
{
	(void)state;
	/* 70,000: their number was in a section header, which the kernel writes last. */
	const size_t num = 70000;
	begin(1);
	put(NULL, (num - 1) * sizeof(Elf64_Phdr));
	size_t off = core_len;
	put_prstatus(7, SIGSEGV);
	end_notes(0, off);
	for (size_t i = 1; i < num; i++)
		*phdr(i) = (Elf64_Phdr){.p_type = PT_LOAD,
			.p_flags = i & 1 ? PF_R : PF_R | PF_W,
			.p_vaddr = 0x1000 * i,
			.p_offset = off,
			.p_filesz = 16,
			.p_memsz = 0x1000};
	ehdr()->e_phnum = PN_XNUM;
	ehdr()->e_shoff = core_len;
	double start = seconds();
	assert_int_equal(load(), 0);
	assert_true(seconds() - start < 2);
	assert_int_equal(crash.integrity, SNAP_INTEGRITY_TRUNCATED);
	assert_string_equal(crash.integrity_why, "the file ends before its section header");
	assert_int_equal(crash.num_threads, 1);
	assert_int_equal(crash.num_mappings, num - 1);
	assert_true(crash.arena.total < 64 << 20);
	unload();
	/* The section header has the word, where it is. */
	const Elf64_Shdr shdr = {.sh_info = 66000};
	put(&shdr, sizeof(shdr));
	assert_int_equal(load(), 0);
	assert_int_equal(crash.integrity, SNAP_INTEGRITY_COMPLETE);
	assert_int_equal(crash.num_mappings, 65999);
	unload();
	/* Offsets that can't be the end of so many. */
	static const uint64_t offsets[] = {0, 1, sizeof(Elf64_Ehdr),
		sizeof(Elf64_Ehdr) + 65534 * sizeof(Elf64_Phdr), UINT64_MAX};
	core_len -= sizeof(shdr);
	for (size_t i = 0; i < ARRAY_LEN(offsets); i++) {
		phdr(0)->p_offset = offsets[i];
		if (offsets[i] == UINT64_MAX)
			assert_refused(SNAP_ERROR_LIMIT,
				"a core with 329406144173384849 segments, more than 1048576");
		else
			assert_refused(SNAP_ERROR_MALFORMED,
				"a core whose number of segments can't be read");
	}
}

static void test_core_more_than_65534_segments(void **state)
{
	(void)state;
	/* The count stands in section header 0 then (gABI, PN_XNUM). */
	make_realistic();
	Elf64_Shdr shdr = {.sh_info = 6};
	ehdr()->e_phnum = PN_XNUM;
	ehdr()->e_shoff = core_len;
	put(&shdr, sizeof(shdr));
	assert_int_equal(load(), 0);
	assert_int_equal(crash.num_threads, 2);
	assert_int_equal(crash.num_mappings, 5);
	unload();

	static const struct {
		uint32_t num;
		enum snap_error_code code;
		const char *text;
	} cases[] = {
		{0, SNAP_ERROR_MALFORMED, "a core without program headers"},
		{(1 << 20) + 1, SNAP_ERROR_LIMIT,
			"a core with 1048577 segments, more than 1048576"},
		{UINT32_MAX, SNAP_ERROR_LIMIT,
			"a core with 4294967295 segments, more than 1048576"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		shdr.sh_info = cases[i].num;
		memcpy(core + core_len - sizeof(shdr), &shdr, sizeof(shdr));
		assert_refused(cases[i].code, cases[i].text);
	}
	static const uint64_t offsets[] = {0, 1 << 20, INT64_MAX, UINT64_MAX};
	for (size_t i = 0; i < ARRAY_LEN(offsets); i++) {
		ehdr()->e_shoff = offsets[i];
		assert_refused(
			SNAP_ERROR_MALFORMED, "a core whose number of segments can't be read");
	}
}

static void test_core_of_other_systems(void **state)
{
	(void)state;
	static const struct {
		uint8_t osabi;
		const char *name;
		uint32_t type;
		const char *text;
	} cases[] = {
		{ELFOSABI_FREEBSD, "FreeBSD", 1, "is a core of FreeBSD, not of Linux"},
		{ELFOSABI_NETBSD, "x", 1, "is a core of NetBSD, not of Linux"},
		{ELFOSABI_SOLARIS, "x", 1, "is a core of Solaris, not of Linux"},
		{ELFOSABI_OPENBSD, "x", 1, "is a core of OpenBSD, not of Linux"},
		{0, "FreeBSD", 1, "is a core of FreeBSD, not of Linux"},
		{0, "NetBSD-CORE@17", 33, "is a core of NetBSD, not of Linux"},
		{0, "OpenBSD", 10, "is a core of OpenBSD, not of Linux"},
		{0, "QNX", 7, "is a core of QNX, not of Linux"},
		{0, "CORE", NT_PSINFO, "is a core of Solaris, not of Linux"},
		{0, "CORE", NT_LWPSTATUS, "is a core of Solaris, not of Linux"},
		{0, "VMCOREINFO", 0, "is a kernel's memory dump (vmcore), not a process's core"},
		{0, "QEMU", 0, "is a virtual machine's memory dump, not a process's core"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		/* With Linux's notes beside them, as a vmcore has them for its processors. */
		begin(1);
		ehdr()->e_ident[EI_OSABI] = cases[i].osabi;
		put_prstatus(1, SIGSEGV);
		put_note(cases[i].name, cases[i].type, "12345678", 8);
		end_notes(0, sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr));
		assert_refused(SNAP_ERROR_UNSUPPORTED, cases[i].text);
	}
	/* Numbers that say nothing of the system. */
	static const uint8_t osabis[] = {ELFOSABI_NONE, ELFOSABI_GNU, 64, ELFOSABI_ARM, 255};
	for (size_t i = 0; i < ARRAY_LEN(osabis); i++) {
		make_realistic();
		ehdr()->e_ident[EI_OSABI] = osabis[i];
		assert_int_equal(load(), 0);
		unload();
	}
}

static void test_core_siginfo_of_other_threads(void **state)
{
	(void)state;
	/* gcore writes one for each thread that has one, behind its registers. */
	begin(1);
	put_prstatus(1, SIGSEGV);
	put_prstatus(2, 0);
	put_siginfo(SIGSEGV, SEGV_MAPERR, 0x10);
	end_notes(0, sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr));
	assert_int_equal(load(), 0);
	assert_true(crash.has_signal);
	assert_false(crash.signal.has_code);
	unload();
}

static void test_core_files_that_are_no_modules(void **state)
{
	(void)state;
	/* Two libraries, one of them also mapped as data in front of the other, where its image
	 * would cover it; a font, of which nothing was captured. */
	static const struct file files[] = {
		{0x10000, 0x11000, 0, "/data/library"},
		{0x11000, 0x12000, 0, "/lib/code"},
		{0x12000, 0x13000, 1, "/lib/code"},
		{0x20000, 0x21000, 0, "/lib/font"},
		{0x30000, 0x31000, 0, "/lib/unseen"},
		{0x31000, 0x32000, 1, "/lib/unseen"},
		/* Its first page is mapped again for its data: no second library. */
		{0x40000, 0x41000, 0, "/lib/small"},
		{0x41000, 0x42000, 0, "/lib/small"},
	};
	begin(9);
	size_t off = core_len;
	put_prstatus(1, SIGSEGV);
	put_files(files, ARRAY_LEN(files), ARRAY_LEN(files));
	end_notes(0, off);
	put_load(1, 0x10000, 0x1000, PF_R, first_page(0, 1), 512);
	put_load(2, 0x11000, 0x1000, PF_R, first_page(0, 2), 512);
	put_load(3, 0x12000, 0x1000, PF_R | PF_X, NULL, 0);
	put_load(4, 0x20000, 0x1000, PF_R, NULL, 0);
	put_load(5, 0x30000, 0x1000, PF_R, NULL, 0);
	put_load(6, 0x31000, 0x1000, PF_R | PF_X, NULL, 0);
	put_load(7, 0x40000, 0x1000, PF_R | PF_X, first_page(0, 4), 512);
	put_load(8, 0x41000, 0x1000, PF_R, first_page(0, 4), 512);
	assert_int_equal(load(), 0);
	assert_int_equal(crash.num_modules, 4);
	assert_int_equal(crash.modules[0].record.end, 0x11000);
	assert_int_equal(crash.modules[1].record.start, 0x11000);
	assert_int_equal(crash.modules[1].record.end, 0x13000);
	assert_text(crash.modules[1].record.path, "/lib/code");
	assert_int_equal(crash.modules[1].record.build_id.data[0], 2);
	assert_text(crash.modules[2].record.path, "/lib/unseen");
	assert_int_equal(crash.modules[2].record.end, 0x32000);
	assert_text(crash.modules[3].record.path, "/lib/small");
	assert_int_equal(crash.modules[3].record.end, 0x42000);
	unload();
}

static void test_core_code_of_files_that_are_no_images(void **state)
{
	(void)state;
	static const uint8_t code[512] = {0xc3};
	static const struct file files[] = {
		/* A just-in-time compiler's, mapped twice: to be written, to be executed. */
		{0x10000, 0x11000, 0, "/memfd:jit (deleted)"},
		{0x20000, 0x21000, 0, "/memfd:jit (deleted)"},
		{0x21000, 0x22000, 1, "/memfd:jit (deleted)"},
		/* Not its beginning; and more of it elsewhere. */
		{0x30000, 0x31000, 7, "/memfd:jit (deleted)"},
		{0x40000, 0x41000, 9, "/memfd:jit (deleted)"},
		/* An image with another file's mapping in it. */
		{0x50000, 0x50800, 0, "/lib/code"},
		{0x50800, 0x51000, 0, "/lib/font"},
		{0x51000, 0x52000, 1, "/lib/code"},
		{0x60000, 0x61000, 3, "/lib/font"},
	};
	begin(10);
	size_t off = core_len;
	put_prstatus(1, SIGSEGV);
	put_files(files, ARRAY_LEN(files), ARRAY_LEN(files));
	end_notes(0, off);
	put_load(1, 0x10000, 0x1000, PF_R | PF_W, code, sizeof(code));
	put_load(2, 0x20000, 0x1000, PF_R, code, sizeof(code));
	put_load(3, 0x21000, 0x1000, PF_R | PF_X, code, sizeof(code));
	put_load(4, 0x30000, 0x1000, PF_R | PF_X, code, sizeof(code));
	put_load(5, 0x40000, 0x1000, PF_R | PF_X, code, sizeof(code));
	put_load(6, 0x50000, 0x800, PF_R, first_page(0, 1), 512);
	put_load(7, 0x50800, 0x800, PF_R, code, sizeof(code));
	put_load(8, 0x51000, 0x1000, PF_R | PF_X, NULL, 0);
	put_load(9, 0x60000, 0x1000, PF_R, NULL, 0);
	assert_int_equal(load(), 0);
	static const struct {
		uint64_t start, end;
		const char *path;
	} wanted[] = {
		{0x20000, 0x22000, "/memfd:jit"},
		{0x30000, 0x31000, "/memfd:jit"},
		{0x40000, 0x41000, "/memfd:jit"},
		{0x50000, 0x50800, "/lib/code"},
	};
	assert_int_equal(crash.num_modules, ARRAY_LEN(wanted));
	for (size_t i = 0; i < ARRAY_LEN(wanted); i++) {
		const struct snap_module *module = &crash.modules[i].record;
		assert_int_equal(module->start, wanted[i].start);
		assert_int_equal(module->end, wanted[i].end);
		assert_text(module->path, wanted[i].path);
	}
	assert_true(crash.modules[0].record.deleted);
	assert_int_equal(crash.num_notes, 0);
	unload();
}

/* As gdb's gcore writes them: no segment for code that is as in its file. */
static void test_core_files_without_segments_are_mapped(void **state)
{
	(void)state;
	static const struct file files[] = {{0x10000, 0x11000, 0, "/lib/code"},
		{0x11000, 0x13000, 1, "/lib/code"}, {0x13000, 0x14000, 3, "/lib/code"}};
	begin(3);
	size_t off = core_len;
	put_prstatus(1, SIGSEGV);
	put_files(files, ARRAY_LEN(files), ARRAY_LEN(files));
	end_notes(0, off);
	put_load(1, 0x10000, 0x1000, PF_R, first_page(0, 1), 512);
	put_load(2, 0x13000, 0x1000, PF_R | PF_W, NULL, 0);
	assert_int_equal(load(), 0);
	assert_int_equal(crash.num_mappings, 3);
	const struct snap_mapping *mapping = snap_crash_mapping_at(&crash, 0x12fff);
	assert_non_null(mapping);
	assert_int_equal(mapping->start, 0x11000);
	assert_false(mapping->has_permissions);
	assert_text(mapping->path, "/lib/code");
	assert_int_equal(mapping->file_offset, 0x1000);
	assert_true(snap_crash_mapping_at(&crash, 0x13000)->has_permissions);
	unload();
}

static void test_core_without_threads(void **state)
{
	(void)state;
	begin(1);
	put_prpsinfo("a", "a");
	end_notes(0, sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr));
	assert_refused(SNAP_ERROR_MALFORMED, "a core without threads");
	begin(1);
	assert_refused(SNAP_ERROR_MALFORMED, "a core without threads");
}

/* ---------------------------------------------------------------- cut cores */

static void test_core_cut_within_its_header(void **state)
{
	(void)state;
	make_realistic();
	for (size_t len = 0; len < sizeof(Elf64_Ehdr); len++) {
		assert_int_equal(load_len(len), -1);
		assert_string_equal(err.text, "an ELF file cut within its header");
	}
}

static void test_core_cut_anywhere(void **state)
{
	(void)state;
	make_realistic();
	size_t threads = 0;
	for (size_t len = sizeof(Elf64_Ehdr); len < core_len; len += len < notes_end ? 1 : 64) {
		if (load_len(len) < 0) {
			/* Not once a thread was there. */
			assert_int_equal(threads, 0);
			assert_int_equal(err.code, SNAP_ERROR_MALFORMED);
			continue;
		}
		assert_int_equal(crash.integrity, SNAP_INTEGRITY_TRUNCATED);
		assert_string_not_equal(crash.integrity_why, "");
		assert_true(crash.num_threads >= threads);
		threads = crash.num_threads;
		assert_true(threads > 0 || crash.num_mappings > 0);
		if (threads > 0)
			assert_int_equal(crash.threads[0].record.tid, 4242);
		/* What is in the file can be read, and no more. */
		const Elf64_Phdr *stack = phdr(3);
		uint8_t byte;
		size_t there = len <= stack->p_offset ? 0 : len - stack->p_offset;
		if (there < stack->p_filesz)
			assert_false(
				snap_memory_read_all(&crash.memory, STACK_ADDR + there, &byte, 1));
		if (there > 0)
			assert_true(snap_memory_read_all(&crash.memory,
				STACK_ADDR + (there < 1024 ? there : 1024) - 1, &byte, 1));
		unload();
	}
	assert_int_equal(threads, 2);
}

static void test_core_damaged_at_random(void **state)
{
	(void)state;
	srandom(17);
	size_t loaded = 0;
	for (int round = 0; round < 20000; round++) {
		make_realistic();
		for (long i = random() % 4; i >= 0; i--) {
			size_t off = (size_t)random() % core_len;
			if (random() & 1)
				off = (size_t)random() % 1200;
			core[off] ^= (uint8_t)(random() & 1 ? 1u << random() % 8 : random());
		}
		if (load() == 0) {
			loaded++;
			unload();
		}
	}
	assert_true(loaded > 1000);
}

/* ---------------------------------------------------------------- lying cores */

static void test_core_notes_that_lie(void **state)
{
	(void)state;
	/* A size that goes beyond the segment ends the notes; what was before it stays. */
	static const uint32_t lies[] = {200000, 0x7fffffff, 0xfffffff0, UINT32_MAX};
	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		for (int which = 0; which < 2; which++) {
			begin(1);
			put_prstatus(7, SIGSEGV);
			size_t off = core_len;
			put_prstatus(8, 0);
			put_prstatus(9, 0);
			((uint32_t *)(core + off))[which] = lies[i];
			end_notes(0, sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr));
			assert_int_equal(load(), 0);
			assert_int_equal(crash.num_threads, 1);
			assert_true(has_note("the core's notes end in a malformed one"));
			unload();
		}
	}
}

static void test_core_short_prstatus(void **state)
{
	(void)state;
	struct elf_prstatus status = {.pr_pid = 5, .pr_cursig = SIGSEGV};
	for (size_t len = 0; len < sizeof(status); len++) {
		begin(1);
		put_prstatus(7, SIGSEGV);
		put_note("CORE", NT_PRSTATUS, &status, len);
		end_notes(0, sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr));
		assert_int_equal(load(), 0);
		/* All of the registers must be there. */
		bool whole = len >= offsetof(struct elf_prstatus, pr_reg) + sizeof(status.pr_reg);
		assert_int_equal(crash.num_threads, whole ? 2 : 1);
		assert_int_equal(has_note("a thread's NT_PRSTATUS note is too short"), !whole);
		unload();
	}
}

static void test_core_notes_of_others_are_passed_over(void **state)
{
	(void)state;
	struct elf_prstatus status = {.pr_pid = 5};
	begin(1);
	put_note("LINUX", 0x202, "before any thread", 17);
	put_note("CORE", NT_FPREGSET, "before any thread", 17);
	put_note("GNU", NT_PRSTATUS, &status, sizeof(status));
	put_note("", NT_PRSTATUS, &status, sizeof(status));
	put_note("CORE", 0x12345678, &status, sizeof(status));
	put_prstatus(7, SIGSEGV);
	put_note("GNU", NT_FPREGSET, "x", 1);
	put_note("linux", 0x202, "x", 1);
	put_note("LINUX2", 0x202, "x", 1);
	end_notes(0, sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr));
	assert_int_equal(load(), 0);
	assert_int_equal(crash.num_threads, 1);
	assert_int_equal(crash.threads[0].record.num_regsets, 1);
	unload();
}

static void test_core_more_register_sets_than_any_machine_has(void **state)
{
	(void)state;
	begin(1);
	put_prstatus(7, SIGSEGV);
	for (uint32_t i = 0; i < 1000; i++)
		put_note("LINUX", i, "x", 1);
	end_notes(0, sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr));
	assert_int_equal(load(), 0);
	assert_int_equal(crash.threads[0].record.num_regsets, SNAP_MAX_REGSETS);
	unload();
}

static void test_core_file_notes_that_lie(void **state)
{
	(void)state;
	static const struct file files[] = {
		{0x1000, 0x2000, 0, "/a"}, {0x2000, 0x3000, 1, "/a"}, {0x5000, 0x6000, 0, "/b"}};
	static const uint64_t lies[] = {
		4, 5, 1000, 65537, 1ull << 32, UINT64_MAX / 24, UINT64_MAX / 24 + 1, UINT64_MAX};
	for (size_t i = 0; i < ARRAY_LEN(lies); i++) {
		begin(2);
		size_t off = core_len;
		put_prstatus(7, SIGSEGV);
		put_files(files, 3, lies[i]);
		end_notes(0, off);
		put_load(1, 0x5000, 0x1000, PF_R, NULL, 0);
		assert_int_equal(load(), 0);
		assert_true(has_note("the core's NT_FILE note is malformed"));
		assert_int_equal(crash.num_modules, 0);
		assert_int_equal(crash.mappings[0].path.len, 0);
		unload();
	}
	/* Fewer than there are: the names are taken from where they would be. */
	begin(1);
	put_prstatus(7, SIGSEGV);
	put_files(files, 3, 2);
	end_notes(0, sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr));
	assert_int_equal(load(), 0);
	unload();
	/* As many as there are, without the last name. */
	begin(1);
	size_t note_off = core_len;
	put_prstatus(7, SIGSEGV);
	size_t file_off = core_len;
	put_files(files, 3, 3);
	((uint32_t *)(core + file_off))[1] -= 3;
	core_len = file_off + 20 + ((uint32_t *)(core + file_off))[1];
	put(NULL, -core_len & 3);
	end_notes(0, note_off);
	assert_int_equal(load(), 0);
	assert_int_equal(crash.num_modules, 1);
	assert_text(crash.modules[0].record.path, "/a");
	unload();
}

static void test_core_file_entries_that_lie(void **state)
{
	(void)state;
	/* backwards, empty, over each other, at the top, out of order */
	static const struct file files[] = {{0x2000, 0x1000, 0, "/backwards"},
		{0x3000, 0x3000, 0, "/empty"}, {0x4000, 0x8000, 0, "/one"},
		{0x5000, 0x9000, 0, "/two"}, {UINT64_MAX - 0xfff, UINT64_MAX, UINT64_MAX, "/top"},
		{UINT64_MAX - 0xfff, 0, 0, "/round"}, {0x100, 0x200, 0, "/low"}};
	begin(1);
	put_prstatus(7, SIGSEGV);
	put_files(files, ARRAY_LEN(files), ARRAY_LEN(files));
	end_notes(0, sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr));
	assert_int_equal(load(), 0);
	for (size_t i = 0; i < crash.num_modules; i++)
		assert_true(crash.modules[i].record.start < crash.modules[i].record.end);
	assert_null(snap_crash_module_at(&crash, 0x2000));
	assert_text(snap_crash_module_at(&crash, 0x5800)->record.path, "/one");
	assert_text(snap_crash_module_at(&crash, 0x8800)->record.path, "/two");
	assert_text(snap_crash_module_at(&crash, 0x150)->record.path, "/low");
	unload();
}

static void test_core_segments_that_lie(void **state)
{
	(void)state;
	static const struct {
		uint64_t vaddr, offset, filesz, memsz;
		uint64_t readable; /* bytes from vaddr on */
	} cases[] = {
		{0x1000, 0, 64, 64, 64},
		{0x1000, 0, 64, 32, 0},		    /* more in the file than in memory */
		{0x1000, 0, UINT64_MAX, 0x1000, 0}, /* cut to the file's size, then likewise */
		{UINT64_MAX - 15, 0, 16, 16, 16},   /* the top */
		{UINT64_MAX - 15, 0, 64, 64, 0},    /* round it */
		{0x1000, 1ull << 40, 64, 64, 0},
		{0x1000, UINT64_MAX, 64, 64, 0},
		{0x1000, UINT64_MAX - 10, UINT64_MAX, UINT64_MAX, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		begin(2);
		size_t off = core_len;
		put_prstatus(7, SIGSEGV);
		for (int j = 0; j < 100; j++)
			put_note("CORE", 0x999, core, 64);
		end_notes(0, off);
		*phdr(1) = (Elf64_Phdr){.p_type = PT_LOAD,
			.p_vaddr = cases[i].vaddr,
			.p_offset = cases[i].offset,
			.p_filesz = cases[i].filesz,
			.p_memsz = cases[i].memsz};
		assert_int_equal(load(), 0);
		uint8_t buf[128];
		assert_int_equal(snap_memory_read(&crash.memory, cases[i].vaddr, buf, sizeof(buf)),
			cases[i].readable);
		unload();
	}
}

static void test_core_segments_over_each_other(void **state)
{
	(void)state;
	begin(3);
	size_t off = core_len;
	put_prstatus(7, SIGSEGV);
	end_notes(0, off);
	put_load(1, 0x1004, 8, PF_R, "aaaaaaaa", 8);
	put_load(2, 0x1000, 16, PF_R | PF_W, "bbbbbbbbbbbbbbbb", 16);
	assert_int_equal(load(), 0);
	char buf[16];
	assert_int_equal(snap_memory_read(&crash.memory, 0x1000, buf, 16), 16);
	assert_memory_equal(buf, "bbbbaaaaaaaabbbb", 16);
	unload();
}

/* ---------------------------------------------------------------- bombs */

static void test_core_more_than_65536_threads(void **state)
{
	(void)state;
	begin(1);
	for (int i = 0; i <= SNAP_MAX_THREADS; i++)
		put_prstatus(i + 1, SIGSEGV);
	end_notes(0, sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr));
	assert_refused(SNAP_ERROR_LIMIT, "a core with more than 65536 threads");
}

static void test_core_many_threads_of_one_id_in_bounded_time(void **state)
{
	(void)state;
	begin(1);
	for (int i = 0; i < SNAP_MAX_THREADS; i++)
		put_prstatus(4242, SIGSEGV);
	end_notes(0, sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr));
	double start = seconds();
	assert_int_equal(load(), 0);
	assert_true(seconds() - start < 5);
	assert_true(crash.threads[0].crashed);
	unload();
}

static void test_core_first_of_several_threads_of_one_id(void **state)
{
	(void)state;
	begin(1);
	put_prstatus(4242, SIGSEGV);
	put_prstatus(1, 0);
	size_t off = core_len;
	put_prstatus(2, 0);
	/* The same id, other registers. */
	memcpy(core + off + 20 + offsetof(struct elf_prstatus, pr_pid), &(int){4242}, sizeof(int));
	end_notes(0, sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr));
	assert_int_equal(load(), 0);
	uint64_t pc = 0;
	assert_true(crash.threads[0].crashed);
	assert_true(snap_arch_reg_get(crash.arch, crash.arch->pc, crash.threads[0].pr_reg.data,
		crash.threads[0].pr_reg.len, &pc));
	assert_true(pc == pc_of(4242));
	unload();
}

static void test_core_many_segments_of_the_same_notes_in_bounded_memory(void **state)
{
	(void)state;
	/* 2 MiB of notes, named 600 times: 1.2 GB, if each were read for itself. */
	begin(601);
	size_t off = core_len;
	put_prstatus(7, SIGSEGV);
	uint8_t *junk = calloc(1, 2 << 20);
	assert_non_null(junk);
	put_note("CORE", 0x999, junk, 2 << 20);
	free(junk);
	for (size_t i = 0; i <= 600; i++)
		end_notes(i, off);
	double start = seconds();
	if (load() == 0) {
		size_t total = crash.arena.total;
		unload();
		assert_true(total < 512 << 20);
	} else {
		assert_int_equal(err.code, SNAP_ERROR_LIMIT);
	}
	assert_true(seconds() - start < 5);
}

static void test_core_many_mappings_of_one_file_in_bounded_time(void **state)
{
	(void)state;
	/* All of one name, all beginning an image that can't be read. */
	size_t num = 60000;
	uint64_t head[] = {num, 4096};
	uint8_t *note = calloc(1, sizeof(head) + num * (24 + 40));
	assert_non_null(note);
	memcpy(note, head, sizeof(head));
	for (uint64_t i = 0; i < num; i++) {
		const uint64_t entry[] = {0x10000 * i, 0x10000 * i + 0x1000, 0};
		memcpy(note + 16 + 24 * i, entry, 24);
		memcpy(note + 16 + 24 * num + 40 * i, "/a/name/that/all/of/them/have/in/common",
			40);
	}
	begin(1);
	put_prstatus(7, SIGSEGV);
	put_note("CORE", NT_FILE, note, 16 + num * 64);
	end_notes(0, sizeof(Elf64_Ehdr) + sizeof(Elf64_Phdr));
	free(note);
	double start = seconds();
	assert_int_equal(load(), 0);
	double took = seconds() - start;
	unload();
	assert_true(took < 1);
}

static int teardown(void **state)
{
	(void)state;
	free(core);
	if (core_fd >= 0)
		close(core_fd);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_core_realistic),
		cmocka_unit_test(test_core_by_its_file_name),
		cmocka_unit_test(test_core_signal_that_a_process_sent),
		cmocka_unit_test(test_core_of_a_live_process_has_no_signal),
		cmocka_unit_test(test_core_siginfo_that_contradicts),
		cmocka_unit_test(test_core_hostile_strings),
		cmocka_unit_test(test_core_other_elf_files),
		cmocka_unit_test(test_core_of_a_machine_without_a_table),
		cmocka_unit_test(test_core_of_no_class_or_byte_order),
		cmocka_unit_test(test_core_segment_counts),
		cmocka_unit_test(test_core_cut_within_its_program_headers),
		cmocka_unit_test(test_core_segments_that_only_the_lost_end_counts),
		cmocka_unit_test(test_core_of_other_systems),
		cmocka_unit_test(test_core_siginfo_of_other_threads),
		cmocka_unit_test(test_core_files_that_are_no_modules),
		cmocka_unit_test(test_core_more_than_65534_segments),
		cmocka_unit_test(test_core_code_of_files_that_are_no_images),
		cmocka_unit_test(test_core_files_without_segments_are_mapped),
		cmocka_unit_test(test_core_without_threads),
		cmocka_unit_test(test_core_cut_within_its_header),
		cmocka_unit_test(test_core_cut_anywhere),
		cmocka_unit_test(test_core_damaged_at_random),
		cmocka_unit_test(test_core_notes_that_lie),
		cmocka_unit_test(test_core_short_prstatus),
		cmocka_unit_test(test_core_notes_of_others_are_passed_over),
		cmocka_unit_test(test_core_more_register_sets_than_any_machine_has),
		cmocka_unit_test(test_core_file_notes_that_lie),
		cmocka_unit_test(test_core_file_entries_that_lie),
		cmocka_unit_test(test_core_segments_that_lie),
		cmocka_unit_test(test_core_segments_over_each_other),
		cmocka_unit_test(test_core_more_than_65536_threads),
		cmocka_unit_test(test_core_many_threads_of_one_id_in_bounded_time),
		cmocka_unit_test(test_core_first_of_several_threads_of_one_id),
		cmocka_unit_test(test_core_many_segments_of_the_same_notes_in_bounded_memory),
		cmocka_unit_test(test_core_many_mappings_of_one_file_in_bounded_time),
	};
	return cmocka_run_group_tests(tests, NULL, teardown);
}
