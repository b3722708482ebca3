/*
 * Where a core has what the C library said before it aborted the process: the text, behind its
 * length, and the C library's variable that points there. A snapshot has the text alone.
 */
#ifndef SNAP_ANALYZE_CONVERT_MESSAGE_MEMORY_H
#define SNAP_ANALYZE_CONVERT_MESSAGE_MEMORY_H

#include "analyze/crash.h"
#include "common/error.h"

/*
 * Add both to memory, if crash has such a text and its address, and the file of the C library is
 * there. What is added is in crash's arena. -1 without memory.
 */
int snap_message_memory_add(
	struct snap_crash *crash, struct snap_memory *memory, struct snap_error *err);

#endif
