/*
 * What the attributes of an entry say (DWARF 5, section 7.5.6: their forms).
 *
 * Hostile: what is malformed counts as absent.
 */
#ifndef SNAP_ANALYZE_DWARF_ATTR_H
#define SNAP_ANALYZE_DWARF_ATTR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/dwarf/abbrev.h"
#include "analyze/dwarf/cursor.h"
#include "common/bytes.h"

struct snap_dwarf_unit; /* file.h */

/* One attribute of an entry. */
struct snap_attr {
	uint16_t name, form; /* form: DW_FORM_indirect is resolved; 0: there is no such attribute */
	uint64_t value;	     /* of the forms that are a number, an index or an offset */
	struct snap_bytes block; /* of the forms that are bytes; a string without its NUL */
};

/* An entry in one of a file's units. */
struct snap_die {
	struct snap_dwarf_unit *unit;
	uint64_t off; /* in the unit's section */
};

/* Read the value of an attribute, or pass over it. c stands behind it afterwards. */
void snap_attr_read(struct snap_cursor *c, const struct snap_dwarf_unit *unit,
	const struct snap_attr_spec *spec, struct snap_attr *ret);
void snap_attr_skip(struct snap_cursor *c, const struct snap_dwarf_unit *unit,
	const struct snap_attr_spec *spec);

static inline bool snap_attr_is_there(const struct snap_attr *attr)
{
	return attr->form != 0;
}

/* NULL if it is no string. It lives as long as the file. */
const char *snap_attr_string(const struct snap_dwarf_unit *unit, const struct snap_attr *attr);
/* Of the class address. */
bool snap_attr_address(
	const struct snap_dwarf_unit *unit, const struct snap_attr *attr, uint64_t *ret);
/* Of the class constant, not negative. */
bool snap_attr_unsigned(const struct snap_attr *attr, uint64_t *ret);
bool snap_attr_flag(const struct snap_attr *attr);
/* The entry that a reference leads to; *ret stays as it was if there is none. */
bool snap_attr_die(
	const struct snap_dwarf_unit *unit, const struct snap_attr *attr, struct snap_die *ret);

/* Address number index of the unit (DW_FORM_addrx, DW_RLE_startx_length). */
bool snap_dwarf_unit_address(const struct snap_dwarf_unit *unit, uint64_t index, uint64_t *ret);

/* ---------------------------------------------------------------- entries */

/* A cursor at an entry, from which its code, and then its attributes are read. */
struct snap_cursor snap_die_cursor(const struct snap_dwarf_unit *unit, uint64_t off);

/* The attributes of one entry that are asked for: names[i] into attrs[i]. NULL: it can't be read.
 */
const struct snap_abbrev *snap_die_attrs(
	struct snap_die die, const uint16_t *names, struct snap_attr *attrs, size_t num);

#endif
