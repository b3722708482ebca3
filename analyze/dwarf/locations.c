#include "analyze/dwarf/locations.h"

#include <dwarf.h>

/* GCC's, before lists: what it says of positions within a line is of no use here. */
#ifndef DW_LLE_GNU_view_pair
#define DW_LLE_GNU_view_pair 0x09
#endif

static uint64_t last_address(const struct snap_dwarf_unit *unit)
{
	return unit->encoding.address_size == 4 ? UINT32_MAX : UINT64_MAX;
}

/* What lists are relative to, unless they say otherwise. */
static uint64_t base_address(const struct snap_dwarf_unit *unit)
{
	const struct snap_dwarf_unit *owner = unit->skeleton ? unit->skeleton : unit;
	uint64_t base;
	return snap_attr_address(owner, &owner->low_pc, &base) ? base : 0;
}

static enum snap_location_found take_block(
	struct snap_cursor *c, uint64_t len, struct snap_bytes *ret)
{
	if (len > snap_cursor_left(c)) {
		(void)snap_cursor_fail(c);
		return SNAP_LOCATION_UNREADABLE;
	}
	*ret = snap_bytes(c->p, len);
	c->p += len;
	return SNAP_LOCATION_FOUND;
}

/* Linkers set the addresses of what they discarded to 0 or 1, or to the last ones. */
static bool is_base(uint64_t base, uint64_t last)
{
	return base < last - 1;
}

/* .debug_loc, DWARF 2 to 4. */
static enum snap_location_found find_pair(const struct snap_dwarf_unit *unit, struct snap_cursor *c,
	uint64_t vaddr, struct snap_bytes *ret)
{
	unsigned int size = unit->encoding.address_size;
	uint64_t base = base_address(unit), last = last_address(unit);
	while (!c->failed) {
		uint64_t start = snap_cursor_unsigned(c, size);
		uint64_t end = snap_cursor_unsigned(c, size);
		if (c->failed)
			break;
		if (start == 0 && end == 0)
			return SNAP_LOCATION_NONE;
		if (start == last) {
			base = end;
			continue;
		}
		struct snap_bytes block;
		if (take_block(c, snap_cursor_u16(c), &block) != SNAP_LOCATION_FOUND)
			break;
		if (is_base(base, last) && vaddr >= ((start + base) & last) &&
			vaddr < ((end + base) & last)) {
			*ret = block;
			return SNAP_LOCATION_FOUND;
		}
	}
	return SNAP_LOCATION_UNREADABLE;
}

/* An entry of .debug_loclists (DWARF 5, section 7.7.3), or of GNU's .debug_loc.dwo. */
struct entry {
	uint64_t start, end;
	bool is_known, is_default, has_block;
};

/* False at the end of the list, or where it can't be read: then c has failed. */
static bool read_entry(const struct snap_dwarf_unit *unit, struct snap_cursor *c, bool is_gnu,
	uint64_t *base, struct entry *ret)
{
	unsigned int size = unit->encoding.address_size;
	uint64_t last = last_address(unit);
	*ret = (struct entry){.is_known = true, .has_block = true};
	switch (snap_cursor_u8(c)) {
	case DW_LLE_end_of_list:
		return false;
	case DW_LLE_base_addressx:
		ret->has_block = false;
		if (!snap_dwarf_unit_address(unit, snap_cursor_uleb(c), base))
			*base = last;
		return true;
	case DW_LLE_startx_endx:
		ret->is_known = snap_dwarf_unit_address(unit, snap_cursor_uleb(c), &ret->start);
		ret->is_known &= snap_dwarf_unit_address(unit, snap_cursor_uleb(c), &ret->end);
		return true;
	case DW_LLE_startx_length:
		ret->is_known = snap_dwarf_unit_address(unit, snap_cursor_uleb(c), &ret->start);
		ret->end = ret->start + (is_gnu ? snap_cursor_u32(c) : snap_cursor_uleb(c));
		return true;
	case DW_LLE_offset_pair:
		ret->start = *base + (is_gnu ? snap_cursor_u32(c) : snap_cursor_uleb(c));
		ret->end = *base + (is_gnu ? snap_cursor_u32(c) : snap_cursor_uleb(c));
		ret->is_known = is_base(*base, last);
		return true;
	}
	/* The rest is none of GNU's. */
	c->p--;
	switch (is_gnu ? DW_LLE_end_of_list : snap_cursor_u8(c)) {
	case DW_LLE_default_location:
		ret->is_default = true;
		return true;
	case DW_LLE_base_address:
		*base = snap_cursor_unsigned(c, size);
		ret->has_block = false;
		return true;
	case DW_LLE_start_end:
		ret->start = snap_cursor_unsigned(c, size);
		ret->end = snap_cursor_unsigned(c, size);
		return true;
	case DW_LLE_start_length:
		ret->start = snap_cursor_unsigned(c, size);
		ret->end = ret->start + snap_cursor_uleb(c);
		return true;
	case DW_LLE_GNU_view_pair:
		(void)snap_cursor_uleb(c);
		(void)snap_cursor_uleb(c);
		ret->has_block = false;
		return true;
	}
	return snap_cursor_fail(c);
}

static enum snap_location_found find_entry(const struct snap_dwarf_unit *unit,
	struct snap_cursor *c, bool is_gnu, uint64_t vaddr, struct snap_bytes *ret)
{
	uint64_t base = base_address(unit), last = last_address(unit);
	struct snap_bytes otherwise = {0};
	struct entry entry;
	while (!c->failed && c->p < c->end && read_entry(unit, c, is_gnu, &base, &entry)) {
		struct snap_bytes block;
		if (!entry.has_block)
			continue;
		uint64_t len = is_gnu ? snap_cursor_u16(c) : snap_cursor_uleb(c);
		if (take_block(c, len, &block) != SNAP_LOCATION_FOUND)
			break;
		if (entry.is_default) {
			otherwise = block;
		} else if (entry.is_known && vaddr >= (entry.start & last) &&
			   vaddr < (entry.end & last)) {
			*ret = block;
			return SNAP_LOCATION_FOUND;
		}
	}
	if (c->failed)
		return SNAP_LOCATION_UNREADABLE;
	*ret = otherwise;
	return otherwise.data ? SNAP_LOCATION_FOUND : SNAP_LOCATION_NONE;
}

static enum snap_location_found find_in_list(const struct snap_dwarf_unit *unit, uint64_t off,
	uint64_t vaddr, uint64_t *left, struct snap_bytes *ret)
{
	struct snap_dwarf_sections *sections = &unit->file->sections;
	bool is_old = unit->encoding.version < 5;
	enum snap_dwarf_section which = is_old ? SNAP_DWARF_LOC : SNAP_DWARF_LOCLISTS;
	uint64_t all = snap_dwarf_section_len(sections, which);
	if (off >= all || *left == 0)
		return SNAP_LOCATION_UNREADABLE;
	for (uint64_t window = SNAP_DWARF_WINDOW;; window *= SNAP_DWARF_WINDOW_GROWTH) {
		struct snap_bytes section = snap_dwarf_section_to(sections, which, off + window);
		struct snap_cursor c = snap_cursor(section, off, sections->big_endian);
		const uint8_t *begun = c.p;
		if (c.failed)
			return SNAP_LOCATION_UNREADABLE; /* it can't be decompressed so far */
		enum snap_location_found found =
			is_old && !unit->file->is_split
				? find_pair(unit, &c, vaddr, ret)
				: find_entry(unit, &c, is_old, vaddr, ret);
		if (c.p < c.end || section.len == all || window >= all) {
			uint64_t len = (uint64_t)(c.p - begun);
			*left -= len < *left ? len : *left;
			return found;
		}
	}
}

enum snap_location_found snap_dwarf_location(const struct snap_dwarf_unit *unit,
	const struct snap_attr *attr, uint64_t vaddr, uint64_t *left, struct snap_bytes *ret)
{
	struct snap_dwarf_sections *sections = &unit->file->sections;
	bool is_old = unit->encoding.version < 5;
	uint64_t part = unit->part_off[is_old ? SNAP_DWARF_LOC : SNAP_DWARF_LOCLISTS];
	switch (attr->form) {
	case DW_FORM_exprloc:
	case DW_FORM_block:
	case DW_FORM_block1:
	case DW_FORM_block2:
	case DW_FORM_block4:
		*ret = attr->block;
		return SNAP_LOCATION_FOUND;
	case DW_FORM_data4:
	case DW_FORM_data8: /* until DWARF 3 */
		if (unit->encoding.version > 3)
			return SNAP_LOCATION_UNREADABLE;
		return find_in_list(unit, part + attr->value, vaddr, left, ret);
	case DW_FORM_sec_offset:
		return find_in_list(unit, part + attr->value, vaddr, left, ret);
	case DW_FORM_loclistx:
		break;
	default:
		return SNAP_LOCATION_UNREADABLE;
	}
	uint64_t base = part + unit->loclists_base;
	uint64_t at = base + attr->value * unit->encoding.offset_size;
	if (is_old || attr->value > UINT32_MAX || at < base)
		return SNAP_LOCATION_UNREADABLE;
	struct snap_cursor c = snap_cursor(snap_dwarf_section_to(sections, SNAP_DWARF_LOCLISTS,
						   at + unit->encoding.offset_size),
		at, sections->big_endian);
	uint64_t off = snap_cursor_unsigned(&c, unit->encoding.offset_size);
	return c.failed ? SNAP_LOCATION_UNREADABLE : find_in_list(unit, base + off, vaddr, left, ret);
}
