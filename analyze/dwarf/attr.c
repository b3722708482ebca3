#include "analyze/dwarf/attr.h"

#include <dwarf.h>

#include "analyze/dwarf/file.h"

/* Longer strings count as absent: many entries could have an end of the same one each. */
#define MAX_STRING 65536

struct snap_cursor snap_die_cursor(const struct snap_dwarf_unit *unit, uint64_t off)
{
	struct snap_bytes section = snap_dwarf_unit_section(unit);
	if (off < unit->dies || off >= unit->end) {
		struct snap_cursor c = {.p = section.data, .end = section.data, .failed = true};
		return c;
	}
	return snap_cursor(
		snap_bytes(section.data, unit->end), off, unit->file->sections.big_endian);
}

static void read_block(struct snap_cursor *c, uint64_t len, struct snap_attr *ret)
{
	if (len > snap_cursor_left(c)) {
		(void)snap_cursor_fail(c);
		return;
	}
	ret->block = snap_bytes(c->p, len);
	c->p += len;
}

/* The forms whose length is not fixed; and the bytes of data16. */
static void read_variable(struct snap_cursor *c, uint16_t form, struct snap_attr *ret)
{
	const char *string;
	switch (form) {
	case DW_FORM_block:
	case DW_FORM_exprloc:
		read_block(c, snap_cursor_uleb(c), ret);
		break;
	case DW_FORM_block1:
		read_block(c, snap_cursor_u8(c), ret);
		break;
	case DW_FORM_block2:
		read_block(c, snap_cursor_u16(c), ret);
		break;
	case DW_FORM_block4:
		read_block(c, snap_cursor_u32(c), ret);
		break;
	case DW_FORM_string:
		string = snap_cursor_string(c);
		ret->block = snap_bytes(string, string ? strlen(string) : 0);
		break;
	case DW_FORM_sdata:
		ret->value = (uint64_t)snap_cursor_sleb(c);
		break;
	case DW_FORM_udata:
	case DW_FORM_ref_udata:
	case DW_FORM_strx:
	case DW_FORM_addrx:
	case DW_FORM_loclistx:
	case DW_FORM_rnglistx:
	case DW_FORM_GNU_addr_index:
	case DW_FORM_GNU_str_index:
		ret->value = snap_cursor_uleb(c);
		break;
	default:
		/* Without its length nothing behind it can be found. */
		(void)snap_cursor_fail(c);
		ret->form = 0;
	}
}

void snap_attr_read(struct snap_cursor *c, const struct snap_dwarf_unit *unit,
	const struct snap_attr_spec *spec, struct snap_attr *ret)
{
	uint16_t form = spec->form;
	*ret = (struct snap_attr){.name = spec->name, .form = form};
	if (form == DW_FORM_indirect) {
		uint64_t actual = snap_cursor_uleb(c);
		form = actual > UINT16_MAX ? UINT16_MAX : (uint16_t)actual;
		/* One that is indirect again, or has its value elsewhere, would be no end. */
		if (form == DW_FORM_indirect || form == DW_FORM_implicit_const)
			(void)snap_cursor_fail(c);
		ret->form = form;
	}
	int len = form == spec->form ? spec->len : snap_form_len(form, &unit->encoding);
	if (len < 0)
		read_variable(c, form, ret);
	else if (form == DW_FORM_implicit_const)
		ret->value = (uint64_t)spec->implicit_const;
	else if (form == DW_FORM_flag_present)
		ret->value = 1;
	else if (form == DW_FORM_data16)
		read_block(c, 16, ret);
	else
		ret->value = snap_cursor_unsigned(c, (unsigned int)len);
	if (c->failed)
		ret->form = 0;
}

void snap_attr_skip(struct snap_cursor *c, const struct snap_dwarf_unit *unit,
	const struct snap_attr_spec *spec)
{
	if (spec->len >= 0) {
		snap_cursor_skip(c, (uint64_t)spec->len);
		return;
	}
	struct snap_attr unused;
	snap_attr_read(c, unit, spec, &unused);
}

static const char *string_at(
	struct snap_dwarf_file *file, enum snap_dwarf_section which, uint64_t off)
{
	uint64_t all = snap_dwarf_section_len(&file->sections, which);
	if (off >= all)
		return NULL;
	/* As far as a string can be, but decompressed no further than it is. */
	for (uint64_t len = 256;; len *= 16) {
		if (len > MAX_STRING)
			len = MAX_STRING;
		struct snap_bytes section =
			snap_dwarf_section_to(&file->sections, which, off + len);
		if (off >= section.len)
			return NULL;
		size_t left = section.len - off < len ? section.len - off : len;
		if (memchr(section.data + off, '\0', left))
			return (const char *)section.data + off;
		if (len == MAX_STRING || left < len)
			return NULL;
	}
}

/* String number index (DWARF 5, section 7.26). */
static const char *indexed_string(const struct snap_dwarf_unit *unit, uint64_t index)
{
	struct snap_dwarf_sections *sections = &unit->file->sections;
	uint64_t part = unit->part_off[SNAP_DWARF_STR_OFFSETS] + unit->str_offsets_base;
	if (index > UINT32_MAX)
		return NULL;
	struct snap_cursor c = snap_cursor(snap_dwarf_section(sections, SNAP_DWARF_STR_OFFSETS),
		part + index * unit->encoding.offset_size, sections->big_endian);
	uint64_t off = snap_cursor_unsigned(&c, unit->encoding.offset_size);
	return c.failed ? NULL : string_at(unit->file, SNAP_DWARF_STR, off);
}

const char *snap_attr_string(const struct snap_dwarf_unit *unit, const struct snap_attr *attr)
{
	struct snap_dwarf_file *file = unit->file;
	switch (attr->form) {
	case DW_FORM_string:
		return attr->block.len < MAX_STRING ? (const char *)attr->block.data : NULL;
	case DW_FORM_strp:
		return string_at(file, SNAP_DWARF_STR, attr->value);
	case DW_FORM_line_strp:
		return string_at(file, SNAP_DWARF_LINE_STR, attr->value);
	case DW_FORM_strp_sup:
	case DW_FORM_GNU_strp_alt:
		return file->alternate ? string_at(file->alternate, SNAP_DWARF_STR, attr->value)
				       : NULL;
	case DW_FORM_strx:
	case DW_FORM_strx1:
	case DW_FORM_strx2:
	case DW_FORM_strx3:
	case DW_FORM_strx4:
	case DW_FORM_GNU_str_index:
		return indexed_string(unit, attr->value);
	default:
		return NULL;
	}
}

bool snap_dwarf_unit_address(const struct snap_dwarf_unit *unit, uint64_t index, uint64_t *ret)
{
	/* The addresses of a split unit are in its skeleton's file. */
	const struct snap_dwarf_unit *owner = unit->skeleton ? unit->skeleton : unit;
	struct snap_dwarf_sections *sections = &owner->file->sections;
	if (index > UINT32_MAX)
		return false;
	uint64_t at = owner->addr_base + index * unit->encoding.address_size;
	struct snap_cursor c = snap_cursor(
		snap_dwarf_section_to(sections, SNAP_DWARF_ADDR, at + unit->encoding.address_size),
		at, sections->big_endian);
	*ret = snap_cursor_unsigned(&c, unit->encoding.address_size);
	return !c.failed;
}

bool snap_attr_address(
	const struct snap_dwarf_unit *unit, const struct snap_attr *attr, uint64_t *ret)
{
	switch (attr->form) {
	case DW_FORM_addr:
		*ret = attr->value;
		return true;
	case DW_FORM_addrx:
	case DW_FORM_addrx1:
	case DW_FORM_addrx2:
	case DW_FORM_addrx3:
	case DW_FORM_addrx4:
	case DW_FORM_GNU_addr_index:
		return snap_dwarf_unit_address(unit, attr->value, ret);
	default:
		return false;
	}
}

bool snap_attr_unsigned(const struct snap_attr *attr, uint64_t *ret)
{
	*ret = attr->value;
	switch (attr->form) {
	case DW_FORM_data1:
	case DW_FORM_data2:
	case DW_FORM_data4:
	case DW_FORM_data8:
	case DW_FORM_udata:
		return true;
	case DW_FORM_sdata:
	case DW_FORM_implicit_const:
		return (int64_t)attr->value >= 0;
	default:
		return false;
	}
}

bool snap_attr_flag(const struct snap_attr *attr)
{
	return (attr->form == DW_FORM_flag || attr->form == DW_FORM_flag_present ||
		       attr->form == DW_FORM_implicit_const) &&
	       attr->value != 0;
}

bool snap_attr_die(
	const struct snap_dwarf_unit *unit, const struct snap_attr *attr, struct snap_die *ret)
{
	struct snap_dwarf_file *file = unit->file;
	struct snap_dwarf_unit *its;
	switch (attr->form) {
	case DW_FORM_ref1:
	case DW_FORM_ref2:
	case DW_FORM_ref4:
	case DW_FORM_ref8:
	case DW_FORM_ref_udata:
		if (attr->value >= unit->end - unit->off || unit->off + attr->value < unit->dies)
			return false;
		*ret = (struct snap_die){(struct snap_dwarf_unit *)unit, unit->off + attr->value};
		return true;
	case DW_FORM_ref_addr:
		/* Of the unit itself others need not be met. */
		if (!unit->in_types && attr->value >= unit->dies && attr->value < unit->end) {
			*ret = (struct snap_die){(struct snap_dwarf_unit *)unit, attr->value};
			return true;
		}
		break;
	case DW_FORM_ref_sup4:
	case DW_FORM_ref_sup8:
	case DW_FORM_GNU_ref_alt:
		file = file->alternate;
		break;
	default:
		return false; /* DW_FORM_ref_sig8 leads to types only */
	}
	its = file ? snap_dwarf_file_unit_at(file, attr->value, false) : NULL;
	if (!its || !snap_dwarf_unit_open(its))
		return false;
	*ret = (struct snap_die){its, attr->value};
	return true;
}

/* ---------------------------------------------------------------- entries */

const struct snap_abbrev *snap_die_attrs(
	struct snap_die die, const uint16_t *names, struct snap_attr *attrs, size_t num)
{
	struct snap_cursor c = snap_die_cursor(die.unit, die.off);
	for (size_t i = 0; i < num; i++)
		attrs[i] = (struct snap_attr){0};
	const struct snap_abbrevs *abbrevs =
		snap_dwarf_unit_open(die.unit) ? snap_dwarf_unit_abbrevs(die.unit) : NULL;
	if (!abbrevs)
		return NULL;
	const struct snap_abbrev *abbrev = snap_abbrevs_find(abbrevs, snap_cursor_uleb(&c));
	if (c.failed || !abbrev)
		return NULL;
	for (uint32_t i = 0; i < abbrev->num_attrs; i++) {
		const struct snap_attr_spec *spec = &abbrev->attrs[i];
		size_t wanted = 0;
		while (wanted < num && names[wanted] != spec->name)
			wanted++;
		if (wanted < num)
			snap_attr_read(&c, die.unit, spec, &attrs[wanted]);
		else
			snap_attr_skip(&c, die.unit, spec);
	}
	return abbrev;
}
