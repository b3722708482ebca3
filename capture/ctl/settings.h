/*
 * The two settings of the kernel that decide who gets the core of a process that crashes:
 * core_pattern and core_pipe_limit.
 */
#ifndef SNAP_CAPTURE_CTL_SETTINGS_H
#define SNAP_CAPTURE_CTL_SETTINGS_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/core_pattern.h"
#include "common/error.h"

struct snap_settings {
	char pattern[SNAP_CORE_PATTERN_SIZE];
	uint64_t pipe_limit;
};

/*
 * Wait, for some seconds, until no other snapcrashctl of this machine is at work, whatever its
 * configuration. Returns a descriptor that holds the lock until it is closed, or -1.
 */
int snap_settings_lock(struct snap_error *err);

/* Returns 0 or -1. */
int snap_settings_read(struct snap_settings *ret, struct snap_error *err);

/*
 * Write one of them and read it back: the kernel cuts, and ignores, without a word. Returns 0 or
 * -1; it may have changed even then.
 */
int snap_settings_write_pattern(const char *pattern, struct snap_error *err);
int snap_settings_write_pipe_limit(uint64_t limit, struct snap_error *err);

/* Whether this kernel is Linux major.minor or newer, as far as uname(2) tells. */
bool snap_kernel_is(unsigned int major, unsigned int minor);

#endif
