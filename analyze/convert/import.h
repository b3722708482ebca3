/*
 * From a loaded core to a snapshot: what the capture half would have taken of that crash, by the
 * same rules (common/memory_plan.h), in the same order.
 */
#ifndef SNAP_ANALYZE_CONVERT_IMPORT_H
#define SNAP_ANALYZE_CONVERT_IMPORT_H

#include <stdbool.h>

#include "analyze/crash.h"
#include "common/error.h"

/* A stack is no longer, even if whole stacks are wanted: it may be somebody's heap. */
#define SNAP_IMPORT_MAX_STACK (64u << 20)

struct snap_import_options {
	bool full_stacks; /* up to SNAP_IMPORT_MAX_STACK each, and what a file may have */
	bool indirect;	  /* common/indirect.h */
};

/*
 * Write it to fd. The same core gives the same bytes; crash->abort_message is written if it is
 * there (explain/core_message.h). Returns 0, or -1 and *err, also if crash is no core:
 * SNAP_ERROR_OUTPUT with errnum if fd failed.
 */
int snap_import(struct snap_crash *crash, const struct snap_import_options *options, int fd,
	struct snap_error *err);

#endif
