/*
 * The names of functions and files of one object, each once, by number.
 *
 * The first ones may come from the symbol cache: their bytes are then in its mapping.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_NAME_POOL_H
#define SNAP_ANALYZE_SYMBOLS_NAME_POOL_H

#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"

struct snap_pool_name {
	const char *raw;   /* the linker's, or as in DW_AT_name */
	const char *shown; /* for people; NULL: not made yet */
};

struct snap_name_pool {
	struct snap_pool_name *names;
	size_t num, capacity;
	/* private */
	struct snap_arena arena;
	uint64_t seed;
	uint32_t *slots; /* a hash table with open addressing: number plus one, 0: free */
	size_t num_slots, num_hashed; /* num_slots: a power of 2 */
	/* Where strings were before: the same name of another unit is mostly the same pointer. NULL
	 * until one is added. */
	struct snap_seen_name *seen;
	size_t num_reserved; /* the first so many names are not in slots yet */
};

void snap_name_pool_init(struct snap_name_pool *pool);
/*
 * Strings of its own (copies, and what demangling gives) take no more than that in all: names beyond
 * are as if there were no memory for them. Without the call there is no limit.
 */
void snap_name_pool_set_max_bytes(struct snap_name_pool *pool, uint64_t max_bytes);
/* Begin with num names that are NULL, for the caller to fill in. -1 without memory. */
int snap_name_pool_reserve(struct snap_name_pool *pool, size_t num);
/* Fill one of those in, with copies. -1 without memory. */
int snap_name_pool_fill(
	struct snap_name_pool *pool, uint32_t number, const char *raw, const char *shown);
/*
 * Once those are filled in (with what people are to see, too): let them be found by
 * snap_name_pool_add(). -1 without memory.
 */
int snap_name_pool_adopt(struct snap_name_pool *pool);
void snap_name_pool_deinit(struct snap_name_pool *pool);

#define SNAP_NO_NAME UINT32_MAX

/*
 * The number of the name; raw and shown are borrowed, and raw never changes what it points to.
 * shown: NULL for what demangling raw gives.
 * SNAP_NO_NAME without memory, or beyond the limit.
 */
uint32_t snap_name_pool_add(struct snap_name_pool *pool, const char *raw, const char *shown);
/* The same for names whose bytes go away: they are copied if they are new. */
uint32_t snap_name_pool_add_copy(struct snap_name_pool *pool, const char *raw, const char *shown);

/* The same, with what demangling raw gives: it need not be done again. */
uint32_t snap_name_pool_add_made(struct snap_name_pool *pool, const char *raw, const char *made);

/* What people are to see of a name; number < pool->num. */
const char *snap_name_pool_shown(struct snap_name_pool *pool, uint32_t number);

#endif
