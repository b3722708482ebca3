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

static uint64_t digest_end(const SHA2_CTX *context)
{
	SHA2_CTX copy = *context;
	uint8_t digest[SHA256_DIGEST_LENGTH];
	uint64_t ret;
	SHA256Final(digest, &copy);
	memcpy(&ret, digest, sizeof(ret));
	return ret;
}

/*
 * The digests of the places, as far as all have a build ID. num_lines: those on which the signature
 * depends.
 */
static void read_places(
	const struct snap_signature_stack *stack, size_t num_lines, struct snap_evidence *ret)
{
	SHA2_CTX context;
	SHA256Init(&context);
	digest_str(&context, snap_kind_name(stack->kind));
	digest_str(&context, stack->message ? stack->message : "");
	for (size_t i = 0; i < stack->num_lines && ret->num_places < SNAP_EVIDENCE_MAX_PLACES; i++) {
		const struct snap_signature_line *line = &stack->lines[i];
		if (line->is_inline)
			continue;
		if (line->has_offset && line->build_id.len == 0)
			return;
		SHA256Update(&context, line->build_id.data, line->build_id.len);
		SHA256Update(&context, (const uint8_t *)&line->offset, sizeof(line->offset));
		ret->places[ret->num_places++] = digest_end(&context);
		/* What is inlined stands above the line that it is inlined into. */
		if (ret->num_decisive == 0 && i + 1 >= num_lines)
			ret->num_decisive = ret->num_places;
	}
}

/*
 * The lines that the signature depends on: down to the last one that was looked at for it. SIZE_MAX
 * if more might have been looked at, had they been known.
 */
static size_t num_decisive_lines(const struct snap_signature_stack *stack,
	const struct snap_picked *picked, const struct snap_crash_thread *thread)
{
	for (size_t i = 0; i < stack->num_lines; i++)
		if (picked->picks[i] == SNAP_PICK_BEYOND)
			return i;
	return stack->is_cut || thread->end != SNAP_END_COMPLETE ? SIZE_MAX : stack->num_lines;
}

static bool is_compared(const struct snap_signature_line *line, enum snap_pick pick)
{
	enum snap_rule_action action = line->rule ? line->rule->action : SNAP_RULE_KEEP;
	return pick != SNAP_PICK_ENDS && pick != SNAP_PICK_HANDLER && !line->is_signal &&
	       action != SNAP_RULE_TAIL && action != SNAP_RULE_OUTER;
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
	size_t max = stack.num_lines < SNAP_EVIDENCE_MAX_FUNCTIONS ? stack.num_lines
								    : SNAP_EVIDENCE_MAX_FUNCTIONS;
	ret->functions = snap_arena_alloc(arena, max * sizeof(ret->functions[0]));
	if (!picked.picks || !picked.order || !ret->functions)
		return snap_error_no_memory(err);
	snap_pick(&stack, snap_signature_depth_frames(SNAP_SIGNATURE_PRIMARY), false, &picked);
	for (size_t i = 0; i < picked.num_kept; i++) {
		size_t at = picked.order[i];
		if (!stack.lines[at].function)
			ret->num_nameless++;
		else if (picked.picks[at] == SNAP_PICK_FRAME && !thread->listed[at].file)
			ret->num_symbols_only++;
	}
	for (size_t i = 0; i < stack.num_lines && ret->num_functions < max; i++)
		if (is_compared(&stack.lines[i], picked.picks[i]))
			ret->functions[ret->num_functions++] = stack.lines[i].function;
	read_places(&stack, num_decisive_lines(&stack, &picked, thread), ret);
	return 0;
}
