#include "common/memory_plan.h"

#include <elf.h>
#include <errno.h>

static const struct snap_regset *find_regset(
	const struct snap_regset *regsets, size_t num, uint32_t type)
{
	for (size_t i = 0; i < num; i++)
		if (regsets[i].type == type)
			return &regsets[i];
	return NULL;
}

/* Where the segment that i386's gs selects begins. A selector's index is above its lowest three
 * bits; struct user_desc: unsigned int entry_number, base_addr, limit, and bits. */
static uint64_t find_segment(
	const struct snap_arch *arch, struct snap_bytes pr_reg, struct snap_bytes descriptors)
{
	uint64_t gs;
	if (!snap_arch_reg_get(arch, arch->num_regs - 1u, pr_reg.data, pr_reg.len, &gs))
		return 0;
	for (size_t at = 0; at + 16 <= descriptors.len; at += 16)
		if (snap_arch_load(arch, descriptors.data + at, 4) == (gs & 0xffff) >> 3)
			return snap_arch_load(arch, descriptors.data + at + 4, 4);
	return 0;
}

bool snap_memory_thread_registers(const struct snap_arch *arch, const struct snap_regset *regsets,
	size_t num_regsets, struct snap_memory_thread *ret)
{
	const struct snap_regset *general = find_regset(regsets, num_regsets, NT_PRSTATUS);
	uint64_t pc, sp;
	if (!arch || !general ||
		!snap_arch_reg_get(arch, arch->pc, general->data.data, general->data.len, &pc) ||
		!snap_arch_reg_get(arch, arch->sp, general->data.data, general->data.len, &sp))
		return false;
	ret->pc = pc;
	ret->sp = sp;
	ret->fp = ret->tp = 0;
	(void)snap_arch_reg_get(arch, arch->fp, general->data.data, general->data.len, &ret->fp);
	if (snap_arch_reg_get(arch, arch->tp, general->data.data, general->data.len, &ret->tp))
		return true;
	const struct snap_regset *tls =
		arch->tp_regset ? find_regset(regsets, num_regsets, arch->tp_regset) : NULL;
	unsigned int word = snap_arch_word(arch);
	if (tls && arch->tp_regset == NT_386_TLS)
		ret->tp = find_segment(arch, general->data, tls->data);
	else if (tls && tls->data.len >= word)
		ret->tp = snap_arch_load(arch, tls->data.data, word);
	return true;
}

uint64_t snap_memory_plan_len(const struct snap_memory_plan *plan)
{
	return plan->parts[0].len + plan->parts[1].len;
}

/*
 * A program may have changed a part of its stack (mprotect(2), madvise(2), a name): the kernel then
 * has several areas of what was one. No more of them are looked at.
 */
#define MAX_SPLITS 64

static bool is_data(const struct snap_area *area)
{
	/* Not what nobody may read: below a stack, that guards it. */
	return area->flags & SNAP_MAPPING_READ &&
	       !(area->flags & (SNAP_AREA_FILE | SNAP_AREA_VDSO | SNAP_MAPPING_EXEC));
}

/* The area that addr is in, if from this one on all is data up to there; else NULL. */
static const struct snap_area *find_joined(
	const struct snap_areas *areas, const struct snap_area *from, uint64_t addr)
{
	const struct snap_area *end = areas->areas + areas->num;
	for (unsigned int i = 0; i < MAX_SPLITS && addr >= from->start; i++) {
		if (addr < from->end)
			return from;
		if (!is_data(from) || from + 1 == end || from[1].start != from->end ||
			!is_data(from + 1))
			return NULL;
		from++;
	}
	return NULL;
}

/* Where the data that the area is the end of begins. */
static uint64_t find_lowest(const struct snap_areas *areas, const struct snap_area *area)
{
	for (unsigned int i = 0; i < MAX_SPLITS && area > areas->areas; i++) {
		if (!is_data(area) || !is_data(area - 1) || area[-1].end != area->start)
			break;
		area--;
	}
	return area->start;
}

/* Where the frames of a stack that reaches from start to end, or less far, begin. */
static uint64_t find_base(
	const struct snap_memory_thread *thread, uint64_t start, uint64_t end, bool *ret_known)
{
	const uint64_t marks[] = {thread->tp, thread->start_stack};
	uint64_t base = end;
	*ret_known = false;
	for (size_t i = 0; i < 2; i++) {
		/* As aligned as a stack is. */
		uint64_t mark = marks[i] & ~(uint64_t)15;
		if (mark > start && mark > thread->sp && mark <= base) {
			base = mark;
			*ret_known = true;
		}
	}
	return base;
}

/* How many of cap bytes are for the base of a stack that is longer. */
static uint64_t base_share(uint64_t cap, bool known)
{
	uint64_t share = cap / 4 & ~(uint64_t)15;
	if (known)
		return share < SNAP_STACK_BASE_MIN ? 0 : share;
	if (share >= SNAP_STACK_BASE_UNKNOWN)
		return share;
	return cap / 2 < SNAP_STACK_BASE_UNKNOWN ? 0 : SNAP_STACK_BASE_UNKNOWN;
}

/* The area that the thread was started on and where its frames begin; NULL if not known. */
static const struct snap_area *find_home(
	const struct snap_areas *areas, const struct snap_memory_thread *thread, uint64_t *ret_base)
{
	/* The main thread's own thread pointer is elsewhere. */
	uint64_t base = thread->is_main ? thread->start_stack : thread->tp;
	if (base == 0)
		return NULL;
	*ret_base = base;
	return snap_areas_find(areas, base);
}

/* The stack that begins in area goes on to where it is known to begin; and what is above argc on
 * the main stack, the program's strings, is no stack. */
static void join(const struct snap_areas *areas, const struct snap_area *area,
	const struct snap_memory_thread *thread, struct snap_area *ret)
{
	const uint64_t marks[] = {thread->tp, thread->start_stack};
	for (size_t i = 0; i < 2; i++) {
		const struct snap_area *last =
			marks[i] > thread->sp ? find_joined(areas, area, marks[i]) : NULL;
		if (last && last->end > ret->end)
			ret->end = last->end;
	}
	uint64_t argc = thread->start_stack & ~(uint64_t)15;
	/* But where it may be executed, there may be code as well (qemu-user's trampolines). */
	if (argc > thread->sp && argc > ret->start && argc < ret->end &&
		!(ret->flags & SNAP_MAPPING_EXEC))
		ret->end = argc;
}

/* What guards stacks, or has been set aside: nobody may touch it. */
static bool is_guard(const struct snap_area *area)
{
	return !(area->flags & (SNAP_MAPPING_READ | SNAP_MAPPING_WRITE | SNAP_MAPPING_EXEC));
}

/*
 * The lowest area of the stack that sp was moved below of, by one large frame at worst, past its
 * guard: there is nothing else in between. NULL: there is none.
 */
static const struct snap_area *find_overflown(
	const struct snap_areas *areas, const struct snap_memory_thread *thread)
{
	uint64_t base;
	const struct snap_area *area = snap_areas_above(areas, thread->sp);
	const struct snap_area *home = find_home(areas, thread, &base);
	for (unsigned int i = 0; i < MAX_SPLITS && area && is_guard(area); i++)
		area = area + 1 < areas->areas + areas->num ? area + 1 : NULL;
	if (!area || !(area->flags & SNAP_MAPPING_WRITE))
		return NULL;
	bool is_home = home && find_joined(areas, area, base);
	uint64_t max = is_home ? SNAP_STACK_GAP_HOME : SNAP_STACK_GAP;
	return area->start - thread->sp <= max ? area : NULL;
}

/*
 * Where sp leads to, and from where on bytes are of interest; false: nowhere. *ret is the stack's
 * area, as far as it is known to be one.
 */
static bool find_stack(const struct snap_areas *areas, const struct snap_memory_thread *thread,
	struct snap_area *ret, uint64_t *ret_start)
{
	uint64_t sp = thread->sp, base;
	const struct snap_area *area = snap_areas_find(areas, sp);
	const struct snap_area *home = find_home(areas, thread, &base);
	/* A program can deny itself its main stack or the lower part of it (mprotect(2)), but not
	 * others the reading of it; below other stacks, that is a guard page. */
	bool is_denied = area && thread->is_main && home &&
			 (area == home || area->end == home->start) &&
			 !(area->flags & SNAP_MAPPING_READ);
	if (area && (is_denied || (area->flags & SNAP_MAPPING_READ))) {
		uint64_t lowest = find_lowest(areas, area);
		*ret = *area;
		if (is_denied)
			ret->end = home->end;
		*ret_start = sp - lowest > SNAP_STACK_BELOW ? sp - SNAP_STACK_BELOW : lowest;
		join(areas, area, thread, ret);
		return true;
	}
	area = find_overflown(areas, thread);
	if (!area)
		return false;
	*ret = *area;
	*ret_start = area->start;
	join(areas, area, thread, ret);
	return true;
}

void snap_memory_plan_stack(const struct snap_areas *areas,
	const struct snap_memory_thread *of_thread, uint64_t cap, struct snap_memory_plan *ret)
{
	const uint32_t writable = SNAP_MAPPING_READ | SNAP_MAPPING_WRITE;
	struct snap_memory_thread by_fp = *of_thread;
	const struct snap_memory_thread *thread = of_thread;
	*ret = (struct snap_memory_plan){
		.reason = SNAP_MEMORY_STACK,
		.has_tid = true,
		.tid = thread->tid,
	};
	uint64_t start;
	struct snap_area area = {0};
	bool found = find_stack(areas, thread, &area, &start);
	if (!found || (area.flags & SNAP_AREA_FILE && !(area.flags & SNAP_MAPPING_WRITE))) {
		const struct snap_area *other = snap_areas_find(areas, thread->fp);
		by_fp.sp = thread->fp;
		if (other && (other->flags & writable) == writable) {
			thread = &by_fp;
			found = find_stack(areas, thread, &area, &start);
		}
	}
	if (!found) {
		ret->unmapped = true;
		ret->cuts[0].addr = thread->sp;
		return;
	}
	bool known;
	uint64_t base = find_base(thread, start, area.end, &known);
	uint64_t share = base - start > cap ? base_share(cap, known) : 0;
	uint64_t whole = area.end - start;
	ret->parts[0] = (struct snap_extent){start, whole < cap ? whole : cap - share};
	uint64_t end = start + ret->parts[0].len;
	if (share == 0) {
		ret->cuts[0] = (struct snap_extent){end, area.end - end};
		return;
	}
	ret->parts[1] = (struct snap_extent){base - share, share};
	ret->cuts[0] = (struct snap_extent){end, base - share - end};
	ret->cuts[1] = (struct snap_extent){base, area.end - base};
}

bool snap_memory_is_away(const struct snap_areas *areas, const struct snap_memory_thread *thread)
{
	uint64_t base;
	const struct snap_area *home = find_home(areas, thread, &base);
	const struct snap_area *area = snap_areas_find(areas, thread->sp);
	return home && area && area != home && area->flags & SNAP_MAPPING_READ &&
	       !find_joined(areas, area, base);
}

bool snap_memory_find_home(const struct snap_areas *areas, const struct snap_arch *arch,
	const struct snap_memory_thread *thread, uint64_t addr, const uint8_t *buf, size_t len,
	uint64_t *ret_sp)
{
	uint64_t base;
	const struct snap_area *home = find_home(areas, thread, &base);
	if (!home)
		return false;
	unsigned int word = snap_arch_word(arch);
	uint64_t lowest = base, start = find_lowest(areas, home);
	for (size_t at = (word - addr % word) % word; at + word <= len; at += word) {
		uint64_t value = snap_arch_load(arch, buf + at, word);
		if (value >= start && value < lowest)
			lowest = value;
	}
	if (lowest == base)
		return false;
	*ret_sp = lowest;
	return true;
}

static void shorten(struct snap_extent *extent, uint64_t end)
{
	if (extent->addr >= end)
		extent->len = 0;
	else if (extent->len > end - extent->addr)
		extent->len = end - extent->addr;
}

void snap_memory_plan_shorten(struct snap_memory_plan *plan, uint64_t end)
{
	for (size_t i = 0; i < 2; i++) {
		shorten(&plan->parts[i], end);
		shorten(&plan->cuts[i], end);
	}
}

void snap_memory_plan_code(const struct snap_areas *areas, const struct snap_memory_thread *thread,
	struct snap_memory_plan *ret)
{
	uint64_t pc = thread->pc;
	*ret = (struct snap_memory_plan){
		.reason = SNAP_MEMORY_CODE,
		.has_tid = true,
		.tid = thread->tid,
	};
	const struct snap_area *area = snap_areas_find(areas, pc);
	if (!area) {
		ret->unmapped = true;
		ret->cuts[0].addr = pc;
		return;
	}
	uint64_t start = pc - area->start > SNAP_CODE_BEFORE ? pc - SNAP_CODE_BEFORE : area->start;
	uint64_t end = area->end - pc > SNAP_CODE_AFTER ? pc + SNAP_CODE_AFTER : area->end;
	ret->parts[0] = (struct snap_extent){start, end - start};
}

bool snap_memory_wants_code(
	const struct snap_areas *areas, uint64_t index, uint64_t cap, uint64_t pc)
{
	if (index == 0)
		return true;
	/* Code that stands in no file, nor in the vDSO, is nowhere else to be had. */
	const struct snap_area *area = snap_areas_find(areas, pc);
	return area && cap > 0 && !(area->flags & (SNAP_AREA_FILE | SNAP_AREA_VDSO));
}

void snap_memory_plan_vdso(uint64_t addr, uint64_t len, struct snap_memory_plan *ret)
{
	uint64_t taken = len < SNAP_VDSO_MAX ? len : SNAP_VDSO_MAX;
	*ret = (struct snap_memory_plan){
		.reason = SNAP_MEMORY_VDSO,
		.parts = {{addr, taken}},
		.cuts = {{addr + taken, len - taken}},
	};
}

bool snap_memory_plan_trampoline(
	const struct snap_areas *areas, size_t *position, struct snap_memory_plan *ret)
{
	while (*position < areas->num) {
		const struct snap_area *area = &areas->areas[(*position)++];
		if (!(area->flags & SNAP_MAPPING_READ) || !(area->flags & SNAP_MAPPING_EXEC) ||
			area->flags & (SNAP_AREA_FILE | SNAP_AREA_VDSO) ||
			area->end - area->start > SNAP_TRAMPOLINE_MAX)
			continue;
		*ret = (struct snap_memory_plan){
			.reason = SNAP_MEMORY_CODE,
			.parts = {{area->start, area->end - area->start}},
		};
		return true;
	}
	return false;
}

static uint32_t what_of(uint32_t reason)
{
	switch (reason) {
	case SNAP_MEMORY_STACK:
		return SNAP_OMITTED_STACK;
	case SNAP_MEMORY_CODE:
		return SNAP_OMITTED_CODE;
	case SNAP_MEMORY_VDSO:
		return SNAP_OMITTED_VDSO;
	case SNAP_MEMORY_INDIRECT:
		return SNAP_OMITTED_MEMORY;
	}
	return SNAP_OMITTED_OTHER;
}

struct snap_omission snap_memory_plan_omission(const struct snap_memory_plan *plan)
{
	return (struct snap_omission){
		.what = what_of(plan->reason),
		.has_tid = plan->has_tid,
		.tid = plan->tid,
		.has_range = true,
	};
}

bool snap_memory_plan_cut(
	const struct snap_memory_plan *plan, size_t index, struct snap_omission *ret)
{
	if (index >= sizeof(plan->cuts) / sizeof(plan->cuts[0]))
		return false;
	const struct snap_extent *cut = &plan->cuts[index];
	bool unmapped = index == 0 && plan->unmapped;
	if (cut->len == 0 && !unmapped)
		return false;
	*ret = snap_memory_plan_omission(plan);
	ret->why = unmapped ? SNAP_OMITTED_UNREADABLE : SNAP_OMITTED_CAP;
	ret->address = cut->addr;
	ret->bytes = cut->len;
	ret->has_error = unmapped;
	ret->error = unmapped ? EFAULT : 0;
	return true;
}
