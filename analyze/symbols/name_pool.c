#include "analyze/symbols/name_pool.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/symbols/demangle.h"
#include "analyze/symbols/hash_seed.h"

#define NUM_SEEN 4096

struct snap_seen_name {
	const char *raw;
	uint32_t number;
};

void snap_name_pool_init(struct snap_name_pool *pool)
{
	*pool = (struct snap_name_pool){0};
	snap_arena_init(&pool->arena, SIZE_MAX);
	pool->seed = snap_hash_seed();
}

void snap_name_pool_set_max_bytes(struct snap_name_pool *pool, uint64_t max_bytes)
{
	pool->arena.limit = max_bytes < SIZE_MAX ? (size_t)max_bytes : SIZE_MAX;
}

int snap_name_pool_reserve(struct snap_name_pool *pool, size_t num)
{
	pool->names = calloc(num ? num : 1, sizeof(*pool->names));
	if (!pool->names)
		return -1;
	pool->num = pool->capacity = pool->num_reserved = num;
	return 0;
}

int snap_name_pool_fill(
	struct snap_name_pool *pool, uint32_t number, const char *raw, const char *shown)
{
	struct snap_pool_name name;
	name.raw = snap_arena_copy(&pool->arena, snap_bytes_str(raw));
	name.shown = strcmp(raw, shown) == 0 ? name.raw
					     : snap_arena_copy(&pool->arena, snap_bytes_str(shown));
	if (!name.raw || !name.shown)
		return -1;
	pool->names[number] = name;
	return 0;
}

void snap_name_pool_deinit(struct snap_name_pool *pool)
{
	free(pool->names);
	free(pool->slots);
	free(pool->seen);
	snap_arena_deinit(&pool->arena);
	*pool = (struct snap_name_pool){0};
}

static uint64_t hash_name(const struct snap_name_pool *pool, const char *raw, const char *shown)
{
	uint64_t hash = snap_hash_string(pool->seed, raw);
	return shown ? snap_hash_string(hash, shown) : hash;
}

/* A name whose shown form was given is another than one whose form follows from raw. */
static bool is_same(const struct snap_pool_name *name, const char *raw, const char *shown)
{
	if (strcmp(name->raw, raw) != 0)
		return false;
	return shown ? name->shown && strcmp(name->shown, shown) == 0 : true;
}

static bool grow_slots(struct snap_name_pool *pool)
{
	size_t num_slots = pool->num_slots ? 2 * pool->num_slots : 256;
	uint32_t *slots = calloc(num_slots, sizeof(*slots));
	if (!slots)
		return false;
	for (size_t i = 0; i < pool->num_slots; i++) {
		if (!pool->slots[i])
			continue;
		/* Which form it was hashed by is not remembered: it is in the low bit. */
		const struct snap_pool_name *name = &pool->names[(pool->slots[i] >> 1) - 1];
		bool given = pool->slots[i] & 1;
		size_t at =
			hash_name(pool, name->raw, given ? name->shown : NULL) & (num_slots - 1);
		while (slots[at])
			at = (at + 1) & (num_slots - 1);
		slots[at] = pool->slots[i];
	}
	free(pool->slots);
	pool->slots = slots;
	pool->num_slots = num_slots;
	return true;
}

/* The slot of a name, or the free one where it belongs; NULL without memory. */
static uint32_t *find_slot(struct snap_name_pool *pool, const char *raw, const char *shown)
{
	if (2 * (pool->num_hashed + 1) > pool->num_slots && !grow_slots(pool))
		return NULL;
	size_t at = hash_name(pool, raw, shown) & (pool->num_slots - 1);
	for (; pool->slots[at]; at = (at + 1) & (pool->num_slots - 1)) {
		bool given = pool->slots[at] & 1;
		if (given == (shown != NULL) &&
			is_same(&pool->names[(pool->slots[at] >> 1) - 1], raw, shown))
			break;
	}
	return &pool->slots[at];
}

static uint32_t insert(
	struct snap_name_pool *pool, uint32_t *slot, const char *raw, const char *shown)
{
	if (pool->num >= UINT32_MAX / 2 - 1)
		return SNAP_NO_NAME;
	if (pool->num == pool->capacity) {
		size_t capacity = pool->capacity ? 2 * pool->capacity : 256;
		struct snap_pool_name *names = reallocarray(pool->names, capacity, sizeof(*names));
		if (!names)
			return SNAP_NO_NAME;
		pool->names = names;
		pool->capacity = capacity;
	}
	pool->names[pool->num++] = (struct snap_pool_name){raw, shown};
	pool->num_hashed++;
	*slot = (uint32_t)pool->num << 1 | (shown != NULL);
	return (uint32_t)pool->num - 1;
}

uint32_t snap_name_pool_add(struct snap_name_pool *pool, const char *raw, const char *shown)
{
	uintptr_t hash = (uintptr_t)raw * UINT64_C(0x9e3779b97f4a7c15) >> 40;
	if (!pool->seen)
		pool->seen = calloc(NUM_SEEN, sizeof(*pool->seen)); /* else it goes without */
	struct snap_seen_name *seen = pool->seen ? &pool->seen[hash % NUM_SEEN] : NULL;
	if (!shown && seen && seen->raw == raw)
		return seen->number;
	uint32_t *slot = find_slot(pool, raw, shown);
	if (!slot)
		return SNAP_NO_NAME;
	uint32_t number = *slot ? (*slot >> 1) - 1 : insert(pool, slot, raw, shown);
	if (!shown && seen && number != SNAP_NO_NAME)
		*seen = (struct snap_seen_name){raw, number};
	return number;
}

uint32_t snap_name_pool_add_copy(struct snap_name_pool *pool, const char *raw, const char *shown)
{
	uint32_t *slot = find_slot(pool, raw, shown);
	if (!slot)
		return SNAP_NO_NAME;
	if (*slot)
		return (*slot >> 1) - 1;
	const char *raw_copy = snap_arena_copy(&pool->arena, snap_bytes_str(raw));
	const char *shown_copy =
		shown ? snap_arena_copy(&pool->arena, snap_bytes_str(shown)) : NULL;
	if (!raw_copy || (shown && !shown_copy))
		return SNAP_NO_NAME;
	return insert(pool, slot, raw_copy, shown_copy);
}

uint32_t snap_name_pool_add_made(struct snap_name_pool *pool, const char *raw, const char *made)
{
	uint32_t number = snap_name_pool_add_copy(pool, raw, NULL);
	if (number == SNAP_NO_NAME)
		return number;
	struct snap_pool_name *name = &pool->names[number];
	if (!name->shown)
		name->shown = strcmp(name->raw, made) == 0
				      ? name->raw
				      : snap_arena_copy(&pool->arena, snap_bytes_str(made));
	return number; /* without memory: NULL, as if it had not been made */
}

/* Whether what people see of a name does not follow from raw. */
static bool was_given(const struct snap_pool_name *name)
{
	bool is_mangled = name->raw[0] == '_' && (name->raw[1] == 'Z' || name->raw[1] == 'R');
	return !is_mangled && !strchr(name->raw, '@') && strcmp(name->raw, name->shown) != 0;
}

int snap_name_pool_adopt(struct snap_name_pool *pool)
{
	for (; pool->num_reserved > 0; pool->num_reserved--) {
		size_t number = pool->num_reserved - 1;
		const struct snap_pool_name *name = &pool->names[number];
		if (!name->raw || !name->shown)
			continue;
		bool given = was_given(name);
		uint32_t *slot = find_slot(pool, name->raw, given ? name->shown : NULL);
		if (!slot)
			return -1;
		if (*slot)
			continue;
		*slot = (uint32_t)(number + 1) << 1 | given;
		pool->num_hashed++;
	}
	return 0;
}

const char *snap_name_pool_shown(struct snap_name_pool *pool, uint32_t number)
{
	struct snap_pool_name *name = &pool->names[number];
	if (name->shown)
		return name->shown;
	name->shown = name->raw;
	char *demangled = snap_demangle(name->raw);
	/* "name@@VERSION": the version is the linker's business. */
	size_t len = strcspn(name->raw, "@");
	if (!demangled && len > 0 && name->raw[len] && name->raw[0] != '/')
		demangled = strndup(name->raw, len);
	if (!demangled)
		return name->shown;
	const char *copy = snap_arena_copy(&pool->arena, snap_bytes_str(demangled));
	free(demangled);
	if (copy)
		name->shown = copy;
	return name->shown;
}
