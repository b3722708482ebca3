/*
 * What an assertion says by what the function that reports it was called with, where no text of it
 * was kept: of libstdc++ (_GLIBCXX_ASSERTIONS), of musl.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_ASSERT_CALL_H
#define SNAP_ANALYZE_EXPLAIN_ASSERT_CALL_H

#include "analyze/explain/evidence.h"

/* function: that reports it, at that line of the thread's. Fills the cause's assertion with the
 * parts that are certain. */
void snap_assert_call_find(struct snap_evidence *e, const char *function, size_t line);

#endif
