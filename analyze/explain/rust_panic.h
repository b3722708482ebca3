/*
 * What a Rust panic says, and where it happened: by what the functions that begin it were called
 * with.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_RUST_PANIC_H
#define SNAP_ANALYZE_EXPLAIN_RUST_PANIC_H

#include "analyze/explain/evidence.h"

/* Fill the cause's panic, if anything of it is certain. -1 without memory. */
int snap_rust_panic_find(struct snap_evidence *e);

/* ": out of paper, at src/print.rs:23:9", of what is known; "" if nothing is. NULL without memory. */
const char *snap_rust_panic_words(const struct snap_evidence *e);

#endif
