#include "analyze/explain/disassembler_memory.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cs_open() and cs_disasm() of one instruction take 20 KiB for x86-64; pages that are not touched cost
 * nothing. */
#define POOL_BYTES (1u << 20)

struct block {
	alignas(max_align_t) size_t size; /* of what follows */
};

static alignas(max_align_t) uint8_t pool[POOL_BYTES];
static size_t used;
static size_t num_blocks; /* handed out, from the pool or not */

static void *take(size_t size)
{
	size_t align = alignof(max_align_t);
	if (size > POOL_BYTES)
		return NULL;
	size_t len = (sizeof(struct block) + size + align - 1) & ~(align - 1);
	if (len > POOL_BYTES - used)
		return NULL;
	struct block *block = (void *)(pool + used);
	block->size = size;
	used += len;
	num_blocks++;
	return block + 1;
}

static void give_back(void *data)
{
	/* All at once, when the last one is given back. */
	if (data && --num_blocks == 0)
		used = 0;
}

static void *take_zeroed(size_t num, size_t size)
{
	if (size > 0 && num > POOL_BYTES / size)
		return NULL;
	void *data = take(num * size);
	return data ? memset(data, 0, num * size) : NULL;
}

static void *take_again(void *data, size_t size)
{
	void *larger = take(size);
	if (larger && data) {
		size_t old = ((struct block *)data - 1)->size;
		memcpy(larger, data, old < size ? old : size);
		give_back(data);
	}
	return larger;
}

const cs_opt_mem snap_disassembler_memory = {
	.malloc = take,
	.calloc = take_zeroed,
	.realloc = take_again,
	.free = give_back,
	.vsnprintf = vsnprintf,
};
