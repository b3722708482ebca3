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
	/* The functions of the cycle that recurs; of those before the gap, if none does. */
	size_t num_functions;
	struct snap_function functions[MAX_CYCLE];
};

static struct snap_function function_of(struct snap_walk *w, const struct snap_frame *frame)
{
	return snap_function_at(w, frame->exact_pc ? frame->pc : frame->pc - 1);
}

/* Of frames that stand before a gap, the last one and num - 1 before it. */
struct sample {
	const struct snap_frame *last;
	size_t num;
};

static bool same_pc(struct snap_walk *w, const struct snap_frame *a, const struct snap_frame *b)
{
	(void)w;
	return a->pc == b->pc;
}

static bool same_function(
	struct snap_walk *w, const struct snap_frame *a, const struct snap_frame *b)
{
	struct snap_function one = function_of(w, a), other = function_of(w, b);
	return snap_function_is_known(&one) && one.start == other.start;
}

/* The shortest cycle that ends with the sample and is there so many times more; 0: none is. Less
 * than a whole cycle more is enough where times is 0. */
static size_t find_cycle(struct snap_walk *w, const struct sample *sample, size_t times,
	bool (*is_same)(struct snap_walk *, const struct snap_frame *, const struct snap_frame *))
{
	for (size_t cycle = 1; cycle <= MAX_CYCLE && cycle < sample->num; cycle++) {
		size_t same = 0, wanted = times > 0 ? times * cycle : 1;
		if (wanted + cycle > sample->num)
			break;
		while (same < wanted &&
			is_same(w, sample->last - same, sample->last - same - cycle))
			same++;
		if (same == wanted && sample->last[-(ptrdiff_t)cycle].has_cfa)
			return cycle;
	}
	return 0;
}

static void look_for_recursion(struct snap_walk *w, struct recursion *ret)
{
	struct sample sample = {
		.last = w->frames + w->num_frames - 1,
		.num = w->num_frames < MAX_SAMPLE ? w->num_frames : MAX_SAMPLE,
	};
	*ret = (struct recursion){0};
	/* The last frame's CFA may be what could not be found. */
	for (; sample.num > 1 && !sample.last->has_cfa; sample.num--)
		sample.last--;
	/* Of large frames there are not many: that a function stands there again has to do. */
	size_t cycle = find_cycle(w, &sample, 2, same_pc);
	if (cycle == 0)
		cycle = find_cycle(w, &sample, 0, same_function);
	ret->num_functions = cycle;
	if (cycle == 0)
		ret->num_functions = sample.num < MAX_CYCLE ? sample.num : MAX_CYCLE;
	for (size_t i = 0; i < ret->num_functions; i++)
		ret->functions[i] = function_of(w, sample.last - i);
	if (cycle > 0) {
		ret->frame_bytes =
			(sample.last->cfa - sample.last[-(ptrdiff_t)cycle].cfa) / cycle;
		return;
	}
	const struct snap_frame *first = sample.last + 1 - sample.num;
	for (; sample.num > 1 && !first->has_cfa; sample.num--)
		first++;
	if (sample.num > 1 && sample.last->cfa > first->cfa)
		ret->frame_bytes = (sample.last->cfa - first->cfa) / (sample.num - 1);
}

/* Whether the call that ends at a return address goes to one of those functions. */
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

/* What speaks for a return address beyond the gap, most first. */
struct merit {
	bool is_anchored; /* call frame information leads from it to the outermost frame */
	bool is_bridge;	  /* its call goes to a function that is known to stand before the gap */
	bool is_verified; /* of the calls that led there, none goes to another function */
	bool is_related;  /* it is in a module that has a frame before the gap */
	unsigned int num; /* frames that call frame information leads to, at most MAX_FOLLOWED */
};

static bool is_better(const struct merit *a, const struct merit *b)
{
	if (a->is_anchored != b->is_anchored)
		return a->is_anchored;
	if (!a->is_anchored && a->num != b->num)
		return a->num > b->num;
	if (a->is_bridge != b->is_bridge)
		return a->is_bridge;
	if (a->is_verified != b->is_verified)
		return a->is_verified;
	return a->is_related && !b->is_related;
}

/* Nothing further up can be better. */
static bool is_best(const struct merit *merit)
{
	return merit->is_anchored && merit->is_bridge && merit->is_verified && merit->is_related;
}

/* Follow call frame information from these registers on. */
static void follow(struct snap_walk *w, const struct snap_registers *from, struct merit *ret)
{
	struct snap_registers registers = *from, caller;
	uint64_t cfa = 0;
	ret->is_verified = true;
	for (ret->num = 0; ret->num < MAX_FOLLOWED && *w->words_left > 0; ret->num++) {
		struct snap_frame frame = {
			.pc = registers.pc,
			.exact_pc = registers.exact_pc,
			.module = snap_crash_module_at(
				w->crash, registers.exact_pc ? registers.pc : registers.pc - 1),
		};
		--*w->words_left;
		enum snap_step step = snap_step_by_cfi(w, &frame, &registers, &caller);
		ret->is_anchored = step == SNAP_STEP_OUTERMOST ||
				   (step == SNAP_STEP_DONE && caller.pc == 0);
		if (step != SNAP_STEP_DONE || frame.cfa <= cfa ||
			snap_is_return_address(w, caller.pc, caller.is_thumb) == SNAP_NO)
			return;
		ret->is_verified &= snap_is_called_by(w, &frame, &caller);
		cfa = frame.cfa;
		registers = caller;
	}
	ret->is_anchored = *w->words_left > 0;
}

static bool has_frame_in(const struct snap_walk *w, const struct snap_crash_module *module)
{
	size_t num = w->num_frames < MAX_CYCLE ? w->num_frames : MAX_CYCLE;
	for (size_t i = 1; module && i <= num; i++)
		if (w->frames[w->num_frames - i].module == module)
			return true;
	return false;
}

/*
 * Of what a scan of the part finds, what has the most merit: a stack is full of what was there
 * before, and that leads to the outermost frame as well if what called it is still there. But the
 * call that stands there by now is another one.
 */
static enum snap_step step_into_part(struct snap_walk *w, const struct snap_memory_segment *part,
	const struct recursion *recursion, struct snap_registers *caller)
{
	struct snap_registers found;
	struct merit best = {0};
	uint64_t addr = part->start, floor = 0;
	enum snap_step result = SNAP_STEP_UNKNOWN;
	for (unsigned int i = 0; i < MAX_CANDIDATES && !is_best(&best); i++) {
		if (snap_step_by_scan(w, NULL, NULL, addr, &found) != SNAP_STEP_DONE ||
			w->floor - part->start > part->len)
			break;
		addr = w->floor;
		struct merit merit = {
			.is_bridge = calls_recursion(w, recursion, &found),
			.is_related = has_frame_in(w, snap_crash_module_at(w->crash, found.pc - 1)),
		};
		follow(w, &found, &merit);
		if (result == SNAP_STEP_DONE && !is_better(&merit, &best))
			continue;
		result = SNAP_STEP_DONE;
		best = merit;
		floor = addr;
		*caller = found;
	}
	w->floor = floor;
	w->is_bridged = best.is_bridge;
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
	w->num_beyond_gap = 0;
	w->has_odd_call = false;
	w->is_beyond_gap = true;
	return SNAP_STEP_DONE;
}
