/*
 * Why a program aborted itself: by what the C library said, and by the functions on the stack.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_ABORT_H
#define SNAP_ANALYZE_EXPLAIN_ABORT_H

#include "analyze/explain/evidence.h"

/* "double-free" and so on; NULL for SNAP_FAILURE_NONE. Static. */
const char *snap_failure_name(enum snap_failure failure);

/*
 * Of a SIGABRT that nobody else sent: fill the cause's failure and what belongs to it. -1 without
 * memory.
 */
int snap_abort_find(struct snap_evidence *e);

/* The same of a backtrace that came as text: only by what its functions are called, and by the crash's
 * message. Of e only crash and thread are looked at. */
int snap_abort_find_said(struct snap_evidence *e);

/* One sentence of what was found, in the crash's arena or static; NULL without memory. */
const char *snap_abort_explain(const struct snap_evidence *e);

#endif
