/* analyze/symbols/paint: against one address at a time. */
#include "analyze/symbols/paint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define SPACE	     64u

static uint32_t seed = 1;

static uint32_t random_below(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static uint32_t colour_at(const struct snap_painted *painted, size_t num, uint64_t addr)
{
	uint32_t colour = 0;
	for (size_t i = 0; i < num && painted[i].start <= addr; i++)
		colour = painted[i].colour;
	return colour;
}

/* Among equal layers: the later, and so whatever its array has become sorted by. */
static uint32_t naive_at(const struct snap_paint *paints, size_t num, uint64_t addr)
{
	const struct snap_paint *best = NULL;
	for (size_t i = 0; i < num; i++)
		if (addr >= paints[i].start && addr < paints[i].end &&
			(!best || paints[i].layer >= best->layer))
			best = &paints[i];
	return best ? best->colour : 0;
}

static void check(struct snap_paint *paints, size_t num, uint64_t base)
{
	struct snap_painted *painted;
	size_t num_painted;
	assert_int_equal(snap_paint(paints, num, &painted, &num_painted), 0);
	assert_true(num_painted <= 2 * num);
	for (size_t i = 0; i < num_painted; i++) {
		assert_true(i == 0 || painted[i].start > painted[i - 1].start);
		assert_true(painted[i].colour != (i == 0 ? 0 : painted[i - 1].colour));
	}
	assert_true(num_painted == 0 || painted[num_painted - 1].colour == 0);
	for (uint64_t addr = base; addr < base + SPACE; addr++)
		assert_int_equal(
			colour_at(painted, num_painted, addr), naive_at(paints, num, addr));
	free(painted);
}

static void test_paint_at_random(void **state)
{
	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct snap_paint paints[24];
		size_t num = random_below(ARRAY_LEN(paints) + 1);
		uint64_t base = round % 2 ? 0 : UINT64_MAX - SPACE;
		uint32_t layers = 1 + random_below(6), colours = 1 + random_below(5);
		for (size_t i = 0; i < num; i++) {
			uint64_t start = random_below(SPACE - 1);
			paints[i] = (struct snap_paint){
				.start = base + start,
				.end = base + start + 1 + random_below((uint32_t)(SPACE - start)),
				.layer = round % 3 ? (uint32_t)i : random_below(layers),
				.colour = 1 + random_below(colours),
			};
		}
		check(paints, num, base);
	}
}

static void test_paint_of_equal_places(void **state)
{
	(void)state;
	/* Of the same place and layer the later in the array counts. */
	struct snap_paint same[] = {{10, 20, 1, 1}, {10, 20, 1, 2}, {10, 20, 0, 3}};
	struct snap_painted *painted;
	size_t num;
	assert_int_equal(snap_paint(same, 3, &painted, &num), 0);
	assert_int_equal(num, 2);
	assert_int_equal(painted[0].colour, 2);
	free(painted);
	/* Those that touch and have one colour are one; an empty one is none. */
	struct snap_paint touching[] = {
		{10, 20, 0, 1}, {20, 30, 0, 1}, {30, 30, 5, 2}, {40, 35, 5, 2}};
	assert_int_equal(snap_paint(touching, 4, &painted, &num), 0);
	assert_int_equal(num, 2);
	assert_int_equal(painted[1].start, 30);
	free(painted);
	assert_int_equal(snap_paint(NULL, 0, &painted, &num), 0);
	assert_int_equal(num, 0);
	free(painted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paint_at_random),
		cmocka_unit_test(test_paint_of_equal_places),
	};
	return cmocka_run_group_tests_name("paint", tests, NULL, NULL);
}
