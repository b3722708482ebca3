/* analyze/input/core: cores of both classes and byte orders, with and without NT_FILE; the dynamic
 * linker's list as it is found in memory, and as it lies. */
#include "analyze/input/input.h"
#include "analyze/input/load.h"

#include <elf.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "common/elf_load.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/*
 * A machine and where its kernel puts what is tested. The numbers are gdb's and the kernel's, not
 * those of our tables.
 */
struct machine {
	const char *name; /* NULL: has no table */
	uint16_t elf_machine;
	uint8_t elf_class, elf_data;
	uint16_t prstatus_len, pid_off, pc_off; /* from the note's start */
	uint8_t pc_len;
	uint16_t prpsinfo_len, uid_off, uid_len, gid_off, psinfo_pid_off, fname_off, psargs_off;
	uint8_t si_code_off, si_fields_off;
	int sigbus;
};

#define WIDE_PSINFO   136, 16, 4, 20, 24, 40, 56
#define NARROW_PSINFO 124, 8, 2, 10, 12, 28, 44

static const struct machine machines[] = {
	{"x86_64", EM_X86_64, ELFCLASS64, ELFDATA2LSB, 336, 32, 240, 8, WIDE_PSINFO, 8, 16, 7},
	{"aarch64", EM_AARCH64, ELFCLASS64, ELFDATA2LSB, 392, 32, 368, 8, WIDE_PSINFO, 8, 16, 7},
	{"i386", EM_386, ELFCLASS32, ELFDATA2LSB, 144, 24, 120, 4, NARROW_PSINFO, 8, 12, 7},
	{"arm", EM_ARM, ELFCLASS32, ELFDATA2LSB, 148, 24, 132, 4, NARROW_PSINFO, 8, 12, 7},
	{"riscv64", EM_RISCV, ELFCLASS64, ELFDATA2LSB, 376, 32, 112, 8, WIDE_PSINFO, 8, 16, 7},
	{"x32", EM_X86_64, ELFCLASS32, ELFDATA2LSB, 296, 24, 200, 8, NARROW_PSINFO, 8, 12, 7},
	{"mips", EM_MIPS, ELFCLASS32, ELFDATA2MSB, 256, 24, 232, 4, 128, 8, 4, 12, 16, 32, 48, 4,
		12, 10},
	{"mips", EM_MIPS, ELFCLASS32, ELFDATA2LSB, 256, 24, 232, 4, 128, 8, 4, 12, 16, 32, 48, 4,
		12, 10},
	{"mips64", EM_MIPS, ELFCLASS64, ELFDATA2MSB, 480, 32, 384, 8, WIDE_PSINFO, 4, 16, 10},
	{"ppc64", EM_PPC64, ELFCLASS64, ELFDATA2MSB, 504, 32, 368, 8, WIDE_PSINFO, 8, 16, 7},
	{"ppc64le", EM_PPC64, ELFCLASS64, ELFDATA2LSB, 504, 32, 368, 8, WIDE_PSINFO, 8, 16, 7},
	{"s390x", EM_S390, ELFCLASS64, ELFDATA2MSB, 336, 32, 120, 8, WIDE_PSINFO, 8, 16, 7},
	{"sparc64", EM_SPARCV9, ELFCLASS64, ELFDATA2MSB, 408, 32, 376, 8, WIDE_PSINFO, 8, 16, 10},
	{"m68k", EM_68K, ELFCLASS32, ELFDATA2MSB, 154, 22, 142, 4, NARROW_PSINFO, 8, 12, 7},
	{NULL, EM_ALPHA, ELFCLASS64, ELFDATA2LSB, 400, 32, 112, 8, WIDE_PSINFO, 8, 16, 10},
	{NULL, EM_PARISC, ELFCLASS32, ELFDATA2MSB, 300, 24, 72, 4, 128, 8, 4, 12, 16, 32, 48, 8, 12,
		10},
	{NULL, EM_XTENSA, ELFCLASS32, ELFDATA2LSB, 300, 24, 72, 4, NARROW_PSINFO, 8, 12, 7},
};

static const struct machine *m;
static struct snap_crash crash;
static struct snap_error err;

/* ---------------------------------------------------------------- bytes of that machine */

static void set(uint8_t *at, uint64_t value, unsigned int size)
{
	for (unsigned int i = 0; i < size; i++)
		at[m->elf_data == ELFDATA2MSB ? size - 1 - i : i] = (uint8_t)(value >> 8 * i);
}

#define SET_MEMBER(at, kind, member, value)                                                        \
	do {                                                                                       \
		if (m->elf_class == ELFCLASS64)                                                    \
			set((uint8_t *)(at) + offsetof(Elf64_##kind, member), (value),             \
				sizeof(((Elf64_##kind *)NULL)->member));                           \
		else                                                                               \
			set((uint8_t *)(at) + offsetof(Elf32_##kind, member), (value),             \
				sizeof(((Elf32_##kind *)NULL)->member));                           \
	} while (0)
#define SIZE(kind) (m->elf_class == ELFCLASS64 ? sizeof(Elf64_##kind) : sizeof(Elf32_##kind))

static unsigned int word(void)
{
	return m->elf_class == ELFCLASS64 ? 8 : 4;
}

static void set_ehdr(uint8_t *at, uint16_t type, uint64_t phnum)
{
	const uint8_t ident[] = {0x7f, 'E', 'L', 'F', m->elf_class, m->elf_data, EV_CURRENT};
	memcpy(at, ident, sizeof(ident));
	SET_MEMBER(at, Ehdr, e_type, type);
	SET_MEMBER(at, Ehdr, e_machine, m->elf_machine);
	SET_MEMBER(at, Ehdr, e_phoff, SIZE(Ehdr));
	SET_MEMBER(at, Ehdr, e_phentsize, SIZE(Phdr));
	SET_MEMBER(at, Ehdr, e_phnum, phnum);
}

static uint8_t core[1 << 16];
static size_t core_len;
static size_t num_phdrs;

static uint8_t *put(const void *data, size_t len)
{
	assert_true(core_len + len <= sizeof(core));
	if (data)
		memcpy(core + core_len, data, len);
	else
		memset(core + core_len, 0, len);
	core_len += len;
	return core + core_len - len;
}

static void begin(size_t max_phdrs)
{
	memset(core, 0, sizeof(core));
	core_len = 0;
	num_phdrs = 0;
	put(NULL, SIZE(Ehdr) + max_phdrs * SIZE(Phdr));
	set_ehdr(core, ET_CORE, 0);
}

static void add_phdr(uint32_t type, uint32_t flags, uint64_t vaddr, uint64_t off, uint64_t filesz,
	uint64_t memsz)
{
	uint8_t *at = core + SIZE(Ehdr) + num_phdrs * SIZE(Phdr);
	SET_MEMBER(at, Phdr, p_type, type);
	SET_MEMBER(at, Phdr, p_flags, flags);
	SET_MEMBER(at, Phdr, p_vaddr, vaddr);
	SET_MEMBER(at, Phdr, p_offset, off);
	SET_MEMBER(at, Phdr, p_filesz, filesz);
	SET_MEMBER(at, Phdr, p_memsz, memsz);
	SET_MEMBER(core, Ehdr, e_phnum, ++num_phdrs);
}

static uint8_t *put_note(const char *name, uint32_t type, size_t len)
{
	uint8_t *header = put(NULL, 12);
	set(header, strlen(name) + 1, 4);
	set(header + 4, len, 4);
	set(header + 8, type, 4);
	put(name, strlen(name) + 1);
	put(NULL, -core_len & 3);
	uint8_t *desc = put(NULL, len);
	put(NULL, -core_len & 3);
	return desc;
}

static void put_load(uint64_t vaddr, uint32_t flags, const void *data, size_t len, size_t memsz)
{
	add_phdr(PT_LOAD, flags, vaddr, core_len, len, memsz);
	put(data, len);
}

#define PC 0x12345678u

static void put_thread(uint32_t tid, int signo)
{
	uint8_t *status = put_note("CORE", NT_PRSTATUS, m->prstatus_len);
	set(status + 12, (uint64_t)signo, 2);
	set(status + m->pid_off, tid, 4);
	set(status + m->pc_off, PC, m->pc_len);
}

static void put_psinfo(void)
{
	uint8_t *info = put_note("CORE", NT_PRPSINFO, m->prpsinfo_len);
	set(info + m->uid_off, 1000, m->uid_len);
	set(info + m->gid_off, 1001, m->uid_len);
	set(info + m->psinfo_pid_off, 4242, 4);
	memcpy(info + m->fname_off, "sixteen bytes lo", 16);
	memcpy(info + m->psargs_off, "program -x", 10);
}

static void put_siginfo(int signo, int code, uint64_t value)
{
	uint8_t *info = put_note("CORE", NT_SIGINFO, 128);
	set(info, (uint64_t)signo, 4);
	set(info + m->si_code_off, (uint64_t)code, 4);
	set(info + m->si_fields_off, value, word());
}

struct pair {
	uint64_t type, value;
};

static void put_auxv(const struct pair *pairs, size_t num)
{
	uint8_t *auxv = put_note("CORE", NT_AUXV, (num + 1) * 2 * word());
	for (size_t i = 0; i < num; i++) {
		set(auxv + 2 * i * word(), pairs[i].type, word());
		set(auxv + (2 * i + 1) * word(), pairs[i].value, word());
	}
}

/* ---------------------------------------------------------------- a process in memory */

#define EXE  0x10000u /* position-independent, linked at 0 */
#define LIB  0x40000u
#define BARE 0x60000u /* a library whose headers are not in the core */
#define LD   0x80000u
#define DATA 0x90000u /* r_debug, the list, names */

/* Offsets within an image's page. */
enum { NOTE = 0x400, INTERP = 0x480, DYNAMIC = 0x500 };
/* Offsets within DATA. */
enum { R_DEBUG = 0, R_DEBUG_2 = 0x80, RLD_MAP = 0xc0, MAPS = 0x100, MAP_LEN = 0x40, NAMES = 0x400 };

static uint8_t exe_page[4096], lib_page[4096], ld_page[4096], data_page[4096];

/* One PT_LOAD of two pages, a build ID of 20 bytes of id; of an executable PT_PHDR and so on. */
static void make_image(uint8_t *page, uint8_t id, bool is_exe)
{
	memset(page, 0, 4096);
	set_ehdr(page, ET_DYN, is_exe ? 5 : 2);
	uint8_t *ph = page + SIZE(Ehdr);
	if (is_exe) {
		SET_MEMBER(ph, Phdr, p_type, PT_PHDR);
		SET_MEMBER(ph, Phdr, p_vaddr, SIZE(Ehdr));
		ph += SIZE(Phdr);
		SET_MEMBER(ph, Phdr, p_type, PT_INTERP);
		SET_MEMBER(ph, Phdr, p_vaddr, INTERP);
		SET_MEMBER(ph, Phdr, p_filesz, 7);
		memcpy(page + INTERP, "/ld.so", 7);
		ph += SIZE(Phdr);
		SET_MEMBER(ph, Phdr, p_type, PT_DYNAMIC);
		SET_MEMBER(ph, Phdr, p_vaddr, DYNAMIC);
		SET_MEMBER(ph, Phdr, p_memsz, 0x100);
		ph += SIZE(Phdr);
	}
	SET_MEMBER(ph, Phdr, p_type, PT_LOAD);
	SET_MEMBER(ph, Phdr, p_filesz, 0x2000);
	SET_MEMBER(ph, Phdr, p_memsz, 0x2000);
	ph += SIZE(Phdr);
	SET_MEMBER(ph, Phdr, p_type, PT_NOTE);
	SET_MEMBER(ph, Phdr, p_offset, NOTE);
	SET_MEMBER(ph, Phdr, p_vaddr, NOTE);
	SET_MEMBER(ph, Phdr, p_filesz, 36);
	SET_MEMBER(ph, Phdr, p_align, 4);
	set(page + NOTE, 4, 4);
	set(page + NOTE + 4, 20, 4);
	set(page + NOTE + 8, NT_GNU_BUILD_ID, 4);
	memcpy(page + NOTE + 12, "GNU", 4);
	memset(page + NOTE + 16, id, 20);
}

static uint8_t *map_at(unsigned int index)
{
	return data_page + MAPS + index * MAP_LEN;
}

static uint64_t map_addr(unsigned int index)
{
	return DATA + MAPS + index * MAP_LEN;
}

/* Entry index of the list of num. */
static void set_map(unsigned int index, unsigned int num, uint64_t bias, const char *name)
{
	uint8_t *at = map_at(index);
	uint64_t name_off = NAMES + 64 * index;
	strcpy((char *)data_page + name_off, name);
	set(at, bias, word());
	set(at + word(), DATA + name_off, word());
	set(at + 2 * word(), bias + DYNAMIC, word());
	set(at + 3 * word(), index + 1 < num ? map_addr(index + 1) : 0, word());
	set(at + 4 * word(), index > 0 ? map_addr(index - 1) : 0, word());
}

static void set_dynamic(unsigned int index, uint64_t tag, uint64_t value)
{
	set(exe_page + DYNAMIC + 2 * index * word(), tag, word());
	set(exe_page + DYNAMIC + (2 * index + 1) * word(), value, word());
}

static void make_process(void)
{
	make_image(exe_page, 0xe0, true);
	make_image(lib_page, 0x11, false);
	make_image(ld_page, 0xdd, false);
	memset(data_page, 0, sizeof(data_page));
	set_dynamic(0, DT_HASH, 0x1234);
	set_dynamic(1, DT_DEBUG, DATA + R_DEBUG);
	set(data_page + R_DEBUG, 1, 4);
	set(data_page + R_DEBUG + word(), map_addr(0), word());
	set_map(0, 4, EXE, "");
	set_map(1, 4, LIB, "/lib/liba.so");
	set_map(2, 4, BARE, "/lib/libbare.so");
	set_map(3, 4, LD, "/lib/ld.so");
	strcpy((char *)data_page + 0x800, "/usr/bin/program");
}

/* From the pages above. */
static void make_core(bool files)
{
	begin(10);
	size_t off = core_len;
	put_thread(4243, SIGSEGV);
	put_psinfo();
	put_siginfo(SIGSEGV, SEGV_MAPERR, 0x10);
	const struct pair auxv[] = {{AT_PHDR, EXE + SIZE(Ehdr)}, {AT_PHNUM, 5}, {AT_BASE, LD},
		{AT_ENTRY, EXE + 0x1040}, {AT_EXECFN, DATA + 0x800}};
	put_auxv(auxv, ARRAY_LEN(auxv));
	if (files) {
		static const char name[] = "/usr/bin/program";
		uint8_t *note = put_note("CORE", NT_FILE, 8 * word() + 2 * sizeof(name));
		const uint64_t words[] = {
			2, 4096, EXE, EXE + 0x1000, 0, EXE + 0x1000, EXE + 0x2000, 1};
		for (size_t i = 0; i < ARRAY_LEN(words); i++)
			set(note + i * word(), words[i], word());
		memcpy(note + 8 * word(), name, sizeof(name));
		memcpy(note + 8 * word() + sizeof(name), name, sizeof(name));
	}
	put_note("LINUX", 0x400, 16);
	put_thread(4242, 0);
	put_note("CORE", NT_FPREGSET, 32);
	add_phdr(PT_NOTE, 0, 0, off, core_len - off, 0);
	put_load(EXE, PF_R, exe_page, 4096, 0x1000);
	put_load(EXE + 0x1000, PF_R | PF_X, NULL, 0, 0x1000);
	put_load(LIB, PF_R, lib_page, 4096, 0x2000);
	put_load(BARE, PF_R | PF_X, NULL, 0, 0x1000);
	put_load(BARE + 0x1000, PF_R, NULL, 0, 0x1000);
	put_load(LD, PF_R, ld_page, 4096, 0x2000);
	put_load(DATA, PF_R | PF_W, data_page, 4096, 0x1000);
}

/* ---------------------------------------------------------------- loading */

static int core_fd = -1;

static int load(void)
{
	err = (struct snap_error)SNAP_ERROR_INIT;
	if (core_fd < 0)
		core_fd = memfd_create("core", MFD_CLOEXEC);
	assert_true(core_fd >= 0);
	assert_int_equal(ftruncate(core_fd, 0), 0);
	assert_int_equal(pwrite(core_fd, core, core_len, 0), core_len);
	snap_crash_init(&crash, "core");
	crash.input = malloc(sizeof(*crash.input));
	assert_non_null(crash.input);
	*crash.input = (struct snap_input){.fd = dup(core_fd), .size = core_len, .is_core = true};
	int r = snap_load_core(&crash, &err);
	if (r < 0) {
		assert_int_not_equal(err.text[0], '\0');
		snap_crash_deinit(&crash);
		return -1;
	}
	for (size_t i = 1; i < crash.num_modules; i++)
		assert_true(crash.modules[i].record.start >= crash.modules[i - 1].record.end);
	return 0;
}

static void unload(void)
{
	snap_crash_deinit(&crash);
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
	if (!snap_bytes_equal_str(bytes, text))
		fail_msg("'%.*s' instead of '%s'", (int)bytes.len, (const char *)bytes.data, text);
}

/* The module at addr; id 0: its build ID could not be read. */
static void assert_module(uint64_t addr, uint64_t end, const char *path, uint8_t id)
{
	const struct snap_crash_module *module = snap_crash_module_at(&crash, addr);
	assert_non_null(module);
	assert_int_equal(module->record.start, addr);
	assert_int_equal(module->record.end, end);
	assert_text(module->record.path, path);
	assert_int_equal(module->record.build_id.len, id ? 20 : 0);
	if (id)
		assert_int_equal(module->record.build_id.data[7], id);
	else
		assert_int_equal(module->record.build_id_status, SNAP_BUILD_ID_UNREADABLE);
}

/* ---------------------------------------------------------------- classes and byte orders */

static void test_machines_everything_is_read(void **state)
{
	(void)state;
	for (m = machines; m < machines + ARRAY_LEN(machines); m++) {
		make_process();
		make_core(true);
		assert_int_equal(load(), 0);
		assert_int_equal(crash.integrity, SNAP_INTEGRITY_COMPLETE);
		if (m->name)
			assert_string_equal(crash.arch->name, m->name);
		else
			assert_null(crash.arch);
		assert_int_equal(crash.num_notes, m->name ? 0 : 1);
		assert_int_equal(crash.process.elf_machine, m->elf_machine);
		assert_int_equal(crash.process.pid, 4242);
		assert_int_equal(crash.process.uid, 1000);
		assert_int_equal(crash.process.gid, 1001);
		assert_text(crash.process.comm, "sixteen bytes lo");
		assert_text(crash.process.cmdline, "program -x");
		assert_text(crash.process.exe, "/usr/bin/program");
		assert_int_equal(crash.signal.signo, SIGSEGV);
		assert_int_equal(crash.signal.code, SEGV_MAPERR);
		assert_true(crash.signal.has_address);
		assert_int_equal(crash.signal.address, 0x10);
		assert_int_equal(crash.num_threads, 2);
		assert_int_equal(crash.threads[0].record.tid, 4243);
		assert_true(crash.threads[0].crashed);
		assert_int_equal(crash.threads[1].record.tid, 4242);
		assert_int_equal(crash.threads[0].record.num_regsets, m->name ? 2 : 1);
		for (size_t i = 0; i < 2 && m->name; i++) {
			uint64_t pc = 0;
			assert_true(snap_arch_reg_get(crash.arch, crash.arch->pc,
				crash.threads[i].pr_reg.data, crash.threads[i].pr_reg.len, &pc));
			assert_int_equal(pc, PC);
		}
		assert_int_equal(crash.num_mappings, 7);
		assert_int_equal(crash.mappings[1].start, EXE + 0x1000);
		assert_int_equal(crash.mappings[1].end, EXE + 0x2000);
		assert_int_equal(crash.mappings[1].file_offset, 0x1000);
		assert_int_equal(
			crash.mappings[1].permissions, SNAP_MAPPING_READ | SNAP_MAPPING_EXEC);
		assert_int_equal(crash.num_modules, 1);
		assert_module(EXE, EXE + 0x2000, "/usr/bin/program", 0xe0);
		assert_int_equal(crash.modules[0].record.load_bias, EXE);
		uint8_t bytes[16];
		assert_true(snap_memory_read_all(&crash.memory, DATA + 0x800, bytes, 16));
		assert_memory_equal(bytes, "/usr/bin/program", 16);
		unload();
	}
}

static void test_machines_sender_and_own_signal_numbers(void **state)
{
	(void)state;
	for (m = machines; m < machines + ARRAY_LEN(machines); m++) {
		/* A process sent SIGABRT: its pid and uid stand where the address would. */
		begin(1);
		size_t off = core_len;
		put_thread(1, SIGABRT);
		put_siginfo(SIGABRT, SI_TKILL, 0);
		uint8_t *info = core + core_len - 128;
		set(info + m->si_fields_off, 77, 4);
		set(info + m->si_fields_off + 4, 88, 4);
		add_phdr(PT_NOTE, 0, 0, off, core_len - off, 0);
		assert_int_equal(load(), 0);
		assert_true(crash.signal.has_sender);
		assert_int_equal(crash.signal.sender_pid, 77);
		assert_int_equal(crash.signal.sender_uid, 88);
		assert_false(crash.signal.has_address);
		unload();

		begin(1);
		put_thread(1, m->sigbus);
		put_siginfo(m->sigbus, BUS_ADRALN, 0x1001);
		add_phdr(PT_NOTE, 0, 0, off, core_len - off, 0);
		assert_int_equal(load(), 0);
		assert_int_equal(crash.signal.signo, SIGBUS);
		assert_int_equal(crash.signal.code, BUS_ADRALN);
		assert_int_equal(crash.signal.address, 0x1001);
		unload();
	}
}

static void test_machines_notes_of_other_sizes(void **state)
{
	(void)state;
	m = &machines[0];
	/* More than the table knows is cut to it; less is no thread. */
	begin(1);
	size_t off = core_len;
	uint8_t *status = put_note("CORE", NT_PRSTATUS, m->prstatus_len + 64);
	set(status + m->pid_off, 5, 4);
	(void)put_note("CORE", NT_PRSTATUS, 327);
	(void)put_note("CORE", NT_PRSTATUS, 112);
	/* As gdb writes it for some machines: user ids of 16 bits. */
	uint8_t *info = put_note("CORE", NT_PRPSINFO, 132);
	set(info + 16, 1000, 2);
	set(info + 18, 1001, 2);
	set(info + 20, 4242, 4);
	memcpy(info + 36, "name", 4);
	memcpy(info + 52, "name -x", 7);
	add_phdr(PT_NOTE, 0, 0, off, core_len - off, 0);
	assert_int_equal(load(), 0);
	assert_int_equal(crash.num_threads, 1);
	assert_int_equal(crash.threads[0].pr_reg.len, 216);
	assert_true(has_note("the NT_PRSTATUS notes of 2 threads are too short"));
	assert_int_equal(crash.process.uid, 1000);
	assert_int_equal(crash.process.gid, 1001);
	assert_int_equal(crash.process.pid, 4242);
	assert_text(crash.process.comm, "name");
	assert_text(crash.process.cmdline, "name -x");
	unload();
	/* Of any other size it is nobody's. */
	begin(1);
	put_thread(1, 0);
	(void)put_note("CORE", NT_PRPSINFO, 100);
	add_phdr(PT_NOTE, 0, 0, off, core_len - off, 0);
	assert_int_equal(load(), 0);
	assert_false(crash.process.has_pid);
	unload();
}

static void test_machines_mips_n32_has_other_registers(void **state)
{
	(void)state;
	for (m = machines; m->elf_machine != EM_MIPS; m++)
		;
	make_process();
	make_core(true);
	SET_MEMBER(core, Ehdr, e_flags, EF_MIPS_ABI2);
	assert_int_equal(load(), 0);
	assert_int_equal(crash.num_threads, 2);
	assert_null(crash.threads[0].pr_reg.data);
	unload();
}

/* ---------------------------------------------------------------- without NT_FILE */

static void test_machines_modules_of_the_dynamic_linker(void **state)
{
	(void)state;
	for (m = machines; m < machines + ARRAY_LEN(machines); m++) {
		make_process();
		make_core(false);
		assert_int_equal(load(), 0);
		/* The bare one is said. */
		assert_int_equal(crash.num_notes, m->name ? 1 : 2);
		assert_int_equal(crash.num_modules, 4);
		assert_module(EXE, EXE + 0x2000, "/usr/bin/program", 0xe0);
		assert_module(LIB, LIB + 0x2000, "/lib/liba.so", 0x11);
		assert_module(BARE, BARE + 0x1000, "/lib/libbare.so", 0);
		assert_module(LD, LD + 0x2000, "/lib/ld.so", 0xdd);
		assert_text(crash.process.exe, "/usr/bin/program");
		assert_int_equal(snap_crash_module_at(&crash, LIB)->record.load_bias, LIB);
		assert_int_equal(snap_crash_module_at(&crash, BARE)->record.load_bias, BARE);
		unload();
	}
}

static void test_modules_of_mips_without_a_writable_dynamic_section(void **state)
{
	(void)state;
	for (m = machines; m < machines + ARRAY_LEN(machines); m++) {
		for (int i = 0; i < 2; i++) {
			make_process();
			set_dynamic(1, i ? DT_MIPS_RLD_MAP_REL : DT_MIPS_RLD_MAP,
				i ? DATA + RLD_MAP - (EXE + DYNAMIC + 2 * word()) : DATA + RLD_MAP);
			set(data_page + RLD_MAP, DATA + R_DEBUG, word());
			make_core(false);
			assert_int_equal(load(), 0);
			bool mips = m->elf_machine == EM_MIPS;
			assert_text(snap_crash_module_at(&crash, LIB)->record.path,
				mips ? "/lib/liba.so" : "");
			unload();
		}
	}
}

static void test_modules_before_the_dynamic_linker_has_a_list(void **state)
{
	(void)state;
	m = &machines[0];
	make_process();
	set_dynamic(1, DT_DEBUG, 0);
	make_core(false);
	assert_int_equal(load(), 0);
	assert_int_equal(crash.num_modules, 3);
	assert_module(EXE, EXE + 0x2000, "/usr/bin/program", 0xe0);
	assert_module(LIB, LIB + 0x2000, "", 0x11);
	assert_module(LD, LD + 0x2000, "/ld.so", 0xdd); /* PT_INTERP */
	unload();
}

static void test_modules_of_further_namespaces(void **state)
{
	(void)state;
	m = &machines[2];
	make_process();
	set(data_page + R_DEBUG, 2, 4);
	set(data_page + R_DEBUG + 5 * word(), DATA + R_DEBUG_2, word());
	set_map(0, 2, EXE, "");
	set_map(1, 2, LD, "/lib/ld.so");
	set(data_page + R_DEBUG_2, 2, 4);
	set(data_page + R_DEBUG_2 + word(), map_addr(2), word());
	set_map(2, 3, LIB, "/lib/liba.so");
	set(map_at(2) + 4 * word(), 0, word());
	make_core(false);
	assert_int_equal(load(), 0);
	assert_int_equal(crash.num_notes, 0);
	assert_module(LIB, LIB + 0x2000, "/lib/liba.so", 0x11);
	assert_module(LD, LD + 0x2000, "/lib/ld.so", 0xdd);
	unload();
	/* The older ones have no such member: what stands there is not followed. */
	set(data_page + R_DEBUG, 1, 4);
	make_core(false);
	assert_int_equal(load(), 0);
	assert_module(LIB, LIB + 0x2000, "", 0x11);
	unload();
	/* In a circle. */
	set(data_page + R_DEBUG, 2, 4);
	set(data_page + R_DEBUG_2 + 5 * word(), DATA + R_DEBUG, word());
	make_core(false);
	assert_int_equal(load(), 0);
	assert_true(has_note("the dynamic linker's list of modules is not whole: it has more "
			     "namespaces than are read"));
	unload();
}

static void test_modules_of_lists_that_lie(void **state)
{
	(void)state;
	static const char broken[] = "the dynamic linker's list of modules is not whole: an entry "
				     "does not fit to the one before it";
	static const char cut[] = "the dynamic linker's list of modules is not whole: a part of it "
				  "was not captured";
	for (m = machines; m < machines + ARRAY_LEN(machines); m++) {
		/* Back to the first, to itself, to the one before. */
		for (unsigned int to = 0; to < 3; to++) {
			make_process();
			set(map_at(2) + 3 * word(), map_addr(to), word());
			make_core(false);
			assert_int_equal(load(), 0);
			assert_true(has_note(broken));
			assert_module(LIB, LIB + 0x2000, "/lib/liba.so", 0x11);
			assert_module(LD, LD + 0x2000, "/ld.so", 0xdd);
			unload();
		}
		/* To where nothing is; and round the end of the address space. */
		static const uint64_t nowhere[] = {0x1000, DATA + 4092, 0xfffffff8, UINT64_MAX - 3};
		for (size_t i = 0; i < ARRAY_LEN(nowhere); i++) {
			make_process();
			set(map_at(1) + 3 * word(), nowhere[i], word());
			make_core(false);
			assert_int_equal(load(), 0);
			assert_true(has_note(cut));
			assert_module(LIB, LIB + 0x2000, "/lib/liba.so", 0x11);
			unload();
		}
		/* A name without an end, and one that is nowhere. */
		make_process();
		memset(data_page + 0xf00, 'x', 0x100);
		set(map_at(1) + word(), DATA + 0xf00, word());
		set(map_at(3) + word(), 0x1000, word());
		make_core(false);
		assert_int_equal(load(), 0);
		assert_module(LIB, LIB + 0x2000, "", 0x11);
		assert_module(LD, LD + 0x2000, "/ld.so", 0xdd);
		unload();
		/* r_debug itself is nowhere. */
		make_process();
		set_dynamic(1, DT_DEBUG, 0x1000);
		make_core(false);
		assert_int_equal(load(), 0);
		assert_true(has_note("the dynamic linker's list of modules is not whole: its head "
				     "was not captured"));
		unload();
	}
}

/* ---------------------------------------------------------------- the executable's own headers */

static void test_modules_of_a_program_without_a_dynamic_linker(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_LEN(machines); i++) {
		m = &machines[i / 2];
		/* As the linker makes static ones: no PT_PHDR, no PT_DYNAMIC. The second time
		 * without an ELF header that could be recognised. */
		make_process();
		make_image(exe_page, 0xe0, false);
		if (i % 2 > 0)
			memset(exe_page, 0xee, SELFMAG);
		begin(3);
		size_t off = core_len;
		put_thread(1, SIGSEGV);
		const struct pair auxv[] = {{AT_PHDR, EXE + SIZE(Ehdr)}, {AT_PHNUM, 2}};
		put_auxv(auxv, ARRAY_LEN(auxv));
		add_phdr(PT_NOTE, 0, 0, off, core_len - off, 0);
		put_load(EXE, PF_R, exe_page, 4096, 0x2000);
		assert_int_equal(load(), 0);
		assert_int_equal(crash.num_modules, 1);
		/* No AT_EXECFN: no name. */
		assert_module(EXE, EXE + 0x2000, "[exe]", 0xe0);
		assert_int_equal(crash.modules[0].record.load_bias, EXE);
		unload();
	}
}

static void test_modules_of_an_executable_without_its_first_bytes(void **state)
{
	(void)state;
	for (m = machines; m < machines + ARRAY_LEN(machines); m++) {
		for (int files = 0; files < 2; files++) {
			/* The program headers tell all, where the ELF header is gone or leads
			 * astray. */
			make_process();
			memset(exe_page, files ? 0 : 0xee, SELFMAG);
			make_core(files);
			assert_int_equal(load(), 0);
			assert_module(EXE, EXE + 0x2000, "/usr/bin/program", 0xe0);
			assert_int_equal(crash.modules[0].record.load_bias, EXE);
			if (!files)
				assert_text(snap_crash_module_at(&crash, LIB)->record.path,
					"/lib/liba.so");
			unload();

			make_process();
			SET_MEMBER(exe_page, Ehdr, e_phoff, 0x3000);
			make_core(files);
			assert_int_equal(load(), 0);
			assert_module(EXE, EXE + 0x2000, "/usr/bin/program", 0xe0);
			unload();
		}
	}
}

static void test_modules_of_an_executable_whose_program_headers_were_moved(void **state)
{
	(void)state;
	/* As patchelf leaves them: in another page, which is all that was captured. */
	for (m = machines; m < machines + ARRAY_LEN(machines); m++) {
		static uint8_t page[4096];
		make_process();
		memset(page, 0, sizeof(page));
		uint8_t *ph = page + 0x100;
		memcpy(ph, exe_page + SIZE(Ehdr), 5 * SIZE(Phdr));
		SET_MEMBER(ph, Phdr, p_vaddr, 0x1100);
		SET_MEMBER(ph + 4 * SIZE(Phdr), Phdr, p_vaddr, 0x1000 + NOTE);
		memcpy(page + NOTE, exe_page + NOTE, 36);
		begin(3);
		size_t off = core_len;
		put_thread(1, SIGSEGV);
		const struct pair auxv[] = {{AT_PHDR, EXE + 0x1100}, {AT_PHNUM, 5}};
		put_auxv(auxv, ARRAY_LEN(auxv));
		uint8_t *note = put_note("CORE", NT_FILE, 8 * word() + 2 * 9);
		const uint64_t words[] = {
			2, 4096, EXE, EXE + 0x1000, 0, EXE + 0x1000, EXE + 0x2000, 1};
		for (size_t i = 0; i < ARRAY_LEN(words); i++)
			set(note + i * word(), words[i], word());
		memcpy(note + 8 * word(), "/patched\0/patched", 18);
		add_phdr(PT_NOTE, 0, 0, off, core_len - off, 0);
		put_load(EXE, PF_R | PF_X, NULL, 0, 0x1000);
		put_load(EXE + 0x1000, PF_R, page, 4096, 0x1000);
		assert_int_equal(load(), 0);
		assert_int_equal(crash.num_modules, 1);
		assert_module(EXE, EXE + 0x2000, "/patched", 0xe0);
		assert_true(crash.modules[0].record.has_load_bias);
		assert_int_equal(crash.modules[0].record.load_bias, EXE);
		unload();
	}
}

static void test_modules_of_an_executable_without_any_bytes(void **state)
{
	(void)state;
	m = &machines[3];
	make_process();
	begin(4);
	size_t off = core_len;
	put_thread(1, SIGSEGV);
	const struct pair auxv[] = {{AT_PHDR, EXE + SIZE(Ehdr)}, {AT_PHNUM, 5},
		{AT_ENTRY, EXE + 0x1040}, {AT_EXECFN, DATA + 0x800}};
	put_auxv(auxv, ARRAY_LEN(auxv));
	add_phdr(PT_NOTE, 0, 0, off, core_len - off, 0);
	put_load(EXE, PF_R, NULL, 0, 0x1000);
	put_load(EXE + 0x1000, PF_R | PF_X, NULL, 0, 0x1000);
	put_load(DATA, PF_R | PF_W, data_page, 4096, 0x1000);
	assert_int_equal(load(), 0);
	assert_int_equal(crash.num_modules, 1);
	assert_module(EXE, EXE + 0x2000, "/usr/bin/program", 0);
	unload();
}

/* A library that claims two pages, and what is mapped where the second would be. */
static void make_core_of_two(const uint8_t *second)
{
	begin(3);
	size_t off = core_len;
	put_thread(1, SIGSEGV);
	add_phdr(PT_NOTE, 0, 0, off, core_len - off, 0);
	put_load(LIB, PF_R, lib_page, 4096, 0x1000);
	put_load(LIB + 0x1000, PF_R | PF_W, second, 4096, 0x1000);
}

static void test_modules_that_claim_each_others_place(void **state)
{
	(void)state;
	for (m = machines; m < machines + ARRAY_LEN(machines); m++) {
		/* Where pages are large, a small file's data segment maps its first page again. */
		make_process();
		make_core_of_two(lib_page);
		assert_int_equal(load(), 0);
		assert_int_equal(crash.num_modules, 1);
		assert_module(LIB, LIB + 0x2000, "", 0x11);
		unload();
		/* Another file is there: a library that was mapped as data claims too much. */
		make_core_of_two(ld_page);
		assert_int_equal(load(), 0);
		assert_int_equal(crash.num_modules, 2);
		assert_module(LIB, LIB + 0x1000, "", 0x11);
		assert_module(LIB + 0x1000, LIB + 0x3000, "", 0xdd);
		unload();
	}
}

/* ---------------------------------------------------------------- build IDs alone */

static void test_modules_build_id_in_another_page(void **state)
{
	(void)state;
	for (m = machines; m < machines + ARRAY_LEN(machines); m++) {
		/* 0: of the length that it says; 1: there are two; 2: too long; 3: in data. */
		for (int i = 0; i < 4; i++) {
			static uint8_t page[4096];
			memset(page, 0, sizeof(page));
			for (int j = 0; j <= (i == 1); j++) {
				uint8_t *note = page + 0x404 + 0x100 * j;
				set(note, 4, 4);
				set(note + 4, i == 2 ? 65 : 20, 4);
				set(note + 8, NT_GNU_BUILD_ID, 4);
				memcpy(note + 12, "GNU", 4);
				memset(note + 16, 0x77, 20);
			}
			make_process();
			make_core(true);
			num_phdrs = 1;
			put_load(EXE, PF_R, NULL, 0, 0x1000);
			put_load(EXE + 0x1000, i == 3 ? PF_R | PF_W | PF_X : PF_R | PF_X, page,
				4096, 0x1000);
			assert_int_equal(load(), 0);
			assert_module(EXE, EXE + 0x2000, "/usr/bin/program", i == 0 ? 0x77 : 0);
			unload();
		}
	}
}

/* ---------------------------------------------------------------- bombs, damage */

static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void test_machines_damaged_at_random(void **state)
{
	(void)state;
	srandom(23);
	size_t loaded = 0;
	double start = seconds();
	for (int round = 0; round < 20000; round++) {
		m = &machines[random() % (long)ARRAY_LEN(machines)];
		make_process();
		for (long i = random() % 4; i > 0; i--)
			exe_page[random() % 0x600] ^= (uint8_t)(1u << random() % 8);
		for (long i = random() % 4; i > 0; i--)
			data_page[random() % 0x500] ^= (uint8_t)(1u << random() % 8);
		make_core(random() & 1);
		for (long i = random() % 3; i > 0; i--)
			core[random() % 1500] ^= (uint8_t)(random());
		if (random() % 4 == 0)
			core_len = (size_t)random() % core_len;
		if (load() == 0) {
			loaded++;
			unload();
		}
	}
	assert_true(loaded > 5000);
	assert_true(seconds() - start < 60);
}

static int teardown(void **state)
{
	(void)state;
	if (core_fd >= 0)
		close(core_fd);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_machines_everything_is_read),
		cmocka_unit_test(test_machines_sender_and_own_signal_numbers),
		cmocka_unit_test(test_machines_notes_of_other_sizes),
		cmocka_unit_test(test_machines_mips_n32_has_other_registers),
		cmocka_unit_test(test_machines_modules_of_the_dynamic_linker),
		cmocka_unit_test(test_modules_of_mips_without_a_writable_dynamic_section),
		cmocka_unit_test(test_modules_before_the_dynamic_linker_has_a_list),
		cmocka_unit_test(test_modules_of_further_namespaces),
		cmocka_unit_test(test_modules_of_lists_that_lie),
		cmocka_unit_test(test_modules_of_a_program_without_a_dynamic_linker),
		cmocka_unit_test(test_modules_of_an_executable_without_its_first_bytes),
		cmocka_unit_test(test_modules_of_an_executable_whose_program_headers_were_moved),
		cmocka_unit_test(test_modules_of_an_executable_without_any_bytes),
		cmocka_unit_test(test_modules_that_claim_each_others_place),
		cmocka_unit_test(test_modules_build_id_in_another_page),
		cmocka_unit_test(test_machines_damaged_at_random),
	};
	return cmocka_run_group_tests(tests, NULL, teardown);
}
