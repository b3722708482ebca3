#include "analyze/unwind/prewalked.h"

#include <string.h>

/* Code addresses, without the bit that tells instruction sets. */
static uint64_t address_of(const struct snap_walk *w, uint64_t value)
{
	return w->arch && w->arch->has_thumb_bit ? value & ~UINT64_C(1) : value;
}

/* A pc of the thread: that of its registers. */
static bool is_own_pc(const struct snap_walk *w, uint64_t pc)
{
	uint64_t own;
	return w->arch && snap_crash_register(w->crash, w->thread, w->arch->pc, &own) &&
	       address_of(w, own) == pc;
}

static int add(struct snap_walk *w, uint64_t value, bool is_first, struct snap_error *err)
{
	struct snap_crash *crash = w->crash;
	uint64_t pc = address_of(w, value);
	bool is_exact = is_first && is_own_pc(w, pc);
	struct snap_frame *frames = snap_arena_grow(
		&crash->arena, w->frames, w->num_frames, &w->capacity, sizeof(*frames));
	size_t len = w->arch ? snap_arch_num_columns(w->arch) * sizeof(uint64_t) : 0;
	uint64_t *regs = len > 0 ? snap_arena_alloc(&crash->arena, len) : NULL;
	if (!frames || (len > 0 && !regs))
		return snap_error_no_memory(err);
	if (len > 0)
		memset(regs, 0, len);
	w->frames = frames;
	struct snap_crash_module *module = snap_crash_module_at(crash, is_exact ? pc : pc - 1);
	frames[w->num_frames++] = (struct snap_frame){
		.pc = pc,
		.exact_pc = is_exact,
		.trust = SNAP_TRUST_PREWALKED,
		.regs = regs,
		.module = module,
	};
	snap_walk_note_module(w, module);
	return 0;
}

int snap_prewalked_add(struct snap_walk *w, size_t max_frames, struct snap_error *err)
{
	const struct snap_thread *thread = &w->thread->record;
	size_t from = 0, before = w->num_frames;
	if (!w->crash->device.is_device)
		return 0;
	if (before > 0) {
		const struct snap_frame *last = &w->frames[before - 1];
		if (w->end == SNAP_END_COMPLETE)
			return 0;
		/* Of a recursion one entry is like another: the one that is as far in counts first.
		 */
		if (before <= thread->num_backtrace &&
			address_of(w, thread->backtrace[before - 1]) == last->pc)
			from = before - 1;
		while (from < thread->num_backtrace &&
			address_of(w, thread->backtrace[from]) != last->pc)
			from++;
		from++;
	}
	for (size_t i = from; i < thread->num_backtrace; i++) {
		if (w->num_frames >= max_frames) {
			(void)snap_step_fails(w, SNAP_END_LIMIT, "the limit on frames was reached");
			return 0;
		}
		if (add(w, thread->backtrace[i], i == 0, err) < 0)
			return -1;
		w->num_walked++;
	}
	if (w->num_frames > before)
		(void)snap_step_fails(
			w, SNAP_END_UNAVAILABLE, "the device's own backtrace ends here");
	return 0;
}
