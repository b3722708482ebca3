#include "analyze/variables/operand.h"

#include <dwarf.h>
#include <inttypes.h>

#include "analyze/dwarf/children.h"
#include "analyze/sandbox/note.h"
#include "analyze/symbols/object.h"
#include "analyze/variables/evaluate.h"
#include "analyze/variables/scopes.h"
#include "analyze/variables/shape.h"
#include "analyze/variables/types.h"

/* Members in members. */
#define MAX_NESTING 8
/* Elements behind a pointer that it may lead to in the source. */
#define MAX_ELEMENT (1u << 20)

/* ---------------------------------------------------------------- the variable */

static bool is_there(const struct snap_operand_place *place, const struct snap_location *location)
{
	const struct snap_piece *piece = &location->pieces[0];
	if (!location->is_whole || location->num_pieces != 1)
		return false;
	return (piece->kind == SNAP_PIECE_REGISTER && piece->number == place->number) ||
	       (piece->kind == SNAP_PIECE_MEMORY && place->has_slot &&
		       piece->address == place->slot);
}

/* The variable of the scope that is there; *ret_num counts them. */
static void look_in(const struct snap_view *view, struct snap_die scope,
	const struct snap_operand_place *place, struct snap_variable_entry *ret, size_t *ret_num)
{
	struct snap_children children;
	struct snap_child child;
	snap_children_begin(&children, scope, &view->views->left.entries);
	while (snap_children_next(&children, &child)) {
		struct snap_variable_entry entry;
		struct snap_location location;
		if (child.abbrev->tag != DW_TAG_formal_parameter &&
			child.abbrev->tag != DW_TAG_variable)
			continue;
		snap_variable_entry_read(view, child.die, &entry);
		if (!entry.name || !entry.has_type || !snap_attr_is_there(&entry.location))
			continue;
		snap_evaluate_attribute(view, entry.located, &entry.location, NULL, &location);
		if (!is_there(place, &location))
			continue;
		/* The innermost function's count: inlined into others, theirs may be the same. */
		if ((*ret_num)++ == 0)
			*ret = entry;
	}
}

/* ---------------------------------------------------------------- the expression */

enum { M_NAME, M_TYPE, M_OFF, M_BITS, NUM_MEMBER_ATTRS };
static const uint16_t member_names[NUM_MEMBER_ATTRS] = {
	[M_NAME] = DW_AT_name,
	[M_TYPE] = DW_AT_type,
	[M_OFF] = DW_AT_data_member_location,
	[M_BITS] = DW_AT_data_bit_offset,
};

/* The member, or base class, that has the offset; of several (a union's), the first. */
static bool find_member(const struct snap_view *view, const struct snap_type *structure,
	uint64_t off, const char **ret_name, uint64_t *ret_start, struct snap_type *ret_type)
{
	struct snap_children children;
	struct snap_child child;
	snap_children_begin(&children, structure->die, &view->views->left.entries);
	while (snap_children_next(&children, &child)) {
		struct snap_attr attrs[NUM_MEMBER_ATTRS];
		struct snap_die type;
		bool is_base = child.abbrev->tag == DW_TAG_inheritance;
		if ((child.abbrev->tag != DW_TAG_member && !is_base) ||
			!snap_view_attrs(view, child.die, member_names, attrs, NUM_MEMBER_ATTRS) ||
			snap_attr_is_there(&attrs[M_BITS]) || attrs[M_OFF].block.data ||
			!snap_type_of(view, child.die, &type))
			continue;
		uint64_t start = snap_attr_is_there(&attrs[M_OFF]) ? attrs[M_OFF].value : 0;
		snap_type_read(view, type, ret_type);
		uint64_t size = snap_type_size(view, ret_type);
		if (off < start || off - start >= size)
			continue;
		*ret_name = is_base ? NULL : snap_attr_string(child.die.unit, &attrs[M_NAME]);
		*ret_start = start;
		return true;
	}
	return false;
}

static bool is_structure(const struct snap_type *type)
{
	return type->tag == DW_TAG_structure_type || type->tag == DW_TAG_class_type ||
	       type->tag == DW_TAG_union_type;
}

/* Add ".member[2].member" of what is off bytes into something of the type. arrow: what comes before
 * the first member. False if there is none known. */
static bool add_path(const struct snap_view *view, struct snap_type type, uint64_t off,
	const char *arrow, struct snap_text *text)
{
	for (int i = 0; i < MAX_NESTING; i++) {
		if (type.tag == DW_TAG_array_type) {
			struct snap_type element;
			struct snap_shape shape;
			snap_shape_read(view, &type, NULL, &shape);
			if (shape.num_dimensions != 1 || shape.is_elsewhere)
				return true;
			snap_type_read(view, type.target, &element);
			uint64_t size = snap_type_size(view, &element);
			if (size == 0)
				return true;
			snap_text_addf(text, "[%" PRIu64 "]", off / size);
			off %= size;
			type = element;
			continue;
		}
		if (!is_structure(&type))
			return true;
		const char *name;
		uint64_t start;
		struct snap_type member;
		if (!find_member(view, &type, off, &name, &start, &member))
			return i > 0;
		/* A base class and what has no name are parts of the whole. */
		if (name) {
			snap_text_addf(text, "%s%s", arrow, name);
			arrow = ".";
		}
		off -= start;
		type = member;
	}
	return true;
}

static bool make_expression(const struct snap_view *view, const struct snap_variable_entry *entry,
	uint64_t off, struct snap_text *text)
{
	struct snap_type type, target;
	snap_type_read(view, entry->type, &type);
	bool is_reference =
		type.tag == DW_TAG_reference_type || type.tag == DW_TAG_rvalue_reference_type;
	if ((type.tag != DW_TAG_pointer_type && !is_reference) || !type.target.unit)
		return false;
	snap_type_read(view, type.target, &target);
	uint64_t size = snap_type_size(view, &target);
	if (size == 0 || off / size > MAX_ELEMENT || (is_reference && off >= size))
		return false;
	uint64_t index = off / size;
	const char *arrow = is_reference ? "." : "->";
	if (index > 0 || (!is_structure(&target) && off > 0)) {
		snap_text_addf(text, "%s[%" PRIu64 "]", entry->name, index);
		arrow = ".";
	} else if (is_structure(&target) || is_reference) {
		snap_text_add(text, entry->name);
	} else {
		snap_text_addf(text, "*%s", entry->name);
	}
	return !is_structure(&target) || add_path(view, target, off % size, arrow, text);
}

static bool find(const struct snap_view *view, const struct snap_operand_place *place,
	struct snap_operand_variable *ret)
{
	struct snap_scopes scopes;
	struct snap_variable_entry entry = {0};
	size_t num = 0;
	snap_scopes_find(view, &scopes);
	for (size_t i = scopes.num; i-- > 0 && num == 0;)
		look_in(view, scopes.list[i].die, place, &entry, &num);
	if (num != 1)
		return false;
	struct snap_text name, type, expression;
	snap_text_init(&name, ret->name, sizeof(ret->name));
	snap_text_init(&type, ret->type, sizeof(ret->type));
	snap_text_init(&expression, ret->expression, sizeof(ret->expression));
	snap_text_add(&name, entry.name);
	snap_type_name(view, entry.type, &type);
	return make_expression(view, &entry, place->off, &expression) && !expression.is_cut;
}

bool snap_operand_variable_find(struct snap_crash *crash, const struct snap_crash_thread *thread,
	const struct snap_operand_place *place, struct snap_operand_variable *ret)
{
	struct snap_views views;
	struct snap_view view;
	bool found = false;
	snap_views_init(&views, crash);
	if (thread->num_frames > 0 && snap_view_init(&views, thread, 0, &view)) {
		SNAP_READING_SLOT(snap_object_note(view.object));
		found = find(&view, place, ret);
	}
	return found;
}
