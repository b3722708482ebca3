/*
 * Finds the files that belong to a module, by build ID, and keeps the resulting objects for all
 * inputs of the run.
 *
 * Order, each candidate verified on its open descriptor before use:
 *   1. the --symbols trees
 *   2. the mapping's own path: below --sysroot if there is one, else, unless --no-local, on this
 *      machine
 *   3. the .build-id trees of --sysroot where distributions have them
 *   4. .build-id/xx/yyyy[.debug] below each --debug-dir (/usr/lib/debug if there is none, nor a
 *      sysroot, nor --no-local)
 */
#ifndef SNAP_ANALYZE_FIND_STORE_H
#define SNAP_ANALYZE_FIND_STORE_H

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

/*
 * The object of one file, or of a build ID in hex digits where there is no such file. Lives as long
 * as the store. -1 and *err if it can't be opened or found.
 */
int snap_store_open(struct snap_store *store, const char *file_or_build_id,
	struct snap_object **ret, struct snap_error *err);

#endif
