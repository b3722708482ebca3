/* What a microcontroller's clocks showed, as time. */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "analyze/explain/log_clock.h"
#include "analyze/input/clock.h"

static struct snap_time_point at(int64_t ticks, int32_t num, int32_t den, uint32_t epoch)
{
	return (struct snap_time_point){
		.has_ticks = true,
		.has_period = true,
		.ticks = ticks,
		.period_numerator = num,
		.period_denominator = den,
		.epoch = epoch,
	};
}

static void assert_elapsed(struct snap_time_point point, int64_t seconds, uint32_t nanoseconds)
{
	struct snap_clock_time time;
	assert_true(snap_clock_elapsed(&point, &time));
	assert_int_equal(time.seconds, seconds);
	assert_int_equal(time.nanoseconds, nanoseconds);
}

static void assert_words(struct snap_time_point point, const char *words)
{
	char buf[128];
	snap_clock_words(&point, buf, sizeof(buf));
	assert_string_equal(buf, words);
}

static void assert_unix(struct snap_time_point point, int64_t seconds)
{
	struct snap_clock_time time;
	assert_true(snap_clock_unix(&point, &time));
	assert_int_equal(time.seconds, seconds);
}

static void test_periods(void **state)
{
	(void)state;
	assert_elapsed(at(61500, 1, 1000, 0), 61, 500000000);
	assert_elapsed(at(7, 10, 1, 0), 70, 0);
	assert_elapsed(at(1, 1, 3, 0), 0, 333333333);
	assert_elapsed(at(32768 * 2 + 1, 1, 32768, 0), 2, 30517);
	assert_elapsed(at(0, 1, 1, 0), 0, 0);
	/* Rounded down, before the epoch as well. */
	assert_elapsed(at(-1, 1, 4, 0), -1, 750000000);
	assert_elapsed(at(-8, 1, 4, 0), -2, 0);
	assert_elapsed(at(-1, 1, 3, 0), -1, 666666666);
	assert_elapsed(at(INT64_MAX, 1, INT_MAX, 0), 4294967298, 0);
}

static void test_no_period(void **state)
{
	(void)state;
	struct snap_clock_time time;
	struct snap_time_point bad[] = {
		at(1, 0, 1, 1),
		at(1, 1, 0, 1),
		at(1, -1, 1, 1),
		at(1, 1, -1, 1),
		at(1, INT_MIN, INT_MIN, 1),
		at(INT64_MAX, INT_MAX, 1, 1),
		at(INT64_MIN, INT_MAX, 1, 1),
		{.has_ticks = true, .ticks = 5, .epoch = SNAP_EPOCH_UTC},
		{.has_period = true, .period_numerator = 1, .period_denominator = 1},
	};
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(snap_clock_elapsed(&bad[i], &time));
		assert_false(snap_clock_unix(&bad[i], &time));
	}
}

static void test_epochs(void **state)
{
	(void)state;
	struct snap_clock_time time;
	struct snap_time_point boot = at(5, 1, 1, SNAP_EPOCH_BOOT), unknown = at(5, 1, 1, 0),
			       other = at(5, 1, 1, 77);
	assert_false(snap_clock_unix(&boot, &time));
	assert_false(snap_clock_unix(&unknown, &time));
	assert_false(snap_clock_unix(&other, &time));
	assert_unix(at(1700000000, 1, 1, SNAP_EPOCH_UTC), 1700000000);
	/* GPS time 0 is 1980-01-06 00:00:00 UTC; 1384035218 is 2023-11-14 22:13:20 UTC, for which
	 * the receivers' tables have 18 leap seconds. */
	assert_unix(at(0, 1, 1, SNAP_EPOCH_GPS), 315964800);
	assert_unix(at(1384035218, 1, 1, SNAP_EPOCH_GPS), 1700000000);
	/* The leap second at the end of 2016, 23:59:60, which Unix time does not have. */
	assert_unix(at(1167264016, 1, 1, SNAP_EPOCH_GPS), 1483228799);
	assert_unix(at(1167264017, 1, 1, SNAP_EPOCH_GPS), 1483228800);
	assert_unix(at(1167264018, 1, 1, SNAP_EPOCH_GPS), 1483228800);
	/* TAI - UTC was 37 s then, and 10 s when 1972 began. */
	assert_unix(at(378691200 + 1700000000 + 37, 1, 1, SNAP_EPOCH_TAI), 1700000000);
	assert_unix(at(378691200 + 63072000 + 10, 1, 1, SNAP_EPOCH_TAI), 63072000);
}

static void test_words(void **state)
{
	(void)state;
	assert_words(at(61500, 1, 1000, SNAP_EPOCH_BOOT), "61.500000 s since boot");
	assert_words(at(-1, 1, 4, SNAP_EPOCH_BOOT), "-0.250000 s since boot");
	assert_words(at(-5, 1, 4, SNAP_EPOCH_BOOT), "-1.250000 s since boot");
	assert_words(at(3, 1, 2, 0), "1.500000 s since an unknown moment");
	assert_words(at(1700000000, 1, 1, SNAP_EPOCH_UTC), "2023-11-14 22:13:20.000 UTC");
	assert_words(at(1384035218, 1, 1, SNAP_EPOCH_GPS),
		"2023-11-14 22:13:20.000 UTC (by its GPS clock)");
	assert_words(at(2078691237, 1, 1, SNAP_EPOCH_TAI),
		"2023-11-14 22:13:20.000 UTC (by its TAI clock)");
	assert_words((struct snap_time_point){.has_ticks = true, .ticks = -9},
		"-9 ticks of a clock of unknown period");
	assert_words(at(9, 0, 1, 1), "9 ticks of a clock whose period makes no sense");
	assert_words((struct snap_time_point){0}, "a clock that shows nothing");
	assert_string_equal(snap_epoch_name(SNAP_EPOCH_BOOT), "boot");
	assert_string_equal(snap_epoch_name(SNAP_EPOCH_TAI), "tai");
	assert_null(snap_epoch_name(0));
	assert_null(snap_epoch_name(5));
}

/* A log of entries at these ticks, in a snapshot with these clocks. */
static const struct snap_crash *with_log(
	struct snap_time_point *clocks, size_t num_clocks, struct snap_log *logs, size_t num_logs)
{
	static struct snap_crash crash;
	crash = (struct snap_crash){.logs = logs, .num_logs = num_logs};
	crash.device.is_device = true;
	crash.device.timestamps = clocks;
	crash.device.num_timestamps = num_clocks;
	snap_log_clock_find(&crash);
	return &crash;
}

static void test_clock_of_the_log(void **state)
{
	(void)state;
	struct snap_clock_time time;
	struct snap_log logs[] = {
		{.has_timestamp = true, .timestamp = 0},
		{.dropped = 3},
		{.has_timestamp = true, .timestamp = 2500},
	};
	struct snap_time_point boot = at(2500, 1, 1000, SNAP_EPOCH_BOOT);
	struct snap_time_point utc = at(1700000000, 1, 1, SNAP_EPOCH_UTC);
	const struct snap_crash *crash = with_log(&boot, 1, logs, 3);
	assert_true(snap_log_clock_elapsed(crash, 2, &time));
	assert_int_equal(time.seconds, 2);
	assert_int_equal(time.nanoseconds, 500000000);
	assert_true(snap_log_clock_elapsed(crash, 0, &time));
	assert_false(snap_log_clock_elapsed(crash, 1, &time));
	assert_false(snap_log_clock_unix(crash, 2, &time));
	/* the one since boot, wherever it stands */
	struct snap_time_point both[] = {utc, boot};
	crash = with_log(both, 2, logs, 3);
	assert_true(snap_log_clock_elapsed(crash, 2, &time));
	assert_int_equal(time.seconds, 2);
	/* the only one */
	crash = with_log(&utc, 1, logs, 3);
	assert_true(snap_log_clock_unix(crash, 2, &time));
	assert_int_equal(time.seconds, 2500);

	/* Of no clock, of several, of one without a period; of entries that are
	 * later than the snapshot, or before the clock began. */
	assert_false(snap_log_clock_elapsed(with_log(NULL, 0, logs, 3), 2, &time));
	struct snap_time_point many[] = {boot, boot, utc};
	assert_false(snap_log_clock_elapsed(with_log(many, 3, logs, 3), 2, &time));
	struct snap_time_point dates[] = {utc, at(5000, 1, 1000, SNAP_EPOCH_UNKNOWN)};
	assert_false(snap_log_clock_elapsed(with_log(dates, 2, logs, 3), 2, &time));
	struct snap_time_point odd = {.has_ticks = true, .ticks = 9999, .epoch = SNAP_EPOCH_BOOT};
	assert_false(snap_log_clock_elapsed(with_log(&odd, 1, logs, 3), 2, &time));
	logs[2].timestamp = 2501;
	assert_false(snap_log_clock_elapsed(with_log(&boot, 1, logs, 3), 0, &time));
	logs[2].timestamp = -1;
	assert_false(snap_log_clock_elapsed(with_log(&boot, 1, logs, 3), 0, &time));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_periods),
		cmocka_unit_test(test_no_period),
		cmocka_unit_test(test_epochs),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_clock_of_the_log),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
