/*
 * Which of a microcontroller's clocks its log counts by, and the time of an entry by that.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_LOG_CLOCK_H
#define SNAP_ANALYZE_EXPLAIN_LOG_CLOCK_H

#include "analyze/crash.h"
#include "analyze/input/clock.h"

/*
 * Fills crash->device.log_clock, once the log's ticks are known (snap_log_ticks()). No entry says by
 * which clock it counts. It is taken to be the one that counts since boot, as the clock of Pigweed's
 * logs does, or the only one that there is; if its period is known, and no entry is of a later time
 * than the clock showed when the snapshot was made, or of one before it began.
 */
void snap_log_clock_find(struct snap_crash *crash);

/* The time since that clock's epoch. False if it, or the entry's time, is not known. */
bool snap_log_clock_elapsed(
	const struct snap_crash *crash, size_t index, struct snap_clock_time *ret);

/* The same since 1970-01-01 UTC; false also if it is no clock with a date. */
bool snap_log_clock_unix(
	const struct snap_crash *crash, size_t index, struct snap_clock_time *ret);

#endif
