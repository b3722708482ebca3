#include "analyze/signature/signature.h"

#include "analyze/signature/levels.h"
#include "analyze/signature/pick.h"
#include "analyze/signature/stack.h"

int snap_sign(struct snap_crash *crash, const struct snap_rules *rules, struct snap_error *err)
{
	struct snap_arena arena;
	struct snap_signature_stack stack;
	struct snap_signature signature = {0};
	crash->signature = signature;
	const struct snap_crash_thread *thread = snap_crash_crashed_thread(crash);
	if (!thread || crash->cause.kind == SNAP_KIND_NONE)
		return 0;
	snap_arena_init(&arena, SIZE_MAX);
	int r = snap_signature_stack_read(crash, thread, rules, &arena, &stack, err);
	if (r == 0)
		r = snap_signature_levels(crash, &stack, &arena, &signature, err);
	snap_arena_deinit(&arena);
	if (r == 0)
		crash->signature = signature;
	return r;
}

int snap_signature_find_kind(
	struct snap_crash *crash, const struct snap_rules *rules, struct snap_error *err)
{
	struct snap_arena arena;
	struct snap_signature_stack stack;
	const struct snap_crash_thread *thread = snap_crash_crashed_thread(crash);
	if (!thread || crash->cause.kind != SNAP_KIND_UNKNOWN || crash->device.is_device)
		return 0;
	snap_arena_init(&arena, SIZE_MAX);
	int r = snap_signature_stack_read(crash, thread, rules, &arena, &stack, err);
	if (r == 0 && stack.num_lines > 0 && stack.lines[0].rule &&
		stack.lines[0].rule->action == SNAP_RULE_SKIP)
		crash->cause.kind = SNAP_KIND_ABORT;
	snap_arena_deinit(&arena);
	return r;
}

static const char *words_of(enum snap_pick pick)
{
	switch (pick) {
	case SNAP_PICK_FRAME:
		return "frame";
	case SNAP_PICK_PREFIX:
		return "where a library was called: kept, not counted";
	case SNAP_PICK_BEYOND:
		return "enough frames stand above it";
	case SNAP_PICK_SMASHED:
		return "stands behind a return address that may have been overwritten";
	case SNAP_PICK_ENDS:
		return "ends the program, or tells of its end";
	case SNAP_PICK_HANDLER:
		return "belongs to a signal handler that ended the program";
	case SNAP_PICK_SIGNAL:
		return "the kernel's call of a signal handler, or a processor's of an exception's";
	case SNAP_PICK_INTERRUPTED:
		return "was interrupted by the handler in which it happened";
	case SNAP_PICK_TAIL:
		return "starts programs or threads";
	case SNAP_PICK_OUTER:
		return "other frames are there";
	case SNAP_PICK_INNER:
		return "within a library, called by the next one";
	case SNAP_PICK_NAMELESS:
		return "has no name, nor had the one above it";
	case SNAP_PICK_REPEATED:
		return "recursion";
	case SNAP_PICK_LEAF:
		return "what the recursion called as the stack ended";
	case SNAP_PICK_ENTRY:
		return "led to the recursion that filled the stack";
	case SNAP_PICK_INLINED:
		return "inlined";
	}
	return "";
}

int snap_signature_explain(struct snap_crash *crash, const struct snap_rules *rules,
	struct snap_signature_reason **ret, size_t *ret_num, struct snap_error *err)
{
	struct snap_signature_stack stack;
	const struct snap_crash_thread *thread = snap_crash_crashed_thread(crash);
	struct snap_arena *arena = &crash->arena;
	*ret_num = 0;
	if (!thread || crash->cause.kind == SNAP_KIND_NONE)
		return 0;
	if (snap_signature_stack_read(crash, thread, rules, arena, &stack, err) < 0)
		return -1;
	size_t num = stack.num_lines;
	struct snap_picked picked = {
		.picks = snap_arena_alloc(arena, num * sizeof(picked.picks[0])),
		.order = snap_arena_alloc(arena, num * sizeof(picked.order[0])),
	};
	*ret = snap_arena_alloc(arena, num * sizeof((*ret)[0]));
	if (!picked.picks || !picked.order || !*ret)
		return snap_error_no_memory(err);
	snap_pick(&stack, snap_signature_depth_frames(stack.depth), false, &picked);
	for (size_t i = 0; i < num; i++) {
		enum snap_pick pick = picked.picks[i];
		(*ret)[i] = (struct snap_signature_reason){
			.is_kept = pick == SNAP_PICK_FRAME || pick == SNAP_PICK_PREFIX,
			.words = words_of(pick),
			.rule = stack.lines[i].rule,
			.name = stack.lines[i].function,
			.used = stack.lines[i].used,
		};
	}
	*ret_num = num;
	return 0;
}
