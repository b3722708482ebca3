#include "analyze/input/clock.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#define NS UINT64_C(1000000000)

/* From 1970-01-01 00:00:00 UTC: 1980-01-06 00:00:00 UTC, and 1958-01-01 00:00:00 TAI, where TAI and
 * UTC are taken to have agreed, as the leap seconds below say. */
#define GPS_EPOCH INT64_C(315964800)
#define TAI_EPOCH INT64_C(-378691200)
/* GPS time is so many seconds behind TAI (IS-GPS-200, 3.3.4). */
#define TAI_MINUS_GPS 19

/* When TAI - UTC became so many seconds, in Unix time (IERS Bulletin C, leap-seconds.list). */
static const struct {
	int64_t from;
	int offset;
} leaps[] = {
	{63072000, 10},
	{78796800, 11},
	{94694400, 12},
	{126230400, 13},
	{157766400, 14},
	{189302400, 15},
	{220924800, 16},
	{252460800, 17},
	{283996800, 18},
	{315532800, 19},
	{362793600, 20},
	{394329600, 21},
	{425865600, 22},
	{489024000, 23},
	{567993600, 24},
	{631152000, 25},
	{662688000, 26},
	{709948800, 27},
	{741484800, 28},
	{773020800, 29},
	{820454400, 30},
	{867715200, 31},
	{915148800, 32},
	{1136073600, 33},
	{1230768000, 34},
	{1341100800, 35},
	{1435708800, 36},
	{1483228800, 37},
};

bool snap_clock_elapsed(const struct snap_time_point *point, struct snap_clock_time *ret)
{
	if (!point->has_ticks || !point->has_period || point->period_numerator <= 0 ||
		point->period_denominator <= 0)
		return false;
	/* At most 2^63 * 2^31 * 2^30: no overflow. */
	__int128 ns = (__int128)point->ticks * point->period_numerator * (__int128)NS;
	__int128 per = point->period_denominator, quotient = ns / per;
	if (ns % per < 0)
		quotient--;
	__int128 seconds = quotient / (__int128)NS;
	if (quotient % (__int128)NS < 0)
		seconds--;
	if (seconds > INT64_MAX / 2 || seconds < INT64_MIN / 2)
		return false;
	ret->seconds = (int64_t)seconds;
	ret->nanoseconds = (uint32_t)(quotient - seconds * (__int128)NS);
	return true;
}

/* tai: seconds of TAI since 1970-01-01 00:00:00 TAI. */
static int64_t utc_of_tai(int64_t tai)
{
	int offset = 0;
	for (size_t i = 0; i < sizeof(leaps) / sizeof(leaps[0]); i++)
		if (tai - leaps[i].offset >= leaps[i].from)
			offset = leaps[i].offset;
	return tai - offset;
}

bool snap_clock_unix(const struct snap_time_point *point, struct snap_clock_time *ret)
{
	struct snap_clock_time time;
	if (!snap_clock_elapsed(point, &time))
		return false;
	switch (point->epoch) {
	case SNAP_EPOCH_UTC:
		break;
	case SNAP_EPOCH_GPS:
		time.seconds = utc_of_tai(time.seconds + GPS_EPOCH + TAI_MINUS_GPS);
		break;
	case SNAP_EPOCH_TAI:
		time.seconds = utc_of_tai(time.seconds + TAI_EPOCH);
		break;
	default:
		return false;
	}
	*ret = time;
	return true;
}

const char *snap_epoch_name(uint32_t epoch)
{
	static const char *const names[] = {NULL, "boot", "utc", "gps", "tai"};
	return epoch < sizeof(names) / sizeof(names[0]) ? names[epoch] : NULL;
}

static void date_words(const struct snap_time_point *point, const struct snap_clock_time *time,
	char *buf, size_t size)
{
	time_t seconds = (time_t)time->seconds;
	struct tm tm;
	char date[64];
	if (!gmtime_r(&seconds, &tm) ||
		strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S", &tm) == 0) {
		(void)snprintf(buf, size, "%" PRId64 " s since 1970", time->seconds);
		return;
	}
	(void)snprintf(buf, size, "%s.%03" PRIu32 " UTC%s", date, time->nanoseconds / 1000000,
		point->epoch == SNAP_EPOCH_GPS	 ? " (by its GPS clock)"
		: point->epoch == SNAP_EPOCH_TAI ? " (by its TAI clock)"
						 : "");
}

void snap_clock_words(const struct snap_time_point *point, char *buf, size_t size)
{
	struct snap_clock_time time;
	if (snap_clock_unix(point, &time)) {
		date_words(point, &time, buf, size);
	} else if (snap_clock_elapsed(point, &time)) {
		bool is_negative = time.seconds < 0;
		/* -0.25 is -1 s and 750 ms. */
		uint64_t seconds = is_negative
					   ? (uint64_t) - (time.seconds + (time.nanoseconds > 0))
					   : (uint64_t)time.seconds;
		uint32_t ns = is_negative && time.nanoseconds > 0 ? (uint32_t)NS - time.nanoseconds
								  : time.nanoseconds;
		(void)snprintf(buf, size, "%s%" PRIu64 ".%06" PRIu32 " s since %s",
			is_negative ? "-" : "", seconds, ns / 1000,
			point->epoch == SNAP_EPOCH_BOOT ? "boot" : "an unknown moment");
	} else if (point->has_ticks) {
		(void)snprintf(buf, size, "%" PRId64 " ticks of a clock %s", point->ticks,
			point->has_period ? "whose period makes no sense" : "of unknown period");
	} else {
		(void)snprintf(buf, size, "a clock that shows nothing");
	}
}
