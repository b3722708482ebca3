#include "analyze/convert/import_indirect.h"

#include <stdlib.h>
#include <string.h>

/* What is taken or not taken as a whole: windows that overlap share them. */
#define BLOCK	   128u
#define MAX_BLOCKS (1u << 20)
/* No block has this number. */
#define NO_BLOCK UINT64_MAX

_Static_assert(SNAP_INDIRECT_WINDOW % BLOCK == 0, "windows are made of blocks");

void snap_indirect_init(struct snap_indirect *in, struct snap_crash *crash,
	const struct snap_areas *areas, const struct snap_extent *taken, size_t num_taken)
{
	*in = (struct snap_indirect){
		.crash = crash,
		.areas = areas,
		.room = SNAP_INDIRECT_ALL,
		.taken = taken,
		.num_taken = num_taken,
	};
}

void snap_indirect_deinit(struct snap_indirect *in)
{
	free(in->blocks);
	free(in->wanted);
}

/* ---------------------------------------------------------------- blocks */

static size_t slot_of(const uint64_t *blocks, size_t num_slots, uint64_t block)
{
	/* Fibonacci hashing; num_slots is a power of two. */
	size_t slot = (size_t)(block * 0x9e3779b97f4a7c15u >> 20) & (num_slots - 1);
	while (blocks[slot] != NO_BLOCK && blocks[slot] != block)
		slot = (slot + 1) & (num_slots - 1);
	return slot;
}

static bool grow(struct snap_indirect *in)
{
	size_t num_slots = in->num_slots ? 2 * in->num_slots : 4096;
	uint64_t *blocks = reallocarray(NULL, num_slots, sizeof(*blocks));
	if (!blocks)
		return false;
	memset(blocks, 0xff, num_slots * sizeof(*blocks));
	for (size_t i = 0; i < in->num_slots; i++)
		if (in->blocks[i] != NO_BLOCK)
			blocks[slot_of(blocks, num_slots, in->blocks[i])] = in->blocks[i];
	free(in->blocks);
	in->blocks = blocks;
	in->num_slots = num_slots;
	return true;
}

static bool is_marked(const struct snap_indirect *in, uint64_t block)
{
	return in->num_slots > 0 && in->blocks[slot_of(in->blocks, in->num_slots, block)] == block;
}

/* Of a block that is not marked. */
static bool mark(struct snap_indirect *in, uint64_t block)
{
	if (2 * in->num_blocks >= in->num_slots && !grow(in)) {
		in->no_memory = true;
		return false;
	}
	in->blocks[slot_of(in->blocks, in->num_slots, block)] = block;
	in->num_blocks++;
	return true;
}

static bool is_taken(const struct snap_indirect *in, uint64_t addr)
{
	size_t low = 0, high = in->num_taken;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (in->taken[middle].addr <= addr)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return false;
	const struct snap_extent *extent = &in->taken[low - 1];
	return addr - extent->addr < extent->len && extent->len - (addr - extent->addr) >= BLOCK;
}

static void want(struct snap_indirect *in, uint64_t block)
{
	if (in->num_wanted == in->wanted_capacity) {
		size_t capacity = in->wanted_capacity ? 2 * in->wanted_capacity : 1024;
		uint64_t *wanted = reallocarray(in->wanted, capacity, sizeof(*wanted));
		if (!wanted) {
			in->no_memory = true;
			return;
		}
		in->wanted = wanted;
		in->wanted_capacity = capacity;
	}
	in->wanted[in->num_wanted++] = block;
}

/* ---------------------------------------------------------------- pointers */

/* What can't be read from a file elsewhere. */
static bool is_followed(const struct snap_area *area)
{
	if (area->flags & SNAP_AREA_VDSO || !(area->flags & SNAP_MAPPING_READ))
		return false;
	return area->flags & SNAP_MAPPING_WRITE || !(area->flags & SNAP_AREA_FILE);
}

static void follow(struct snap_indirect *in, uint64_t pointer)
{
	const struct snap_area *area = snap_areas_find(in->areas, pointer);
	if (!area || !is_followed(area))
		return;
	uint64_t start = pointer - area->start > SNAP_INDIRECT_BEFORE
				 ? pointer - SNAP_INDIRECT_BEFORE
				 : area->start;
	uint64_t end =
		area->end - start > SNAP_INDIRECT_WINDOW ? start + SNAP_INDIRECT_WINDOW : area->end;
	bool unreadable = false, cut = false;
	for (uint64_t block = start / BLOCK; block <= (end - 1) / BLOCK; block++) {
		if (is_marked(in, block) || is_taken(in, block * BLOCK))
			continue;
		/* Pages are there or not as a whole, and so are the blocks in them. */
		bool readable = snap_memory_find(&in->crash->memory, block * BLOCK);
		if (in->num_blocks >= MAX_BLOCKS ||
			(readable && (in->thread_room < BLOCK || in->room < BLOCK))) {
			cut = true;
		} else if (!readable) {
			unreadable |= mark(in, block);
		} else if (mark(in, block)) {
			in->thread_room -= BLOCK;
			in->room -= BLOCK;
			want(in, block);
		}
	}
	in->num_unreadable += unreadable;
	in->num_cut += cut;
}

static void follow_registers(struct snap_indirect *in, const struct snap_crash_thread *thread)
{
	const struct snap_arch *arch = in->crash->arch;
	uint64_t value;
	for (unsigned int i = 0; i < arch->num_regs; i++)
		if (snap_arch_reg_get(arch, i, thread->pr_reg.data, thread->pr_reg.len, &value))
			follow(in, value);
}

static void follow_words(struct snap_indirect *in, struct snap_extent part)
{
	unsigned int word = snap_arch_word(in->crash->arch);
	uint8_t buf[4096];
	uint64_t addr = part.addr + (word - part.addr % word) % word;
	uint64_t end = part.addr + part.len;
	while (addr < end) {
		size_t len = end - addr < sizeof(buf) ? (size_t)(end - addr) : sizeof(buf);
		ssize_t n = snap_memory_read(&in->crash->memory, addr, buf, len);
		size_t num_words = n > 0 ? (size_t)n / word : 0;
		for (size_t i = 0; i < num_words; i++)
			follow(in, snap_arch_load(in->crash->arch, buf + i * word, word));
		/* Where bytes are missing, on to the next piece. */
		addr += num_words > 0 ? num_words * word : len;
	}
}

static int compare_blocks(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
	return x < y ? -1 : x > y;
}

int snap_indirect_find(
	struct snap_indirect *in, size_t index, const struct snap_extent parts[SNAP_INDIRECT_PARTS])
{
	in->num_wanted = 0;
	in->num_unreadable = in->num_cut = 0;
	in->thread_room = index == 0 ? SNAP_INDIRECT_FIRST : SNAP_INDIRECT_OTHER;
	if (!in->crash->arch)
		return 0;
	follow_registers(in, &in->crash->threads[index]);
	for (size_t i = 0; i < SNAP_INDIRECT_PARTS; i++)
		follow_words(in, parts[i]);
	if (in->num_wanted > 0)
		qsort(in->wanted, in->num_wanted, sizeof(*in->wanted), compare_blocks);
	return in->no_memory ? -1 : 0;
}

bool snap_indirect_next(const struct snap_indirect *in, size_t *position, struct snap_extent *ret)
{
	size_t i = *position;
	if (i >= in->num_wanted)
		return false;
	uint64_t first = in->wanted[i];
	do
		i++;
	while (i < in->num_wanted && in->wanted[i] == first + (i - *position));
	*ret = (struct snap_extent){first * BLOCK, (i - *position) * BLOCK};
	*position = i;
	return true;
}
