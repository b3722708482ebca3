#include "capture/limits.h"

#include <errno.h>
#include <unistd.h>

#include "capture/filter.h"
#include "capture/rate.h"
#include "capture/spool.h"
#include "capture/spool_usage.h"

/* Large, and needed one after the other. */
static union {
	struct snap_rate rate;
	struct snap_spool_evict evict;
	struct {
		struct snap_skipped collected, whole;
	} skipped;
} work;

bool snap_limits_want(const struct snap_config *config, struct snap_bytes exe, uint32_t uid)
{
	return snap_filter_wants(&config->ignore, &config->only, exe, uid);
}

int snap_limits_check(const struct snap_config *config, int dir_fd,
	const struct snap_origin *origin, enum snap_skipped_reason *ret)
{
	const struct snap_rate_limit rate = {
		.burst = config->rate_burst,
		.interval_ns = config->rate_interval_s * 1000000000,
	};
	bool allowed;
	/* A count that could not be kept is no reason to lose a crash. */
	(void)snap_rate_file_allow(dir_fd, &rate, origin, &work.rate, &allowed);
	if (!allowed) {
		*ret = SNAP_SKIPPED_RATE;
		return 1;
	}
	struct snap_spool_limits limits = snap_spool_limits_of(config);
	if (snap_spool_check_free(dir_fd, &limits) != -ENOSPC)
		return 0;
	/* Files and bytes are seen to when it is written. */
	limits.max_files = limits.max_bytes = UINT64_MAX;
	if (snap_spool_make_room(dir_fd, &limits, 0, origin, &work.evict) != -ENOSPC)
		return 0;
	*ret = SNAP_SKIPPED_DISK;
	return 1;
}

int snap_limits_skip(const struct snap_config *config, const struct snap_origin *origin,
	enum snap_skipped_reason reason, uint64_t signo, int64_t time_s)
{
	int dir_fd, incoming_fd;
	int r = snap_spool_open(config->spool, true, &dir_fd, &incoming_fd);
	if (r < 0)
		return r;
	const struct snap_access access = snap_limits_access(config, UINT32_MAX);
	work.skipped.collected.num = 0;
	snap_skipped_add(&work.skipped.collected, origin, reason, (uint32_t)signo, time_s);
	r = snap_skipped_flush(dir_fd, &access, &work.skipped.collected, &work.skipped.whole);
	(void)close(incoming_fd); /* only looked at */
	(void)close(dir_fd);
	return r;
}

int snap_limits_keep(const struct snap_config *config, int dir_fd, const char *name)
{
	struct snap_spool_limits limits = snap_spool_limits_of(config);
	return snap_spool_keep_limits(dir_fd, &limits, name, &work.evict);
}

struct snap_access snap_limits_access(const struct snap_config *config, uint32_t owner)
{
	struct snap_access access = {
		.owner_access = config->owner_access,
		.has_owner = config->owner_access && owner != UINT32_MAX,
		.owner = owner,
	};
	/* A group that is not there reads nothing. */
	access.has_group = config->group[0] != '\0' &&
			   snap_access_group(config->group, NULL, &access.group) == 0;
	return access;
}
