#include "capture/server/admit.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "capture/filter.h"
#include "capture/server/log.h"
#include "capture/spool.h"

/* How often at most the record of what was skipped is written. */
#define SKIPPED_MS 1000

static uint64_t now_ns(void)
{
	struct timespec now;
	(void)clock_gettime(CLOCK_BOOTTIME, &now); /* can't fail */
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int64_t now_ms(void)
{
	return (int64_t)(now_ns() / 1000000);
}

/* What can't be found is told, and is as if it were not configured. */
void snap_admit_init(struct snap_admit *admit, const struct snap_config *config)
{
	admit->config = config;
	admit->limits = snap_spool_limits_of(config);
	admit->access.owner_access = config->owner_access;
	if (config->group[0] == '\0')
		return;
	admit->access.has_group = snap_access_group(config->group, NULL, &admit->access.group) == 0;
	if (!admit->access.has_group)
		snap_log(SNAP_LOG_ERROR, "no group '%s': only root can read snapshots",
			config->group);
}

static void skip(struct snap_admit *admit, const struct snap_origin *origin,
	enum snap_skipped_reason reason, uint32_t signo)
{
	if (admit->skipped.num == 0)
		admit->skipped_since_ms = now_ms();
	snap_skipped_add(&admit->skipped, origin, reason, signo, (int64_t)time(NULL));
}

enum snap_refusal snap_admit_ask(
	struct snap_admit *admit, const struct snap_origin *origin, uint32_t signo, int dir_fd)
{
	const struct snap_config *config = admit->config;
	const struct snap_rate_limit limit = {
		origin->on_demand ? config->app_rate_burst : config->rate_burst,
		(origin->on_demand ? config->app_rate_interval_s : config->rate_interval_s) *
			1000000000,
	};
	if (!origin->on_demand && !snap_filter_wants(&config->ignore, &config->only,
					  snap_bytes(origin->exe, origin->exe_len), origin->uid)) {
		skip(admit, origin, SNAP_SKIPPED_IGNORED, signo);
		return SNAP_REFUSED_IGNORED;
	}
	if (!snap_rate_allow(&admit->rate, &limit, origin, now_ns())) {
		skip(admit, origin, SNAP_SKIPPED_RATE, signo);
		return SNAP_REFUSED_RATE;
	}
	/* Snapshots may go for it. */
	if (snap_spool_check_free(dir_fd, &admit->limits) == -ENOSPC &&
		snap_spool_make_room(dir_fd, &admit->limits, 1, origin, &admit->evict) < 0) {
		skip(admit, origin, SNAP_SKIPPED_DISK, signo);
		return SNAP_REFUSED_FULL;
	}
	return 0;
}

int snap_admit_published(struct snap_admit *admit, int dir_fd, const char *name,
	const struct snap_origin *origin, uint32_t signo)
{
	int r = snap_spool_keep_limits(dir_fd, &admit->limits, name, &admit->evict);
	if (admit->evict.num_evicted > 0)
		snap_log(SNAP_LOG_INFO, "%llu snapshots were removed, to keep the limits",
			(unsigned long long)admit->evict.num_evicted);
	if (r != -EDQUOT)
		return 0;
	skip(admit, origin, SNAP_SKIPPED_FULL, signo);
	(void)unlinkat(dir_fd, name, 0); /* what can't be removed stays */
	return -EDQUOT;
}

int snap_admit_wait_ms(const struct snap_admit *admit)
{
	if (admit->skipped.num == 0)
		return -1;
	int64_t left = admit->skipped_since_ms + SKIPPED_MS - now_ms();
	return left > 0 ? (int)left : 0;
}

void snap_admit_flush(struct snap_admit *admit)
{
	int dir_fd, incoming_fd;
	if (admit->skipped.num == 0)
		return;
	int r = snap_spool_open(admit->config->spool, true, &dir_fd, &incoming_fd);
	if (r == 0) {
		r = snap_skipped_flush(
			dir_fd, &admit->access, &admit->skipped, &admit->skipped_work);
		(void)close(incoming_fd); /* only looked at */
		(void)close(dir_fd);
	}
	if (r < 0)
		snap_log(SNAP_LOG_WARNING, "cannot keep the record of what is skipped: %s",
			snap_spool_strerror(r));
	/* If it failed, it is tried again as late as if there were more. */
	admit->skipped_since_ms = now_ms();
}
