/*
 * Abbreviation tables (DWARF 5, section 7.5.3): the shapes of the entries of a unit.
 */
#ifndef SNAP_ANALYZE_DWARF_ABBREV_H
#define SNAP_ANALYZE_DWARF_ABBREV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"

struct snap_attr_spec {
	uint16_t name, form;	/* DW_AT_*, DW_FORM_*; 0xffff: one that does not fit, unknown */
	int8_t len;		/* snap_form_len() in the encoding it was read for */
	int64_t implicit_const; /* of DW_FORM_implicit_const */
};

struct snap_abbrev {
	uint64_t code; /* > 0 */
	uint32_t tag;  /* DW_TAG_* */
	bool has_children;
	bool has_sibling; /* DW_AT_sibling is among the attributes */
	uint32_t num_attrs;
	const struct snap_attr_spec *attrs;
	/* Bytes that all attributes together take in a unit of the table's encoding; -1: they
	 * differ from entry to entry. */
	int32_t fixed_len;
};

/* How wide a unit's addresses, offsets and DW_FORM_ref_addr are: what lengths depend on. */
struct snap_dwarf_encoding {
	uint16_t version;
	uint8_t address_size, offset_size;
};

/* The bytes that a value of the form takes, or -1: they differ. */
int snap_form_len(uint16_t form, const struct snap_dwarf_encoding *encoding);

struct snap_abbrevs;

/* The table that starts at off; what is malformed ends it. NULL without memory. */
struct snap_abbrevs *snap_abbrevs_create(
	struct snap_bytes section, uint64_t off, const struct snap_dwarf_encoding *encoding);
void snap_abbrevs_destroy(struct snap_abbrevs *abbrevs);

/*
 * One abbreviation of the table at off, without reading all of it: what a unit's first entry takes.
 * Its attributes go to specs[0 .. max). False if it is not there, or has more. *ret_len: how much
 * was read in any case.
 */
bool snap_abbrev_read_one(struct snap_bytes section, uint64_t off, uint64_t code,
	const struct snap_dwarf_encoding *encoding, struct snap_attr_spec *specs, uint32_t max,
	struct snap_abbrev *ret, size_t *ret_len);

/* NULL: there is no such code. */
const struct snap_abbrev *snap_abbrevs_find_slowly(
	const struct snap_abbrevs *abbrevs, uint64_t code);

struct snap_abbrevs {
	struct snap_abbrev *items; /* ascending by code */
	size_t num;
	size_t len; /* bytes that the table takes */
	struct snap_attr_spec *specs;
	bool is_cut;   /* the section ended before the table did */
	bool is_dense; /* item i has code i + 1, as compilers number them */
};

static inline const struct snap_abbrev *snap_abbrevs_find(
	const struct snap_abbrevs *abbrevs, uint64_t code)
{
	if (abbrevs->is_dense)
		return code - 1 < abbrevs->num ? &abbrevs->items[code - 1] : NULL;
	return snap_abbrevs_find_slowly(abbrevs, code);
}

#endif
