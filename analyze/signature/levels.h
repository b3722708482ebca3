/*
 * Ids of a stack, coarser and finer.
 */
#ifndef SNAP_ANALYZE_SIGNATURE_LEVELS_H
#define SNAP_ANALYZE_SIGNATURE_LEVELS_H

#include "analyze/crash.h"
#include "analyze/signature/pick.h"
#include "analyze/signature/stack.h"
#include "common/arena.h"
#include "common/error.h"

/* Of ids, what stands before the colon. */
#define SNAP_SIGNATURE_VERSION "s1"

/* The frames of each depth; SNAP_PICK_ALL: all. */
size_t snap_signature_depth_frames(enum snap_signature_depth depth);
/* "3", "all". */
const char *snap_signature_depth_name(enum snap_signature_depth depth);
/* "logical" */
const char *snap_signature_level_name(enum snap_signature_level level);

/* How a line stands in a signature: its function, or "MODULE!?". In arena, or the line's own; NULL
 * without memory. */
const char *snap_signature_line_text(
	const struct snap_signature_line *line, struct snap_arena *arena);

/*
 * Fill ret->id, text, first, ids; of the strings, those are in crash->arena. What is needed on the
 * way is taken from arena. -1 only without memory.
 */
int snap_signature_levels(struct snap_crash *crash, const struct snap_signature_stack *stack,
	struct snap_arena *arena, struct snap_signature *ret, struct snap_error *err);

#endif
