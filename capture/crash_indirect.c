#include "capture/crash_indirect.h"

#include "capture/memory.h"
#include "common/indirect.h"

/* Of a record beside its bytes, and of the ends of windows that fall into a block more. */
#define RECORD_BYTES 64u

/* What is taken in order, and joined where it overlaps: code can stand on a stack. */
static size_t list_taken(const struct snap_crash_windows *w, struct snap_extent *ret)
{
	size_t num = 0, kept = 0;
	for (size_t i = 0; i < w->num_taken; i++) {
		size_t at = num++;
		for (; at > 0 && ret[at - 1].addr > w->taken[i].addr; at--)
			ret[at] = ret[at - 1];
		ret[at] = w->taken[i];
	}
	for (size_t i = 0; i < num; i++) {
		struct snap_extent *last = kept > 0 ? &ret[kept - 1] : NULL;
		uint64_t end = ret[i].addr + ret[i].len;
		if (!last || ret[i].addr > last->addr + last->len)
			ret[kept++] = ret[i];
		else if (end > last->addr + last->len)
			last->len = end - last->addr;
	}
	return kept;
}

static void take(struct snap_crash *c, struct snap_extent extent, uint64_t *num_unreadable)
{
	uint64_t end = extent.addr + extent.len;
	while (extent.addr < end) {
		size_t len = end - extent.addr < sizeof(c->emit.buf) ? (size_t)(end - extent.addr)
								     : sizeof(c->emit.buf);
		ssize_t n = snap_memory_read(&c->mem_fd, extent.addr, c->emit.buf, len);
		if (n <= 0) {
			/* On to the next page, if not to the end. */
			++*num_unreadable;
			extent.addr = (extent.addr | 4095) + 1;
			continue;
		}
		const struct snap_memory_range range = {
			.address = extent.addr,
			.data = snap_bytes(c->emit.buf, (size_t)n),
			.reason = SNAP_MEMORY_INDIRECT,
			.has_tid = true,
			.tid = c->facts.tid,
		};
		c->emit.sink.range(&c->emit, &range);
		extent.addr += (uint64_t)n;
	}
}

void snap_crash_write_indirect(struct snap_crash *c)
{
	struct snap_crash_indirect *storage = &c->indirect;
	if (!c->facts.config || c->facts.config->memory != SNAP_CONFIG_MEMORY_INDIRECT ||
		c->mem_fd < 0 || *c->timed_out)
		return;
	uint64_t room = snap_emit_room(&c->emit);
	/* At worst each window is a record of its own. */
	room = room / (SNAP_INDIRECT_WINDOW + RECORD_BYTES) * SNAP_INDIRECT_WINDOW;
	struct snap_indirect in = {
		.areas = &c->areas,
		.arch = c->arch,
		.source = {snap_memory_read, &c->mem_fd},
		.room = room,
		.taken = storage->taken,
		.num_taken = list_taken(&c->windows, storage->taken),
		.blocks = storage->blocks,
		.num_slots = SNAP_CRASH_INDIRECT_SLOTS,
		.wanted = storage->wanted,
		.max_wanted = SNAP_CRASH_INDIRECT_SLOTS / 2,
	};
	snap_indirect_find(&in, snap_bytes(storage->regs, storage->regs_len), c->windows.taken,
		c->windows.num_stacks, SNAP_INDIRECT_FIRST);
	struct snap_extent extent;
	size_t position = 0;
	uint64_t num_unreadable = 0;
	while (!*c->timed_out && snap_indirect_next(&in, &position, &extent))
		take(c, extent, &num_unreadable);
	snap_emit_omission_count(
		&c->emit, SNAP_OMITTED_MEMORY, SNAP_OMITTED_UNREADABLE, num_unreadable);
	snap_emit_omission_count(&c->emit, SNAP_OMITTED_MEMORY, SNAP_OMITTED_CAP, in.num_cut);
}
