/*
 * Finds the files that belong to a module, by build ID, and keeps the resulting objects for all
 * inputs of the run.
 *
 * Order, each candidate verified on its open descriptor before use:
 *   1. the --symbols trees
 *   2. .build-id/xx/yyyy[.debug] below each --debug-dir
 *   3. the mapping's own path on this machine, unless --no-local
 */
#ifndef SNAP_ANALYZE_SYMBOLS_STORE_H
#define SNAP_ANALYZE_SYMBOLS_STORE_H

#include "analyze/analysis.h"
#include "analyze/crash.h"
#include "common/error.h"

struct snap_store;

/* options outlives the store. */
int snap_store_create(
	const struct snap_options *options, struct snap_store **ret, struct snap_error *err);
void snap_store_destroy(struct snap_store *store);

/*
 * Resolve: fill module.symbols, .object, .symbol_file and .why of every module of the crash. That
 * symbols are missing is no error. Objects live as long as the store.
 */
int snap_store_resolve(struct snap_store *store, struct snap_crash *crash, struct snap_error *err);

#endif
