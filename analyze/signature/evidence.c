#include "analyze/signature/evidence.h"

#include <sha2.h>
#include <string.h>

#include "analyze/explain/explain.h"
#include "analyze/signature/levels.h"
#include "analyze/signature/pick.h"
#include "analyze/signature/stack.h"

/* A string with its end, so that no two sequences of strings are the same bytes. */
static void digest_str(SHA2_CTX *context, const char *s)
{
	SHA256Update(context, (const uint8_t *)s, strlen(s) + 1);
}

static uint64_t digest_end(SHA2_CTX *context)
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	uint64_t ret;
	SHA256Final(digest, context);
	memcpy(&ret, digest, sizeof(ret));
	return ret;
}

static uint64_t digest_frame(struct snap_bytes build_id, uint64_t offset)
{
	SHA2_CTX context;
	SHA256Init(&context);
	SHA256Update(&context, build_id.data, build_id.len);
	SHA256Update(&context, (const uint8_t *)&offset, sizeof(offset));
	return digest_end(&context);
}

/* 0: it is in no module with a build ID. */
static uint64_t digest_build(const struct snap_frame *frame)
{
	return frame->module && frame->module->record.build_id.len > 0
		       ? digest_frame(frame->module->record.build_id, 0)
		       : 0;
}

/* num_decisive: of the thread's frames, those on which the signature depends; num_telling: those down
 * to the innermost that is no library's. */
static void read_frames(const struct snap_signature_stack *stack,
	const struct snap_crash_thread *thread, size_t num_decisive, size_t num_telling,
	struct snap_evidence *ret)
{
	SHA2_CTX context;
	bool decides = num_decisive <= thread->num_frames;
	for (size_t i = 0; i < thread->num_frames; i++) {
		const struct snap_frame *frame = &thread->frames[i];
		if (i == num_decisive && decides)
			ret->num_decisive = ret->num_frames;
		if (ret->num_frames == SNAP_EVIDENCE_MAX_FRAMES)
			return;
		if (!frame->module || frame->is_tail_call)
			continue;
		/* Who has no build ID can't be told from others. */
		if (frame->module->record.build_id.len > 0)
			ret->frames[ret->num_frames++] =
				digest_frame(frame->module->record.build_id,
					snap_signature_offset(frame));
		else if (i < num_decisive)
			decides = false;
		if (i + 1 == num_telling)
			ret->num_telling = ret->num_frames;
	}
	if (decides && num_decisive == thread->num_frames)
		ret->num_decisive = ret->num_frames;
	SHA256Init(&context);
	digest_str(&context, snap_kind_name(stack->kind));
	digest_str(&context, stack->message ? stack->message : "");
	if (ret->num_frames > 0)
		SHA256Update(&context, (const uint8_t *)&ret->frames[0], sizeof(ret->frames[0]));
	ret->first = digest_end(&context);
}

/*
 * The frames that the signature depends on: down to the last one that was looked at for it. SIZE_MAX
 * if more might have been looked at, had they been known.
 */
static size_t num_decisive_frames(const struct snap_signature_stack *stack,
	const struct snap_picked *picked, const struct snap_crash_thread *thread)
{
	for (size_t i = 1; i < stack->num_lines; i++)
		if (picked->picks[i] == SNAP_PICK_BEYOND || picked->picks[i] == SNAP_PICK_SMASHED ||
			picked->picks[i] == SNAP_PICK_INTERRUPTED)
			return thread->listed[i - 1].frame + 1;
	return stack->is_cut || thread->end != SNAP_END_COMPLETE ? SIZE_MAX : thread->num_frames;
}

/* The frames down to the first that counts in the signature; SIZE_MAX: none does. */
static size_t num_telling_frames(const struct snap_signature_stack *stack,
	const struct snap_picked *picked, const struct snap_crash_thread *thread)
{
	for (size_t i = 0; i < stack->num_lines; i++)
		if (picked->picks[i] == SNAP_PICK_FRAME)
			return thread->listed[i].frame + 1;
	return SIZE_MAX;
}

/* The lines of a signature of any depth. -1 without memory. */
static int read_functions(const struct snap_signature_stack *stack, struct snap_picked *picked,
	struct snap_arena *arena, struct snap_evidence *ret)
{
	snap_pick(stack, SNAP_PICK_ALL, false, picked);
	size_t num = picked->num_kept < SNAP_EVIDENCE_MAX_FUNCTIONS ? picked->num_kept
								     : SNAP_EVIDENCE_MAX_FUNCTIONS;
	ret->functions = snap_arena_alloc(arena, num * sizeof(ret->functions[0]));
	if (!ret->functions)
		return -1;
	for (size_t i = 0; i < num; i++) {
		ret->functions[i] =
			snap_signature_line_text(&stack->lines[picked->order[i]], arena);
		if (!ret->functions[i])
			return -1;
	}
	ret->num_functions = num;
	return 0;
}

int snap_evidence_read(const struct snap_crash *crash, const struct snap_rules *rules,
	struct snap_arena *arena, struct snap_evidence *ret, struct snap_error *err)
{
	struct snap_signature_stack stack;
	const struct snap_crash_thread *thread = snap_crash_crashed_thread(crash);
	*ret = (struct snap_evidence){0};
	if (!thread || !crash->signature.id)
		return 0;
	if (snap_signature_stack_read(crash, thread, rules, arena, &stack, err) < 0)
		return -1;
	struct snap_picked picked = {
		.picks = snap_arena_alloc(arena, stack.num_lines * sizeof(picked.picks[0])),
		.order = snap_arena_alloc(arena, stack.num_lines * sizeof(picked.order[0])),
	};
	if (!picked.picks || !picked.order)
		return snap_error_no_memory(err);
	snap_pick(&stack, snap_signature_depth_frames(stack.depth), false, &picked);
	for (size_t i = 0; i < picked.num_kept; i++) {
		size_t at = picked.order[i];
		if (stack.lines[at].function && picked.picks[at] == SNAP_PICK_FRAME &&
			ret->num_kept < SNAP_EVIDENCE_MAX_KEPT)
			ret->kept[ret->num_kept++] = (struct snap_evidence_kept){
				.function = stack.lines[at].function,
				.build = digest_build(
					&thread->frames[thread->listed[at].frame]),
			};
		if (!stack.lines[at].function)
			ret->num_nameless++;
		else if (picked.picks[at] == SNAP_PICK_FRAME && !thread->listed[at].file)
			ret->num_symbols_only++;
	}
	read_frames(&stack, thread, num_decisive_frames(&stack, &picked, thread),
		num_telling_frames(&stack, &picked, thread), ret);
	if (read_functions(&stack, &picked, arena, ret) < 0)
		return snap_error_no_memory(err);
	return 0;
}
