/*
 * The addresses that an entry covers: DW_AT_low_pc and DW_AT_high_pc, or DW_AT_ranges (DWARF 5,
 * sections 2.17 and 7.28); and .debug_aranges (section 6.1.2).
 */
#ifndef SNAP_ANALYZE_DWARF_RANGES_H
#define SNAP_ANALYZE_DWARF_RANGES_H

#include <stddef.h>
#include <stdint.h>

#include "analyze/dwarf/file.h"

/* Virtual addresses [start, end), never empty. */
struct snap_dwarf_range {
	uint64_t start, end;
};

struct snap_dwarf_ranges {
	struct snap_dwarf_range *items; /* owned */
	size_t num, capacity;
};

void snap_dwarf_ranges_deinit(struct snap_dwarf_ranges *ranges);

/* Append one, unless there are too many; -1 without memory. */
int snap_dwarf_ranges_add(struct snap_dwarf_ranges *ranges, const struct snap_dwarf_range *range);

/*
 * Append what the three attributes of an entry say. Ranges of code that the linker left out (at
 * address 0, or at the last address) are no ranges. -1 only without memory.
 */
int snap_dwarf_ranges_read(const struct snap_dwarf_unit *unit, const struct snap_attr *low,
	const struct snap_attr *high, const struct snap_attr *list,
	struct snap_dwarf_ranges *ranges);

/* One set of .debug_aranges. */
struct snap_dwarf_arange_set {
	uint64_t unit_off; /* of the unit's header in .debug_info */
	struct snap_dwarf_ranges ranges;
};

/*
 * Read the set at *off and move *off behind it; ranges are appended. 0: read; 1: there are no
 * more; -1: no memory.
 */
int snap_dwarf_aranges_next(
	struct snap_dwarf_file *file, uint64_t *off, struct snap_dwarf_arange_set *ret);

#endif
