/*
 * What the C library said before it aborted the process, out of the memory of a core: a core has no
 * record of it, as snapshots do.
 *
 * Where the text is, glibc's own variable tells, which the library's file (or that of a static
 * program) has among its symbols: of a core the kernel writes no symbols. Hostile: the file's word,
 * and the memory's; reads are bounded.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_CORE_MESSAGE_H
#define SNAP_ANALYZE_EXPLAIN_CORE_MESSAGE_H

#include "analyze/crash.h"
#include "analyze/find/store.h"

/*
 * Fill crash->abort_message, and whose symbol told of it, if the input is a core and has such a
 * text. -1 without memory.
 */
int snap_core_message_find(struct snap_crash *crash);

/* The address of the variable that points to such a text; false: no file tells. */
bool snap_core_message_variable(struct snap_crash *crash, uint64_t *ret_addr);

/*
 * The same of a crash that was only loaded: the files of the modules that may tell are looked for,
 * and fetched if the store does that; otherwise the crash stays as it is. -1 without memory.
 */
int snap_core_message_look(
	struct snap_crash *crash, struct snap_store *store, struct snap_error *err);

#endif
