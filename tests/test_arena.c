/* common/arena: alignment, zeroes, and that the limit holds whatever is asked for. */
#include "common/arena.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static void test_arena_pieces_are_aligned_zeroed_and_apart(void **state)
{
	(void)state;
	struct snap_arena arena;
	snap_arena_init(&arena, SIZE_MAX);
	struct {
		uint8_t *data;
		size_t len;
	} pieces[2000];
	srandom(4);
	for (size_t i = 0; i < 2000; i++) {
		size_t len = i % 100 == 99 ? (size_t)random() % 100000 : (size_t)random() % 200;
		uint8_t *data = snap_arena_alloc(&arena, len);
		assert_non_null(data);
		assert_int_equal((uintptr_t)data % alignof(max_align_t), 0);
		for (size_t j = 0; j < len; j++)
			assert_int_equal(data[j], 0);
		memset(data, (int)(i % 255 + 1), len);
		pieces[i].data = data;
		pieces[i].len = len;
	}
	for (size_t i = 0; i < 2000; i++)
		for (size_t j = 0; j < pieces[i].len; j++)
			assert_int_equal(pieces[i].data[j], i % 255 + 1);
	assert_false(arena.exhausted);
	snap_arena_deinit(&arena);
}

static void test_arena_limit(void **state)
{
	(void)state;
	struct snap_arena arena;
	snap_arena_init(&arena, 1024);
	assert_non_null(snap_arena_alloc(&arena, 512));
	assert_non_null(snap_arena_alloc(&arena, 496));
	assert_false(arena.exhausted);
	assert_null(snap_arena_alloc(&arena, 32));
	assert_true(arena.exhausted);
	/* What still fits is still given. */
	assert_non_null(snap_arena_alloc(&arena, 16));
	assert_null(snap_arena_alloc(&arena, 1));
	assert_non_null(snap_arena_alloc(&arena, 0));
	snap_arena_deinit(&arena);

	snap_arena_init(&arena, 1024);
	assert_null(snap_arena_alloc(&arena, 1025));
	assert_true(arena.exhausted);
	assert_non_null(snap_arena_alloc(&arena, 1024));
	snap_arena_deinit(&arena);
}

/* A limit on hostile input is one on the memory that is really taken. */
static void test_arena_limit_counts_what_tiny_pieces_take(void **state)
{
	(void)state;
	struct snap_arena arena;
	snap_arena_init(&arena, 65536);
	size_t num = 0;
	while (snap_arena_alloc(&arena, 1))
		num++;
	assert_int_equal(num, 65536 / alignof(max_align_t));
	assert_true(arena.exhausted);
	snap_arena_deinit(&arena);
}

static void test_arena_sizes_that_overflow(void **state)
{
	(void)state;
	struct snap_arena arena;
	snap_arena_init(&arena, SIZE_MAX);
	for (size_t i = 0; i < 64; i++)
		assert_null(snap_arena_alloc(&arena, SIZE_MAX - i));
	size_t capacity = SIZE_MAX / 4;
	assert_null(snap_arena_grow(&arena, NULL, capacity, &capacity, 16));
	assert_int_equal(capacity, SIZE_MAX / 4);
	assert_non_null(snap_arena_alloc(&arena, 1));
	snap_arena_deinit(&arena);
}

static void test_arena_grow_keeps_the_items(void **state)
{
	(void)state;
	struct snap_arena arena;
	snap_arena_init(&arena, SIZE_MAX);
	uint32_t *items = NULL;
	size_t capacity = 0, moves = 0;
	for (uint32_t i = 0; i < 10000; i++) {
		uint32_t *grown = snap_arena_grow(&arena, items, i, &capacity, sizeof(*items));
		assert_non_null(grown);
		moves += grown != items;
		items = grown;
		assert_true(capacity > i);
		items[i] = i * 7;
	}
	for (uint32_t i = 0; i < 10000; i++)
		assert_int_equal(items[i], i * 7);
	assert_true(moves < 20);
	snap_arena_deinit(&arena);
}

static void test_arena_grow_in_place(void **state)
{
	(void)state;
	struct snap_arena arena;
	snap_arena_init(&arena, 800);
	size_t capacity = 0;
	uint8_t *items = snap_arena_grow(&arena, NULL, 0, &capacity, 5);
	assert_non_null(items);
	memset(items, 1, 16 * 5);
	/* The last one takes what it grows by, and that is zeroed. */
	assert_ptr_equal(snap_arena_grow(&arena, items, 16, &capacity, 5), items);
	assert_int_equal(capacity, 32);
	assert_int_equal(arena.total, 32 * 5);
	for (size_t i = 0; i < 32 * 5; i++)
		assert_int_equal(items[i], i < 16 * 5);
	memset(items, 1, 32 * 5);
	/* What stands behind it is not overwritten. */
	uint8_t *next = snap_arena_alloc(&arena, 16);
	assert_non_null(next);
	memset(next, 2, 16);
	uint8_t *moved = snap_arena_grow(&arena, items, 32, &capacity, 5);
	assert_non_null(moved);
	assert_ptr_not_equal(moved, items);
	assert_int_equal(capacity, 64);
	for (size_t i = 0; i < 64 * 5; i++)
		assert_int_equal(moved[i], i < 32 * 5);
	for (size_t i = 0; i < 16; i++)
		assert_int_equal(next[i], 2);
	/* Neither does it grow beyond the limit. */
	assert_null(snap_arena_grow(&arena, moved, 64, &capacity, 5));
	assert_int_equal(capacity, 64);
	snap_arena_deinit(&arena);
}

static void test_arena_grow_beyond_the_limit_keeps_the_array(void **state)
{
	(void)state;
	struct snap_arena arena;
	snap_arena_init(&arena, 255);
	size_t capacity = 0;
	uint64_t *items = snap_arena_grow(&arena, NULL, 0, &capacity, sizeof(*items));
	assert_non_null(items);
	assert_int_equal(capacity, 16);
	items[15] = 42;
	assert_null(snap_arena_grow(&arena, items, 16, &capacity, sizeof(*items)));
	assert_true(arena.exhausted);
	assert_int_equal(capacity, 16);
	assert_int_equal(items[15], 42);
	snap_arena_deinit(&arena);
}

static void test_arena_copy_ends_with_a_nul(void **state)
{
	(void)state;
	struct snap_arena arena;
	snap_arena_init(&arena, 64);
	char *copy = snap_arena_copy(&arena, snap_bytes("a\0bc", 3));
	assert_non_null(copy);
	assert_memory_equal(copy, "a\0b\0", 4);
	copy = snap_arena_copy(&arena, snap_bytes(NULL, 0));
	assert_non_null(copy);
	assert_string_equal(copy, "");
	assert_null(snap_arena_copy(&arena, snap_bytes("0123456789abcdef0123456789abcdef", 32)));
	snap_arena_deinit(&arena);
}

static void test_arena_can_be_used_again(void **state)
{
	(void)state;
	struct snap_arena arena;
	snap_arena_init(&arena, 128);
	assert_non_null(snap_arena_alloc(&arena, 128));
	assert_null(snap_arena_alloc(&arena, 1));
	snap_arena_deinit(&arena);
	assert_false(arena.exhausted);
	assert_non_null(snap_arena_alloc(&arena, 128));
	snap_arena_deinit(&arena);
	snap_arena_deinit(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arena_pieces_are_aligned_zeroed_and_apart),
		cmocka_unit_test(test_arena_limit),
		cmocka_unit_test(test_arena_limit_counts_what_tiny_pieces_take),
		cmocka_unit_test(test_arena_sizes_that_overflow),
		cmocka_unit_test(test_arena_grow_keeps_the_items),
		cmocka_unit_test(test_arena_grow_in_place),
		cmocka_unit_test(test_arena_grow_beyond_the_limit_keeps_the_array),
		cmocka_unit_test(test_arena_copy_ends_with_a_nul),
		cmocka_unit_test(test_arena_can_be_used_again),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
