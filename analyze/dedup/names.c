#include "analyze/dedup/names.h"

#include <stdlib.h>
#include <string.h>

#define LEAST_SLOTS 64

/* FNV-1a. Who chooses names so that they collide makes his own dashboard slow. */
static uint64_t hash(const char *name)
{
	uint64_t ret = UINT64_C(0xcbf29ce484222325);
	for (; *name; name++)
		ret = (ret ^ (uint8_t)*name) * UINT64_C(0x100000001b3);
	return ret;
}

/* The slot that has the name, or the free one that it belongs to. */
static uint32_t *find_slot(const struct snap_names *names, const char *name)
{
	size_t at = (size_t)hash(name) & (names->num_slots - 1);
	while (names->slots[at] && strcmp(names->names[names->slots[at] - 1], name) != 0)
		at = (at + 1) & (names->num_slots - 1);
	return &names->slots[at];
}

/* So that half of it stays free. */
static int grow_slots(struct snap_names *names)
{
	uint32_t *old = names->slots;
	size_t num_old = names->num_slots;
	if (2 * (names->num + 1) <= num_old)
		return 0;
	names->num_slots = num_old ? 2 * num_old : LEAST_SLOTS;
	names->slots = calloc(names->num_slots, sizeof(names->slots[0]));
	if (!names->slots) {
		names->slots = old;
		names->num_slots = num_old;
		return -1;
	}
	for (size_t i = 0; i < names->num; i++)
		*find_slot(names, names->names[i]) = (uint32_t)i + 1;
	free(old);
	return 0;
}

size_t snap_names_number(struct snap_names *names, const char *name)
{
	if (names->last < names->num && strcmp(names->names[names->last], name) == 0)
		return names->last;
	if (names->num == UINT32_MAX - 1 || grow_slots(names) < 0)
		return SIZE_MAX;
	uint32_t *slot = find_slot(names, name);
	if (*slot)
		return names->last = *slot - 1;
	if (names->num == names->capacity) {
		size_t capacity = names->capacity ? 2 * names->capacity : LEAST_SLOTS;
		const char **grown = reallocarray(names->names, capacity, sizeof(grown[0]));
		if (!grown)
			return SIZE_MAX;
		names->names = grown;
		names->capacity = capacity;
	}
	const char *copy = snap_arena_copy(names->arena, snap_bytes_str(name));
	if (!copy)
		return SIZE_MAX;
	names->names[names->num] = copy;
	*slot = (uint32_t)names->num + 1;
	return names->last = names->num++;
}

void snap_names_deinit(struct snap_names *names)
{
	free(names->names);
	free(names->slots);
	*names = (struct snap_names){0};
}
