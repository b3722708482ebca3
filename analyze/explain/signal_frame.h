/*
 * What the kernel does round a signal's handler, and what ends a program without a fault of its
 * instructions: the frame that can't be written onto a stack, or that makes no sense on return.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_SIGNAL_FRAME_H
#define SNAP_ANALYZE_EXPLAIN_SIGNAL_FRAME_H

#include "analyze/explain/evidence.h"

/*
 * For a SIGSEGV whose code is SI_KERNEL, and that no bad address explains: e->signal_frame.
 * e->instruction is to be known if it can be.
 */
void snap_signal_frame_find(struct snap_evidence *e);

/* The sentence, if one of these was found; of a fault whose address is known, what is to be added
 * to its own. NULL: memory is exhausted. */
const char *snap_signal_frame_explain(const struct snap_evidence *e);

#endif
