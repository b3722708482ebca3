/*
 * From an input to the first part of the model: what the file says, checked for consistency.
 */
#ifndef SNAP_ANALYZE_INPUT_LOAD_H
#define SNAP_ANALYZE_INPUT_LOAD_H

#include "analyze/crash.h"
#include "analyze/input/input.h"
#include "common/error.h"

/*
 * crash->input is open; fill the model from it. err->text is the reason alone, without the file's
 * name. Broken parts are left out and noted in the model: -1 only if nothing can be shown.
 */
int snap_load_snapshot(struct snap_crash *crash, struct snap_error *err);
int snap_load_core(struct snap_crash *crash, struct snap_error *err);

/*
 * The common end of loading: mappings and modules sorted and made disjoint, the crashing thread
 * put first, the architecture found, memory made ready.
 */
int snap_load_finish(struct snap_crash *crash, struct snap_error *err);

/* The part of it that a loader may want earlier: mappings sorted and made disjoint. */
void snap_load_sort_mappings(struct snap_crash *crash);
/* The same of modules. */
void snap_load_sort_modules(struct snap_crash *crash);

#endif
