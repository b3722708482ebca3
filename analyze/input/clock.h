/*
 * What a microcontroller's clocks showed (Pigweed's pw.chrono.TimePoint), as time.
 */
#ifndef SNAP_ANALYZE_INPUT_CLOCK_H
#define SNAP_ANALYZE_INPUT_CLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/snapshot.h"

/* seconds may be negative; nanoseconds [0, 1e9) are added. */
struct snap_clock_time {
	int64_t seconds;
	uint32_t nanoseconds;
};

/*
 * The time since the clock's epoch, rounded down to nanoseconds. False if the clock's period is not
 * known, or is none (a part of it is not positive), or the time is out of range.
 */
bool snap_clock_elapsed(const struct snap_time_point *point, struct snap_clock_time *ret);

/*
 * The same as time since 1970-01-01 UTC, leap seconds not counted, of clocks with a date for an
 * epoch. GPS and TAI clocks count leap seconds: those that were announced when this was written
 * (the last one was at the end of 2016) are left out. False as above, and for other epochs.
 */
bool snap_clock_unix(const struct snap_time_point *point, struct snap_clock_time *ret);

/* "boot", "utc", "gps", "tai"; NULL: unknown. Static. */
const char *snap_epoch_name(uint32_t epoch);

/*
 * In words: "61.5 s since boot", "2026-01-02 03:04:05.000 UTC (by its GPS clock)", "123 ticks of a
 * clock of unknown period". At most size bytes with the NUL; 128 will do.
 */
void snap_clock_words(const struct snap_time_point *point, char *buf, size_t size);

#endif
