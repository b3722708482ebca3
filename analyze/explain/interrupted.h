/*
 * What a signal's handler, on the stack of the thread that ended, was called for.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_INTERRUPTED_H
#define SNAP_ANALYZE_EXPLAIN_INTERRUPTED_H

#include "analyze/explain/evidence.h"

/*
 * ", in a handler of SIGSEGV (SEGV_MAPERR) at address 0x8, which interrupted read_sample"; less if
 * less is known. "" if the thread is in no handler; NULL if memory is exhausted.
 */
const char *snap_interrupted_words(const struct snap_evidence *e);

#endif
