/* analyze/dwarf/operators: what each operation leaves of values of each kind and size, and which it
 * refuses. */
#include "analyze/dwarf/operators.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <dwarf.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

enum {
	G = SNAP_DWARF_GENERIC,
	S = SNAP_DWARF_SIGNED,
	U = SNAP_DWARF_UNSIGNED,
	F = SNAP_DWARF_FLOAT
};

static uint64_t bits_of(double d, uint8_t size)
{
	float f = (float)d;
	uint32_t low;
	uint64_t bits;
	memcpy(&bits, &d, sizeof(bits));
	memcpy(&low, &f, sizeof(low));
	return size == 4 ? low : bits;
}

static struct snap_dwarf_value value(int kind, uint8_t size, double number)
{
	uint64_t bits = kind == F    ? bits_of(number, size)
			: number < 0 ? (uint64_t)(int64_t)number
				     : (uint64_t)number;
	if (size < 8)
		bits &= (UINT64_C(1) << (8 * size)) - 1;
	return (struct snap_dwarf_value){bits, (enum snap_dwarf_kind)kind, size};
}

static void assert_top(struct snap_dwarf_stack *s, struct snap_dwarf_value expected, size_t i)
{
	struct snap_dwarf_value got = snap_dwarf_pop_value(s);
	if (s->failed || got.bits != expected.bits || got.kind != expected.kind ||
		got.size != expected.size || s->depth != 0)
		fail_msg("case %zu: failed %d, %#lx of kind %d, %u bytes", i, s->failed,
			(unsigned long)got.bits, got.kind, got.size);
}

/* Of two operands of one type; what compares leaves a generic value. */
static void test_operators_of_two(void **state)
{
	(void)state;
	static const struct {
		uint8_t op;
		int kind;
		uint8_t size;
		double left, right, expected;
	} cases[] = {
		{DW_OP_plus, G, 8, 1, 2, 3},
		{DW_OP_plus, U, 1, 200, 100, 44},
		{DW_OP_plus, F, 8, 1.5, 2.25, 3.75},
		{DW_OP_plus, F, 4, 1.5, 2.25, 3.75},
		{DW_OP_minus, G, 8, 1, 2, -1},
		{DW_OP_minus, U, 2, 1, 2, 65535},
		{DW_OP_minus, F, 4, 1, 2.5, -1.5},
		{DW_OP_mul, S, 4, -3, 5, -15},
		{DW_OP_mul, U, 1, 16, 17, 16},
		{DW_OP_mul, F, 8, 0.5, 3, 1.5},
		{DW_OP_div, G, 8, -7, 2, -3},
		{DW_OP_div, S, 4, -7, 2, -3},
		{DW_OP_div, U, 1, 249, 2, 124},
		{DW_OP_div, S, 1, -128, -1, 128},
		{DW_OP_div, F, 8, 1, 4, 0.25},
		{DW_OP_mod, G, 4, -1, 16, 15},
		{DW_OP_mod, S, 4, -7, 4, -3},
		{DW_OP_mod, S, 4, -7, -1, 0},
		{DW_OP_mod, S, 8, -0x1p63, -1, 0},
		{DW_OP_div, S, 8, -0x1p63, -1, -0x1p63},
		{DW_OP_mod, U, 1, 249, 4, 1},
		{DW_OP_and, U, 4, 12, 10, 8},
		{DW_OP_or, U, 4, 12, 10, 14},
		{DW_OP_xor, U, 4, 12, 10, 6},
		{DW_OP_shl, U, 1, 129, 1, 2},
		{DW_OP_shl, U, 1, 129, 8, 0},
		{DW_OP_shr, S, 1, -128, 7, 1},
		{DW_OP_shr, S, 1, -128, 8, 0},
		{DW_OP_shra, U, 1, 128, 3, 240},
		{DW_OP_shra, G, 8, -128, 64, -1},
		{DW_OP_eq, U, 4, 5, 5, 1},
		{DW_OP_ne, U, 4, 5, 5, 0},
		{DW_OP_lt, G, 8, -1, 1, 1},
		{DW_OP_lt, U, 1, 255, 1, 0},
		{DW_OP_gt, U, 1, 255, 1, 1},
		{DW_OP_le, S, 1, -1, -1, 1},
		{DW_OP_ge, S, 1, -2, -1, 0},
		{DW_OP_lt, F, 8, -0.5, 0.5, 1},
		{DW_OP_ge, F, 4, -0.5, 0.5, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct snap_dwarf_stack s = {.word = 8};
		bool compares = cases[i].op >= DW_OP_eq && cases[i].op <= DW_OP_ne;
		snap_dwarf_push_value(&s, value(cases[i].kind, cases[i].size, cases[i].left));
		snap_dwarf_push_value(&s, value(cases[i].kind, cases[i].size, cases[i].right));
		assert_true(snap_dwarf_operate(&s, cases[i].op, 0));
		assert_top(&s,
			value(compares ? G : cases[i].kind, compares ? 8 : cases[i].size,
				cases[i].expected),
			i);
	}
}

static void test_operators_of_one(void **state)
{
	(void)state;
	static const struct {
		uint8_t op;
		uint64_t operand;
		int kind;
		uint8_t size;
		double from, expected;
	} cases[] = {
		{DW_OP_neg, 0, S, 4, 5, -5},
		{DW_OP_neg, 0, U, 1, 5, 251},
		{DW_OP_neg, 0, F, 4, 1.5, -1.5},
		{DW_OP_abs, 0, S, 4, -5, 5},
		{DW_OP_abs, 0, G, 8, -5, 5},
		{DW_OP_abs, 0, U, 1, 251, 251},
		{DW_OP_abs, 0, F, 8, -1.5, 1.5},
		{DW_OP_abs, 0, F, 8, 1.5, 1.5},
		{DW_OP_not, 0, U, 1, 5, 250},
		{DW_OP_plus_uconst, 7, U, 1, 250, 1},
		{DW_OP_nop, 7, U, 1, 250, 250},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct snap_dwarf_stack s = {.word = 8};
		snap_dwarf_push_value(&s, value(cases[i].kind, cases[i].size, cases[i].from));
		assert_true(snap_dwarf_operate(&s, cases[i].op, cases[i].operand));
		assert_top(&s, value(cases[i].kind, cases[i].size, cases[i].expected), i);
	}
}

static void test_operators_of_types(void **state)
{
	(void)state;
	static const struct {
		int from;
		uint8_t from_size;
		int to;
		uint8_t to_size;
		double number, expected;
	} cases[] = {
		{S, 1, S, 8, -2, -2},
		{U, 1, S, 8, 254, 254},
		{S, 8, U, 2, -1, 65535},
		{G, 8, F, 8, 3, 3},
		{S, 4, F, 4, -3, -3},
		{F, 8, S, 4, -2.75, -2},
		{F, 4, U, 8, 1e18, (double)(float)1e18},
		{F, 8, F, 4, 0.1, (double)0.1f},
		{F, 4, F, 4, 0.5, 0.5},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct snap_dwarf_stack s = {.word = 8};
		snap_dwarf_push_value(
			&s, value(cases[i].from, cases[i].from_size, cases[i].number));
		snap_dwarf_convert(&s, (enum snap_dwarf_kind)cases[i].to, cases[i].to_size);
		assert_top(&s, value(cases[i].to, cases[i].to_size, cases[i].expected), i);
	}
	struct snap_dwarf_stack s = {.word = 8};
	snap_dwarf_push_value(&s, value(F, 8, 1));
	snap_dwarf_reinterpret(&s, SNAP_DWARF_UNSIGNED, 8);
	assert_top(&s, (struct snap_dwarf_value){0x3ff0000000000000, SNAP_DWARF_UNSIGNED, 8}, 0);
}

static void test_operators_that_make_no_sense(void **state)
{
	(void)state;
	static const struct {
		uint8_t op;
		int left;
		uint8_t left_size;
		int right;
		uint8_t right_size;
		double number; /* of the right one */
	} cases[] = {
		{DW_OP_div, G, 8, G, 8, 0},
		{DW_OP_div, U, 4, U, 4, 0},
		{DW_OP_mod, S, 4, S, 4, 0},
		{DW_OP_plus, S, 4, S, 8, 1},
		{DW_OP_plus, S, 4, F, 4, 1},
		{DW_OP_eq, F, 8, G, 8, 1},
		{DW_OP_and, F, 8, F, 8, 1},
		{DW_OP_shl, F, 8, U, 8, 1},
		{DW_OP_plus, F, 2, F, 2, 1},
		{DW_OP_lt, F, 2, F, 2, 1},
		{DW_OP_not, G, 8, F, 8, 1},
		{DW_OP_neg, G, 8, F, 2, 1},
		{DW_OP_plus_uconst, G, 8, F, 8, 1},
		{DW_OP_rot, G, 8, G, 8, 1},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct snap_dwarf_stack s = {.word = 8};
		snap_dwarf_push_value(&s, value(cases[i].left, cases[i].left_size, 7));
		snap_dwarf_push_value(
			&s, value(cases[i].right, cases[i].right_size, cases[i].number));
		assert_true(snap_dwarf_operate(&s, cases[i].op, 1));
		if (!s.failed)
			fail_msg("case %zu", i);
		assert_true(snap_dwarf_operate(&s, DW_OP_lit5, 0));
		assert_int_equal(snap_dwarf_pop(&s), 0); /* nothing is known any more */
	}
	static const double numbers[] = {1e19 * 2, -1e19, 0.0 / 0.0};
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		struct snap_dwarf_stack s = {.word = 8};
		snap_dwarf_push_value(&s, value(F, 8, numbers[i]));
		snap_dwarf_convert(&s, SNAP_DWARF_SIGNED, 8);
		assert_true(s.failed);
	}
	struct snap_dwarf_stack s = {.word = 8};
	snap_dwarf_push_value(&s, value(F, 8, 1));
	snap_dwarf_reinterpret(&s, SNAP_DWARF_UNSIGNED, 4);
	assert_true(s.failed);
	s = (struct snap_dwarf_stack){.word = 8};
	assert_false(snap_dwarf_operate(&s, DW_OP_deref, 0));
	assert_false(snap_dwarf_operate(&s, DW_OP_reg0, 0));
	assert_false(s.failed);
}

static void test_operators_of_the_stack(void **state)
{
	(void)state;
	struct snap_dwarf_stack s = {.word = 4};
	for (uint8_t i = 1; i <= 4; i++)
		assert_true(snap_dwarf_operate(&s, (uint8_t)(DW_OP_lit0 + i), 0));
	/* 1 2 3 4, then 1 4 2 3, then 1 4 3 2, and copies of 3, of 4 and of the top. */
	assert_true(snap_dwarf_operate(&s, DW_OP_rot, 0));
	assert_true(snap_dwarf_operate(&s, DW_OP_swap, 0));
	assert_true(snap_dwarf_operate(&s, DW_OP_over, 0));
	assert_true(snap_dwarf_operate(&s, DW_OP_pick, 3));
	assert_true(snap_dwarf_operate(&s, DW_OP_dup, 0));
	static const uint64_t expected[] = {1, 4, 3, 2, 3, 4, 4};
	assert_int_equal(s.depth, ARRAY_LEN(expected));
	for (size_t i = 0; i < ARRAY_LEN(expected); i++)
		assert_int_equal(s.items[i].bits, expected[i]);
	assert_true(snap_dwarf_operate(&s, DW_OP_drop, 0));
	assert_int_equal(s.depth, ARRAY_LEN(expected) - 1);
	snap_dwarf_push(&s, UINT64_MAX);
	assert_true(snap_dwarf_pop(&s) == UINT32_MAX && !s.failed);
	assert_true(snap_dwarf_operate(&s, DW_OP_pick, s.depth));
	assert_true(s.failed);
	s = (struct snap_dwarf_stack){.word = 8};
	for (int i = 0; i < SNAP_DWARF_MAX_STACK; i++)
		snap_dwarf_push(&s, 1);
	assert_false(s.failed);
	assert_true(snap_dwarf_operate(&s, DW_OP_lit1, 0));
	assert_true(s.failed && s.depth == SNAP_DWARF_MAX_STACK);
	s = (struct snap_dwarf_stack){.word = 8};
	assert_true(snap_dwarf_pop(&s) == 0 && s.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_operators_of_two),
		cmocka_unit_test(test_operators_of_one),
		cmocka_unit_test(test_operators_of_types),
		cmocka_unit_test(test_operators_that_make_no_sense),
		cmocka_unit_test(test_operators_of_the_stack),
	};
	return cmocka_run_group_tests_name("operators", tests, NULL, NULL);
}
