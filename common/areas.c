#include "common/areas.h"

bool snap_mapping_is_file(const struct snap_mapping *mapping)
{
	/* Memory can be named like a file, but then it has no inode. A core has neither. */
	return (mapping->inode != 0 || !mapping->has_device) && mapping->path.len > 0 &&
	       mapping->path.data[0] == '/';
}

uint32_t snap_area_flags(const struct snap_mapping *mapping)
{
	uint32_t flags = mapping->permissions;
	if (snap_mapping_is_file(mapping))
		flags |= SNAP_AREA_FILE;
	else if (snap_bytes_equal_str(mapping->path, "[vdso]"))
		flags |= SNAP_AREA_VDSO;
	if (mapping->path.len > 0 || (flags & SNAP_MAPPING_EXEC))
		flags |= SNAP_AREA_TELLING;
	return flags;
}

void snap_areas_init(struct snap_areas *areas)
{
	areas->num = 0;
	areas->num_left_out = areas->num_telling = 0;
}

void snap_areas_add(void *arg, const struct snap_mapping *mapping)
{
	struct snap_areas *areas = arg;
	uint32_t flags = snap_area_flags(mapping);
	if (flags & SNAP_AREA_TELLING)
		areas->num_telling++;
	/* The search needs their order, which the kernel keeps. */
	if (areas->num == SNAP_AREAS_MAX ||
		(areas->num > 0 && mapping->start < areas->areas[areas->num - 1].end)) {
		areas->num_left_out++;
		return;
	}
	areas->areas[areas->num++] = (struct snap_area){
		.start = mapping->start,
		.end = mapping->end,
		.flags = flags,
	};
}

/* How many areas start at addr or below it. */
static size_t count_up_to(const struct snap_areas *areas, uint64_t addr)
{
	size_t low = 0, high = areas->num;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (areas->areas[middle].start <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct snap_area *snap_areas_find(const struct snap_areas *areas, uint64_t addr)
{
	size_t n = count_up_to(areas, addr);
	return n > 0 && addr < areas->areas[n - 1].end ? &areas->areas[n - 1] : NULL;
}

const struct snap_area *snap_areas_above(const struct snap_areas *areas, uint64_t addr)
{
	size_t n = count_up_to(areas, addr);
	return n < areas->num ? &areas->areas[n] : NULL;
}

const struct snap_area *snap_areas_below(const struct snap_areas *areas, uint64_t addr)
{
	size_t n = count_up_to(areas, addr);
	return n > 0 ? &areas->areas[n - 1] : NULL;
}

const struct snap_area *snap_areas_at_or_above(const struct snap_areas *areas, uint64_t addr)
{
	const struct snap_area *below = snap_areas_below(areas, addr);
	return below && below->start == addr ? below : snap_areas_above(areas, addr);
}

void snap_mapping_quota_init(struct snap_mapping_quota *quota, uint64_t num_telling)
{
	uint64_t room = SNAP_MAX_MAPPINGS_TAKEN;
	*quota = (struct snap_mapping_quota){
		.room = room,
		.plain_room = num_telling < room ? room - num_telling : 0,
	};
}

static void want(struct snap_mapping_quota *quota, const struct snap_area *area)
{
	if (area && quota->num_wanted < SNAP_MAPPINGS_WANTED)
		quota->wanted[quota->num_wanted++] = area->start;
}

void snap_mapping_quota_want(
	struct snap_mapping_quota *quota, const struct snap_areas *areas, uint64_t addr)
{
	const struct snap_area *below = snap_areas_below(areas, addr);
	want(quota, below);
	want(quota, snap_areas_above(areas, addr));
	if (below && below->start > 0)
		want(quota, snap_areas_below(areas, below->start - 1));
}

static bool is_wanted(const struct snap_mapping_quota *quota, uint64_t start)
{
	for (size_t i = 0; i < quota->num_wanted; i++)
		if (quota->wanted[i] == start)
			return true;
	return false;
}

bool snap_mapping_quota_take(struct snap_mapping_quota *quota, const struct snap_mapping *mapping)
{
	bool telling = snap_area_flags(mapping) & SNAP_AREA_TELLING;
	if (is_wanted(quota, mapping->start))
		return true;
	if (quota->room == 0 || (!telling && quota->plain_room == 0)) {
		quota->num_left_out++;
		return false;
	}
	quota->room--;
	if (!telling)
		quota->plain_room--;
	return true;
}
