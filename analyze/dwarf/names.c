#include "analyze/dwarf/names.h"

#include <dwarf.h>
#include <stdio.h>
#include <stdlib.h>

/* Steps from an entry to its declaration: origin, specification, and little more. */
#define MAX_ORIGINS 16
/* Nesting of scopes, and of entries where scopes are looked for. */
#define MAX_SCOPES 64
#define MAX_DEPTH  512
/* Of one unit. */
#define MAX_UNIT_SCOPES (1u << 22)

enum { LINKAGE, MIPS_LINKAGE, NAME, ORIGIN, SPECIFICATION, NUM_ATTRS };
static const uint16_t attr_names[NUM_ATTRS] = {
	[LINKAGE] = DW_AT_linkage_name,
	[MIPS_LINKAGE] = DW_AT_MIPS_linkage_name,
	[NAME] = DW_AT_name,
	[ORIGIN] = DW_AT_abstract_origin,
	[SPECIFICATION] = DW_AT_specification,
};

void snap_dwarf_name_read(struct snap_die die, struct snap_dwarf_name *ret)
{
	*ret = (struct snap_dwarf_name){.declaration = die};
	for (int i = 0; i < MAX_ORIGINS; i++) {
		struct snap_attr attrs[NUM_ATTRS];
		if (!snap_die_attrs(die, attr_names, attrs, NUM_ATTRS))
			return;
		ret->declaration = die;
		if (!ret->linkage)
			ret->linkage = snap_attr_string(die.unit, &attrs[LINKAGE]);
		if (!ret->linkage)
			ret->linkage = snap_attr_string(die.unit, &attrs[MIPS_LINKAGE]);
		if (!ret->name)
			ret->name = snap_attr_string(die.unit, &attrs[NAME]);
		if (ret->linkage)
			return; /* that says it all */
		if (!snap_attr_die(die.unit, &attrs[ORIGIN], &die) &&
			!snap_attr_die(die.unit, &attrs[SPECIFICATION], &die))
			return;
	}
}

bool snap_dwarf_is_scope(unsigned int tag)
{
	switch (tag) {
	case DW_TAG_namespace:
	case DW_TAG_class_type:
	case DW_TAG_structure_type:
	case DW_TAG_union_type:
	case DW_TAG_interface_type:
	case DW_TAG_module:
		return true;
	default:
		return false;
	}
}

uint32_t snap_dwarf_scope_add(struct snap_dwarf_unit *unit, uint64_t start, uint32_t parent)
{
	/* Grown at each power of two. */
	size_t num = unit->num_scopes;
	if (num >= MAX_UNIT_SCOPES)
		return 0;
	if ((num & (num - 1)) == 0) {
		struct snap_dwarf_scope *scopes =
			reallocarray(unit->scopes, num ? 2 * num : 1, sizeof(*scopes));
		if (!scopes)
			return 0;
		unit->scopes = scopes;
	}
	unit->scopes[unit->num_scopes++] =
		(struct snap_dwarf_scope){.start = start, .end = unit->end, .parent = parent};
	return (uint32_t)unit->num_scopes;
}

void snap_dwarf_scopes_drop(struct snap_dwarf_unit *unit)
{
	free(unit->scopes);
	unit->scopes = NULL;
	unit->num_scopes = 0;
	unit->scopes_read = false;
}

static void pass_attributes(
	struct snap_cursor *c, const struct snap_dwarf_unit *unit, const struct snap_abbrev *abbrev)
{
	if (abbrev->fixed_len >= 0)
		snap_cursor_skip(c, (uint64_t)abbrev->fixed_len);
	for (uint32_t i = 0; abbrev->fixed_len < 0 && i < abbrev->num_attrs; i++)
		snap_attr_skip(c, unit, &abbrev->attrs[i]);
}

static void read_scopes(struct snap_dwarf_unit *unit)
{
	uint32_t open[MAX_DEPTH] = {0};
	size_t depth = 0;
	unit->scopes_read = true;
	const uint8_t *section = snap_dwarf_unit_section(unit).data;
	const struct snap_abbrevs *abbrevs = snap_dwarf_unit_abbrevs(unit);
	struct snap_cursor c = snap_die_cursor(unit, unit->dies);
	if (!abbrevs)
		return;
	while (!c.failed && c.p < c.end) {
		uint64_t off = (uint64_t)(c.p - section);
		uint64_t code = snap_cursor_uleb(&c);
		if (code == 0) {
			if (depth == 0)
				return;
			if (depth < MAX_DEPTH && open[depth] && open[depth] != open[depth - 1])
				unit->scopes[open[depth] - 1].end = off;
			if (--depth == 0)
				return;
			continue;
		}
		const struct snap_abbrev *abbrev = snap_abbrevs_find(abbrevs, code);
		if (!abbrev)
			return;
		pass_attributes(&c, unit, abbrev);
		if (!abbrev->has_children)
			continue;
		uint32_t parent = depth < MAX_DEPTH ? open[depth] : 0;
		if (++depth >= MAX_DEPTH)
			continue;
		open[depth] = parent;
		if (snap_dwarf_is_scope(abbrev->tag)) {
			uint32_t scope = snap_dwarf_scope_add(unit, off, parent);
			open[depth] = scope ? scope : parent;
		}
	}
}

/* The index plus one of the innermost scope that an entry stands in, itself excepted; 0: none. */
static uint32_t find_scope(const struct snap_dwarf_unit *unit, uint64_t off)
{
	size_t low = 0, high = unit->num_scopes;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (unit->scopes[mid].start < off)
			low = mid + 1;
		else
			high = mid;
	}
	uint32_t i = (uint32_t)low; /* index plus one */
	while (i > 0 && off >= unit->scopes[i - 1].end)
		i = unit->scopes[i - 1].parent;
	return i;
}

/* Where the innermost scope is that an entry stands in, itself excepted; 0: there is none. */
static uint64_t scope_round(struct snap_die die)
{
	struct snap_dwarf_unit *unit = die.unit;
	if (!unit->scopes_read)
		read_scopes(unit);
	uint32_t i = find_scope(unit, die.off);
	if (i > 0 && unit->scopes[i - 1].is_closed) {
		/* It was passed over, and may have scopes of its own. All are read, and once. */
		snap_dwarf_scopes_drop(unit);
		read_scopes(unit);
		i = find_scope(unit, die.off);
	}
	return i > 0 ? unit->scopes[i - 1].start : 0;
}

/* What a scope is called; NULL: nothing. *die becomes its declaration, if that is elsewhere. */
static const char *scope_name(struct snap_die *die)
{
	static const uint16_t names[] = {DW_AT_name, DW_AT_specification};
	struct snap_attr attrs[2];
	const struct snap_abbrev *abbrev = snap_die_attrs(*die, names, attrs, 2);
	if (!abbrev)
		return NULL;
	const char *name = snap_attr_string(die->unit, &attrs[0]);
	struct snap_die declaration;
	if (snap_attr_die(die->unit, &attrs[1], &declaration) &&
		(abbrev = snap_die_attrs(declaration, names, attrs, 1))) {
		*die = declaration;
		if (!name)
			name = snap_attr_string(die->unit, &attrs[0]);
	}
	return name || !abbrev || abbrev->tag != DW_TAG_namespace ? name : "(anonymous namespace)";
}

bool snap_dwarf_qualify(struct snap_die die, const char *name, char *buf, size_t size)
{
	const char *parts[MAX_SCOPES];
	size_t num = 0;
	if (!snap_dwarf_unit_has_scopes(die.unit))
		return false;
	uint64_t scope;
	for (size_t i = 0; i < MAX_SCOPES && (scope = scope_round(die)); i++) {
		die.off = scope;
		const char *part = scope_name(&die);
		if (part)
			parts[num++] = part;
	}
	if (num == 0)
		return false;
	size_t len = 0;
	while (num > 0) {
		int n = snprintf(buf + len, size - len, "%s::", parts[--num]);
		if (n < 0 || (size_t)n >= size - len)
			return false;
		len += (size_t)n;
	}
	int n = snprintf(buf + len, size - len, "%s", name);
	return n >= 0 && (size_t)n < size - len;
}
