#include "analyze/explain/repeats.h"

static bool same_line(const struct snap_crash_thread *thread, size_t a, size_t b)
{
	const struct snap_listed_frame *x = &thread->listed[a], *y = &thread->listed[b];
	const struct snap_frame *f = &thread->frames[x->frame], *g = &thread->frames[y->frame];
	return f->pc == g->pc && f->trust == g->trust && x->is_inline == y->is_inline &&
	       x->function == y->function && x->line == y->line;
}

/* Whether something is missing behind the line, the last one of its frame. */
static bool is_before_gap(const struct snap_crash_thread *thread, size_t i)
{
	const struct snap_frame *frame = &thread->frames[thread->listed[i].frame];
	return (frame->gap_bytes > 0 || frame->gap_frames > 0) &&
	       (i + 1 == thread->num_listed ||
		       &thread->frames[thread->listed[i + 1].frame] != frame);
}

/* The recursion that begins with line i; a gap ends it. Count 0: there is none. */
static struct snap_repeat repeat_at(const struct snap_crash_thread *thread, size_t i)
{
	for (size_t length = 1; length <= SNAP_MAX_REPEAT_LENGTH; length++) {
		size_t end = i + length;
		if (end > thread->num_listed || (length > 1 && is_before_gap(thread, end - 2)))
			break;
		while (end < thread->num_listed && same_line(thread, end, end - length) &&
			!is_before_gap(thread, end - 1))
			end++;
		size_t count = (end - i) / length;
		if (count >= SNAP_MIN_REPEAT_COUNT)
			return (struct snap_repeat){i, length, count};
	}
	return (struct snap_repeat){0};
}

int snap_find_repeats(struct snap_crash *crash, struct snap_error *err)
{
	for (size_t t = 0; t < crash->num_threads; t++) {
		struct snap_crash_thread *thread = &crash->threads[t];
		struct snap_repeat *repeats = NULL;
		size_t num = 0, capacity = 0;
		for (size_t i = 0; i < thread->num_listed;) {
			struct snap_repeat repeat = repeat_at(thread, i);
			if (repeat.count == 0) {
				i++;
				continue;
			}
			repeats = snap_arena_grow(
				&crash->arena, repeats, num, &capacity, sizeof(*repeats));
			if (!repeats)
				return snap_error_no_memory(err);
			repeats[num++] = repeat;
			i += repeat.length * repeat.count;
		}
		thread->repeats = repeats;
		thread->num_repeats = num;
	}
	return 0;
}
