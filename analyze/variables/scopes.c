#include "analyze/variables/scopes.h"

#include <dwarf.h>

#include "analyze/dwarf/children.h"
#include "analyze/dwarf/ranges.h"

/* Steps from an entry to where its name and type are. */
#define MAX_ORIGINS 16

enum has { HAS_NOT, HAS, HAS_NO_CODE };

static enum has has_address(const struct snap_view *view, struct snap_die die)
{
	static const uint16_t names[] = {DW_AT_low_pc, DW_AT_high_pc, DW_AT_ranges};
	struct snap_attr attrs[3];
	struct snap_dwarf_ranges ranges = {0};
	enum has has = HAS_NOT;
	if (!snap_view_attrs(view, die, names, attrs, 3))
		return HAS_NOT;
	if (!snap_attr_is_there(&attrs[0]) && !snap_attr_is_there(&attrs[2]))
		return HAS_NO_CODE;
	/* Without memory: there are none. */
	(void)snap_dwarf_ranges_read(die.unit, &attrs[0], &attrs[1], &attrs[2], &ranges);
	for (size_t i = 0; i < ranges.num; i++)
		if (view->vaddr >= ranges.items[i].start && view->vaddr < ranges.items[i].end)
			has = HAS;
	snap_dwarf_ranges_deinit(&ranges);
	return has;
}

void snap_scopes_find(const struct snap_view *view, struct snap_scopes *ret)
{
	bool found = true;
	ret->list[0] = (struct snap_scope){view->function, true};
	ret->num = 1;
	while (found && ret->num < SNAP_MAX_SCOPES) {
		struct snap_children children;
		struct snap_child child;
		found = false;
		snap_children_begin(
			&children, ret->list[ret->num - 1].die, &view->views->left.entries);
		while (!found && snap_children_next(&children, &child)) {
			bool is_function = child.abbrev->tag == DW_TAG_inlined_subroutine;
			if (!is_function && child.abbrev->tag != DW_TAG_lexical_block)
				continue;
			if (has_address(view, child.die) != HAS)
				continue;
			ret->list[ret->num++] = (struct snap_scope){child.die, is_function};
			found = true;
		}
	}
}

enum {
	V_NAME,
	V_TYPE,
	V_LOCATION,
	V_CONSTANT,
	V_ORIGIN,
	V_SPECIFICATION,
	V_EXTERNAL,
	V_DECLARATION,
	NUM_VARIABLE_ATTRS
};
static const uint16_t variable_names[NUM_VARIABLE_ATTRS] = {
	[V_NAME] = DW_AT_name,
	[V_TYPE] = DW_AT_type,
	[V_LOCATION] = DW_AT_location,
	[V_CONSTANT] = DW_AT_const_value,
	[V_ORIGIN] = DW_AT_abstract_origin,
	[V_SPECIFICATION] = DW_AT_specification,
	[V_EXTERNAL] = DW_AT_external,
	[V_DECLARATION] = DW_AT_declaration,
};

void snap_variable_entry_read(
	const struct snap_view *view, struct snap_die die, struct snap_variable_entry *ret)
{
	*ret = (struct snap_variable_entry){.located = die.unit};
	for (int i = 0; i < MAX_ORIGINS; i++) {
		struct snap_attr attrs[NUM_VARIABLE_ATTRS];
		ret->declared = die.off;
		if (!snap_view_attrs(view, die, variable_names, attrs, NUM_VARIABLE_ATTRS))
			return;
		if (!ret->name)
			ret->name = snap_attr_string(die.unit, &attrs[V_NAME]);
		if (!ret->has_type && snap_attr_is_there(&attrs[V_TYPE]))
			ret->has_type =
				snap_view_reference(view, die.unit, &attrs[V_TYPE], &ret->type);
		if (!snap_attr_is_there(&ret->location) && snap_attr_is_there(&attrs[V_LOCATION])) {
			ret->location = attrs[V_LOCATION];
			ret->located = die.unit;
		}
		if (!snap_attr_is_there(&ret->constant) && snap_attr_is_there(&attrs[V_CONSTANT])) {
			ret->constant = attrs[V_CONSTANT];
			ret->constant_unit = die.unit;
		}
		ret->is_declaration |= snap_attr_flag(&attrs[V_DECLARATION]);
		if (!snap_attr_die(die.unit, &attrs[V_ORIGIN], &die) &&
			!snap_attr_die(die.unit, &attrs[V_SPECIFICATION], &die))
			return;
	}
}
