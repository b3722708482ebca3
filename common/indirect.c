#include "common/indirect.h"

#define BLOCK SNAP_INDIRECT_BLOCK

_Static_assert(SNAP_INDIRECT_WINDOW % BLOCK == 0, "windows are made of blocks");

/* ---------------------------------------------------------------- blocks */

static size_t slot_of(const struct snap_indirect *in, uint64_t block)
{
	/* Fibonacci hashing. */
	size_t slot = (size_t)(block * 0x9e3779b97f4a7c15u >> 20) & (in->num_slots - 1);
	while (in->blocks[slot] != 0 && in->blocks[slot] != block + 1)
		slot = (slot + 1) & (in->num_slots - 1);
	return slot;
}

static bool is_marked(const struct snap_indirect *in, uint64_t block)
{
	return in->blocks[slot_of(in, block)] != 0;
}

static bool is_full(const struct snap_indirect *in)
{
	return 2 * in->num_blocks >= in->num_slots;
}

static void mark(struct snap_indirect *in, uint64_t block)
{
	in->blocks[slot_of(in, block)] = block + 1;
	in->num_blocks++;
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
		bool readable = !in->is_there || in->is_there(in->source.arg, block * BLOCK);
		if (is_full(in) || (readable && (in->thread_room < BLOCK || in->room < BLOCK ||
							in->num_wanted == in->max_wanted))) {
			cut = true;
		} else if (!readable) {
			mark(in, block);
			unreadable = true;
		} else {
			mark(in, block);
			in->thread_room -= BLOCK;
			in->room -= BLOCK;
			in->wanted[in->num_wanted++] = block;
		}
	}
	in->num_unreadable += unreadable;
	in->num_cut += cut;
}

static void follow_registers(struct snap_indirect *in, struct snap_bytes pr_reg)
{
	uint64_t value;
	for (unsigned int i = 0; i < in->arch->num_regs; i++)
		if (snap_arch_reg_get(in->arch, i, pr_reg.data, pr_reg.len, &value))
			follow(in, value);
}

static void follow_words(struct snap_indirect *in, struct snap_extent part)
{
	unsigned int word = snap_arch_word(in->arch);
	uint8_t buf[4096];
	uint64_t addr = part.addr + (word - part.addr % word) % word;
	uint64_t end = part.addr + part.len;
	while (addr < end) {
		size_t len = end - addr < sizeof(buf) ? (size_t)(end - addr) : sizeof(buf);
		ssize_t n = in->source.read(in->source.arg, addr, buf, len);
		size_t num_words = n > 0 ? (size_t)n / word : 0;
		for (size_t i = 0; i < num_words; i++)
			follow(in, snap_arch_load(in->arch, buf + i * word, word));
		/* Where bytes are missing, on to the next piece. */
		addr += num_words > 0 ? num_words * word : len;
	}
}

/* Heap sort: qsort(3) may allocate. */
static void sift(uint64_t *values, size_t root, size_t num)
{
	for (size_t child; (child = 2 * root + 1) < num; root = child) {
		if (child + 1 < num && values[child] < values[child + 1])
			child++;
		if (values[root] >= values[child])
			return;
		uint64_t value = values[root];
		values[root] = values[child];
		values[child] = value;
	}
}

static void sort(uint64_t *values, size_t num)
{
	for (size_t i = num / 2; i-- > 0;)
		sift(values, i, num);
	for (size_t i = num; i-- > 1;) {
		uint64_t largest = values[0];
		values[0] = values[i];
		values[i] = largest;
		sift(values, 0, i);
	}
}

void snap_indirect_find(struct snap_indirect *in, struct snap_bytes pr_reg,
	const struct snap_extent *parts, size_t num_parts, uint64_t room)
{
	in->num_wanted = 0;
	in->num_unreadable = in->num_cut = 0;
	in->thread_room = room;
	if (!in->arch)
		return;
	follow_registers(in, pr_reg);
	for (size_t i = 0; i < num_parts; i++)
		follow_words(in, parts[i]);
	sort(in->wanted, in->num_wanted);
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
