/* Tags and registered memory: snapcrash.h's, in the annotation area. */
#include <errno.h>
#include <string.h>

#include "capture/lib/own_area.h"
#include "capture/lib/snapcrash.h"

_Static_assert(SNAPCRASH_MAX_KEY < SNAP_LIB_MAX_KEY, "a slot holds what is promised");
_Static_assert(SNAPCRASH_MAX_VALUE < SNAP_LIB_MAX_VALUE, "a slot holds what is promised");
_Static_assert(SNAPCRASH_MAX_RANGE_NAME < SNAP_LIB_MAX_NAME, "a slot holds what is promised");
_Static_assert(SNAPCRASH_MAX_TAGS == SNAP_LIB_TAGS, "as many slots as are promised");
_Static_assert(SNAPCRASH_MAX_RANGES == SNAP_LIB_RANGES, "as many slots as are promised");

/* The tag of that key, else a free slot, else NULL. */
static struct snap_lib_tag *find_tag(struct snap_lib_area *area, const char *key, size_t len)
{
	struct snap_lib_tag *empty = NULL;
	for (size_t i = 0; i < SNAP_LIB_TAGS; i++) {
		struct snap_lib_tag *tag = &area->tags[i];
		if (tag->key_len == len && memcmp(tag->key, key, len) == 0)
			return tag;
		if (!empty && tag->key_len == 0)
			empty = tag;
	}
	return empty;
}

int snapcrash_tag_set(const char *key, const char *value)
{
	if (!key || !*key || !value)
		return EINVAL;
	size_t key_len = strlen(key), value_len = strlen(value);
	if (key_len > SNAPCRASH_MAX_KEY || value_len > SNAPCRASH_MAX_VALUE)
		return EMSGSIZE;
	struct snap_lib_area *area = snap_own_area_make();
	if (!area)
		return ENOMEM;
	int r = snap_own_area_lock();
	if (r != 0)
		return r;
	struct snap_lib_tag *tag = find_tag(area, key, key_len);
	if (tag) {
		snap_own_area_begin(&tag->state);
		memcpy(tag->key, key, key_len + 1);
		memcpy(tag->value, value, value_len + 1);
		tag->key_len = (uint16_t)key_len;
		tag->value_len = (uint16_t)value_len;
		snap_own_area_end(&tag->state);
	}
	snap_own_area_unlock();
	return tag ? 0 : ENOSPC;
}

int snapcrash_tag_unset(const char *key)
{
	if (!key || !*key)
		return EINVAL;
	size_t key_len = strlen(key);
	struct snap_lib_area *area = snap_own_area();
	if (!area || key_len > SNAPCRASH_MAX_KEY)
		return ENOENT;
	int r = snap_own_area_lock();
	if (r != 0)
		return r;
	struct snap_lib_tag *tag = find_tag(area, key, key_len);
	bool found = tag && tag->key_len > 0;
	if (found) {
		snap_own_area_begin(&tag->state);
		tag->key_len = 0;
		snap_own_area_end(&tag->state);
	}
	snap_own_area_unlock();
	return found ? 0 : ENOENT;
}

/* The range that starts there, else a free slot, else NULL. */
static struct snap_lib_range *find_range(struct snap_lib_area *area, uint64_t address)
{
	struct snap_lib_range *empty = NULL;
	for (size_t i = 0; i < SNAP_LIB_RANGES; i++) {
		struct snap_lib_range *range = &area->ranges[i];
		if (range->len > 0 && range->address == address)
			return range;
		if (!empty && range->len == 0)
			empty = range;
	}
	return empty;
}

int snapcrash_range_add(const void *start, size_t len, const char *name)
{
	uintptr_t address = (uintptr_t)start;
	if (len == 0 || !name || !*name || address + (len - 1) < address)
		return EINVAL;
	size_t name_len = strlen(name);
	if (name_len > SNAPCRASH_MAX_RANGE_NAME)
		return EMSGSIZE;
	struct snap_lib_area *area = snap_own_area_make();
	if (!area)
		return ENOMEM;
	int r = snap_own_area_lock();
	if (r != 0)
		return r;
	struct snap_lib_range *range = find_range(area, address);
	if (range) {
		snap_own_area_begin(&range->state);
		memcpy(range->name, name, name_len + 1);
		range->name_len = (uint32_t)name_len;
		range->address = address;
		range->len = len;
		snap_own_area_end(&range->state);
	}
	snap_own_area_unlock();
	return range ? 0 : ENOSPC;
}

int snapcrash_range_remove(const void *start)
{
	struct snap_lib_area *area = snap_own_area();
	if (!area)
		return ENOENT;
	int r = snap_own_area_lock();
	if (r != 0)
		return r;
	struct snap_lib_range *range = find_range(area, (uintptr_t)start);
	bool found = range && range->len > 0;
	if (found) {
		snap_own_area_begin(&range->state);
		range->len = 0;
		snap_own_area_end(&range->state);
	}
	snap_own_area_unlock();
	return found ? 0 : ENOENT;
}
