#include "analyze/symbols/unit_scan.h"

#include <dwarf.h>
#include <stdlib.h>

#include "analyze/dwarf/names.h"

/* Nesting of entries. Deeper ones are passed over as if they stood in their last such ancestor. */
#define MAX_DEPTH 1024
/*
 * More than any unit has, of each. An entry can be a byte, and what stands for it takes a hundred:
 * entries that tell something have eight bytes and more on average.
 */
#define MAX_NODES	(1u << 22)
#define MAX_SITES	(1u << 22)
#define MIN_ENTRY_BYTES 8
#define MAX_SHORT	65536 /* of short ones, in any unit */

void snap_scan_deinit(struct snap_unit_scan *scan)
{
	free(scan->nodes);
	free(scan->sites);
	snap_dwarf_ranges_deinit(&scan->ranges);
	*scan = (struct snap_unit_scan){0};
}

/* What the children of an entry need to know. */
struct level {
	uint32_t node;	/* index plus one of the innermost function or inlined function; 0: none */
	uint32_t scope; /* likewise */
	bool opens_scope;
	bool in_function; /* below a DW_TAG_subprogram, with code or without */
};

struct walk {
	struct snap_dwarf_unit *unit;
	struct snap_unit_scan *scan;
	const struct snap_abbrevs *abbrevs;
	const uint8_t *section;
	struct snap_cursor c;
	struct level levels[MAX_DEPTH];
	size_t depth; /* may be beyond levels */
	bool is_c, has_scopes;
};

/* The attributes that matter, of the entries that do. */
struct entry {
	uint64_t off;
	struct snap_attr low, high, ranges, origin, specification;
	struct snap_attr call_file, call_line, call_column;
	struct snap_attr return_pc, call_origin;
	bool is_tail_call, is_declaration, is_named;
	uint64_t sibling; /* 0: not told */
};

static void read_entry(struct walk *w, const struct snap_abbrev *abbrev, struct entry *e)
{
	for (uint32_t i = 0; i < abbrev->num_attrs; i++) {
		const struct snap_attr_spec *spec = &abbrev->attrs[i];
		struct snap_attr attr, *to = &attr;
		switch (spec->name) {
		case DW_AT_low_pc:
			to = &e->low;
			break;
		case DW_AT_high_pc:
			to = &e->high;
			break;
		case DW_AT_ranges:
			to = &e->ranges;
			break;
		case DW_AT_abstract_origin:
			to = &e->origin;
			break;
		case DW_AT_specification:
			to = &e->specification;
			break;
		case DW_AT_call_file:
			to = &e->call_file;
			break;
		case DW_AT_call_line:
			to = &e->call_line;
			break;
		case DW_AT_call_column:
			to = &e->call_column;
			break;
		case DW_AT_call_return_pc:
			to = &e->return_pc;
			break;
		case DW_AT_call_origin:
			to = &e->call_origin;
			break;
		case DW_AT_linkage_name:
		case DW_AT_MIPS_linkage_name:
		case DW_AT_name:
			e->is_named = true;
			snap_attr_skip(&w->c, w->unit, spec);
			continue;
		case DW_AT_sibling:
		case DW_AT_declaration:
		case DW_AT_call_tail_call:
		case DW_AT_GNU_tail_call:
			break;
		default:
			snap_attr_skip(&w->c, w->unit, spec);
			continue;
		}
		snap_attr_read(&w->c, w->unit, spec, to);
		struct snap_die sibling;
		if (spec->name == DW_AT_sibling && snap_attr_die(w->unit, to, &sibling) &&
			sibling.unit == w->unit)
			e->sibling = sibling.off;
		else if (spec->name == DW_AT_declaration)
			e->is_declaration = snap_attr_flag(to);
		else if (spec->name == DW_AT_call_tail_call || spec->name == DW_AT_GNU_tail_call)
			e->is_tail_call = snap_attr_flag(to);
	}
}

/* Pass over all attributes; returns where the entry's sibling is, or 0. */
static uint64_t skip_entry(struct walk *w, const struct snap_abbrev *abbrev, bool wants_sibling)
{
	if (!wants_sibling || !abbrev->has_sibling) {
		if (abbrev->fixed_len >= 0)
			snap_cursor_skip(&w->c, (uint64_t)abbrev->fixed_len);
		else
			for (uint32_t i = 0; i < abbrev->num_attrs; i++)
				snap_attr_skip(&w->c, w->unit, &abbrev->attrs[i]);
		return 0;
	}
	uint64_t sibling = 0;
	for (uint32_t i = 0; i < abbrev->num_attrs; i++) {
		const struct snap_attr_spec *spec = &abbrev->attrs[i];
		struct snap_attr attr;
		struct snap_die die;
		if (spec->name != DW_AT_sibling) {
			snap_attr_skip(&w->c, w->unit, spec);
			continue;
		}
		snap_attr_read(&w->c, w->unit, spec, &attr);
		if (snap_attr_die(w->unit, &attr, &die) && die.unit == w->unit)
			sibling = die.off;
	}
	return sibling;
}

static int grow(void **array, size_t num, size_t *capacity, size_t item_len)
{
	if (num < *capacity)
		return 0;
	size_t grown = *capacity ? 2 * *capacity : 256;
	void *moved = reallocarray(*array, grown, item_len);
	if (!moved)
		return -1;
	*array = moved;
	*capacity = grown;
	return 0;
}

static uint32_t attr_u32(const struct snap_attr *attr)
{
	uint64_t value;
	return snap_attr_unsigned(attr, &value) && value <= UINT32_MAX ? (uint32_t)value : 0;
}

/* Whether there were too many for the bytes of the unit up to off. */
static bool is_beyond(const struct walk *w, size_t num, uint64_t off)
{
	return num >= MAX_SHORT + (off - w->unit->off) / MIN_ENTRY_BYTES;
}

/* A function or an inlined function. *ret: index plus one; 0: it has no code. */
static int add_node(
	struct walk *w, const struct entry *e, bool is_inlined, uint32_t parent, uint32_t *ret)
{
	struct snap_unit_scan *scan = w->scan;
	struct snap_scan_node node = {.first_range = scan->ranges.num};
	*ret = 0;
	if (snap_dwarf_ranges_read(w->unit, &e->low, &e->high, &e->ranges, &scan->ranges) < 0)
		return -1;
	node.num_ranges = scan->ranges.num - node.first_range;
	struct snap_die origin = {0};
	if (!snap_attr_die(w->unit, &e->origin, &origin) &&
		!snap_attr_die(w->unit, &e->specification, &origin))
		origin.unit = NULL;
	/* An inlined function is there without addresses of its own, too: as the scope of others.
	 */
	if (is_inlined ? parent == 0 : node.num_ranges == 0)
		return 0;
	if (is_inlined) {
		node.parent = parent;
		node.named = origin;
		node.call_file = attr_u32(&e->call_file);
		node.call_line = attr_u32(&e->call_line);
		node.call_column = attr_u32(&e->call_column);
	} else {
		node.entry = (struct snap_die){w->unit, e->off};
		node.origin = origin;
		node.named = e->is_named || !origin.unit ? node.entry : origin;
	}
	if (scan->num_nodes >= MAX_NODES || is_beyond(w, scan->num_nodes, e->off))
		return 0;
	if (grow((void **)&scan->nodes, scan->num_nodes, &scan->nodes_capacity, sizeof(node)) < 0)
		return -1;
	scan->nodes[scan->num_nodes++] = node;
	*ret = (uint32_t)scan->num_nodes;
	return 0;
}

static int add_site(struct walk *w, const struct entry *e, bool is_gnu)
{
	struct snap_unit_scan *scan = w->scan;
	struct snap_scan_site site = {.is_tail_call = e->is_tail_call};
	/* DWARF 4 has GNU's form of the same, with other names for the parts. */
	if (!snap_attr_address(w->unit, is_gnu ? &e->low : &e->return_pc, &site.return_vaddr) ||
		!snap_attr_die(w->unit, is_gnu ? &e->origin : &e->call_origin, &site.target) ||
		site.return_vaddr <= 1 || scan->num_sites >= MAX_SITES ||
		is_beyond(w, scan->num_sites, e->off))
		return 0;
	if (grow((void **)&scan->sites, scan->num_sites, &scan->sites_capacity, sizeof(site)) < 0)
		return -1;
	scan->sites[scan->num_sites++] = site;
	return 0;
}

/* Whether nothing below an entry of the tag has code. */
static bool is_closed(const struct walk *w, uint32_t tag, bool in_function)
{
	switch (tag) {
	case DW_TAG_enumeration_type:
	case DW_TAG_array_type:
	case DW_TAG_subroutine_type:
		return true;
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
		/* GCC has the functions of a class elsewhere, but for classes within functions. */
		return w->is_c || (w->unit->is_gnu && !in_function);
	default:
		return false;
	}
}

/* Go on behind the entry's children, if it says where that is. */
static bool pass_children(struct walk *w, uint64_t sibling)
{
	uint64_t here = (uint64_t)(w->c.p - w->section);
	if (sibling <= here || sibling > w->unit->end)
		return false;
	w->c.p = w->section + sibling;
	return true;
}

/* One entry behind its code. *ret: what its children are to know, if they are to be looked at. */
static int visit(struct walk *w, const struct snap_abbrev *abbrev, uint64_t off,
	struct level *level, bool *ret_passed)
{
	struct entry e = {.off = off};
	int r = 0;
	*ret_passed = false;
	switch (abbrev->tag) {
	case DW_TAG_subprogram:
		read_entry(w, abbrev, &e);
		r = add_node(w, &e, false, 0, &level->node);
		level->in_function = true;
		if (e.is_declaration && level->node == 0)
			*ret_passed = pass_children(w, e.sibling);
		return r;
	case DW_TAG_inlined_subroutine: {
		uint32_t parent = level->node;
		read_entry(w, abbrev, &e);
		r = add_node(w, &e, true, parent, &level->node);
		return r;
	}
	case DW_TAG_call_site:
	case DW_TAG_GNU_call_site:
		read_entry(w, abbrev, &e);
		r = add_site(w, &e, abbrev->tag == DW_TAG_GNU_call_site);
		*ret_passed = pass_children(w, e.sibling);
		return r;
	}
	if (!abbrev->has_children) {
		(void)skip_entry(w, abbrev, false);
		return 0;
	}
	bool closed = is_closed(w, abbrev->tag, level->in_function);
	uint64_t sibling = skip_entry(w, abbrev, closed);
	if (closed)
		*ret_passed = pass_children(w, sibling);
	if (!w->has_scopes || !snap_dwarf_is_scope(abbrev->tag))
		return 0;
	uint32_t scope = snap_dwarf_scope_add(w->unit, off, level->scope);
	if (*ret_passed && scope > 0) {
		w->unit->scopes[scope - 1].end = sibling;
		w->unit->scopes[scope - 1].is_closed = true;
	} else if (scope > 0) {
		level->scope = scope;
		level->opens_scope = true;
	}
	return 0;
}

static void leave(struct walk *w, uint64_t off)
{
	if (w->depth < MAX_DEPTH && w->levels[w->depth].opens_scope)
		w->unit->scopes[w->levels[w->depth].scope - 1].end = off;
	w->depth--;
}

static int walk(struct walk *w)
{
	while (!w->c.failed && w->c.p < w->c.end) {
		uint64_t off = (uint64_t)(w->c.p - w->section);
		uint64_t code = snap_cursor_uleb(&w->c);
		if (code == 0) {
			if (w->depth == 0)
				return 0;
			leave(w, off);
			if (w->depth == 0)
				return 0;
			continue;
		}
		const struct snap_abbrev *abbrev = snap_abbrevs_find(w->abbrevs, code);
		if (!abbrev)
			return 0;
		struct level level = w->levels[w->depth < MAX_DEPTH ? w->depth : MAX_DEPTH - 1];
		bool passed;
		level.opens_scope = false;
		if (visit(w, abbrev, off, &level, &passed) < 0)
			return -1;
		if (!abbrev->has_children || passed)
			continue;
		if (++w->depth < MAX_DEPTH)
			w->levels[w->depth] = level;
	}
	return 0;
}

int snap_scan_unit(struct snap_dwarf_unit *unit, struct snap_unit_scan *ret)
{
	ret->num_nodes = ret->num_sites = ret->ranges.num = 0;
	struct walk *w = calloc(1, sizeof(*w));
	if (!w)
		return -1;
	w->unit = unit;
	w->scan = ret;
	w->abbrevs = snap_dwarf_unit_abbrevs(unit);
	w->section = snap_dwarf_unit_section(unit).data;
	w->c = snap_die_cursor(unit, unit->dies);
	w->is_c = snap_dwarf_unit_is_c(unit);
	w->has_scopes = snap_dwarf_unit_has_scopes(unit) && !unit->scopes_read;
	unit->scopes_read |= w->has_scopes;
	int r = w->abbrevs ? walk(w) : 0;
	free(w);
	return r;
}
