#include "analyze/dwarf/children.h"

#include <dwarf.h>

/* An entry behind its code; returns where its sibling is, if it says so, or 0. */
static uint64_t pass_attributes(struct snap_children *w, const struct snap_abbrev *abbrev)
{
	uint64_t sibling = 0;
	if (!abbrev->has_sibling && abbrev->fixed_len >= 0) {
		snap_cursor_skip(&w->c, (uint64_t)abbrev->fixed_len);
		return 0;
	}
	for (uint32_t i = 0; i < abbrev->num_attrs; i++) {
		struct snap_attr attr;
		struct snap_die die;
		if (abbrev->attrs[i].name != DW_AT_sibling) {
			snap_attr_skip(&w->c, w->unit, &abbrev->attrs[i]);
			continue;
		}
		snap_attr_read(&w->c, w->unit, &abbrev->attrs[i], &attr);
		if (snap_attr_die(w->unit, &attr, &die) && die.unit == w->unit)
			sibling = die.off;
	}
	return sibling;
}

/* The abbreviation of the entry at the cursor, which then stands behind its code. NULL at the end
 * of a list of siblings (*ret_end), or of what can be read. */
static const struct snap_abbrev *read_code(struct snap_children *w, bool *ret_end)
{
	*ret_end = false;
	if (w->c.failed || w->c.p >= w->c.end || *w->left == 0)
		return NULL;
	--*w->left;
	uint64_t code = snap_cursor_uleb(&w->c);
	*ret_end = code == 0 && !w->c.failed;
	return code == 0 || w->c.failed ? NULL : snap_abbrevs_find(w->abbrevs, code);
}

/* Go behind all that stands below the entry whose attributes were just passed. */
static bool pass_children(struct snap_children *w, uint64_t sibling)
{
	if (sibling > (uint64_t)(w->c.p - w->section) && sibling <= w->unit->end) {
		w->c.p = w->section + sibling;
		return true;
	}
	for (size_t depth = 1; depth > 0;) {
		bool is_end;
		const struct snap_abbrev *abbrev = read_code(w, &is_end);
		if (is_end) {
			depth--;
			continue;
		}
		if (!abbrev)
			return false;
		sibling = pass_attributes(w, abbrev);
		if (!abbrev->has_children)
			continue;
		if (sibling > (uint64_t)(w->c.p - w->section) && sibling <= w->unit->end)
			w->c.p = w->section + sibling;
		else
			depth++;
	}
	return true;
}

void snap_children_begin(struct snap_children *w, struct snap_die parent, uint64_t *left)
{
	bool is_end;
	*w = (struct snap_children){.unit = parent.unit, .left = left, .is_done = !parent.unit};
	if (w->is_done)
		return;
	w->abbrevs = snap_dwarf_unit_open(parent.unit) ? snap_dwarf_unit_abbrevs(parent.unit) : NULL;
	w->section = snap_dwarf_unit_section(parent.unit).data;
	w->c = snap_die_cursor(parent.unit, parent.off);
	const struct snap_abbrev *abbrev = w->abbrevs ? read_code(w, &is_end) : NULL;
	if (abbrev)
		(void)pass_attributes(w, abbrev);
	w->is_done = !abbrev || !abbrev->has_children;
}

bool snap_children_next(struct snap_children *w, struct snap_child *ret)
{
	bool is_end;
	if (w->is_done)
		return false;
	uint64_t off = (uint64_t)(w->c.p - w->section);
	const struct snap_abbrev *abbrev = read_code(w, &is_end);
	if (!abbrev) {
		w->is_done = true;
		return false;
	}
	*ret = (struct snap_child){.die = {w->unit, off}, .abbrev = abbrev};
	uint64_t sibling = pass_attributes(w, abbrev);
	if (abbrev->has_children && !pass_children(w, sibling))
		w->is_done = true;
	return true;
}
