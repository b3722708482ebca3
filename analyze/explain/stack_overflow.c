#include "analyze/explain/stack_overflow.h"

#include <string.h>

/* How far below sp a function may touch its new frame before it moves sp: calls and pushes 8
 * bytes, the red zone 128, gcc -fstack-check some pages. */
#define MAX_BELOW_SP (64u << 10)
/* How far above sp the first access to a new frame may be once sp was moved: its size. */
#define MAX_FRAME (1u << 20)
/* The main thread's stack has nothing but a gap below it (mmap_base() in the kernel's
 * arch/x86/mm/mmap.c leaves 128 MiB at least), so that a larger frame can't be mistaken. */
#define MAX_MAIN_FRAME (128u << 20)
/* Without a fault address: what is left of a full stack at most, and how large the main thread's
 * is then at least, which grows page by page until RLIMIT_STACK (8 MiB unless changed). */
#define MAX_LEFT       4096u
/* So much of a guard is looked at. */
#define MAX_GUARD      (1u << 20)
#define MIN_MAIN_STACK (7u << 20)

static bool starts_with(struct snap_bytes bytes, const char *prefix)
{
	size_t len = strlen(prefix);
	return bytes.len >= len && memcmp(bytes.data, prefix, len) == 0;
}

static bool is_main_stack(const struct snap_mapping *mapping)
{
	return snap_bytes_equal_str(mapping->path, "[stack]");
}

/* Threads' stacks are anonymous memory, which may have a name (PR_SET_VMA_ANON_NAME). */
static bool is_of_file(const struct snap_mapping *mapping)
{
	return mapping->path.len > 0 && !starts_with(mapping->path, "[stack") &&
	       !starts_with(mapping->path, "[anon");
}

static bool may_be_stack(const struct snap_mapping *mapping)
{
	if (!mapping->has_permissions ||
		(mapping->permissions & (SNAP_MAPPING_READ | SNAP_MAPPING_WRITE)) !=
			(SNAP_MAPPING_READ | SNAP_MAPPING_WRITE))
		return false;
	return !is_of_file(mapping);
}

static bool is_accessible(const struct snap_mapping *mapping)
{
	return !mapping->has_permissions ||
	       (mapping->permissions &
		       (SNAP_MAPPING_READ | SNAP_MAPPING_WRITE | SNAP_MAPPING_EXEC)) != 0;
}

/* Whether nothing was ever pushed there, as far as is known of its upper end. */
static bool is_unused(struct snap_crash *crash, const struct snap_mapping *mapping)
{
	uint8_t bytes[4096];
	uint64_t len = mapping->end - mapping->start;
	uint64_t addr = len > MAX_GUARD ? mapping->end - MAX_GUARD : mapping->start;
	for (; addr < mapping->end; addr += sizeof(bytes)) {
		uint64_t left = mapping->end - addr;
		ssize_t n = snap_memory_read(&crash->memory, addr, bytes,
			left < sizeof(bytes) ? (size_t)left : sizeof(bytes));
		for (ssize_t i = 0; i < n; i++)
			if (bytes[i] != 0)
				return false;
	}
	return true;
}

bool snap_is_guard(struct snap_crash *crash, const struct snap_mapping *mapping)
{
	const struct snap_mapping *above = mapping + 1;
	if (!is_accessible(mapping))
		return true;
	return crash->is_core && mapping->permissions == SNAP_MAPPING_READ &&
	       !is_of_file(mapping) && above < crash->mappings + crash->num_mappings &&
	       above->start == mapping->end && may_be_stack(above) && is_unused(crash, mapping);
}

/* The first mapping from addr on, addr's own included, that is more than a guard. */
static const struct snap_mapping *first_accessible(struct snap_crash *crash, uint64_t addr)
{
	size_t low = 0, high = crash->num_mappings;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (crash->mappings[mid].end <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < crash->num_mappings; low++)
		if (!snap_is_guard(crash, &crash->mappings[low]))
			return &crash->mappings[low];
	return NULL;
}

/* The lowest of the stack mappings that adjoin this one: mprotect(2) and the like split it. */
static const struct snap_mapping *lowest_part(
	const struct snap_crash *crash, const struct snap_mapping *mapping)
{
	while (mapping > crash->mappings && mapping[-1].end == mapping->start &&
		may_be_stack(&mapping[-1]))
		mapping--;
	return mapping;
}

/* Whether so little is left that the kernel may have found no room for a signal frame. */
static bool is_full(struct snap_crash *crash, const struct snap_mapping *stack, uint64_t sp)
{
	if (sp - stack->start > MAX_LEFT)
		return false;
	if (is_main_stack(stack))
		return stack->end - stack->start >= MIN_MAIN_STACK;
	return stack > crash->mappings && stack[-1].end == stack->start &&
	       snap_is_guard(crash, &stack[-1]);
}

bool snap_stack_overflowed(struct snap_crash *crash, uint64_t sp, bool has_fault, uint64_t fault,
	const struct snap_mapping **ret_stack)
{
	const struct snap_mapping *stack = snap_crash_mapping_at(crash, sp);
	bool sp_inside = stack && may_be_stack(stack);

	if (sp_inside) {
		/* sp is still in the stack; a push, call or probe went below it. */
		stack = lowest_part(crash, stack);
		if (has_fault && (fault >= stack->start || sp - fault > MAX_BELOW_SP))
			return false;
		if (!has_fault && !is_full(crash, stack, sp))
			return false;
	} else {
		/* sp was moved to below the stack: only a guard and nothing may lie between. */
		stack = first_accessible(crash, sp);
		if (!stack || !may_be_stack(stack) || sp >= stack->start)
			return false;
		uint64_t max = is_main_stack(stack) ? MAX_MAIN_FRAME : MAX_FRAME;
		if (stack->start - sp > max)
			return false;
		if (has_fault &&
			(fault >= stack->start || (fault < sp && sp - fault > MAX_BELOW_SP)))
			return false;
	}
	if (has_fault) {
		const struct snap_mapping *there = snap_crash_mapping_at(crash, fault);
		if (there && (!there->has_permissions || there->permissions & SNAP_MAPPING_WRITE))
			return false;
	}
	*ret_stack = stack;
	return true;
}
