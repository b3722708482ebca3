/* common/crash_windows: round what registers and the fault speak of, and round return addresses,
 * and of nothing twice. */
#include "common/crash_windows.h"

#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

/* All of the process's memory; what of it is mapped is said by the areas. */
#define BASE   0x10000u
#define STACK  0x20000u
#define HEAP   0x40000u
#define GUARD  0x41000u
#define CODE   0x60000u
#define RODATA 0x61000u
#define DATA   0x62000u
#define END    0x80000u

static uint8_t memory[END - BASE];
static uint64_t unreadable; /* a page of it that can't be read */
static struct snap_areas areas;
static struct snap_crash_windows windows;
static struct snap_memory_thread thread;
static uint64_t regs[34];

static struct {
	uint64_t addr, len;
	uint32_t reason;
} got[64];
static size_t num_got;

static ssize_t read_memory(void *arg, uint64_t addr, void *buf, size_t len)
{
	(void)arg;
	if (addr < BASE || addr >= END || addr / 4096 == unreadable / 4096)
		return -EIO;
	size_t n = (size_t)(END - addr) < len ? (size_t)(END - addr) : len;
	memcpy(buf, memory + (addr - BASE), n);
	return (ssize_t)n;
}

static void put_range(void *arg, const struct snap_memory_range *range)
{
	(void)arg;
	assert_true(num_got < 64);
	/* The bytes are those of the address. */
	assert_memory_equal(range->data.data, memory + (range->address - BASE), range->data.len);
	assert_true(range->has_tid);
	assert_int_equal(range->tid, 7);
	for (size_t i = 0; i < num_got; i++)
		assert_true(range->address >= got[i].addr + got[i].len ||
			    range->address + range->data.len <= got[i].addr);
	got[num_got].addr = range->address;
	got[num_got].len = range->data.len;
	got[num_got++].reason = range->reason;
}

static void put_omission(void *arg, const struct snap_omission *omission)
{
	(void)arg;
	(void)omission;
	fail();
}

static const struct snap_memory_source source = {read_memory, NULL};
static const struct snap_memory_sink sink = {put_range, put_omission, NULL};

static void add(uint64_t start, uint64_t end, uint32_t permissions, const char *path)
{
	const struct snap_mapping mapping = {.start = start,
		.end = end,
		.permissions = permissions,
		.path = snap_bytes_str(path)};
	snap_areas_add(&areas, &mapping);
}

static void set_up_machine(uint32_t machine)
{
	const uint32_t r = SNAP_MAPPING_READ, rw = r | SNAP_MAPPING_WRITE;
	snap_areas_init(&areas);
	add(STACK, STACK + 0x2000, rw, "[stack]");
	add(HEAP, GUARD, rw, NULL);
	add(GUARD, GUARD + 0x1000, 0, NULL);
	add(GUARD + 0x1000, GUARD + 0x2000, rw, NULL);
	add(CODE, RODATA, r | SNAP_MAPPING_EXEC, "/bin/x");
	add(RODATA, DATA, r, "/bin/x");
	add(DATA, DATA + 0x1000, rw, "/bin/x");
	for (size_t i = 0; i < sizeof(memory); i++)
		memory[i] = (uint8_t)(i * 13 + i / 251);
	memset(memory + (CODE - BASE), 0x90, 0x1000);
	memset(regs, 0, sizeof(regs));
	unreadable = 0;
	num_got = 0;
	thread = (struct snap_memory_thread){.tid = 7, .sp = STACK + 0x1000};
	snap_crash_windows_init(&windows, &areas, snap_arch_find(machine, ELFCLASS64, ELFDATA2LSB));
}

static int set_up(void **state)
{
	(void)state;
	set_up_machine(EM_X86_64);
	return 0;
}

static void take(bool has_fault, uint64_t fault)
{
	snap_crash_windows_take(&windows, &thread,
		snap_bytes(regs, windows.arch->prstatus_reg_size), has_fault, fault, &source,
		&sink);
}

static void assert_got(size_t index, uint64_t start, uint64_t end, uint32_t reason)
{
	assert_true(index < num_got);
	assert_int_equal(got[index].addr, start);
	assert_int_equal(got[index].addr + got[index].len, end);
	assert_int_equal(got[index].reason, reason);
}

static void test_pointers(void **state)
{
	(void)state;
	static const struct {
		uint64_t pointer, start, end; /* 0: nothing */
	} cases[] = {
		{HEAP + 0x800, HEAP + 0x780, HEAP + 0x880},
		{HEAP, HEAP, HEAP + 128},
		{GUARD - 8, GUARD - 136, GUARD},
		{DATA + 0x10, DATA, DATA + 0x90},
		/* A file has these. */
		{CODE + 0x100, 0, 0},
		{RODATA + 0x100, 0, 0},
		/* Nobody's. */
		{0, 0, 0},
		{0x50000, 0, 0},
		{UINT64_MAX, 0, 0},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set_up(state);
		regs[5] = cases[i].pointer; /* rbx */
		take(false, 0);
		assert_int_equal(num_got, cases[i].end != 0);
		if (cases[i].end != 0)
			assert_got(0, cases[i].start, cases[i].end, SNAP_MEMORY_POINTER);
	}
	/* Not twice, not what is taken already, and not what can't be read. */
	set_up(state);
	regs[5] = regs[4] = HEAP + 0x800;
	regs[3] = HEAP + 0x840;
	thread.tp = HEAP + 0x100;
	snap_crash_windows_taken(&windows, HEAP + 0x7c0, 0x40);
	take(false, 0);
	assert_int_equal(num_got, 4);
	assert_got(0, HEAP + 0x80, HEAP + 0x180, SNAP_MEMORY_TLS);
	uint64_t all = 0;
	for (size_t i = 1; i < num_got; i++)
		all += got[i].len;
	assert_int_equal(all, 0x140 - 0x40);
	set_up(state);
	unreadable = HEAP;
	regs[5] = HEAP + 0x800;
	take(false, 0);
	assert_int_equal(num_got, 0);
}

static void test_the_fault(void **state)
{
	(void)state;
	static const struct {
		uint64_t addr, unreadable;
		struct {
			uint64_t start, end;
		} wanted[3];
	} cases[] = {
		{HEAP + 0x800, 0, {{HEAP + 0x780, HEAP + 0x880}}},
		/* Written to what is read-only: a file's, all the same. */
		{RODATA + 0x800, 0, {{RODATA + 0x780, RODATA + 0x880}}},
		/* In a guard page: its neighbours as well. */
		{GUARD + 0x10, GUARD,
			{{GUARD - 128, GUARD}, {GUARD + 0x1000, GUARD + 0x1000 + 128}}},
		/* Not mapped, not far from what is. */
		{STACK + 0x2100, 0, {{STACK + 0x2000 - 128, STACK + 0x2000}}},
		{HEAP - 0x100, 0, {{HEAP, HEAP + 128}}},
		/* Far from all. */
		{0, 0, {{0, 0}}},
		{UINT64_MAX, 0, {{0, 0}}},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t num = 0;
		set_up(state);
		unreadable = cases[i].unreadable;
		take(true, cases[i].addr);
		for (; cases[i].wanted[num].end != 0; num++)
			;
		/* STACK's and HEAP's gap is less than what is near. */
		assert_true(num_got >= num);
		for (size_t j = 0; j < num; j++) {
			bool found = false;
			for (size_t k = 0; k < num_got; k++)
				found |= got[k].addr == cases[i].wanted[j].start &&
					 got[k].addr + got[k].len == cases[i].wanted[j].end &&
					 got[k].reason == SNAP_MEMORY_FAULT;
			assert_true(found);
		}
		if (num == 0)
			assert_int_equal(num_got, 0);
	}
}

static void put_word(uint64_t addr, uint64_t value)
{
	memcpy(memory + (addr - BASE), &value, 8);
}

static void test_callers(void **state)
{
	(void)state;
	uint64_t called = CODE + 0x400, first = CODE + 0x810;
	memset(memory + (STACK - BASE), 0, 0x2000);
	/* call rel32 */
	memory[called - 5 - BASE] = memory[first - 5 - BASE] = 0xe8;
	put_word(STACK + 0xff0, CODE + 0x200); /* below sp: left over */
	put_word(STACK + 0x1010, called + 1);  /* code, but after no call */
	put_word(STACK + 0x1018, called);
	put_word(STACK + 0x1020, called); /* once is enough */
	put_word(STACK + 0x1400, first);
	put_word(STACK + 0x1408, RODATA + 8);
	snap_crash_windows_look(&windows, thread.sp, STACK, memory + (STACK - BASE), 0x2000);
	assert_int_equal(windows.num_callers, 3);
	snap_crash_windows_take_callers(&windows, &thread, &source, &sink);
	assert_int_equal(num_got, 2);
	assert_got(0, called - 64, called + 32, SNAP_MEMORY_CODE);
	assert_got(1, first - 64, first + 32, SNAP_MEMORY_CODE);

	/* No more of them than there may be, however many words there are. */
	set_up(state);
	for (uint64_t i = 0; i < 0x1000 / 8; i++) {
		put_word(STACK + 0x1000 + 8 * i, CODE + 0x10 + 8 * i % 0xf00);
		memory[CODE + 0x10 + 8 * i % 0xf00 - 5 - BASE] = 0xe8;
	}
	snap_crash_windows_look(&windows, thread.sp, STACK, memory + (STACK - BASE), 0x2000);
	assert_int_equal(windows.num_callers, SNAP_CALLERS_LOOKED_AT);
	snap_crash_windows_take_callers(&windows, &thread, &source, &sink);
	assert_in_range(num_got, 1, SNAP_CALLERS);
}

static void test_signed_and_tagged_pointers(void **state)
{
	(void)state;
	set_up_machine(EM_AARCH64);
	regs[3] = HEAP + 0x800 + (UINT64_C(0x5a) << 56);
	regs[4] = HEAP + 0xc00 + (UINT64_C(0x7f3) << 48);
	take(false, 0);
	assert_int_equal(num_got, 2);
	assert_got(0, HEAP + 0x780, HEAP + 0x880, SNAP_MEMORY_POINTER);
	assert_got(1, HEAP + 0xb80, HEAP + 0xc80, SNAP_MEMORY_POINTER);
}

static void test_a_machine_that_is_not_known(void **state)
{
	(void)state;
	snap_crash_windows_init(&windows, &areas, NULL);
	snap_crash_windows_look(&windows, thread.sp, STACK, memory + (STACK - BASE), 0x2000);
	snap_crash_windows_take(
		&windows, &thread, snap_bytes(NULL, 0), true, HEAP + 0x800, &source, &sink);
	snap_crash_windows_take_callers(&windows, &thread, &source, &sink);
	assert_int_equal(num_got, 1);
	assert_got(0, HEAP + 0x780, HEAP + 0x880, SNAP_MEMORY_FAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_pointers, set_up),
		cmocka_unit_test_setup(test_the_fault, set_up),
		cmocka_unit_test_setup(test_callers, set_up),
		cmocka_unit_test_setup(test_signed_and_tagged_pointers, set_up),
		cmocka_unit_test_setup(test_a_machine_that_is_not_known, set_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
