/*
 * How a program came to where no code may be executed: the call that led there.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_BAD_PC_H
#define SNAP_ANALYZE_EXPLAIN_BAD_PC_H

#include "analyze/explain/evidence.h"

/* One sentence, in the crash's arena; NULL if memory is exhausted. */
const char *snap_bad_pc_explain(const struct snap_evidence *e);

#endif
