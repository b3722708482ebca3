/* common/indirect: what registers and stacks point to is found, each block once, and no more than
 * there is room for. */
#include "common/indirect.h"

#include <elf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#define STACK 0x10000u
#define HEAP  0x40000u
#define CODE  0x80000u
#define SLOTS 1024u

static struct snap_areas areas;
static uint64_t stack[256];
static uint64_t blocks[SLOTS], wanted[SLOTS / 2];
static uint64_t regs[27];
static struct snap_extent taken[1];
static struct snap_indirect in;

static ssize_t read_stack(void *arg, uint64_t addr, void *buf, size_t len)
{
	(void)arg;
	if (addr < STACK || addr >= STACK + sizeof(stack))
		return -EIO;
	size_t n = STACK + sizeof(stack) - addr;
	n = n < len ? n : len;
	memcpy(buf, (const uint8_t *)stack + (addr - STACK), n);
	return (ssize_t)n;
}

static bool not_in_second_page(void *arg, uint64_t addr)
{
	(void)arg;
	return addr / 4096 != HEAP / 4096 + 1;
}

static void add(uint64_t start, uint64_t end, uint32_t permissions, const char *path)
{
	const struct snap_mapping mapping = {.start = start,
		.end = end,
		.permissions = permissions,
		.path = snap_bytes_str(path)};
	snap_areas_add(&areas, &mapping);
}

static int set_up(void **state)
{
	(void)state;
	const uint32_t r = SNAP_MAPPING_READ, rw = r | SNAP_MAPPING_WRITE;
	snap_areas_init(&areas);
	add(STACK, STACK + 0x1000, rw, "[stack]");
	add(HEAP, HEAP + 0x10000, rw, "[heap]");
	add(CODE, CODE + 0x1000, r | SNAP_MAPPING_EXEC, "/bin/x");
	add(CODE + 0x1000, CODE + 0x2000, r, "/bin/x");
	add(CODE + 0x2000, CODE + 0x3000, rw, "/bin/x");
	add(CODE + 0x3000, CODE + 0x4000, 0, NULL);
	memset(stack, 0, sizeof(stack));
	memset(blocks, 0, sizeof(blocks));
	memset(regs, 0, sizeof(regs));
	taken[0] = (struct snap_extent){STACK, sizeof(stack)};
	in = (struct snap_indirect){
		.areas = &areas,
		.arch = snap_arch_find(EM_X86_64, ELFCLASS64, ELFDATA2LSB),
		.source = {read_stack, NULL},
		.room = 1u << 20,
		.taken = taken,
		.num_taken = 1,
		.blocks = blocks,
		.num_slots = SLOTS,
		.wanted = wanted,
		.max_wanted = SLOTS / 2,
	};
	return 0;
}

static void find(uint64_t room)
{
	snap_indirect_find(&in, snap_bytes(regs, sizeof(regs)), taken, 1, room);
}

static void assert_next(size_t *position, uint64_t addr, uint64_t end)
{
	struct snap_extent extent;
	assert_true(snap_indirect_next(&in, position, &extent));
	assert_int_equal(extent.addr, addr);
	assert_int_equal(extent.addr + extent.len, end);
}

static void assert_no_more(size_t *position)
{
	struct snap_extent extent;
	assert_false(snap_indirect_next(&in, position, &extent));
}

static void test_windows_round_what_is_pointed_to(void **state)
{
	(void)state;
	size_t position = 0;
	regs[5] = HEAP + 0x4000;   /* 128 bytes before, 384 behind */
	stack[7] = HEAP;	   /* nothing before */
	stack[8] = HEAP + 0x4100;  /* partly the same */
	stack[9] = CODE + 0x10;	   /* a file's */
	stack[10] = CODE + 0x1010; /* likewise */
	stack[11] = CODE + 0x2ff8; /* its data, up to the end */
	stack[12] = CODE + 0x3010; /* nobody may read it */
	stack[13] = STACK + 8;	   /* taken already */
	stack[14] = UINT64_MAX;
	find(1u << 20);
	assert_next(&position, HEAP, HEAP + 512);
	assert_next(&position, HEAP + 0x4000 - 128, HEAP + 0x4100 + 384);
	assert_next(&position, CODE + 0x2ff8 - 128 - (0x2ff8 % 128), CODE + 0x3000);
	assert_no_more(&position);
	assert_int_equal(in.num_cut, 0);
	/* For another thread, not once more. */
	position = 0;
	find(1u << 20);
	assert_no_more(&position);
}

static void test_no_more_than_there_is_room_for(void **state)
{
	(void)state;
	size_t position = 0;
	for (size_t i = 0; i < 16; i++)
		stack[i] = HEAP + 0x800 * i;
	find(1024);
	assert_next(&position, HEAP, HEAP + 512);
	assert_next(&position, HEAP + 0x800 - 128, HEAP + 0x800 + 384);
	assert_no_more(&position);
	assert_int_equal(in.num_cut, 14);
	/* All threads', the list's, and the table's. */
	set_up(state);
	for (size_t i = 0; i < 16; i++)
		stack[i] = HEAP + 0x800 * i;
	in.room = 256;
	find(1u << 20);
	assert_int_equal(in.num_wanted, 2);
	set_up(state);
	in.max_wanted = 3;
	stack[0] = HEAP;
	find(1u << 20);
	assert_int_equal(in.num_wanted, 3);
	assert_int_equal(in.num_cut, 1);
	set_up(state);
	in.num_slots = 16;
	for (size_t i = 0; i < 256; i++)
		stack[i] = HEAP + 0x100 * i;
	find(1u << 20);
	assert_int_equal(in.num_wanted, 8);
	assert_true(in.num_cut > 200);
}

static void test_what_is_not_there(void **state)
{
	(void)state;
	size_t position = 0;
	in.is_there = not_in_second_page;
	stack[0] = HEAP + 0x1000;
	stack[1] = HEAP + 0x1800;
	find(1u << 20);
	assert_next(&position, HEAP + 0x1000 - 128, HEAP + 0x1000);
	assert_no_more(&position);
	assert_int_equal(in.num_unreadable, 2);
	/* A machine that is not known points nowhere; a stack that can't be read neither. */
	set_up(state);
	in.arch = NULL;
	stack[0] = HEAP;
	find(1u << 20);
	assert_int_equal(in.num_wanted, 0);
	set_up(state);
	taken[0].addr = 8;
	find(1u << 20);
	assert_int_equal(in.num_wanted, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_windows_round_what_is_pointed_to, set_up),
		cmocka_unit_test_setup(test_no_more_than_there_is_room_for, set_up),
		cmocka_unit_test_setup(test_what_is_not_there, set_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
