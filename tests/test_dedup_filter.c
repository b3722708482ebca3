/* dedup/filter: points in time as users write them, and conditions. */
#include "analyze/dedup/filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#define S INT64_C(1000000000)
#define NOW (INT64_C(1795000000) * S)

static void test_times(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		int64_t seconds; /* -1: it is none */
	} cases[] = {
		{"1970-01-01", 0},
		{"2026-11-18", 1794960000},
		{"2026-11-18T11:06", 1794999960},
		{"2026-11-18T11:06:40", 1795000000},
		{"2026-11-18T11:06:40Z", 1795000000},
		{"2026-11-18 11:06:40", 1795000000},
		{"2026-11-18T11:06Z", 1794999960},
		{"30m", 1795000000 - 1800},
		{"12h", 1795000000 - 43200},
		{"7d", 1795000000 - 604800},
		{"2w", 1795000000 - 1209600},
		{"0d", 1795000000},
		{"9999999w", 0},
		{"", -1},
		{"7", -1},
		{"d", -1},
		{"7x", -1},
		{"7dd", -1},
		{"-7d", -1},
		{"99999999999d", -1},
		{"2026-11", -1},
		{"2026-13-01", -1},
		{"2026-11-18Z", -1},
		{"2026-11-18T25:00", -1},
		{"2026-11-18T11:06:40+01:00", -1},
		{"1969-12-31", -1},
		{"yesterday", -1},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t got = -S;
		bool is_time = snap_filter_parse_time(cases[i].text, NOW, &got);
		if (is_time != (cases[i].seconds >= 0) || got != cases[i].seconds * S)
			print_message("%s: %lld\n", cases[i].text, (long long)got);
		assert_int_equal(is_time, cases[i].seconds >= 0);
		assert_true(got == cases[i].seconds * S);
	}
}

static void test_conditions(void **state)
{
	(void)state;
	struct snap_filter filter = {0};
	char *sql = snap_filter_sql(&filter, 1);
	assert_string_equal(sql, "");
	free(sql);
	assert_true(snap_filter_add(&filter, SNAP_FILTER_VERSION, "1"));
	assert_true(snap_filter_add(&filter, SNAP_FILTER_KIND, "'; DROP TABLE crashes"));
	assert_true(snap_filter_add(&filter, SNAP_FILTER_VERSION, "2"));
	filter.has_since = true;
	sql = snap_filter_sql(&filter, 5);
	assert_string_equal(
		sql, " AND version IN (?5, ?7) AND kind IN (?6) AND captured_ns >= ?8");
	free(sql);
	snap_filter_deinit(&filter);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_conditions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
