/*
 * How many crashes of one executable and user are captured: a token bucket for each, so that a
 * crash loop neither wears out flash nor pushes out others' snapshots. What counts is that a
 * capture was begun, not that it succeeded.
 *
 * Bounded: SNAP_RATE_MAX buckets; the one that is least exhausted makes room for a new one, so that
 * a loop is not forgotten over many that crash once.
 *
 * The table is kept in memory by who lives long, and in a file by who does not.
 * Crash-time: no allocation, negative errno.
 */
#ifndef SNAP_CAPTURE_RATE_H
#define SNAP_CAPTURE_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "capture/origin.h"

#define SNAP_RATE_MAX 256

struct snap_rate_bucket {
	/* When it will be full again; at each capture it is put off by one interval. */
	uint64_t full_ns;
	struct snap_origin origin;
};

/* Large (some 70 KiB): static. All zeros is an empty one. */
struct snap_rate {
	uint64_t num;
	struct snap_rate_bucket buckets[SNAP_RATE_MAX];
};

struct snap_rate_limit {
	uint64_t burst;	      /* so many at once; 0: no limit */
	uint64_t interval_ns; /* from then on, one in so long; 0: no limit */
};

/*
 * Whether one more is allowed at now_ns, of a clock that does not go back; takes a token if so.
 */
bool snap_rate_allow(struct snap_rate *rate, const struct snap_rate_limit *limit,
	const struct snap_origin *origin, uint64_t now_ns);

/*
 * The same with the table in the file SNAP_RATE_FILE of a directory, for programs that end; rate is
 * room to work in. The clock is CLOCK_BOOTTIME, and with another boot all buckets are full again. A
 * file that is not ours or that can't be had in time stands for an empty one: better a snapshot too
 * many. Returns 0, or a negative errno if the count was not kept; *ret is valid in both cases.
 */
#define SNAP_RATE_FILE ".rate"
int snap_rate_file_allow(int dir_fd, const struct snap_rate_limit *limit,
	const struct snap_origin *origin, struct snap_rate *rate, bool *ret);

#endif
