/*
 * Makes the table of a unit (unit_table.h) from its DWARF.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_UNIT_BUILD_H
#define SNAP_ANALYZE_SYMBOLS_UNIT_BUILD_H

#include "analyze/dwarf/file.h"
#include "analyze/dwarf/ranges.h"
#include "analyze/symbols/name_pool.h"
#include "common/bytes.h"

/* Keeps what one unit can use of another's: names by entry, and memory. */
struct snap_unit_builder;

/* pool outlives the builder: it gets the names. NULL without memory. */
struct snap_unit_builder *snap_unit_builder_create(struct snap_name_pool *pool);
void snap_unit_builder_destroy(struct snap_unit_builder *builder);

/*
 * lines: the unit of the object's own file, which has the line numbers. entries: the unit with the
 * functions: the same, or the split unit that it stands for; NULL: that was not found, and only
 * lines are known. *ret: an encoded table on the heap. -1 only without memory.
 */
int snap_unit_build(struct snap_unit_builder *builder, struct snap_dwarf_unit *lines,
	struct snap_dwarf_unit *entries, struct snap_bytes *ret);

/* The functions' code of a unit, appended: for units that do not say themselves where theirs is. */
int snap_unit_builder_ranges(struct snap_unit_builder *builder, struct snap_dwarf_unit *entries,
	struct snap_dwarf_ranges *ranges);

#endif
