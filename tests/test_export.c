/*
 * Cores as analyze/convert/export.c writes them, read back by our own reader: every machine that
 * has a table, and models that no real process would give.
 */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "analyze/analysis.h"
#include "analyze/convert/export.h"
#include "analyze/input/input.h"
#include "analyze/input/load.h"

static const struct {
	uint16_t machine;
	uint8_t elf_class, elf_data;
} machines[] = {
	{EM_X86_64, ELFCLASS64, ELFDATA2LSB},
	{EM_X86_64, ELFCLASS32, ELFDATA2LSB},
	{EM_386, ELFCLASS32, ELFDATA2LSB},
	{EM_AARCH64, ELFCLASS64, ELFDATA2LSB},
	{EM_ARM, ELFCLASS32, ELFDATA2LSB},
	{EM_RISCV, ELFCLASS64, ELFDATA2LSB},
	{EM_MIPS, ELFCLASS32, ELFDATA2MSB},
	{EM_MIPS, ELFCLASS64, ELFDATA2LSB},
	{EM_PPC64, ELFCLASS64, ELFDATA2MSB},
	{EM_S390, ELFCLASS64, ELFDATA2MSB},
	{EM_SPARCV9, ELFCLASS64, ELFDATA2MSB},
	{EM_68K, ELFCLASS32, ELFDATA2MSB},
};

/* A model made by hand and the core that was made of it. */
struct made {
	struct snap_crash crash;
	struct snap_export_report report;
	char path[64];
	struct snap_crash back; /* as read from there */
};

static void begin(struct made *m, const struct snap_arch *arch)
{
	*m = (struct made){.path = "/tmp/snapcrash-export.XXXXXX"};
	snap_crash_init(&m->crash, "made");
	m->crash.input = calloc(1, sizeof(*m->crash.input));
	assert_non_null(m->crash.input);
	m->crash.input->fd = -1;
	m->crash.process.has_elf = true;
	m->crash.process.elf_machine = arch->elf_machine;
	m->crash.process.elf_class = arch->elf_class;
	m->crash.process.elf_data = arch->elf_data;
	/* More than any of the tests has of memory. */
	m->crash.file_bytes = 1u << 20;
}

static void add_memory(struct made *m, uint64_t addr, const void *data, size_t len)
{
	const struct snap_memory_segment segment = {
		.start = addr, .len = len, .data = data, .fd = -1};
	assert_int_equal(snap_memory_add(&m->crash.memory, &segment, NULL), 0);
}

static void export_it(struct made *m)
{
	struct snap_error err = SNAP_ERROR_INIT;
	int fd = mkstemp(m->path);
	assert_true(fd >= 0);
	FILE *out = fdopen(fd, "wb");
	assert_non_null(out);
	assert_int_equal(snap_load_finish(&m->crash, &err), 0);
	assert_int_equal(snap_export(&m->crash, out, &m->report, &err), 0);
	assert_int_equal(fclose(out), 0);
}

static void read_back(struct made *m)
{
	struct snap_error err = SNAP_ERROR_INIT;
	if (snap_analysis_load(m->path, &m->back, &err) < 0)
		fail_msg("%s", err.text);
}

static void end(struct made *m)
{
	snap_crash_deinit(&m->back);
	/* The lists belong to the tests. */
	snap_crash_deinit(&m->crash);
	(void)unlink(m->path); /* a temporary file */
}

static void assert_bytes_equal(struct snap_bytes a, struct snap_bytes b)
{
	assert_int_equal(a.len, b.len);
	if (a.len > 0)
		assert_memory_equal(a.data, b.data, a.len);
}

/* Two threads, memory that ends in the middle of a mapping, mappings with and without a file. */
static void check_machine(const struct snap_arch *arch)
{
	static const uint8_t stack[1000] = {1, 2, 3}, code[33] = {0x90, 0x90};
	uint8_t regs[2][1024], fp[64];
	struct made m;
	for (size_t i = 0; i < sizeof(regs[0]); i++) {
		regs[0][i] = (uint8_t)(i * 7);
		regs[1][i] = (uint8_t)(i * 11 + 1);
	}
	memset(fp, 0x5a, sizeof(fp));
	assert_true(arch->prstatus_reg_size <= sizeof(regs[0]));
	const struct snap_regset regsets[2][2] = {
		{{NT_PRSTATUS, snap_bytes(regs[0], arch->prstatus_reg_size)},
			{NT_FPREGSET, snap_bytes(fp, sizeof(fp))}},
		{{NT_PRSTATUS, snap_bytes(regs[1], arch->prstatus_reg_size)},
			{0x405, snap_bytes(fp, sizeof(fp))}},
	};
	struct snap_crash_thread threads[2] = {
		{.record = {.has_tid = true, .tid = 4712, .regsets = regsets[1], .num_regsets = 2}},
		{.record = {.has_tid = true, .tid = 4711, .regsets = regsets[0], .num_regsets = 2}},
	};
	struct snap_mapping mappings[3] = {
		{.start = 0x400000,
			.end = 0x402000,
			.has_permissions = true,
			.permissions = SNAP_MAPPING_READ | SNAP_MAPPING_EXEC,
			.path = snap_bytes_str("/opt/prog"),
			.file_offset = 0x3000,
			.deleted = true},
		{.start = 0x500000, .end = 0x501000, .has_permissions = true},
		{.start = 0x7f000000,
			.end = 0x7f010000,
			.has_permissions = true,
			.permissions = SNAP_MAPPING_READ | SNAP_MAPPING_WRITE},
	};
	begin(&m, arch);
	m.crash.threads = threads;
	m.crash.num_threads = 2;
	m.crash.mappings = mappings;
	m.crash.num_mappings = 3;
	m.crash.process.has_pid = m.crash.process.has_uid = m.crash.process.has_gid = true;
	m.crash.process.pid = 4700;
	m.crash.process.uid = 1001;
	m.crash.process.gid = 1002;
	m.crash.process.comm = snap_bytes_str("a-name-of-20-bytes..");
	m.crash.process.cmdline = snap_bytes("prog\0-x\0", 8);
	m.crash.has_signal = true;
	m.crash.signal =
		(struct snap_signal){.has_signo = true, .signo = 11, .has_tid = true, .tid = 4711};
	add_memory(&m, 0x7f00e001, stack, sizeof(stack));
	add_memory(&m, 0x400ff1, code, sizeof(code));
	export_it(&m);
	read_back(&m);

	const struct snap_crash *back = &m.back;
	assert_ptr_equal(back->arch, arch);
	assert_int_equal(back->integrity, SNAP_INTEGRITY_COMPLETE);
	assert_int_equal(back->num_threads, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct snap_thread *thread = &back->threads[i].record;
		assert_int_equal(thread->tid, 4711 + i);
		assert_int_equal(back->threads[i].crashed, i == 0);
		assert_int_equal(thread->num_regsets, 2);
		for (size_t j = 0; j < 2; j++) {
			assert_int_equal(thread->regsets[j].type, regsets[i][j].type);
			assert_bytes_equal(thread->regsets[j].data, regsets[i][j].data);
		}
	}
	assert_int_equal(back->signal.signo, 11);
	assert_int_equal(back->process.pid, 4700);
	assert_int_equal(back->process.uid, 1001);
	assert_int_equal(back->process.gid, 1002);
	assert_bytes_equal(back->process.comm, snap_bytes_str("a-name-of-20-by"));
	assert_bytes_equal(back->process.cmdline, snap_bytes_str("prog -x"));
	assert_int_equal(back->num_mappings, 3);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(back->mappings[i].start, mappings[i].start);
		assert_int_equal(back->mappings[i].end, mappings[i].end);
		assert_int_equal(back->mappings[i].permissions, mappings[i].permissions);
		assert_bytes_equal(back->mappings[i].path, mappings[i].path);
		assert_int_equal(back->mappings[i].file_offset, mappings[i].file_offset);
		assert_int_equal(back->mappings[i].deleted, mappings[i].deleted);
	}
	uint8_t buf[2000];
	struct snap_memory *memory = &m.back.memory;
	assert_int_equal(snap_memory_read(memory, 0x7f00e001, buf, sizeof(buf)), sizeof(stack));
	assert_memory_equal(buf, stack, sizeof(stack));
	assert_int_equal(snap_memory_read(memory, 0x400ff1, buf, sizeof(buf)), sizeof(code));
	assert_memory_equal(buf, code, sizeof(code));
	assert_int_equal(snap_memory_read(memory, 0x7f00e000, buf, 1), 0);
	end(&m);
}

static void test_export_every_machine(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(machines) / sizeof(machines[0]); i++) {
		const struct snap_arch *arch = snap_arch_find(
			machines[i].machine, machines[i].elf_class, machines[i].elf_data);
		assert_non_null(arch);
		check_machine(arch);
	}
}

static const struct snap_arch *x86_64(void)
{
	return snap_arch_find(EM_X86_64, ELFCLASS64, ELFDATA2LSB);
}

/* One thread that has its registers, so that the core can be read. */
static struct snap_crash_thread plain_thread(void)
{
	static const uint8_t regs[512];
	static struct snap_regset regset;
	regset = (struct snap_regset){NT_PRSTATUS, snap_bytes(regs, x86_64()->prstatus_reg_size)};
	return (struct snap_crash_thread){
		.record = {.has_tid = true, .tid = 1, .regsets = &regset, .num_regsets = 1}};
}

static void test_export_huge_mappings_cost_only_their_names(void **state)
{
	(void)state;
	enum { NUM = 70000 };
	struct snap_crash_thread thread = plain_thread();
	struct snap_mapping *mappings = calloc(NUM, sizeof(*mappings));
	uint8_t byte = 0;
	struct made m;
	struct stat st;
	assert_non_null(mappings);
	for (size_t i = 0; i < NUM; i++)
		mappings[i] = (struct snap_mapping){
			.start = i << 47, .end = (i + 1) << 47, .path = snap_bytes_str("/f")};
	begin(&m, x86_64());
	m.crash.threads = &thread;
	m.crash.num_threads = 1;
	m.crash.mappings = mappings;
	m.crash.num_mappings = NUM;
	add_memory(&m, UINT64_C(5) << 47, &byte, 1);
	export_it(&m);
	assert_int_equal(stat(m.path, &st), 0);
	assert_true(st.st_size < NUM * 64);
	read_back(&m);
	assert_int_equal(m.back.num_mappings, m.crash.num_mappings);
	end(&m);
	free(mappings);
}

/* NT_FILE has the kernel's limit: what does not fit is counted. */
static void test_export_names_beyond_the_limit(void **state)
{
	(void)state;
	enum { NUM = 3000, NAME = 4000 };
	struct snap_crash_thread thread = plain_thread();
	struct snap_mapping mappings[NUM];
	char name[NAME];
	struct made m;
	memset(name, 'n', sizeof(name));
	for (size_t i = 0; i < NUM; i++)
		mappings[i] = (struct snap_mapping){.start = (i + 16) << 12,
			.end = (i + 17) << 12,
			.path = snap_bytes(name, sizeof(name))};
	begin(&m, x86_64());
	m.crash.threads = &thread;
	m.crash.num_threads = 1;
	m.crash.mappings = mappings;
	m.crash.num_mappings = NUM;
	export_it(&m);
	size_t named = 0, left_out = m.report.notes.num_files_left_out;
	assert_true(left_out > 0 && left_out < NUM);
	read_back(&m);
	assert_int_equal(m.back.num_mappings, NUM);
	for (size_t i = 0; i < NUM; i++)
		named += m.back.mappings[i].path.len == sizeof(name);
	assert_int_equal(named + left_out, NUM);
	end(&m);
}

/* Segments of a hostile core that all name the same bytes. */
static void test_export_is_no_longer_than_its_input(void **state)
{
	(void)state;
	enum { NUM = 64, LEN = 65536 };
	static uint8_t bytes[LEN];
	struct snap_crash_thread thread = plain_thread();
	struct made m;
	struct stat st;
	memset(bytes, 1, sizeof(bytes));
	begin(&m, x86_64());
	m.crash.threads = &thread;
	m.crash.num_threads = 1;
	for (size_t i = 0; i < NUM; i++)
		add_memory(&m, 0x10000000 + i * 2 * LEN, bytes, LEN);
	export_it(&m);
	assert_int_equal(m.report.core.memory_bytes_left_out, NUM * LEN - (1u << 20));
	assert_int_equal(stat(m.path, &st), 0);
	assert_true(st.st_size < (1 << 20) + 65536);
	end(&m);
}

static void test_export_thread_without_registers(void **state)
{
	(void)state;
	struct snap_crash_thread threads[2] = {
		{.record = {.has_tid = true, .tid = 2}}, plain_thread()};
	struct made m;
	begin(&m, x86_64());
	m.crash.threads = threads;
	m.crash.num_threads = 2;
	export_it(&m);
	assert_int_equal(m.report.notes.num_threads_left_out, 1);
	read_back(&m);
	assert_int_equal(m.back.num_threads, 1);
	assert_int_equal(m.back.threads[0].record.tid, 1);
	end(&m);
}

/* More PT_LOADs than e_phnum can say. */
static void test_export_many_segments(void **state)
{
	(void)state;
	enum { NUM = 66000 };
	uint8_t byte = 7;
	struct snap_crash_thread thread = plain_thread();
	struct made m;
	begin(&m, x86_64());
	m.crash.threads = &thread;
	m.crash.num_threads = 1;
	for (size_t i = 0; i < NUM; i++)
		add_memory(&m, 0x10000 + 16 * i, &byte, 1);
	export_it(&m);
	read_back(&m);
	assert_int_equal(m.back.memory.num_segments, NUM);
	end(&m);
}

/* A 32-bit core has no room for addresses beyond. The bytes at the very top are no overflow. */
static void test_export_top_of_the_address_space(void **state)
{
	(void)state;
	uint8_t bytes[16] = {3}, got;
	struct snap_crash_thread thread = plain_thread();
	struct made m;
	begin(&m, x86_64());
	m.crash.threads = &thread;
	m.crash.num_threads = 1;
	add_memory(&m, UINT64_MAX - 15, bytes, 16);
	export_it(&m);
	read_back(&m);
	assert_int_equal(snap_memory_read(&m.back.memory, UINT64_MAX - 15, &got, 1), 1);
	assert_int_equal(got, 3);
	end(&m);

	begin(&m, snap_arch_find(EM_386, ELFCLASS32, ELFDATA2LSB));
	m.crash.threads = &thread;
	m.crash.num_threads = 1;
	add_memory(&m, UINT32_MAX - 7, bytes, 16);
	export_it(&m);
	assert_int_equal(m.report.core.memory_bytes_left_out, 16);
	end(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_export_every_machine),
		cmocka_unit_test(test_export_huge_mappings_cost_only_their_names),
		cmocka_unit_test(test_export_names_beyond_the_limit),
		cmocka_unit_test(test_export_is_no_longer_than_its_input),
		cmocka_unit_test(test_export_thread_without_registers),
		cmocka_unit_test(test_export_many_segments),
		cmocka_unit_test(test_export_top_of_the_address_space),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
