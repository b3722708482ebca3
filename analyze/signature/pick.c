#include "analyze/signature/pick.h"

#include <string.h>

/* A turn of recursion has so many lines at most, and is there so often at least. */
#define MAX_TURN   10
#define MIN_TURNS  3
#define MIN_TURNS1 2 /* a function that calls itself */

static enum snap_rule_action action_of(const struct snap_signature_line *line)
{
	return line->rule ? line->rule->action : SNAP_RULE_KEEP;
}

/* ---------------------------------------------------------------- where it begins */

/*
 * The line behind those that end the program, from start on: behind the last one that a rule names,
 * with no others in between than a library's own. start if there are none.
 */
static size_t skip_ending(const struct snap_signature_stack *stack, size_t start)
{
	size_t end = start;
	for (size_t i = start; i < stack->num_lines; i++) {
		const struct snap_signature_line *line = &stack->lines[i];
		if (action_of(line) == SNAP_RULE_SKIP)
			end = i + 1;
		else if (!line->is_library)
			break;
	}
	return end;
}

static size_t find_trampoline(const struct snap_signature_stack *stack, size_t start)
{
	for (size_t i = start; i < stack->num_lines; i++)
		if (stack->lines[i].is_signal)
			return i;
	return stack->num_lines;
}

/*
 * A handler that ends the program after a signal says nothing of the bug: that is what the signal
 * interrupted. Where a handler itself went wrong, it stays.
 */
static size_t find_start(const struct snap_signature_stack *stack, enum snap_pick *picks)
{
	size_t start = 0;
	for (;;) {
		size_t end = skip_ending(stack, start);
		bool ends = end > start;
		while (start < end)
			picks[start++] = SNAP_PICK_ENDS;
		size_t signal = find_trampoline(stack, start);
		/* A microcontroller's handlers go wrong as threads do: only where there is nothing
		 * but the fault's own handler, it tells nothing. */
		bool is_own = stack->is_device ? signal == start : stack->kind == SNAP_KIND_ABORT;
		if (!ends || !is_own || signal + 1 >= stack->num_lines)
			return start;
		while (start < signal)
			picks[start++] = SNAP_PICK_HANDLER;
		picks[start++] = SNAP_PICK_SIGNAL;
	}
}

/* ---------------------------------------------------------------- what may be kept */

static enum snap_pick first_pick(const struct snap_signature_line *line, bool physical)
{
	if (physical && line->is_inline)
		return SNAP_PICK_INLINED;
	if (line->is_signal)
		return SNAP_PICK_SIGNAL;
	if (!line->function && line->module.len == 0)
		return SNAP_PICK_NAMELESS;
	switch (action_of(line)) {
	case SNAP_RULE_TAIL:
		return SNAP_PICK_TAIL;
	case SNAP_RULE_OUTER:
		return SNAP_PICK_OUTER;
	case SNAP_RULE_PREFIX:
		return SNAP_PICK_PREFIX;
	default:
		break;
	}
	return SNAP_PICK_FRAME;
}

static bool is_kept(enum snap_pick pick)
{
	return pick == SNAP_PICK_FRAME || pick == SNAP_PICK_PREFIX;
}

static void collect(struct snap_picked *picked, size_t start, size_t num)
{
	picked->num_kept = 0;
	for (size_t i = start; i < num; i++)
		if (is_kept(picked->picks[i]))
			picked->order[picked->num_kept++] = i;
}

static bool same_bytes(struct snap_bytes a, struct snap_bytes b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Of a library's functions in a row the outermost; of nameless ones the first. */
static void thin_out(const struct snap_signature_stack *stack, struct snap_picked *picked)
{
	size_t num = 0;
	for (size_t i = 0; i < picked->num_kept; i++) {
		size_t at = picked->order[i];
		const struct snap_signature_line *line = &stack->lines[at];
		if (picked->picks[at] == SNAP_PICK_PREFIX) {
			if (i + 1 < picked->num_kept &&
				picked->picks[picked->order[i + 1]] == SNAP_PICK_PREFIX) {
				picked->picks[at] = SNAP_PICK_INNER;
				continue;
			}
		} else if (!line->function && num > 0) {
			const struct snap_signature_line *above =
				&stack->lines[picked->order[num - 1]];
			if (!above->function && same_bytes(above->module, line->module)) {
				picked->picks[at] = SNAP_PICK_NAMELESS;
				continue;
			}
		}
		picked->order[num++] = at;
	}
	picked->num_kept = num;
}

/* ---------------------------------------------------------------- recursion */

static int compare_lines(const struct snap_signature_stack *stack, size_t a, size_t b)
{
	const struct snap_signature_line *one = &stack->lines[a], *other = &stack->lines[b];
	int r = strcmp(one->function ? one->function : "", other->function ? other->function : "");
	if (r != 0 || one->function)
		return r;
	size_t len = one->module.len < other->module.len ? one->module.len : other->module.len;
	r = len > 0 ? memcmp(one->module.data, other->module.data, len) : 0;
	return r != 0 ? r
		      : (one->module.len > other->module.len) -
				(one->module.len < other->module.len);
}

static bool same_turn(
	const struct snap_signature_stack *stack, const size_t *a, const size_t *b, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (compare_lines(stack, a[i], b[i]) != 0)
			return false;
	return true;
}

/* How often order[at, at + length) stands there in a row. */
static size_t count_turns(const struct snap_signature_stack *stack,
	const struct snap_picked *picked, size_t at, size_t length)
{
	size_t turns = 1;
	while (at + (turns + 1) * length <= picked->num_kept &&
		same_turn(stack, &picked->order[at], &picked->order[at + turns * length], length))
		turns++;
	return turns;
}

/* Have the turn begin where it is least: which of its functions was interrupted is chance. */
static void rotate(const struct snap_signature_stack *stack, size_t *turn, size_t length)
{
	size_t doubled[2 * MAX_TURN], best = 0;
	memcpy(doubled, turn, length * sizeof(turn[0]));
	memcpy(doubled + length, turn, length * sizeof(turn[0]));
	for (size_t i = 1; i < length; i++) {
		int r = 0;
		for (size_t j = 0; j < length && r == 0; j++)
			r = compare_lines(stack, doubled[i + j], doubled[best + j]);
		if (r < 0)
			best = i;
	}
	memcpy(turn, doubled + best, length * sizeof(turn[0]));
}

/* Lines that recur, from order[at] on. */
struct recursion {
	size_t at, length, turns; /* 0 turns: none do */
};

/*
 * Whether order[at, at + length) and what is left of a second turn are all that stands before a part
 * of the stack that was not captured: a stack that overflowed is full of them, but a turn may be so
 * large that no more was captured.
 */
static bool goes_on_into_gap(const struct snap_signature_stack *stack,
	const struct snap_picked *picked, size_t at, size_t length)
{
	if (stack->kind != SNAP_KIND_STACK_OVERFLOW || !stack->ends_at_gap ||
		at + length >= picked->num_kept)
		return false;
	size_t left = picked->num_kept - at - length;
	for (size_t i = 0; i < left; i += length) {
		size_t num = left - i < length ? left - i : length;
		if (!same_turn(stack, &picked->order[at], &picked->order[at + length + i], num))
			return false;
	}
	return true;
}

static struct recursion recursion_at(
	const struct snap_signature_stack *stack, const struct snap_picked *picked, size_t at)
{
	for (size_t length = 1; length <= MAX_TURN; length++) {
		size_t turns = count_turns(stack, picked, at, length);
		if (turns >= (length == 1 ? MIN_TURNS1 : MIN_TURNS))
			return (struct recursion){at, length, turns};
	}
	for (size_t length = 1; length <= MAX_TURN; length++)
		if (goes_on_into_gap(stack, picked, at, length))
			return (struct recursion){
				at, length, count_turns(stack, picked, at, length)};
	return (struct recursion){0};
}

/* Behind the last whole turn, and what is left of one. */
static size_t end_of(const struct snap_signature_stack *stack, const struct snap_picked *picked,
	const struct recursion *recursion)
{
	size_t end = recursion->at + recursion->turns * recursion->length;
	for (size_t j = 0; j < recursion->length && end < picked->num_kept; j++, end++)
		if (compare_lines(stack, picked->order[recursion->at + j], picked->order[end]) != 0)
			break;
	return end;
}

static bool fills_the_stack(const struct snap_signature_stack *stack,
	const struct snap_picked *picked, const struct recursion *recursion)
{
	return stack->kind == SNAP_KIND_STACK_OVERFLOW &&
	       (recursion->turns >= MIN_TURNS ||
		       goes_on_into_gap(stack, picked, recursion->at, recursion->length));
}

/*
 * What led to the recursion that filled a stack is captured of one that has few frames alone: it
 * goes. But one that is part of another, with longer turns, did not fill it.
 */
static bool is_last_recursion(
	const struct snap_signature_stack *stack, const struct snap_picked *picked, size_t from)
{
	for (size_t i = from; i < picked->num_kept; i++)
		if (recursion_at(stack, picked, i).turns > 0)
			return false;
	return true;
}

/*
 * Recursion once. What is left of a turn behind the last whole one goes as well: how far the last
 * turn went is chance, too. Of a stack overflow, so is what the recursion called when the stack
 * ended.
 */
static void fold(const struct snap_signature_stack *stack, struct snap_picked *picked)
{
	size_t num = 0;
	bool is_first = true;
	for (size_t i = 0; i < picked->num_kept;) {
		struct recursion recursion = recursion_at(stack, picked, i);
		size_t length = recursion.length;
		if (recursion.turns == 0) {
			picked->order[num++] = picked->order[i++];
			continue;
		}
		bool is_cause = is_first && fills_the_stack(stack, picked, &recursion);
		while (is_cause && num > 0)
			picked->picks[picked->order[--num]] = SNAP_PICK_LEAF;
		is_first = false;
		size_t end = end_of(stack, picked, &recursion);
		for (size_t j = i + length; j < end; j++)
			picked->picks[picked->order[j]] = SNAP_PICK_REPEATED;
		if (is_cause && is_last_recursion(stack, picked, end)) {
			for (size_t j = end; j < picked->num_kept; j++)
				picked->picks[picked->order[j]] = SNAP_PICK_ENTRY;
			picked->num_kept = end;
		}
		memmove(&picked->order[num], &picked->order[i], length * sizeof(size_t));
		rotate(stack, &picked->order[num], length);
		num += length;
		i = end;
	}
	picked->num_kept = num;
}

/* ---------------------------------------------------------------- the whole */

void snap_pick(const struct snap_signature_stack *stack, size_t depth, bool physical,
	struct snap_picked *picked)
{
	size_t start = find_start(stack, picked->picks), num_frames = 0, num = 0;
	/* What was interrupted is chance. */
	size_t end = stack->is_device ? find_trampoline(stack, start) : stack->num_lines;
	for (size_t i = end; i < stack->num_lines; i++)
		picked->picks[i] =
			stack->lines[i].is_signal ? SNAP_PICK_SIGNAL : SNAP_PICK_INTERRUPTED;
	for (size_t i = start; i < end; i++) {
		picked->picks[i] = first_pick(&stack->lines[i], physical);
		num_frames += picked->picks[i] == SNAP_PICK_FRAME;
	}
	for (size_t i = start; i < end && num_frames == 0; i++)
		if (picked->picks[i] == SNAP_PICK_OUTER)
			picked->picks[i] = SNAP_PICK_FRAME;
	collect(picked, start, end);
	thin_out(stack, picked);
	fold(stack, picked);
	num_frames = 0;
	for (size_t i = 0; i < picked->num_kept; i++) {
		enum snap_pick *pick = &picked->picks[picked->order[i]];
		if (stack->is_smashed && num_frames > 0)
			*pick = SNAP_PICK_SMASHED;
		else if (num_frames == depth)
			*pick = SNAP_PICK_BEYOND;
		else
			picked->order[num++] = picked->order[i];
		num_frames += *pick == SNAP_PICK_FRAME;
	}
	picked->num_kept = num;
}
