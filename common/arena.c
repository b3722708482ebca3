#include "common/arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_BYTES 32768u
#define ALIGNMENT   alignof(max_align_t)

struct snap_arena_chunk {
	struct snap_arena_chunk *next;
	alignas(max_align_t) char data[];
};

void snap_arena_init(struct snap_arena *arena, size_t limit)
{
	*arena = (struct snap_arena){.limit = limit};
}

void snap_arena_deinit(struct snap_arena *arena)
{
	while (arena->chunks) {
		struct snap_arena_chunk *next = arena->chunks->next;
		free(arena->chunks);
		arena->chunks = next;
	}
	snap_arena_init(arena, arena->limit);
}

static size_t round_up(size_t len)
{
	return (len + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}

void *snap_arena_alloc(struct snap_arena *arena, size_t len)
{
	/* The limit is on what is taken: tiny pieces count with their padding. */
	size_t rounded = round_up(len);
	if (rounded < len || rounded > PTRDIFF_MAX - sizeof(struct snap_arena_chunk) ||
		rounded > arena->limit - arena->total) {
		arena->exhausted = true;
		return NULL;
	}
	if (!arena->chunks || rounded > arena->size - arena->used) {
		size_t size = rounded > CHUNK_BYTES ? rounded : CHUNK_BYTES;
		/* Zeroed piece by piece: what nobody takes is not touched, and costs no memory. */
		struct snap_arena_chunk *chunk = malloc(sizeof(*chunk) + size);
		if (!chunk)
			return NULL;
		chunk->next = arena->chunks;
		arena->chunks = chunk;
		arena->size = size;
		arena->used = 0;
	}
	void *ret = arena->chunks->data + arena->used;
	memset(ret, 0, rounded);
	arena->used += rounded;
	arena->total += rounded;
	return ret;
}

/* Let what was allocated last grow where it stands: nothing is to be copied, nothing left behind.
 */
static bool extend(struct snap_arena *arena, const void *data, size_t len, size_t wanted)
{
	size_t had = round_up(len), more = round_up(wanted) - had;
	if (!data || len == 0 || !arena->chunks || arena->used < had ||
		data != arena->chunks->data + arena->used - had ||
		more > arena->size - arena->used || more > arena->limit - arena->total)
		return false;
	memset(arena->chunks->data + arena->used, 0, more);
	arena->used += more;
	arena->total += more;
	return true;
}

char *snap_arena_copy(struct snap_arena *arena, struct snap_bytes bytes)
{
	char *ret = snap_arena_alloc(arena, bytes.len + 1);
	if (ret && bytes.len > 0)
		memcpy(ret, bytes.data, bytes.len);
	return ret;
}

void *snap_arena_grow(
	struct snap_arena *arena, void *array, size_t num, size_t *capacity, size_t item_len)
{
	if (num < *capacity)
		return array;
	size_t wanted = *capacity ? 2 * *capacity : 16, bytes;
	if (__builtin_mul_overflow(wanted, item_len, &bytes))
		return NULL;
	if (extend(arena, array, *capacity * item_len, bytes)) {
		*capacity = wanted;
		return array;
	}
	void *ret = snap_arena_alloc(arena, bytes);
	if (!ret)
		return NULL;
	if (num > 0)
		memcpy(ret, array, num * item_len);
	*capacity = wanted;
	return ret;
}
