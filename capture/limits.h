/*
 * What a program that writes to the spool by itself, without the server, sees to: which crashes are
 * wanted, how many, that the spool keeps its limits, and who may read.
 *
 * Crash-time: no allocation, negative errno.
 */
#ifndef SNAP_CAPTURE_LIMITS_H
#define SNAP_CAPTURE_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/access.h"
#include "capture/config.h"
#include "capture/origin.h"
#include "capture/skipped.h"

/*
 * Whether the configuration wants the crash. exe: the whole path of the executable, or its comm.
 */
bool snap_limits_want(const struct snap_config *config, struct snap_bytes exe, uint32_t uid);

/*
 * Before a file is created in the spool, dir_fd: whether there may be one more. origin: what is
 * counted by. Returns 0; or 1 if not, with the reason in *ret. While the process is held: short.
 */
int snap_limits_check(const struct snap_config *config, int dir_fd,
	const struct snap_origin *origin, enum snap_skipped_reason *ret);

/* Record that it was not captured. Returns 0 or a negative errno. */
int snap_limits_skip(const struct snap_config *config, const struct snap_origin *origin,
	enum snap_skipped_reason reason, uint64_t signo, int64_t time_s);

/*
 * When name was published: remove what is too much. Returns 0; -EDQUOT if nothing may go, so that
 * name is too much; or another negative errno.
 */
int snap_limits_keep(const struct snap_config *config, int dir_fd, const char *name);

/* The rights of a file whose process's user is owner; UINT32_MAX: he gets none. */
struct snap_access snap_limits_access(const struct snap_config *config, uint32_t owner);

#endif
