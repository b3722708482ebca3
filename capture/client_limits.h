/*
 * What the client sees to by itself where no server does it: which crashes are wanted, how many,
 * and that the spool keeps its limits.
 *
 * Crash-time: no allocation, negative errno.
 */
#ifndef SNAP_CAPTURE_CLIENT_LIMITS_H
#define SNAP_CAPTURE_CLIENT_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

#include "capture/access.h"
#include "capture/config.h"
#include "capture/origin.h"
#include "capture/skipped.h"

/*
 * Before a file is created: whether the crash is to be captured. exe: the whole path of the
 * executable, or its comm; origin: what is counted by. Returns 0; 1 if it is not, with the reason
 * in *ret; or a negative errno: the spool can't be used. While the process is held: short.
 */
int snap_client_limits_check(const struct snap_config *config, struct snap_bytes exe,
	const struct snap_origin *origin, enum snap_skipped_reason *ret);

/* Record that it was not captured. Returns 0 or a negative errno. */
int snap_client_limits_skip(const struct snap_config *config, const struct snap_origin *origin,
	enum snap_skipped_reason reason, uint64_t signo, int64_t time_s);

/*
 * After publishing: remove what is too much. Returns 0; -EDQUOT if nothing may go, so that what was
 * just published is too much; or another negative errno.
 */
int snap_client_limits_keep(const struct snap_config *config, int dir_fd);

/* The rights of a file whose process's user is owner; UINT32_MAX: he gets none. */
struct snap_access snap_client_limits_access(const struct snap_config *config, uint32_t owner);

#endif
