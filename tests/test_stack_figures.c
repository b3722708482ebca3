/* Where a thread's stack is, by its stack pointer. */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "capture/stack_figures.h"

static const struct snap_mapping mappings[] = {
	{.start = 0x10000, .end = 0x11000, .has_permissions = true},
	{.start = 0x20000,
		.end = 0x21000,
		.has_permissions = true,
		.permissions = SNAP_MAPPING_READ | SNAP_MAPPING_WRITE},
	/* A guard, its stack, and code. */
	{.start = 0x30000, .end = 0x31000, .has_permissions = true},
	{.start = 0x31000,
		.end = 0x40000,
		.has_permissions = true,
		.permissions = SNAP_MAPPING_READ | SNAP_MAPPING_WRITE},
	{.start = 0x40000,
		.end = 0x50000,
		.has_permissions = true,
		.permissions = SNAP_MAPPING_READ | SNAP_MAPPING_EXEC},
};

static struct snap_thread figures(uint64_t sp)
{
	struct snap_areas *areas = malloc(sizeof(*areas));
	const struct snap_arch *arch = snap_arch_find_name("x86_64");
	static uint8_t regs[512];
	assert_non_null(areas);
	snap_areas_init(areas);
	for (size_t i = 0; i < sizeof(mappings) / sizeof(mappings[0]); i++)
		snap_areas_add(areas, &mappings[i]);
	assert_true(snap_arch_reg_set(arch, arch->sp, regs, arch->prstatus_reg_size, sp));
	assert_true(snap_arch_reg_set(arch, arch->pc, regs, arch->prstatus_reg_size, 0x40100));
	const struct snap_regset regset = {NT_PRSTATUS, snap_bytes(regs, arch->prstatus_reg_size)};
	struct snap_thread thread = {.regsets = &regset, .num_regsets = 1};
	snap_stack_figures(areas, arch, &thread);
	thread.regsets = NULL;
	thread.num_regsets = 0;
	struct snap_thread none = {.num_regsets = 0};
	snap_stack_figures(areas, arch, &none);
	assert_false(none.has_stack_pointer);
	snap_stack_figures(areas, NULL, &none);
	assert_false(none.has_stack_pointer);
	free(areas);
	return thread;
}

static void assert_stack(uint64_t sp, uint64_t start, uint64_t end)
{
	struct snap_thread thread = figures(sp);
	assert_true(thread.has_stack_pointer && thread.has_stack_start && thread.has_stack_end);
	assert_int_equal(thread.stack_pointer, sp);
	assert_int_equal(thread.stack_start, start);
	assert_int_equal(thread.stack_end, end);
}

static void assert_no_stack(uint64_t sp)
{
	struct snap_thread thread = figures(sp);
	assert_true(thread.has_stack_pointer);
	assert_int_equal(thread.stack_pointer, sp);
	assert_false(thread.has_stack_start || thread.has_stack_end);
}

static void test_within(void **state)
{
	(void)state;
	assert_stack(0x20800, 0x21000, 0x20000);
	assert_stack(0x31000, 0x40000, 0x31000);
	assert_stack(0x3fff8, 0x40000, 0x31000);
}

static void test_overflowed(void **state)
{
	(void)state;
	assert_stack(0x30ff8, 0x40000, 0x31000); /* in the guard */
	assert_stack(0x1fff0, 0x21000, 0x20000); /* where nothing is */
}

static void test_nowhere(void **state)
{
	(void)state;
	assert_no_stack(0x40100);   /* in code, and nothing above */
	assert_no_stack(0x100);	    /* what is above is no stack */
	assert_no_stack(0x9000000); /* above everything */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_within),
		cmocka_unit_test(test_overflowed),
		cmocka_unit_test(test_nowhere),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
