/*
 * The files of every module, found by build ID (analyze/find/search.h) and made into objects that
 * all inputs of the run share. What was not found is remembered, too, and what was tried.
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
 * Resolve: fill module.symbols, .object, .symbol_file, .why and .candidates of every module of
 * the crash. That symbols are missing is no error. All of it lives as long as the store.
 */
int snap_store_resolve(struct snap_store *store, struct snap_crash *crash, struct snap_error *err);

/* The same of one module alone; nothing is noted. */
int snap_store_resolve_module(struct snap_store *store, struct snap_crash *crash,
	struct snap_crash_module *module, struct snap_error *err);

/*
 * The object of one file given by its path, or of a build ID in hex digits where there is no such
 * file; what belongs to it is looked for (and fetched) as for a module. Lives as long as the store.
 * -1 and *err if it can't be opened or found.
 */
int snap_store_open(struct snap_store *store, const char *file_or_build_id,
	struct snap_object **ret, struct snap_error *err);

/*
 * After unwinding: fetch from debuginfod, if options say so, what is missing of the modules that
 * have a frame. *ret_again: code or unwind information came, with which the stacks may go on.
 */
int snap_store_fetch(struct snap_store *store, struct snap_crash *crash, bool *ret_again,
	struct snap_error *err);

/* Put what was found out of all objects into the cache (snap_object_keep()). Takes its time: print
 * first. */
void snap_store_keep(struct snap_store *store);

/* What asks servers for it; NULL: nothing is fetched. */
struct snap_debuginfod *snap_store_debuginfod(const struct snap_store *store);

#endif
