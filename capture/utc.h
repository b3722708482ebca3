/*
 * Seconds since 1970 to a date and back. Not gmtime_r(): glibc's loads the local time zone's file,
 * and allocates.
 *
 * Crash-time: no allocation.
 */
#ifndef SNAP_CAPTURE_UTC_H
#define SNAP_CAPTURE_UTC_H

#include <stdbool.h>
#include <stdint.h>

/* Of the proleptic Gregorian calendar, years 1970 to 9999. */
struct snap_utc {
	int year, month, day; /* month and day from 1 */
	int hour, minute, second;
};

/* A time outside of those years counts as the beginning of 1970. */
struct snap_utc snap_utc_from(int64_t time_s);

/* False if it is none of those years, or no date. */
bool snap_utc_to(const struct snap_utc *utc, int64_t *ret_time_s);

#endif
