#include "analyze/dwarf/ranges.h"

#include <dwarf.h>
#include <stdlib.h>

void snap_dwarf_ranges_deinit(struct snap_dwarf_ranges *ranges)
{
	free(ranges->items);
	*ranges = (struct snap_dwarf_ranges){0};
}

/* Of a unit, all its entries' together; no real one has a quarter of it. */
#define MAX_RANGES (1u << 21)

int snap_dwarf_ranges_add(struct snap_dwarf_ranges *ranges, const struct snap_dwarf_range *range)
{
	if (ranges->num >= MAX_RANGES)
		return 0;
	if (ranges->num == ranges->capacity) {
		size_t capacity = ranges->capacity ? 2 * ranges->capacity : 32;
		struct snap_dwarf_range *items =
			reallocarray(ranges->items, capacity, sizeof(*items));
		if (!items)
			return -1;
		ranges->items = items;
		ranges->capacity = capacity;
	}
	ranges->items[ranges->num++] = *range;
	return 0;
}

static uint64_t last_address(uint8_t address_size)
{
	return address_size == 4 ? UINT32_MAX : UINT64_MAX;
}

/* last: of the addresses there are. */
static int add(struct snap_dwarf_ranges *ranges, uint64_t last, uint64_t start, uint64_t end)
{
	/* Linkers set what they discarded to 0 (and in lists to 1, since two zeros end one), or to
	 * the last address (and in lists to the one before, since the last selects a base). */
	if (start <= 1 || start >= last - 1 || start >= end)
		return 0;
	return snap_dwarf_ranges_add(ranges, &(struct snap_dwarf_range){start, end});
}

/* What the lists of a unit are relative to, unless they say otherwise. */
static uint64_t base_address(const struct snap_dwarf_unit *unit)
{
	const struct snap_dwarf_unit *owner = unit->skeleton ? unit->skeleton : unit;
	uint64_t base;
	return snap_attr_address(owner, &owner->low_pc, &base) ? base : 0;
}

/* A list in .debug_ranges, DWARF 2 to 4. */
static int read_pairs(
	const struct snap_dwarf_unit *unit, struct snap_cursor *c, struct snap_dwarf_ranges *ranges)
{
	unsigned int size = unit->encoding.address_size;
	uint64_t base = base_address(unit), last = last_address(unit->encoding.address_size);
	for (;;) {
		uint64_t start = snap_cursor_unsigned(c, size);
		uint64_t end = snap_cursor_unsigned(c, size);
		if (c->failed || (start == 0 && end == 0))
			return 0;
		if (start == last)
			base = end;
		else if (base < last - 1 && start < end &&
			 add(ranges, last, (start + base) & last, (end + base) & last) < 0)
			return -1;
	}
}

/* A list in .debug_rnglists, DWARF 5, section 2.17.3. */
static int read_entries(
	const struct snap_dwarf_unit *unit, struct snap_cursor *c, struct snap_dwarf_ranges *ranges)
{
	unsigned int size = unit->encoding.address_size;
	uint64_t base = base_address(unit), last = last_address(unit->encoding.address_size);
	while (!c->failed) {
		uint64_t start = 0, end = 0;
		bool is_known = true;
		switch (snap_cursor_u8(c)) {
		case DW_RLE_base_addressx:
			if (!snap_dwarf_unit_address(unit, snap_cursor_uleb(c), &base))
				base = last;
			continue;
		case DW_RLE_base_address:
			base = snap_cursor_unsigned(c, size);
			continue;
		case DW_RLE_startx_endx:
			is_known = snap_dwarf_unit_address(unit, snap_cursor_uleb(c), &start);
			is_known &= snap_dwarf_unit_address(unit, snap_cursor_uleb(c), &end);
			break;
		case DW_RLE_startx_length:
			is_known = snap_dwarf_unit_address(unit, snap_cursor_uleb(c), &start);
			end = start + snap_cursor_uleb(c);
			break;
		case DW_RLE_offset_pair:
			start = base + snap_cursor_uleb(c);
			end = base + snap_cursor_uleb(c);
			is_known = base < last - 1;
			break;
		case DW_RLE_start_end:
			start = snap_cursor_unsigned(c, size);
			end = snap_cursor_unsigned(c, size);
			break;
		case DW_RLE_start_length:
			start = snap_cursor_unsigned(c, size);
			end = start + snap_cursor_uleb(c);
			break;
		default: /* DW_RLE_end_of_list, or what nobody knows */
			return 0;
		}
		if (!c->failed && is_known && add(ranges, last, start & last, end & last) < 0)
			return -1;
	}
	return 0;
}

static int read_list(
	const struct snap_dwarf_unit *unit, uint64_t off, struct snap_dwarf_ranges *ranges)
{
	bool is_pairs = unit->encoding.version < 5;
	enum snap_dwarf_section which = is_pairs ? SNAP_DWARF_RANGES : SNAP_DWARF_RNGLISTS;
	const struct snap_dwarf_unit *owner = unit;
	if (is_pairs && unit->skeleton) {
		/* A split unit's pairs are in its skeleton's file. */
		owner = unit->skeleton;
		off += owner->ranges_base;
	}
	struct snap_dwarf_sections *sections = &owner->file->sections;
	uint64_t all = snap_dwarf_section_len(sections, which);
	if (off > all || !snap_dwarf_section_spend(sections, which, 0))
		return 0;
	size_t num = ranges->num;
	for (uint64_t window = SNAP_DWARF_WINDOW;; window *= SNAP_DWARF_WINDOW_GROWTH) {
		struct snap_bytes section = snap_dwarf_section_to(sections, which, off + window);
		struct snap_cursor c = snap_cursor(section, off, sections->big_endian);
		const uint8_t *begun = c.p;
		int r = is_pairs ? read_pairs(unit, &c, ranges) : read_entries(unit, &c, ranges);
		if (r < 0 || c.p < c.end || section.len == all || window >= all) {
			(void)snap_dwarf_section_spend(
				sections, which, (uint64_t)(c.p - begun));
			return r;
		}
		ranges->num = num;
	}
}

static int read_indexed_list(
	const struct snap_dwarf_unit *unit, uint64_t index, struct snap_dwarf_ranges *ranges)
{
	struct snap_dwarf_sections *sections = &unit->file->sections;
	uint64_t base = unit->rnglists_base + unit->part_off[SNAP_DWARF_RNGLISTS];
	uint64_t at = base + index * unit->encoding.offset_size;
	if (index > UINT32_MAX || at < base)
		return 0;
	struct snap_cursor c = snap_cursor(snap_dwarf_section_to(sections, SNAP_DWARF_RNGLISTS,
						   at + unit->encoding.offset_size),
		at, sections->big_endian);
	uint64_t off = snap_cursor_unsigned(&c, unit->encoding.offset_size);
	return c.failed ? 0 : read_list(unit, base + off, ranges);
}

int snap_dwarf_ranges_read(const struct snap_dwarf_unit *unit, const struct snap_attr *low,
	const struct snap_attr *high, const struct snap_attr *list,
	struct snap_dwarf_ranges *ranges)
{
	uint64_t start, end;
	switch (list->form) {
	case 0:
		break;
	case DW_FORM_rnglistx:
		return read_indexed_list(unit, list->value, ranges);
	case DW_FORM_sec_offset:
	case DW_FORM_data4: /* until DWARF 3 */
	case DW_FORM_data8:
		/* In a package it is counted from the unit's part. */
		return read_list(unit, list->value + unit->part_off[SNAP_DWARF_RNGLISTS], ranges);
	default:
		return 0;
	}
	if (!snap_attr_address(unit, low, &start))
		return 0;
	/* An address, or (from DWARF 4 on) a length. */
	if (!snap_attr_address(unit, high, &end)) {
		uint64_t len;
		if (!snap_attr_unsigned(high, &len))
			return 0;
		end = start + len;
	}
	return add(ranges, last_address(unit->encoding.address_size), start, end);
}

int snap_dwarf_aranges_next(
	struct snap_dwarf_file *file, uint64_t *off, struct snap_dwarf_arange_set *ret)
{
	struct snap_bytes section = snap_dwarf_section(&file->sections, SNAP_DWARF_ARANGES);
	struct snap_cursor c = snap_cursor(section, *off, file->sections.big_endian);
	uint64_t len = snap_cursor_u32(&c);
	unsigned int offset_size = 4;
	if (len == 0xffffffff) {
		offset_size = 8;
		len = snap_cursor_u64(&c);
	}
	if (c.failed || len == 0 || len > snap_cursor_left(&c))
		return 1;
	c.end = c.p + len;
	uint64_t begun = *off;
	*off = (uint64_t)(c.end - section.data);
	uint16_t version = snap_cursor_u16(&c);
	ret->unit_off = snap_cursor_unsigned(&c, offset_size);
	uint8_t address_size = snap_cursor_u8(&c), segment_size = snap_cursor_u8(&c);
	if (c.failed || version != 2 || (address_size != 4 && address_size != 8) ||
		segment_size != 0)
		return 0; /* nothing that we know */
	/* The pairs are aligned to their size, counted from the set's beginning. */
	uint64_t header = (uint64_t)(c.p - section.data) - begun;
	uint64_t pair = 2u * address_size;
	snap_cursor_skip(&c, (pair - header % pair) % pair);
	while (snap_cursor_left(&c) >= pair) {
		uint64_t start = snap_cursor_unsigned(&c, address_size);
		uint64_t size = snap_cursor_unsigned(&c, address_size);
		if (start == 0 && size == 0)
			break;
		if (add(&ret->ranges, last_address(address_size), start, start + size) < 0)
			return -1;
	}
	return 0;
}
