/*
 * Bad accesses that the heap's state explains: in the allocator itself, and through what it keeps in
 * freed blocks.
 *
 * Sources: glibc 2.26 to 2.42, malloc/malloc.c (tcache_entry, PROTECT_PTR, the bins of malloc_state).
 */
#ifndef SNAP_ANALYZE_EXPLAIN_HEAP_H
#define SNAP_ANALYZE_EXPLAIN_HEAP_H

#include "analyze/explain/evidence.h"

/* Of a bad access, or a bad program counter: sets e->heap and what follows it. */
void snap_heap_find(struct snap_evidence *e);

/* "; ..." for the sentence's end; "" if there is nothing to say; NULL without memory. */
const char *snap_heap_words(const struct snap_evidence *e);

#endif
