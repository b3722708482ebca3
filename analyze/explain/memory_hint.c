#include "analyze/explain/memory_hint.h"

#include <inttypes.h>
#include <stdio.h>

/* From there on, little was left. */
#define FULL_PERCENT 95u

/* "64 MiB", "1.5 GiB", "4096 bytes". */
static void size_words(uint64_t bytes, char *out, size_t size)
{
	static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
	uint64_t tenths = bytes;
	size_t unit = 0;
	if (bytes < 1024 * 10) {
		(void)snprintf(out, size, "%" PRIu64 " bytes", bytes);
		return;
	}
	/* In tenths of a unit that leaves less than four digits before the point. */
	tenths = bytes / 1024 * 10 + bytes % 1024 * 10 / 1024;
	while (tenths >= 10240 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		tenths /= 1024;
		unit++;
	}
	if (tenths % 10 == 0)
		(void)snprintf(out, size, "%" PRIu64 " %s", tenths / 10, units[unit]);
	else
		(void)snprintf(out, size, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10, tenths % 10,
			units[unit]);
}

static unsigned int percent(uint64_t part, uint64_t whole)
{
	if (part >= whole)
		return 100;
	/* Neither is beyond 2^64 / 100 where it counts. */
	return part > UINT64_MAX / 100 ? (unsigned int)(part / (whole / 100))
				       : (unsigned int)(part * 100 / whole);
}

int snap_memory_hint_find(struct snap_crash *crash)
{
	const struct snap_process *process = &crash->process;
	bool has_peak = process->has_cgroup_memory_peak, has_use = false;
	uint64_t used = has_peak ? process->cgroup_memory_peak : process->cgroup_memory_current;
	uint64_t limit = process->cgroup_memory_limit;
	uint64_t kills = process->has_cgroup_oom_kill ? process->cgroup_oom_kill : 0;
	uint64_t fails = process->has_cgroup_oom ? process->cgroup_oom : 0;
	char size[32], use[80] = "", events[120] = "";
	if ((has_peak || process->has_cgroup_memory_current) && process->has_cgroup_memory_limit &&
		limit > 0 && percent(used, limit) >= FULL_PERCENT) {
		size_words(limit, size, sizeof(size));
		(void)snprintf(use, sizeof(use), "had used %u %% of its %s", percent(used, limit),
			size);
		has_use = true;
	}
	if (kills > 0)
		(void)snprintf(events, sizeof(events),
			"%sthe kernel had killed %" PRIu64 " process%s%s for want of memory",
			has_use ? "; " : "", kills, kills == 1 ? "" : "es",
			has_use ? " there" : "");
	else if (fails > 0)
		(void)snprintf(events, sizeof(events),
			"%sthe limit had left it without memory %" PRIu64 " time%s",
			has_use ? "; " : "", fails, fails == 1 ? "" : "s");
	if (!has_use && kills == 0 && fails == 0)
		return 0;
	const char *group = process->has_cgroup_levels_up && process->cgroup_levels_up > 0
				    ? "A control group above its own"
				    : "Its control group";
	crash->cause.memory_hint = has_use ? snap_crash_format(crash, "%s %s%s.", group, use, events)
					   : snap_crash_format(crash, "In %s %s.",
						     process->cgroup_levels_up > 0
							     ? "a control group above its own,"
							     : "its control group,",
						     events);
	return crash->cause.memory_hint ? 0 : -1;
}
