/*
 * Bad accesses that the heap's state explains: in the allocator itself.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_HEAP_H
#define SNAP_ANALYZE_EXPLAIN_HEAP_H

#include "analyze/explain/evidence.h"

/* Of a bad access: sets e->heap and e->heap_function. */
void snap_heap_find(struct snap_evidence *e);

/* "; ..." for the sentence's end; "" if there is nothing to say; NULL without memory. */
const char *snap_heap_words(const struct snap_evidence *e);

#endif
