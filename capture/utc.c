#include "capture/utc.h"

/* Years begin in March here, so that the day that comes and goes is the last one. */
#define DAYS_TO_1970 719468 /* from 0000-03-01 */
#define ERA_DAYS     146097 /* of 400 years */
#define LAST_SECOND  253402300799

struct snap_utc snap_utc_from(int64_t time_s)
{
	if (time_s < 0 || time_s > LAST_SECOND)
		time_s = 0;
	int seconds = (int)(time_s % 86400);
	int64_t days = time_s / 86400 + DAYS_TO_1970;
	int64_t era = days / ERA_DAYS;
	int64_t day_of_era = days % ERA_DAYS;
	int64_t year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	int64_t day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	int64_t month = (5 * day_of_year + 2) / 153; /* 0 is March */
	return (struct snap_utc){
		.year = (int)(era * 400 + year_of_era + (month >= 10 ? 1 : 0)),
		.month = (int)(month < 10 ? month + 3 : month - 9),
		.day = (int)(day_of_year - (153 * month + 2) / 5 + 1),
		.hour = seconds / 3600,
		.minute = seconds / 60 % 60,
		.second = seconds % 60,
	};
}

bool snap_utc_to(const struct snap_utc *utc, int64_t *ret_time_s)
{
	if (utc->year < 1970 || utc->year > 9999 || utc->month < 1 || utc->month > 12 ||
		utc->day < 1 || utc->day > 31 || utc->hour < 0 || utc->hour > 23 ||
		utc->minute < 0 || utc->minute > 59 || utc->second < 0 || utc->second > 59)
		return false;
	int64_t year = utc->year - (utc->month <= 2 ? 1 : 0);
	int64_t month = utc->month > 2 ? utc->month - 3 : utc->month + 9;
	int64_t day_of_year = (153 * month + 2) / 5 + utc->day - 1;
	int64_t year_of_era = year % 400;
	int64_t days = year / 400 * ERA_DAYS + year_of_era * 365 + year_of_era / 4 -
		       year_of_era / 100 + day_of_year - DAYS_TO_1970;
	int64_t time_s = days * 86400 + utc->hour * 3600 + utc->minute * 60 + utc->second;
	struct snap_utc back = snap_utc_from(time_s);
	if (back.day != utc->day) /* a 30th of February has become another day */
		return false;
	*ret_time_s = time_s;
	return true;
}
