/*
 * What a worker may take, and the defaults of the options that say otherwise.
 */
#ifndef SNAP_ANALYZE_SANDBOX_LIMITS_H
#define SNAP_ANALYZE_SANDBOX_LIMITS_H

#include <stdint.h>

struct snap_limits {
	uint64_t memory_bytes; /* of a worker's own; what it maps of files does not count */
	uint64_t time_s;       /* of CPU, for one input; by the clock so many times that: */
	uint64_t output_bytes; /* of one input */
	uint64_t num_requests; /* to the broker, for one input */
	uint64_t num_inputs;   /* of one worker, which then is replaced */
};

/* Waiting for disks and for a busy machine is no fault of an input. */
#define SNAP_CLOCK_PER_CPU 10

#define SNAP_DEFAULT_LIMITS                                                                        \
	{                                                                                          \
		.memory_bytes = UINT64_C(2) << 30, .time_s = 60,                                   \
		.output_bytes = UINT64_C(1) << 30, .num_requests = 1000000, .num_inputs = 1000,    \
	}

#endif
