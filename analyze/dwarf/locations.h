/*
 * Which expression says where something is at an address: one that always holds, or one of a list
 * (DWARF 5, section 2.6.2; before it 2.6.2 of DWARF 4, and GNU's form of that in split units).
 */
#ifndef SNAP_ANALYZE_DWARF_LOCATIONS_H
#define SNAP_ANALYZE_DWARF_LOCATIONS_H

#include "analyze/dwarf/file.h"

enum snap_location_found {
	SNAP_LOCATION_FOUND,
	SNAP_LOCATION_NONE,	 /* the list has none for the address */
	SNAP_LOCATION_UNREADABLE, /* it is malformed, or no form that is known */
};

/*
 * attr: of the unit. vaddr: in the file that has the unit's addresses. *ret, which may be empty:
 * the expression, which lives as long as the file. left: so many bytes of lists may be read, by this
 * and by others; what is read is counted, and without any left, lists are unreadable.
 */
enum snap_location_found snap_dwarf_location(const struct snap_dwarf_unit *unit,
	const struct snap_attr *attr, uint64_t vaddr, uint64_t *left, struct snap_bytes *ret);

#endif
