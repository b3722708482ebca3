#include "analyze/unwind/gap.h"

#include "analyze/unwind/cfi_step.h"
#include "analyze/unwind/scan.h"

/* Parts of one stack that are tried: there is one at its top and one at its base. */
#define MAX_PARTS 8
/* Return addresses in a part that are tried, and how many frames each is followed. */
#define MAX_CANDIDATES 256
#define MAX_FOLLOWED   1024
/* Frames that an average is taken of, and the longest cycle of a recursion that is looked for. */
#define MAX_SAMPLE 256
#define MAX_CYCLE  32

/* The captured range that follows addr within [addr, end). */
static const struct snap_memory_segment *part_above(
	const struct snap_memory *memory, uint64_t addr, uint64_t end)
{
	size_t low = 0, high = memory->num_segments;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (memory->segments[mid].start <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	return low < memory->num_segments && memory->segments[low].start < end
		       ? &memory->segments[low]
		       : NULL;
}

uint64_t snap_missing_bytes(const struct snap_walk *w)
{
	const struct snap_mapping *stack = snap_crash_mapping_at(w->crash, w->missing_addr);
	if (!stack)
		return 0;
	const struct snap_memory_segment *next =
		part_above(&w->crash->memory, w->missing_addr, stack->end);
	return (next ? next->start : stack->end) - w->missing_addr;
}

/* What is known of the frames before a gap. */
struct recursion {
	uint64_t frame_bytes; /* of stack that a frame takes; 0: not known */
	/* The functions of the cycle that recurs; 0: none does. */
	size_t num_functions;
	struct snap_function functions[MAX_CYCLE];
};

static void look_for_recursion(struct snap_walk *w, struct recursion *ret)
{
	size_t num = w->num_frames < MAX_SAMPLE ? w->num_frames : MAX_SAMPLE;
	const struct snap_frame *last = w->frames + w->num_frames - 1;
	*ret = (struct recursion){0};
	/* The last frame's CFA may be what could not be found. */
	for (; num > 1 && !last->has_cfa; num--)
		last--;
	for (size_t cycle = 1; cycle <= MAX_CYCLE && 2 * cycle < num; cycle++) {
		size_t same = 0;
		while (same + cycle < num &&
			last[-(ptrdiff_t)same].pc == last[-(ptrdiff_t)(same + cycle)].pc)
			same++;
		if (same < 2 * cycle || !last[-(ptrdiff_t)cycle].has_cfa)
			continue;
		ret->frame_bytes = (last->cfa - last[-(ptrdiff_t)cycle].cfa) / cycle;
		ret->num_functions = cycle;
		for (size_t i = 0; i < cycle; i++)
			ret->functions[i] = snap_function_at(w, last[-(ptrdiff_t)i].pc - 1);
		return;
	}
	const struct snap_frame *first = last + 1 - num;
	for (; num > 1 && !first->has_cfa; num--)
		first++;
	if (num > 1 && last->cfa > first->cfa)
		ret->frame_bytes = (last->cfa - first->cfa) / (num - 1);
}

/* Whether the call that ends at a return address goes into the recursion. */
static bool calls_recursion(
	struct snap_walk *w, const struct recursion *recursion, const struct snap_registers *caller)
{
	for (size_t i = 0; i < recursion->num_functions; i++)
		if (snap_function_is_known(&recursion->functions[i]) &&
			snap_call_fit(w, &recursion->functions[i], caller->pc, caller->is_thumb) ==
				SNAP_CALL_TO_CALLEE)
			return true;
	return false;
}

/*
 * Whether the capturing program took the thread's stack on both sides of addr. An ELF core says
 * nothing of the kind; then at least, nothing but stacks may be there.
 */
static bool is_cut_here(
	const struct snap_walk *w, const struct snap_mapping *mapping, uint64_t addr)
{
	const struct snap_crash *crash = w->crash;
	for (size_t i = 0; i < crash->num_omissions; i++) {
		const struct snap_omission *o = &crash->omissions[i];
		if (o->what == SNAP_OMITTED_STACK && o->has_tid && w->thread->record.has_tid &&
			o->tid == w->thread->record.tid && o->has_range && addr >= o->address &&
			addr - o->address < o->bytes)
			return true;
	}
	return crash->is_core && !snap_crash_module_at(crash, addr) &&
	       (mapping->path.len == 0 || snap_bytes_equal_str(mapping->path, "[stack]"));
}

/* Whether a frame so far was in this part: stacks may lie side by side, in any order. */
static bool was_walked(const struct snap_walk *w, const struct snap_memory_segment *part)
{
	for (size_t i = 0; i < w->num_frames; i++)
		if (w->frames[i].has_cfa && w->frames[i].cfa > part->start &&
			w->frames[i].cfa - part->start <= part->len)
			return true;
	return false;
}

/*
 * How many frames call frame information leads from these registers on, at most MAX_FOLLOWED; all
 * the way to the outermost one counts as that.
 */
static unsigned int follow(struct snap_walk *w, const struct snap_registers *from)
{
	struct snap_registers registers = *from, caller;
	uint64_t cfa = 0;
	for (unsigned int num = 0; num < MAX_FOLLOWED && (*w->words_left > 0); num++) {
		struct snap_frame frame = {
			.pc = registers.pc,
			.exact_pc = registers.exact_pc,
			.module = snap_crash_module_at(
				w->crash, registers.exact_pc ? registers.pc : registers.pc - 1),
		};
		--*w->words_left;
		enum snap_step step = snap_step_by_cfi(w, &frame, &registers, &caller);
		if (step == SNAP_STEP_OUTERMOST)
			return MAX_FOLLOWED;
		if (step != SNAP_STEP_DONE || frame.cfa <= cfa ||
			snap_is_return_address(w, caller.pc, caller.is_thumb) == SNAP_NO)
			return num;
		cfa = frame.cfa;
		registers = caller;
	}
	return MAX_FOLLOWED;
}

/*
 * Of what a scan of the part finds, what leads furthest, all the way to the outermost frame at
 * best; and before all others what calls the functions that recur: a stack is full of what was
 * there before.
 */
static enum snap_step step_into_part(struct snap_walk *w, const struct snap_memory_segment *part,
	const struct recursion *recursion, struct snap_registers *caller)
{
	struct snap_registers found;
	unsigned int best = 0,
		     full = recursion->num_functions > 0 ? 2 * MAX_FOLLOWED : MAX_FOLLOWED;
	uint64_t addr = part->start, floor = 0;
	enum snap_step result = SNAP_STEP_UNKNOWN;
	for (unsigned int i = 0; i < MAX_CANDIDATES && best < full; i++) {
		if (snap_step_by_scan(w, NULL, NULL, addr, &found) != SNAP_STEP_DONE ||
			w->floor - part->start > part->len)
			break;
		addr = w->floor;
		unsigned int num = follow(w, &found);
		if (num == MAX_FOLLOWED && calls_recursion(w, recursion, &found))
			num = full;
		if (result == SNAP_STEP_DONE && num <= best)
			continue;
		result = SNAP_STEP_DONE;
		best = num;
		floor = addr;
		*caller = found;
	}
	w->floor = floor;
	return result;
}

/* All that is looked at for one gap counts as words: a hostile stack has any number of them. */
static void charge(struct snap_walk *w)
{
	enum { PER_WORD = 16 };
	uint64_t words = (w->crash->num_omissions + MAX_PARTS * w->num_frames) / PER_WORD;
	*w->words_left -= words < *w->words_left ? words : *w->words_left;
}

enum snap_step snap_step_over_gap(
	struct snap_walk *w, struct snap_frame *frame, struct snap_registers *caller)
{
	charge(w);
	struct snap_walk before = *w;
	struct recursion recursion;
	uint64_t from = w->missing_addr;
	const struct snap_mapping *stack = snap_crash_mapping_at(w->crash, from);
	const struct snap_memory_segment *part = NULL;
	enum snap_step step = SNAP_STEP_UNKNOWN;
	bool is_cut = stack && is_cut_here(w, stack, from);
	look_for_recursion(w, &recursion);
	for (unsigned int i = 0; i < MAX_PARTS && is_cut && step != SNAP_STEP_DONE; i++) {
		part = part_above(&w->crash->memory, part ? part->start : from, stack->end);
		if (!part)
			break;
		if (!was_walked(w, part))
			step = step_into_part(w, part, &recursion, caller);
	}
	if (step != SNAP_STEP_DONE) {
		*w = before; /* the reason why the stack ends is the gap */
		return SNAP_STEP_FAILED;
	}
	frame->gap_bytes = part->start - from;
	if (recursion.frame_bytes > 0)
		frame->gap_frames = frame->gap_bytes / recursion.frame_bytes;
	return SNAP_STEP_DONE;
}
