/* common/areas: which mapping an address lies in, and which mappings become records. */
#include "common/areas.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

static struct snap_areas areas;

static void add(uint64_t start, uint64_t end, const char *path)
{
	struct snap_mapping mapping = {
		.start = start,
		.end = end,
		.permissions = SNAP_MAPPING_READ,
		.path = snap_bytes_str(path),
		.has_device = true,
		.inode = path && path[0] == '/' ? 1 : 0,
	};
	snap_areas_add(&areas, &mapping);
}

static void test_found_by_address(void **state)
{
	(void)state;
	snap_areas_init(&areas);
	assert_null(snap_areas_find(&areas, 0));
	assert_null(snap_areas_above(&areas, 0));
	add(0x1000, 0x2000, "/bin/x");
	add(0x2000, 0x3000, NULL);
	add(0x5000, 0x6000, "[vdso]");
	assert_null(snap_areas_find(&areas, 0xfff));
	assert_int_equal(snap_areas_find(&areas, 0x1000)->start, 0x1000);
	assert_int_equal(snap_areas_find(&areas, 0x1fff)->start, 0x1000);
	assert_int_equal(snap_areas_find(&areas, 0x2000)->start, 0x2000);
	assert_null(snap_areas_find(&areas, 0x3000));
	assert_null(snap_areas_find(&areas, UINT64_MAX));
	assert_int_equal(snap_areas_above(&areas, 0x3000)->start, 0x5000);
	assert_int_equal(snap_areas_above(&areas, 0)->start, 0x1000);
	assert_null(snap_areas_above(&areas, 0x5000));
	assert_int_equal(
		areas.areas[0].flags, SNAP_MAPPING_READ | SNAP_AREA_FILE | SNAP_AREA_TELLING);
	assert_int_equal(areas.areas[1].flags, SNAP_MAPPING_READ);
	assert_int_equal(
		areas.areas[2].flags, SNAP_MAPPING_READ | SNAP_AREA_VDSO | SNAP_AREA_TELLING);
	assert_int_equal(areas.num_telling, 2);
}

static void test_out_of_order_or_too_many_are_counted(void **state)
{
	(void)state;
	snap_areas_init(&areas);
	add(0x2000, 0x3000, NULL);
	add(0x1000, 0x2000, NULL);
	add(0x2fff, 0x4000, NULL);
	assert_int_equal(areas.num, 1);
	assert_int_equal(areas.num_left_out, 2);
	for (uint64_t i = 3; areas.num < SNAP_AREAS_MAX; i++)
		add(i * 0x1000, (i + 1) * 0x1000, NULL);
	add(UINT64_MAX - 1, UINT64_MAX, NULL);
	assert_int_equal(areas.num, SNAP_AREAS_MAX);
	assert_int_equal(areas.num_left_out, 3);
}

static void test_a_file_has_an_inode_unless_nobody_knows(void **state)
{
	(void)state;
	struct snap_mapping mapping = {.path = snap_bytes_str("/dev/zero"), .has_device = true};
	assert_false(snap_mapping_is_file(&mapping)); /* memory that was named so */
	mapping.inode = 1;
	assert_true(snap_mapping_is_file(&mapping));
	mapping = (struct snap_mapping){.path = snap_bytes_str("/bin/x")}; /* of a core */
	assert_true(snap_mapping_is_file(&mapping));
	mapping.path = snap_bytes_str("[heap]");
	assert_false(snap_mapping_is_file(&mapping));
}

static unsigned int take(struct snap_mapping_quota *quota, const char *path, unsigned int times)
{
	const struct snap_mapping mapping = {.start = 1, .end = 2, .path = snap_bytes_str(path)};
	unsigned int taken = 0;
	for (unsigned int i = 0; i < times; i++)
		taken += snap_mapping_quota_take(quota, &mapping);
	return taken;
}

static void test_anonymous_mappings_are_left_out_first(void **state)
{
	(void)state;
	struct snap_mapping_quota quota;
	snap_mapping_quota_init(&quota, 96);
	assert_int_equal(take(&quota, NULL, 5000), SNAP_MAX_MAPPINGS_TAKEN - 96);
	assert_int_equal(take(&quota, "/bin/x", 100), 96);
	assert_int_equal(quota.num_left_out, 5000 - (SNAP_MAX_MAPPINGS_TAKEN - 96) + 4);

	snap_mapping_quota_init(&quota, SNAP_MAX_MAPPINGS_TAKEN + 10);
	assert_int_equal(take(&quota, NULL, 10), 0);
	assert_int_equal(take(&quota, "/bin/x", 5000), SNAP_MAX_MAPPINGS_TAKEN);
}

/* Where the crash was, however many others there are. */
static void test_the_mappings_round_an_address_are_taken(void **state)
{
	(void)state;
	static const uint64_t of_interest[] = {0x9000 * 0x2000 + 0x10, 0x9100 * 0x2000 + 0x1000};
	struct snap_mapping_quota quota;
	uint64_t taken[8];
	size_t num_taken = 0;
	snap_areas_init(&areas);
	/* Each second page: the second address is in between. */
	for (uint64_t i = 1; i <= 0xa000; i++)
		add(i * 0x2000, i * 0x2000 + 0x1000, NULL);
	snap_mapping_quota_init(&quota, 0);
	for (size_t i = 0; i < 2; i++)
		snap_mapping_quota_want(&quota, &areas, of_interest[i]);
	for (uint64_t i = 1; i <= 0xa000; i++) {
		const struct snap_mapping mapping = {
			.start = i * 0x2000, .end = i * 0x2000 + 0x1000};
		if (snap_mapping_quota_take(&quota, &mapping) && i > SNAP_MAX_MAPPINGS_TAKEN) {
			assert_true(num_taken < 8);
			taken[num_taken++] = i;
		}
	}
	static const uint64_t expected[] = {0x8fff, 0x9000, 0x9001, 0x90ff, 0x9100, 0x9101};
	assert_int_equal(num_taken, 6);
	assert_memory_equal(taken, expected, sizeof(expected));
	assert_int_equal(quota.num_left_out, 0xa000 - SNAP_MAX_MAPPINGS_TAKEN - 6);
	/* Nothing is anywhere near, and no more than there is room for. */
	snap_areas_init(&areas);
	for (size_t i = 0; i < 20; i++)
		snap_mapping_quota_want(&quota, &areas, i);
	assert_int_equal(quota.num_wanted, 6);
	add(0x1000, 0x2000, NULL);
	for (size_t i = 0; i < 20; i++)
		snap_mapping_quota_want(&quota, &areas, 0x1000);
	assert_int_equal(quota.num_wanted, SNAP_MAPPINGS_WANTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found_by_address),
		cmocka_unit_test(test_out_of_order_or_too_many_are_counted),
		cmocka_unit_test(test_a_file_has_an_inode_unless_nobody_knows),
		cmocka_unit_test(test_anonymous_mappings_are_left_out_first),
		cmocka_unit_test(test_the_mappings_round_an_address_are_taken),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
