/*
 * What a worker gives up before it reads anything hostile, once and for all: files, the network,
 * other processes, and more memory and time than its limits.
 */
#ifndef SNAP_ANALYZE_SANDBOX_JAIL_H
#define SNAP_ANALYZE_SANDBOX_JAIL_H

#include <stdbool.h>
#include <stddef.h>

#include "analyze/sandbox/limits.h"
#include "common/error.h"

/* In the filters, where the worker's process ID is to stand; larger than any. */
#define SNAP_FILTER_PID 0x7ab5c0deu

/*
 * Of a process with one thread. Of descriptors above 2, all but the num_keep of keep, which are two
 * at most, are closed. may_fork: work may be spread over processes, which inherit all of it. -1 and *err if
 * the kernel can't filter system calls: then nothing hostile must be read.
 */
int snap_jail_enter(
	const struct snap_limits *limits, const int *keep, size_t num_keep, bool may_fork,
	struct snap_error *err);

/* What is left out in a build with sanitizers, in words; NULL: this is none. */
const char *snap_jail_missing(void);

#endif
