/* capture/utc: seconds since 1970 to dates and back. */
#include "capture/utc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <time.h>

static void test_every_day_there_and_back(void **state)
{
	(void)state;
	for (int64_t day = 0; day * 86400 <= 253402300799; day++) {
		int64_t time_s = day * 86400 + day % 86400, back = -1;
		struct snap_utc utc = snap_utc_from(time_s);
		time_t as_time_t = (time_t)time_s;
		struct tm tm;
		assert_non_null(gmtime_r(&as_time_t, &tm));
		if (utc.year != tm.tm_year + 1900 || utc.month != tm.tm_mon + 1 ||
			utc.day != tm.tm_mday || utc.hour != tm.tm_hour ||
			utc.minute != tm.tm_min || utc.second != tm.tm_sec)
			fail_msg("%lld is another time", (long long)time_s);
		assert_true(snap_utc_to(&utc, &back));
		assert_int_equal(back, time_s);
	}
}

static void test_times_and_dates_that_are_none(void **state)
{
	(void)state;
	static const int64_t times[] = {-1, INT64_MIN, INT64_MAX, 253402300800};
	static const struct snap_utc dates[] = {
		{1969, 12, 31, 23, 59, 59},
		{10000, 1, 1, 0, 0, 0},
		{2026, 0, 1, 0, 0, 0},
		{2026, 13, 1, 0, 0, 0},
		{2026, 1, 0, 0, 0, 0},
		{2026, 1, 32, 0, 0, 0},
		{2026, 4, 31, 0, 0, 0},
		{2026, 2, 29, 0, 0, 0},
		{2100, 2, 29, 0, 0, 0},
		{2026, 1, 1, 24, 0, 0},
		{2026, 1, 1, 0, 60, 0},
		{2026, 1, 1, 0, 0, 60},
		{2026, 1, 1, -1, 0, 0},
	};
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		assert_int_equal(snap_utc_from(times[i]).year, 1970);
	for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++) {
		int64_t time_s;
		if (snap_utc_to(&dates[i], &time_s))
			fail_msg("row %zu is taken for a date", i);
	}
	static const struct snap_utc leap = {2024, 2, 29, 0, 0, 0};
	int64_t time_s;
	assert_true(snap_utc_to(&leap, &time_s));
	assert_int_equal(time_s, 1709164800);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_day_there_and_back),
		cmocka_unit_test(test_times_and_dates_that_are_none),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
