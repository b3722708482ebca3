/* analyze/unwind/expression: every operation against the value that DWARF 5, section 2.5, gives it,
 * in 64 and in 32 bits, and that what is malformed, endless or unknown fails as such. */
#include "analyze/unwind/expression.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dwarf.h>
#include <elf.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static const struct snap_arch arch_32 = {
	.name = "test32", .elf_class = ELFCLASS32, .elf_data = ELFDATA2LSB, .num_dwarf_regs = 16};
static const struct snap_arch arch_64_big = {
	.name = "test64", .elf_class = ELFCLASS64, .elf_data = ELFDATA2MSB, .num_dwarf_regs = 64};

static struct snap_memory memory;
static uint64_t regs[SNAP_ARCH_MAX_DWARF_REGS];
static struct snap_expression_context context;

static uint64_t value, fault;
static enum snap_expression_result kind;

#define UNTOUCHED 0x5a5a5a5a5a5a5a5aull

static enum snap_expression_status evaluate_num(const Dwarf_Op *ops, size_t num)
{
	value = fault = UNTOUCHED;
	enum snap_expression_status status =
		snap_expression_evaluate(&context, ops, num, &value, &kind, &fault);
	if (status != SNAP_EXPRESSION_OK)
		assert_true(value == UNTOUCHED);
	return status;
}

/* Offsets are set here: 1 byte for an operation, as if none had operands, but for branches. */
static enum snap_expression_status evaluate_ops(const Dwarf_Op *ops, size_t num)
{
	Dwarf_Op *placed = calloc(num ? num : 1, sizeof(*placed));
	assert_non_null(placed);
	Dwarf_Word offset = 0;
	for (size_t i = 0; i < num; i++) {
		placed[i] = ops[i];
		placed[i].offset = offset;
		offset += ops[i].atom == DW_OP_bra || ops[i].atom == DW_OP_skip ? 3 : 1;
	}
	enum snap_expression_status status = evaluate_num(placed, num);
	free(placed);
	return status;
}

#define EVALUATE(...)                                                                              \
	evaluate_ops((const Dwarf_Op[]){__VA_ARGS__},                                              \
		sizeof((const Dwarf_Op[]){__VA_ARGS__}) / sizeof(Dwarf_Op))
#define OP(name, ...)                                                                              \
	{                                                                                          \
		.atom = DW_OP_##name, .number = (Dwarf_Word)(0 __VA_OPT__(+) __VA_ARGS__)          \
	}
#define C(number_)                                                                                 \
	{                                                                                          \
		.atom = DW_OP_constu, .number = (Dwarf_Word)(number_)                              \
	}

#define assert_value(expected, ...)                                                                \
	do {                                                                                       \
		assert_int_equal(EVALUATE(__VA_ARGS__), SNAP_EXPRESSION_OK);                       \
		if (value != (uint64_t)(expected))                                                 \
			fail_msg("0x%llx, not 0x%llx", (unsigned long long)value,                  \
				(unsigned long long)(expected));                                   \
		assert_int_equal(kind, SNAP_EXPRESSION_ADDRESS);                                   \
	} while (0)
#define assert_status(expected, ...)                                                               \
	assert_int_equal(EVALUATE(__VA_ARGS__), SNAP_EXPRESSION_##expected)

static int setup(void **state)
{
	(void)state;
	static const uint8_t bytes[16] = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99,
		0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff, 0x00};
	const struct snap_memory_segment segment = {
		.start = 0x1000, .len = sizeof(bytes), .data = bytes, .fd = -1};
	const struct snap_memory_segment high = {
		.start = 0xfffffff8, .len = 8, .data = bytes, .fd = -1};
	snap_memory_init(&memory);
	assert_int_equal(snap_memory_add(&memory, &segment, NULL), 0);
	assert_int_equal(snap_memory_add(&memory, &high, NULL), 0);
	assert_int_equal(snap_memory_finish(&memory, NULL), 0);
	for (size_t i = 0; i < SNAP_ARCH_MAX_DWARF_REGS; i++)
		regs[i] = 0x100 * i;
	context = (struct snap_expression_context){
		.arch = snap_arch_find(EM_X86_64, ELFCLASS64, ELFDATA2LSB),
		.memory = &memory,
		.regs = regs,
		.known_regs = UINT64_MAX,
		.load_bias = 0x10000,
	};
	assert_non_null(context.arch);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	snap_memory_deinit(&memory);
	return 0;
}

static void test_expression_constants(void **state)
{
	(void)state;
	for (uint8_t i = 0; i < 32; i++)
		assert_value(i, {.atom = (uint8_t)(DW_OP_lit0 + i)});
	static const uint8_t unsigned_ones[] = {
		DW_OP_const1u, DW_OP_const2u, DW_OP_const4u, DW_OP_const8u, DW_OP_constu};
	static const uint8_t signed_ones[] = {
		DW_OP_const1s, DW_OP_const2s, DW_OP_const4s, DW_OP_const8s, DW_OP_consts};
	for (size_t i = 0; i < 5; i++) {
		assert_value(200, {.atom = unsigned_ones[i], .number = 200});
		assert_value(-7, {.atom = signed_ones[i], .number = (Dwarf_Word)-7});
	}
	assert_value(0x10123, OP(addr, 0x123));
}

static void test_expression_registers(void **state)
{
	(void)state;
	for (uint8_t i = 0; i < 17; i++)
		assert_value(0x100ull * i - 8,
			{.atom = (uint8_t)(DW_OP_breg0 + i), .number = (Dwarf_Word)-8});
	assert_value(0x305, {.atom = DW_OP_bregx, .number = 3, .number2 = 5});
	context.has_cfa = true;
	context.cfa = 0x7ffc0000;
	assert_value(0x7ffbfff0, OP(call_frame_cfa), C(16), OP(minus));
}

static void test_expression_unknown_registers(void **state)
{
	(void)state;
	context.known_regs = ~(1ull << 3);
	assert_status(NO_REGISTER, OP(breg3));
	assert_value(0x200, OP(breg2));
	assert_status(NO_REGISTER, {.atom = DW_OP_bregx, .number = 3});
	/* beyond the machine's, also by so much that a shift would go round */
	assert_status(NO_REGISTER, OP(breg17));
	assert_status(NO_REGISTER, OP(breg31));
	assert_status(NO_REGISTER, {.atom = DW_OP_bregx, .number = 64});
	assert_status(NO_REGISTER, {.atom = DW_OP_bregx, .number = UINT64_MAX});
	assert_status(NO_REGISTER, OP(breg3), OP(lit1), OP(plus));
	context.arch = &arch_64_big;
	context.known_regs = 1ull << 63;
	assert_value(0x3f00, {.atom = DW_OP_bregx, .number = 63});
	assert_status(NO_REGISTER, {.atom = DW_OP_bregx, .number = 62});
}

static void test_expression_without_a_cfa(void **state)
{
	(void)state;
	assert_status(INVALID, OP(call_frame_cfa));
}

static void test_expression_register_locations(void **state)
{
	(void)state;
	assert_int_equal(EVALUATE(OP(reg6)), SNAP_EXPRESSION_OK);
	assert_int_equal(kind, SNAP_EXPRESSION_REGISTER);
	assert_int_equal(value, 6);
	assert_int_equal(EVALUATE(OP(reg31)), SNAP_EXPRESSION_OK);
	assert_int_equal(value, 31);
	assert_int_equal(EVALUATE(OP(regx, 40)), SNAP_EXPRESSION_OK);
	assert_int_equal(kind, SNAP_EXPRESSION_REGISTER);
	assert_int_equal(value, 40);
	/* They stand alone. */
	assert_status(INVALID, OP(lit1), OP(lit1), OP(reg6));
	assert_status(INVALID, OP(reg6), OP(reg6));
}

static void test_expression_stack_value(void **state)
{
	(void)state;
	assert_int_equal(EVALUATE(OP(lit5), OP(stack_value)), SNAP_EXPRESSION_OK);
	assert_int_equal(kind, SNAP_EXPRESSION_VALUE);
	assert_int_equal(value, 5);
	assert_status(INVALID, OP(stack_value));
}

static void test_expression_stack_operations(void **state)
{
	(void)state;
	/* What is on the stack, as digits: the lower ones are the deeper. */
#define DIGITS_3 C(100), OP(mul), OP(swap), C(10), OP(mul), OP(plus), OP(plus)
	assert_value(321, OP(lit1), OP(lit2), OP(lit3), DIGITS_3);
	assert_value(213, OP(lit3), OP(lit1), OP(lit2), DIGITS_3);
	/* DW_OP_rot: the top goes third */
	assert_value(213, OP(lit1), OP(lit2), OP(lit3), OP(rot), DIGITS_3);
	assert_value(231, OP(lit1), OP(lit2), OP(lit3), OP(swap), DIGITS_3);
	assert_value(221, OP(lit1), OP(lit2), OP(dup), DIGITS_3);
	assert_value(121, OP(lit1), OP(lit2), OP(over), DIGITS_3);
	assert_value(321, OP(lit1), OP(lit2), OP(lit3), OP(lit4), OP(drop), DIGITS_3);
	assert_value(3, OP(lit1), OP(lit2), OP(lit3), OP(pick, 0));
	assert_value(1, OP(lit1), OP(lit2), OP(lit3), OP(pick, 2));
	assert_value(7, OP(nop), OP(lit7), OP(nop));
}

static void test_expression_arithmetic(void **state)
{
	(void)state;
	const uint64_t min = 1ull << 63;
	static const struct {
		uint8_t atom;
		uint64_t left, right, expected;
	} cases[] = {
		{DW_OP_and, 0xff0, 0x3c, 0x30},
		{DW_OP_or, 0xf0, 0x3c, 0xfc},
		{DW_OP_xor, 0xf0, 0x3c, 0xcc},
		{DW_OP_plus, UINT64_MAX, 2, 1},
		{DW_OP_minus, 5, 7, (uint64_t)-2},
		{DW_OP_mul, 1ull << 63, 3, 1ull << 63},
		{DW_OP_div, 7, 2, 3},
		{DW_OP_div, (uint64_t)-7, 2, (uint64_t)-3},
		{DW_OP_div, 7, (uint64_t)-2, (uint64_t)-3},
		{DW_OP_div, 1ull << 63, UINT64_MAX, 1ull << 63}, /* overflows */
		{DW_OP_mod, 7, 4, 3},
		{DW_OP_mod, UINT64_MAX, 10, 5}, /* unsigned */
		{DW_OP_shl, 3, 62, 3ull << 62},
		{DW_OP_shl, 1, 63, 1ull << 63},
		{DW_OP_shl, 1, 64, 0},
		{DW_OP_shl, 1, UINT64_MAX, 0},
		{DW_OP_shr, 1ull << 63, 63, 1},
		{DW_OP_shr, UINT64_MAX, 64, 0},
		{DW_OP_shra, (uint64_t)-16, 2, (uint64_t)-4},
		{DW_OP_shra, 16, 2, 4},
		{DW_OP_shra, (uint64_t)-16, 64, UINT64_MAX},
		{DW_OP_shra, 16, UINT64_MAX, 0},
		{DW_OP_eq, 4, 4, 1},
		{DW_OP_eq, 4, 5, 0},
		{DW_OP_ne, 4, 4, 0},
		{DW_OP_ne, 4, 5, 1},
		{DW_OP_lt, (uint64_t)-1, 0, 1}, /* signed */
		{DW_OP_lt, 0, 0, 0},
		{DW_OP_le, 0, 0, 1},
		{DW_OP_le, 1, (uint64_t)-1, 0},
		{DW_OP_gt, 0, (uint64_t)-1, 1},
		{DW_OP_gt, 0, 0, 0},
		{DW_OP_ge, 0, 0, 1},
		{DW_OP_ge, (uint64_t)-1, 0, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_value(cases[i].expected, C(cases[i].left), C(cases[i].right),
			{.atom = cases[i].atom});
	assert_value(-5, OP(lit5), OP(neg));
	assert_value(5, C(-5), OP(neg));
	assert_value(~5ull, OP(lit5), OP(not ));
	assert_value(5, C(-5), OP(abs));
	assert_value(5, OP(lit5), OP(abs));
	assert_value(min, C(min), OP(abs));
	assert_value(min, C(min), OP(neg));
	assert_value(0x105, C(5), OP(plus_uconst, 0x100));
}

static void test_expression_division_by_zero(void **state)
{
	(void)state;
	assert_status(INVALID, OP(lit1), OP(lit0), OP(div));
	assert_status(INVALID, OP(lit1), OP(lit0), OP(mod));
	context.arch = &arch_32;
	assert_status(INVALID, OP(lit1), C(1ull << 32), OP(div));
	assert_status(INVALID, OP(lit1), C(1ull << 32), OP(mod));
}

static void test_expression_in_32_bits(void **state)
{
	(void)state;
	context.arch = &arch_32;
	regs[1] = 0xfffffffffffffff0;
	static const struct {
		uint8_t atom;
		uint64_t left, right, expected;
	} cases[] = {
		{DW_OP_plus, UINT32_MAX, 2, 1},
		{DW_OP_minus, 5, 7, UINT32_MAX - 1},
		{DW_OP_mul, 0x10000, 0x10000, 0},
		{DW_OP_div, (uint32_t)-7, 2, (uint32_t)-3},
		{DW_OP_div, 1u << 31, UINT32_MAX, 1u << 31},
		{DW_OP_mod, UINT32_MAX, 10, 5},
		{DW_OP_shl, 3, 31, 1u << 31},
		{DW_OP_shl, 1, 32, 0},
		{DW_OP_shr, UINT32_MAX, 32, 0},
		{DW_OP_shr, 1u << 31, 31, 1},
		{DW_OP_shra, 1u << 31, 31, UINT32_MAX},
		{DW_OP_shra, 1u << 31, 40, UINT32_MAX},
		{DW_OP_lt, UINT32_MAX, 0, 1},
		{DW_OP_gt, 1u << 31, 0, 0},
		{DW_OP_eq, 1ull << 32 | 5, 5, 1},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_value(cases[i].expected, C(cases[i].left), C(cases[i].right),
			{.atom = cases[i].atom});
	assert_value(UINT32_MAX, {.atom = DW_OP_const1s, .number = (Dwarf_Word)-1});
	assert_value(UINT32_MAX - 4, OP(lit5), OP(neg));
	assert_value(UINT32_MAX - 5, OP(lit5), OP(not ));
	assert_value(5, C(-5), OP(abs));
	assert_value(0xfffffff8, {.atom = DW_OP_breg1, .number = 8});
	assert_value(0, {.atom = DW_OP_breg1, .number = 16});
	context.load_bias = 0xffffffff00000000;
	assert_value(0x123, OP(addr, 0x123));
	/* Addresses are 32 bits wide, and so is what stands there. */
	assert_value(0x44332211, C(0xabcd00001000), OP(deref));
	assert_value(0x88776655, C(0xfffffffc), OP(deref));
	assert_status(INVALID, C(0x1000), OP(deref_size, 8));
}

static void test_expression_memory(void **state)
{
	(void)state;
	assert_value(0x8877665544332211, C(0x1000), OP(deref));
	assert_value(0x00ffeeddccbbaa99, C(0x1008), OP(deref));
	assert_value(0x11, C(0x1000), OP(deref_size, 1));
	assert_value(0x3322, C(0x1001), OP(deref_size, 2));
	assert_value(0x44332211, C(0x1000), OP(deref_size, 4));
	assert_value(0x8877665544332211, C(0x1000), OP(deref_size, 8));
	context.arch = &arch_64_big;
	assert_value(0x1122334455667788, C(0x1000), OP(deref));
	assert_value(0x1122, C(0x1000), OP(deref_size, 2));
}

static void test_expression_unreadable_memory_gives_its_address(void **state)
{
	(void)state;
	static const uint64_t addrs[] = {
		0, 0xfff, 0x1009, 0x100f, 0x1010, UINT64_MAX - 7, UINT64_MAX};
	for (size_t i = 0; i < ARRAY_LEN(addrs); i++) {
		assert_status(NO_MEMORY, C(addrs[i]), OP(deref));
		assert_true(fault == addrs[i]);
	}
	/* The first one that fails ends it. */
	assert_status(NO_MEMORY, C(0x1000), OP(deref), OP(deref), C(7), OP(deref));
	assert_true(fault == 0x8877665544332211);
	/* Nobody needs to want to know. */
	const Dwarf_Op ops[] = {C(0), {.atom = DW_OP_deref, .offset = 1}};
	assert_int_equal(snap_expression_evaluate(&context, ops, 2, &value, &kind, NULL),
		SNAP_EXPRESSION_NO_MEMORY);
}

static void test_expression_deref_sizes_that_are_none(void **state)
{
	(void)state;
	assert_status(INVALID, C(0x1000), OP(deref_size, 0));
	assert_status(INVALID, C(0x1000), OP(deref_size, 9));
	assert_status(INVALID, C(0x1000), OP(deref_size, UINT64_MAX));
	assert_status(INVALID, OP(deref));
}

static void test_expression_branches(void **state)
{
	(void)state;
	/* forwards over one operation, and not */
	assert_value(9, OP(lit1), OP(skip, 1), OP(lit2), OP(lit9));
	assert_value(1, OP(lit1), OP(lit0), OP(bra, 1), OP(nop));
	assert_value(1, OP(lit1), OP(lit5), OP(bra, 1), OP(lit9));
	assert_value(9, OP(lit1), OP(lit0), OP(bra, 1), OP(lit9));
	/* to the very end */
	assert_value(1, OP(lit1), OP(skip, 2), OP(lit2), OP(lit3));
	assert_value(1, OP(lit1), OP(skip, 0));
	/* backwards: 5 + 4 + 3 + 2 + 1 */
	assert_value(15, OP(lit0), OP(lit5),	      /* sum n, offsets 0, 1 */
		OP(dup), OP(rot), OP(plus), OP(swap), /* 2 to 5: sum + n, n */
		OP(lit1), OP(minus), OP(dup),	      /* 6 to 8 */
		OP(bra, -10),			      /* 9 to 11: back to 2 */
		OP(drop));
}

static void test_expression_branches_to_nowhere(void **state)
{
	(void)state;
	/* before the beginning, and into the middle of an operation */
	assert_status(INVALID, OP(lit1), OP(skip, -5));
	assert_status(INVALID, OP(lit1), OP(skip, -32768));
	assert_status(INVALID, OP(lit1), OP(skip, -2), OP(lit1));
	assert_status(INVALID, OP(lit1), OP(skip, 1), OP(skip, 0), OP(lit2));
	/* beyond the longest operation that could be the last one */
	assert_status(INVALID, OP(lit1), OP(skip, 32767), OP(lit2));
	/* a condition that is not there */
	assert_status(INVALID, OP(bra, 0), OP(lit1));
}

static void test_expression_endless_loops_end(void **state)
{
	(void)state;
	assert_status(INVALID, OP(lit1), OP(skip, -3));
	assert_status(INVALID, OP(lit1), OP(bra, -4));
	assert_status(INVALID, OP(nop), OP(lit1), OP(lit1), OP(bra, -5));
}

/* For DW_CFA_expression libdw puts an operation before the first, whose offset is -1. */
static void test_expression_branch_behind_what_libdw_puts_first(void **state)
{
	(void)state;
	const Dwarf_Op ops[] = {
		{.atom = DW_OP_call_frame_cfa, .offset = UINT64_MAX},
		{.atom = DW_OP_skip, .number = 1, .offset = 0},
		{.atom = DW_OP_drop, .offset = 3},
		{.atom = DW_OP_lit7, .offset = 4},
		{.atom = DW_OP_skip, .number = (Dwarf_Word)-8, .offset = 5},
	};
	uint64_t steps = 1000;
	context.has_cfa = true;
	context.cfa = 0x100;
	assert_int_equal(evaluate_num(ops, 4), SNAP_EXPRESSION_OK);
	assert_int_equal(value, 7);
	/* Back to the first of its own, until the stack is full. */
	context.steps_left = &steps;
	assert_int_equal(evaluate_num(ops, ARRAY_LEN(ops)), SNAP_EXPRESSION_INVALID);
	assert_in_range(steps, 1, 900);
}

static void test_expression_shared_steps(void **state)
{
	(void)state;
	uint64_t steps = 3;
	context.steps_left = &steps;
	assert_value(5, C(2), C(3), OP(plus));
	assert_int_equal(steps, 0);
	assert_status(INVALID, C(2));
}

static void test_expression_long_but_finite(void **state)
{
	(void)state;
	Dwarf_Op *ops = calloc(5000, sizeof(*ops));
	assert_non_null(ops);
	ops[0] = (Dwarf_Op)OP(lit7);
	for (size_t i = 1; i < 5000; i++)
		ops[i] = (Dwarf_Op)OP(nop);
	assert_int_equal(evaluate_ops(ops, 4096), SNAP_EXPRESSION_OK);
	assert_int_equal(value, 7);
	assert_int_equal(evaluate_ops(ops, 4097), SNAP_EXPRESSION_INVALID);
	free(ops);
}

static void test_expression_stack_overflow(void **state)
{
	(void)state;
	Dwarf_Op ops[65];
	for (size_t i = 0; i < 65; i++)
		ops[i] = (Dwarf_Op)OP(lit1);
	assert_int_equal(evaluate_ops(ops, 64), SNAP_EXPRESSION_OK);
	assert_int_equal(evaluate_ops(ops, 65), SNAP_EXPRESSION_INVALID);
	ops[64] = (Dwarf_Op)OP(dup);
	assert_int_equal(evaluate_ops(ops, 65), SNAP_EXPRESSION_INVALID);
	ops[64] = (Dwarf_Op)OP(plus);
	assert_int_equal(evaluate_ops(ops, 65), SNAP_EXPRESSION_OK);
	/* by a loop */
	assert_status(INVALID, OP(lit1), OP(skip, -4));
}

static void test_expression_stack_underflow(void **state)
{
	(void)state;
	static const uint8_t unary[] = {DW_OP_dup, DW_OP_drop, DW_OP_neg, DW_OP_not, DW_OP_abs,
		DW_OP_deref, DW_OP_plus_uconst, DW_OP_bra};
	static const uint8_t binary[] = {DW_OP_over, DW_OP_swap, DW_OP_and, DW_OP_or, DW_OP_xor,
		DW_OP_plus, DW_OP_minus, DW_OP_mul, DW_OP_div, DW_OP_mod, DW_OP_shl, DW_OP_shr,
		DW_OP_shra, DW_OP_eq, DW_OP_ne, DW_OP_lt, DW_OP_le, DW_OP_gt, DW_OP_ge};
	for (size_t i = 0; i < ARRAY_LEN(unary); i++)
		assert_status(INVALID, {.atom = unary[i]}, OP(lit1));
	for (size_t i = 0; i < ARRAY_LEN(binary); i++) {
		assert_status(INVALID, {.atom = binary[i]}, OP(lit1));
		assert_status(INVALID, OP(lit1), {.atom = binary[i]}, OP(lit1));
	}
	assert_status(INVALID, OP(lit1), OP(lit2), OP(rot), OP(lit1));
	assert_status(INVALID, OP(lit1), OP(pick, 1));
	assert_status(INVALID, OP(lit1), OP(pick, 255));
	assert_status(INVALID, OP(lit1), OP(drop));
	assert_status(INVALID, OP(nop));
}

static void test_expression_empty(void **state)
{
	(void)state;
	assert_int_equal(evaluate_num(NULL, 0), SNAP_EXPRESSION_INVALID);
}

static void test_expression_operations_without_a_place_here(void **state)
{
	(void)state;
	static const uint8_t atoms[] = {0x00, 0x01, 0x02, DW_OP_xderef, DW_OP_fbreg, DW_OP_piece,
		DW_OP_xderef_size, DW_OP_push_object_address, DW_OP_call2, DW_OP_call4,
		DW_OP_call_ref, DW_OP_form_tls_address, DW_OP_bit_piece, DW_OP_implicit_value,
		DW_OP_implicit_pointer, DW_OP_addrx, DW_OP_entry_value, DW_OP_const_type,
		DW_OP_GNU_entry_value, 0xff};
	for (size_t i = 0; i < ARRAY_LEN(atoms); i++)
		assert_status(INVALID, C(0x1000), C(0x1000), C(0x1000), {.atom = atoms[i]});
}

static void test_expression_random_operations(void **state)
{
	(void)state;
	srandom(13);
	for (int round = 0; round < 100000; round++) {
		Dwarf_Op ops[12];
		size_t num = 1 + (size_t)random() % ARRAY_LEN(ops);
		for (size_t i = 0; i < num; i++) {
			ops[i] = (Dwarf_Op){.atom = (uint8_t)random(),
				.number =
					(Dwarf_Word)(random() & 1 ? random() % 32 - 16 : random()),
				.number2 = (Dwarf_Word)random() << random() % 40};
			if (random() & 1)
				ops[i] = (Dwarf_Op){.atom = (uint8_t)(DW_OP_lit0 + random() % 32)};
		}
		context.arch = random() & 1 ? &arch_32 : &arch_64_big;
		enum snap_expression_status status = evaluate_ops(ops, num);
		assert_in_range(status, SNAP_EXPRESSION_OK, SNAP_EXPRESSION_INVALID);
		if (status == SNAP_EXPRESSION_OK && context.arch == &arch_32 &&
			kind != SNAP_EXPRESSION_REGISTER)
			assert_true(value <= UINT32_MAX);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_expression_constants),
		TEST(test_expression_registers),
		TEST(test_expression_unknown_registers),
		TEST(test_expression_without_a_cfa),
		TEST(test_expression_register_locations),
		TEST(test_expression_stack_value),
		TEST(test_expression_stack_operations),
		TEST(test_expression_arithmetic),
		TEST(test_expression_division_by_zero),
		TEST(test_expression_in_32_bits),
		TEST(test_expression_memory),
		TEST(test_expression_unreadable_memory_gives_its_address),
		TEST(test_expression_deref_sizes_that_are_none),
		TEST(test_expression_branches),
		TEST(test_expression_branches_to_nowhere),
		TEST(test_expression_endless_loops_end),
		TEST(test_expression_branch_behind_what_libdw_puts_first),
		TEST(test_expression_shared_steps),
		TEST(test_expression_long_but_finite),
		TEST(test_expression_stack_overflow),
		TEST(test_expression_stack_underflow),
		TEST(test_expression_empty),
		TEST(test_expression_operations_without_a_place_here),
		TEST(test_expression_random_operations),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
