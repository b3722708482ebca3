/*
 * The entries that stand directly below another one.
 *
 * Hostile: how many entries are passed over is bounded by a number that all walks can share.
 */
#ifndef SNAP_ANALYZE_DWARF_CHILDREN_H
#define SNAP_ANALYZE_DWARF_CHILDREN_H

#include "analyze/dwarf/file.h"

struct snap_children {
	/* private */
	struct snap_dwarf_unit *unit;
	const struct snap_abbrevs *abbrevs;
	const uint8_t *section;
	struct snap_cursor c;
	uint64_t *left;
	bool is_done;
};

struct snap_child {
	struct snap_die die;
	const struct snap_abbrev *abbrev;
};

/* left: so many entries may be looked at, by this and by others; each is counted. Of a parent without a
 * unit there are none. */
void snap_children_begin(struct snap_children *children, struct snap_die parent, uint64_t *left);
/* The next one; false if there is none, or *left is 0. */
bool snap_children_next(struct snap_children *children, struct snap_child *ret);

#endif
