#include "common/crash_windows.h"

#include <elf.h>

#include "common/call_site.h"

/* Of an address of aarch64's lower half, where signs and tags may stand (the kernel's
 * Documentation/arch/arm64/memory.rst: 48 bits, unless a process asks for more). */
#define AARCH64_ADDRESS_BITS 48

void snap_crash_windows_init(
	struct snap_crash_windows *w, const struct snap_areas *areas, const struct snap_arch *arch)
{
	w->areas = areas;
	w->arch = arch;
	w->num_taken = 0;
	w->num_stacks = 0;
	w->num_callers = 0;
}

void snap_crash_windows_taken(struct snap_crash_windows *w, uint64_t addr, uint64_t len)
{
	if (len > 0 && len <= UINT64_MAX - addr && w->num_taken < SNAP_WINDOWS_MAX)
		w->taken[w->num_taken++] = (struct snap_extent){addr, len};
}

/* What holds the address that a pointer stands for, which becomes that; NULL if nothing does. */
static const struct snap_area *find_target(const struct snap_crash_windows *w, uint64_t *pointer)
{
	const struct snap_area *area = snap_areas_find(w->areas, *pointer);
	if (area || !w->arch || w->arch->elf_machine != EM_AARCH64)
		return area;
	uint64_t plain = *pointer & ((UINT64_C(1) << AARCH64_ADDRESS_BITS) - 1);
	area = snap_areas_find(w->areas, plain);
	if (area)
		*pointer = plain;
	return area;
}

void snap_crash_windows_look(
	struct snap_crash_windows *w, uint64_t sp, uint64_t addr, const uint8_t *buf, size_t len)
{
	if (w->num_stacks == w->num_taken && w->num_taken < SNAP_WINDOWS_MAX)
		w->num_stacks++;
	snap_crash_windows_taken(w, addr, len);
	if (!w->arch)
		return;
	unsigned int word = snap_arch_word(w->arch);
	uint64_t from = sp > addr && sp - addr < len ? sp : addr;
	const struct snap_area *last = NULL;
	for (size_t at = (size_t)(from - addr) + (word - from % word) % word;
		at + word <= len && w->num_callers < SNAP_CALLERS_LOOKED_AT; at += word) {
		uint64_t value = snap_arch_load(w->arch, buf + at, word);
		size_t i = 0;
		/* Most words are small numbers, or point to the stack. */
		if (value < SNAP_WINDOW_BYTES ||
			(last && value >= last->start && value < last->end &&
				!(last->flags & SNAP_MAPPING_EXEC)))
			continue;
		const struct snap_area *area = find_target(w, &value);
		if (!area)
			continue;
		last = area;
		if (!(area->flags & SNAP_MAPPING_EXEC) || area->flags & SNAP_AREA_VDSO)
			continue;
		while (i < w->num_callers && w->callers[i] != value)
			i++;
		if (i == w->num_callers)
			w->callers[w->num_callers++] = value;
	}
}

static void look_at_range(void *arg, const struct snap_memory_range *range)
{
	struct snap_windows_sink *looking = arg;
	struct snap_bytes data = range->data;
	if (range->reason == SNAP_MEMORY_STACK)
		snap_crash_windows_look(
			looking->windows, looking->sp, range->address, data.data, data.len);
	else
		snap_crash_windows_taken(looking->windows, range->address, data.len);
	looking->to->range(looking->to->arg, range);
}

static void pass_omission(void *arg, const struct snap_omission *omission)
{
	const struct snap_windows_sink *looking = arg;
	looking->to->omission(looking->to->arg, omission);
}

void snap_windows_sink_init(struct snap_windows_sink *looking, struct snap_crash_windows *windows,
	uint64_t sp, const struct snap_memory_sink *to)
{
	*looking = (struct snap_windows_sink){
		.sink = {look_at_range, pass_omission, looking},
		.windows = windows,
		.to = to,
		.sp = sp,
	};
}

/* ---------------------------------------------------------------- taking */

struct taking {
	struct snap_crash_windows *windows;
	const struct snap_memory_thread *thread;
	const struct snap_memory_source *source;
	const struct snap_memory_sink *sink;
	uint8_t buf[SNAP_WINDOW_BYTES];
};

/* The first of what is taken in [start, end), else NULL. */
static const struct snap_extent *find_taken(
	const struct snap_crash_windows *w, uint64_t start, uint64_t end)
{
	const struct snap_extent *first = NULL;
	for (size_t i = 0; i < w->num_taken; i++) {
		const struct snap_extent *taken = &w->taken[i];
		if (taken->addr < end && taken->addr + taken->len > start &&
			(!first || taken->addr < first->addr))
			first = taken;
	}
	return first;
}

/* [start, end), of no more bytes than a window, in memory that is mapped as one; data: what was
 * read of it already, or NULL. */
static void take_new(
	struct taking *t, uint32_t reason, uint64_t start, uint64_t end, const uint8_t *data)
{
	const uint64_t first = start;
	while (start < end) {
		const struct snap_extent *taken = find_taken(t->windows, start, end);
		uint64_t stop = taken && taken->addr > start ? taken->addr : end;
		if (taken && taken->addr <= start) {
			start = taken->addr + taken->len;
			continue;
		}
		const uint8_t *from = data ? data + (start - first) : t->buf;
		ssize_t n = (ssize_t)(stop - start);
		if (!data)
			n = t->source->read(t->source->arg, start, t->buf, (size_t)(stop - start));
		if (n > 0 && t->windows->num_taken < SNAP_WINDOWS_MAX) {
			const struct snap_memory_range range = {
				.address = start,
				.data = snap_bytes(from, (size_t)n),
				.reason = reason,
				.has_tid = true,
				.tid = t->thread->tid,
			};
			snap_crash_windows_taken(t->windows, start, (uint64_t)n);
			t->sink->range(t->sink->arg, &range);
		}
		start = stop;
	}
}

/* A window within area, which holds addr. */
static void take_round(
	struct taking *t, uint32_t reason, const struct snap_area *area, uint64_t addr)
{
	uint64_t start =
		addr - area->start > SNAP_WINDOW_BEFORE ? addr - SNAP_WINDOW_BEFORE : area->start;
	uint64_t end = area->end - addr > SNAP_WINDOW_BYTES - SNAP_WINDOW_BEFORE
			       ? addr + (SNAP_WINDOW_BYTES - SNAP_WINDOW_BEFORE)
			       : area->end;
	take_new(t, reason, start, end, NULL);
}

/* What nothing but the process has: neither a file's code and constants, nor the vDSO's. */
static bool is_its_own(const struct snap_area *area)
{
	if (area->flags & SNAP_AREA_VDSO)
		return false;
	return area->flags & SNAP_MAPPING_WRITE || !(area->flags & SNAP_AREA_FILE);
}

static void take_pointer(struct taking *t, uint32_t reason, uint64_t pointer)
{
	const struct snap_area *area = find_target(t->windows, &pointer);
	if (area && is_its_own(area))
		take_round(t, reason, area, pointer);
}

/* The ends of what is mapped on both sides of [start, end), which is not, or says nothing. */
static void take_neighbours(struct taking *t, uint64_t addr, uint64_t start, uint64_t end)
{
	const uint64_t half = SNAP_WINDOW_BYTES - SNAP_WINDOW_BEFORE;
	const struct snap_areas *areas = t->windows->areas;
	const struct snap_area *below = start > 0 ? snap_areas_below(areas, start - 1) : NULL;
	const struct snap_area *above = snap_areas_at_or_above(areas, end);
	if (below && below->flags & SNAP_MAPPING_READ && addr - below->end < SNAP_WINDOW_GAP) {
		uint64_t from = below->end - below->start > half ? below->end - half : below->start;
		take_new(t, SNAP_MEMORY_FAULT, from, below->end, NULL);
	}
	if (above && above->flags & SNAP_MAPPING_READ && above->start - addr < SNAP_WINDOW_GAP) {
		uint64_t to = above->end - above->start > half ? above->start + half : above->end;
		take_new(t, SNAP_MEMORY_FAULT, above->start, to, NULL);
	}
}

static void take_fault(struct taking *t, uint64_t addr)
{
	const struct snap_area *area = find_target(t->windows, &addr);
	if (area)
		take_round(t, SNAP_MEMORY_FAULT, area, addr);
	if (!area)
		take_neighbours(t, addr, addr, addr);
	else if (!(area->flags & SNAP_MAPPING_READ))
		take_neighbours(t, addr, area->start, area->end);
}

/* The code that the words of the stack return to, if a call is before it. */
static void take_callers(struct taking *t)
{
	struct snap_crash_windows *w = t->windows;
	uint8_t code[SNAP_CALLER_BEFORE + SNAP_CALLER_AFTER];
	unsigned int num = 0;
	for (size_t i = 0; i < w->num_callers && num < SNAP_CALLERS; i++) {
		uint64_t pc = w->callers[i], at = w->arch->has_thumb_bit ? pc & ~UINT64_C(1) : pc;
		const struct snap_area *area = snap_areas_find(w->areas, at);
		if (!area || at - area->start < SNAP_CALL_MAX_BYTES)
			continue;
		uint64_t start = at - area->start > SNAP_CALLER_BEFORE ? at - SNAP_CALLER_BEFORE
								       : area->start;
		uint64_t end =
			area->end - at > SNAP_CALLER_AFTER ? at + SNAP_CALLER_AFTER : area->end;
		size_t len = (size_t)(end - start), before = (size_t)(at - start);
		ssize_t n = t->source->read(t->source->arg, start, code, len);
		if (n < (ssize_t)before || !snap_is_after_call(w->arch, code, before, pc))
			continue;
		take_new(t, SNAP_MEMORY_CODE, start, start + (uint64_t)n, code);
		num++;
	}
}

void snap_crash_windows_take(struct snap_crash_windows *w, const struct snap_memory_thread *thread,
	struct snap_bytes pr_reg, bool has_fault, uint64_t fault_addr,
	const struct snap_memory_source *source, const struct snap_memory_sink *sink)
{
	struct taking t = {.windows = w, .thread = thread, .source = source, .sink = sink};
	if (has_fault)
		take_fault(&t, fault_addr);
	if (!w->arch)
		return;
	if (thread->tp != 0)
		take_pointer(&t, SNAP_MEMORY_TLS, thread->tp);
	for (unsigned int i = 0; i < w->arch->num_regs; i++) {
		uint64_t value;
		if (i != w->arch->pc && i != w->arch->sp &&
			snap_arch_reg_get(w->arch, i, pr_reg.data, pr_reg.len, &value))
			take_pointer(&t, SNAP_MEMORY_POINTER, value);
	}
}

void snap_crash_windows_take_callers(struct snap_crash_windows *w,
	const struct snap_memory_thread *thread, const struct snap_memory_source *source,
	const struct snap_memory_sink *sink)
{
	struct taking t = {.windows = w, .thread = thread, .source = source, .sink = sink};
	take_callers(&t);
}
