#include "capture/stack_figures.h"

#include "common/memory_plan.h"

/* A stack pointer is at most so far below the stack that it left: guard areas, and frames that are
 * skipped without being touched. */
#define MAX_BELOW (1u << 20)

static bool is_stack(const struct snap_area *area)
{
	return area && (area->flags & SNAP_MAPPING_WRITE);
}

void snap_stack_figures(
	const struct snap_areas *areas, const struct snap_arch *arch, struct snap_thread *thread)
{
	struct snap_memory_thread where;
	if (!arch ||
		!snap_memory_thread_registers(arch, thread->regsets, thread->num_regsets, &where))
		return;
	thread->has_stack_pointer = true;
	thread->stack_pointer = where.sp;
	const struct snap_area *area = snap_areas_find(areas, where.sp);
	if (!is_stack(area)) {
		area = snap_areas_above(areas, area ? area->end - 1 : where.sp);
		if (!is_stack(area) || area->start - where.sp > MAX_BELOW)
			return;
	}
	thread->has_stack_start = thread->has_stack_end = true;
	thread->stack_start = area->end;
	thread->stack_end = area->start;
}
