/*
 * What was said of a cause, for a signature: the same for the same bug.
 */
#ifndef SNAP_ANALYZE_SIGNATURE_MESSAGE_H
#define SNAP_ANALYZE_SIGNATURE_MESSAGE_H

#include "analyze/crash.h"
#include "common/arena.h"

/* Characters of a message, at most. */
#define SNAP_SIGNATURE_MESSAGE_MAX 80

/*
 * Of an aborted process: an assertion's expression, or what the library said, without addresses,
 * numbers and directories. Only what stands in the process's memory for it: what is known
 * by its code, or its heap, is not known of every crash. *ret: in arena; NULL: nothing is known. -1
 * only without memory.
 */
int snap_signature_message(
	const struct snap_crash *crash, struct snap_arena *arena, const char **ret);

/* text without what differs, cut to the limit, on one line, valid UTF-8. NULL without memory. */
const char *snap_signature_message_text(struct snap_bytes text, struct snap_arena *arena);

#endif
