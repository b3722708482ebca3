#include "analyze/explain/log_clock.h"

/* The only clock since boot, else the only one. NULL: none, or several. */
static const struct snap_time_point *find_clock(const struct snap_device *device)
{
	const struct snap_time_point *found = NULL;
	size_t num = 0;
	for (size_t i = 0; i < device->num_timestamps; i++)
		if (device->timestamps[i].epoch == SNAP_EPOCH_BOOT) {
			found = &device->timestamps[i];
			num++;
		}
	if (num > 0)
		return num == 1 ? found : NULL;
	return device->num_timestamps == 1 ? &device->timestamps[0] : NULL;
}

void snap_log_clock_find(struct snap_crash *crash)
{
	const struct snap_time_point *clock = find_clock(&crash->device);
	struct snap_clock_time ignored;
	int64_t ticks;
	crash->device.log_clock = NULL;
	if (!crash->device.is_device || !clock || !snap_clock_elapsed(clock, &ignored))
		return;
	for (size_t i = 0; i < crash->num_logs; i++)
		if (snap_log_ticks(crash, i, &ticks) && (ticks < 0 || ticks > clock->ticks))
			return;
	crash->device.log_clock = clock;
}

/* What the clock showed then. */
static bool point_of(const struct snap_crash *crash, size_t index, struct snap_time_point *ret)
{
	if (!crash->device.log_clock || !snap_log_ticks(crash, index, &ret->ticks))
		return false;
	int64_t ticks = ret->ticks;
	*ret = *crash->device.log_clock;
	ret->ticks = ticks;
	return true;
}

bool snap_log_clock_elapsed(
	const struct snap_crash *crash, size_t index, struct snap_clock_time *ret)
{
	struct snap_time_point point;
	return point_of(crash, index, &point) && snap_clock_elapsed(&point, ret);
}

bool snap_log_clock_unix(
	const struct snap_crash *crash, size_t index, struct snap_clock_time *ret)
{
	struct snap_time_point point;
	return point_of(crash, index, &point) && snap_clock_unix(&point, ret);
}
