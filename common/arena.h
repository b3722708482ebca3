/*
 * Allocates many small things that all end at once, up to a fixed total.
 */
#ifndef SNAP_COMMON_ARENA_H
#define SNAP_COMMON_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "common/bytes.h"

struct snap_arena {
	struct snap_arena_chunk *chunks; /* the newest first */
	size_t used, size;		 /* bytes of the newest chunk */
	size_t total, limit;		 /* bytes taken so far, and at most */
	bool exhausted;			 /* something did not fit into limit */
};

/* limit: bytes that may be taken in all, padding included; SIZE_MAX for no limit. */
void snap_arena_init(struct snap_arena *arena, size_t limit);
/* Frees all that was allocated from it. */
void snap_arena_deinit(struct snap_arena *arena);

/*
 * len bytes, aligned for any type, zeroed; NULL if memory or the limit is exhausted. len 0 gives a
 * valid pointer.
 */
void *snap_arena_alloc(struct snap_arena *arena, size_t len);

/*
 * Make room for one more in an array of num items of item_len bytes that was allocated here (NULL
 * for an empty one), *capacity being its room. Returns the array, perhaps moved, or NULL.
 */
void *snap_arena_grow(
	struct snap_arena *arena, void *array, size_t num, size_t *capacity, size_t item_len);

/* A copy of bytes with a NUL behind it; NULL as above. */
char *snap_arena_copy(struct snap_arena *arena, struct snap_bytes bytes);

#endif
