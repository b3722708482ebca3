/*
 * The C++ exception that ended a program: its type, and what it says, as far as it was captured.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_CXX_EXCEPTION_H
#define SNAP_ANALYZE_EXPLAIN_CXX_EXCEPTION_H

#include "analyze/explain/evidence.h"

/*
 * Fill the cause's exception, if what stands on the stack tells of one; of std::bad_alloc also
 * another failure. e->failure_words goes with it. -1 without memory.
 */
int snap_cxx_exception_find(struct snap_evidence *e);

/* ": std::runtime_error, which says ..."; "" if nothing is known; NULL without memory. */
const char *snap_cxx_exception_words(const struct snap_evidence *e);

#endif
