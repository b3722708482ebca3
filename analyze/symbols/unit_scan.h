/*
 * One walk over the entries of a DWARF unit: its functions, what was inlined into them, its call
 * sites. Entries are named by where they are; names come later.
 *
 * Hostile: nesting is bounded (deeper entries count as their parents), and each entry adds at most
 * one node, one site and the ranges that its lists have bytes for.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_UNIT_SCAN_H
#define SNAP_ANALYZE_SYMBOLS_UNIT_SCAN_H

#include "analyze/dwarf/file.h"
#include "analyze/dwarf/ranges.h"

struct snap_scan_node {
	/* The entry that knows the name: of an inlined function its origin; unit NULL: none. */
	struct snap_die named;
	struct snap_die entry;	/* of a function: its own */
	struct snap_die origin; /* of a function: what that refers to; unit NULL: nothing */
	uint32_t parent;	/* index plus one of the node it was inlined into; 0: a function */
	uint32_t call_file, call_line, call_column;
	size_t first_range, num_ranges; /* in ranges */
};

struct snap_scan_site {
	uint64_t return_vaddr;
	struct snap_die target; /* unit NULL: not told */
	bool is_tail_call;
};

/* May be filled again and again. */
struct snap_unit_scan {
	struct snap_scan_node *nodes; /* each after its parent */
	size_t num_nodes, nodes_capacity;
	struct snap_scan_site *sites;
	size_t num_sites, sites_capacity;
	struct snap_dwarf_ranges ranges;
};

void snap_scan_deinit(struct snap_unit_scan *scan);

/* unit: not a skeleton; open. Its scopes are read, too. -1 only without memory. */
int snap_scan_unit(struct snap_dwarf_unit *unit, struct snap_unit_scan *ret);

#endif
