/*
 * Gives names to frames.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_SYMBOLISE_H
#define SNAP_ANALYZE_SYMBOLS_SYMBOLISE_H

#include "analyze/crash.h"
#include "analyze/path_map.h"
#include "common/error.h"

/*
 * Fill listed of every thread, inlined functions as entries of their own, source paths as map has
 * them. -1 only without memory.
 */
int snap_symbolise(
	struct snap_crash *crash, const struct snap_path_map *map, struct snap_error *err);

#endif
