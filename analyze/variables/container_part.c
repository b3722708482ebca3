#include "analyze/variables/container.h"

#include <dwarf.h>
#include <string.h>

#include "analyze/dwarf/children.h"

/* Bases, and members without a name, that a member is looked for in. */
#define MAX_BASES 8
enum { P_NAME, P_TYPE, P_LOCATION, P_EXTERNAL, P_DECLARATION, P_BIT_SIZE, P_VIRTUALITY, NUM_ATTRS };
static const uint16_t attr_names[NUM_ATTRS] = {
	[P_NAME] = DW_AT_name,
	[P_TYPE] = DW_AT_type,
	[P_LOCATION] = DW_AT_data_member_location,
	[P_EXTERNAL] = DW_AT_external,
	[P_DECLARATION] = DW_AT_declaration,
	[P_BIT_SIZE] = DW_AT_bit_size,
	[P_VIRTUALITY] = DW_AT_virtuality,
};

/* Where a member is, or a base; false if it is none whose place is a number. */
static bool read_part(struct snap_printer *p, const struct snap_part *in,
	const struct snap_child *child, const struct snap_attr *attrs, struct snap_part *ret)
{
	uint64_t at = 0;
	if (snap_attr_flag(&attrs[P_EXTERNAL]) || snap_attr_flag(&attrs[P_DECLARATION]) ||
		snap_attr_is_there(&attrs[P_BIT_SIZE]) ||
		snap_attr_is_there(&attrs[P_VIRTUALITY]) ||
		(snap_attr_is_there(&attrs[P_LOCATION]) &&
			!snap_attr_unsigned(&attrs[P_LOCATION], &at)) ||
		!snap_view_reference(p->view, child->die.unit, &attrs[P_TYPE], &ret->die))
		return false;
	snap_type_read(p->view, ret->die, &ret->type);
	ret->off = in->off + at;
	return true;
}

/* The member of that name (len bytes of it), also in bases. False if there is none. */
static bool find_member(struct snap_printer *p, const struct snap_part *in, const char *name,
	size_t len, int depth, struct snap_part *ret)
{
	struct snap_children children;
	struct snap_child child;
	snap_children_begin(&children, in->type.die, &p->view->views->left.entries);
	while (snap_children_next(&children, &child)) {
		struct snap_attr attrs[NUM_ATTRS];
		struct snap_part part;
		bool is_base = child.abbrev->tag == DW_TAG_inheritance;
		if ((!is_base && child.abbrev->tag != DW_TAG_member) ||
			!snap_view_attrs(p->view, child.die, attr_names, attrs, NUM_ATTRS) ||
			!read_part(p, in, &child, attrs, &part))
			continue;
		const char *its = snap_attr_string(child.die.unit, &attrs[P_NAME]);
		if (!is_base && its && strlen(its) == len && memcmp(its, name, len) == 0) {
			*ret = part;
			return true;
		}
		if ((is_base || !its) && depth < MAX_BASES &&
			find_member(p, &part, name, len, depth + 1, ret))
			return true;
	}
	return false;
}

bool snap_part_find(
	struct snap_printer *p, const struct snap_part *in, const char *path, struct snap_part *ret)
{
	struct snap_part part = *in;
	for (const char *name = path; *name;) {
		size_t len = strcspn(name, "/");
		if (!find_member(p, &part, name, len, 0, &part))
			return false;
		name += len + (name[len] == '/');
	}
	*ret = part;
	return true;
}

bool snap_part_parameter(
	struct snap_printer *p, const struct snap_part *in, const char *name, struct snap_die *ret)
{
	static const uint16_t names[] = {DW_AT_name, DW_AT_type};
	struct snap_children children;
	struct snap_child child;
	snap_children_begin(&children, in->type.die, &p->view->views->left.entries);
	while (snap_children_next(&children, &child)) {
		struct snap_attr attrs[2];
		const char *its;
		if (child.abbrev->tag == DW_TAG_template_type_parameter &&
			snap_view_attrs(p->view, child.die, names, attrs, 2) &&
			(its = snap_attr_string(child.die.unit, &attrs[0])) &&
			strcmp(its, name) == 0)
			return snap_view_reference(p->view, child.die.unit, &attrs[1], ret);
	}
	return false;
}

bool snap_part_load(struct snap_printer *p, const struct snap_source *source, uint64_t off,
	unsigned int size, uint64_t *ret)
{
	uint8_t bytes[8];
	if (snap_printer_peek(p, source, off, bytes, size) != SNAP_BITS_KNOWN)
		return false;
	*ret = 0;
	for (unsigned int i = 0; i < size; i++)
		*ret = *ret << 8 | bytes[snap_printer_is_big(p) ? i : size - 1 - i];
	return true;
}

bool snap_part_pointer(struct snap_printer *p, const struct snap_part *in, const char *path,
	const struct snap_source *source, struct snap_part *ret, uint64_t *ret_addr)
{
	unsigned int word = snap_arch_word(p->view->arch);
	return snap_part_find(p, in, path, ret) && ret->type.tag == DW_TAG_pointer_type &&
	       (ret->type.size == 0 || ret->type.size == word) &&
	       snap_part_load(p, source, ret->off, word, ret_addr);
}

bool snap_part_size(struct snap_printer *p, const struct snap_part *in, const char *path,
	const struct snap_source *source, uint64_t *ret)
{
	struct snap_part part;
	unsigned int word = snap_arch_word(p->view->arch);
	return snap_part_find(p, in, path, &part) && part.type.tag == DW_TAG_base_type &&
	       part.type.encoding == DW_ATE_unsigned && part.type.size == word &&
	       snap_part_load(p, source, part.off, word, ret);
}

uint64_t snap_part_target_size(
	struct snap_printer *p, const struct snap_part *pointer, struct snap_type *ret_target)
{
	snap_type_read(p->view, pointer->type.target, ret_target);
	return snap_type_size(p->view, ret_target);
}

const struct snap_character *snap_part_characters(struct snap_printer *p,
	const struct snap_part *in, const char *path, const struct snap_source *source,
	struct snap_part *ret, uint64_t *ret_addr)
{
	struct snap_type target;
	if (!snap_part_pointer(p, in, path, source, ret, ret_addr))
		return NULL;
	snap_type_read(p->view, ret->type.target, &target);
	return snap_type_character(&target);
}

bool snap_part_base(struct snap_printer *p, const struct snap_part *in, const char *prefix,
	struct snap_part *ret)
{
	struct snap_children children;
	struct snap_child child;
	snap_children_begin(&children, in->type.die, &p->view->views->left.entries);
	while (snap_children_next(&children, &child)) {
		struct snap_attr attrs[NUM_ATTRS];
		struct snap_part part;
		if (child.abbrev->tag != DW_TAG_inheritance ||
			!snap_view_attrs(p->view, child.die, attr_names, attrs, NUM_ATTRS) ||
			!read_part(p, in, &child, attrs, &part) || !part.type.name ||
			strncmp(part.type.name, prefix, strlen(prefix)) != 0)
			continue;
		*ret = part;
		return true;
	}
	return false;
}

bool snap_part_pack(
	struct snap_printer *p, const struct snap_part *in, uint64_t index, struct snap_die *ret)
{
	static const uint16_t names[] = {DW_AT_type};
	struct snap_children packs, children;
	struct snap_child pack, child;
	uint64_t num = 0;
	snap_children_begin(&packs, in->type.die, &p->view->views->left.entries);
	while (snap_children_next(&packs, &pack)) {
		if (pack.abbrev->tag != DW_TAG_GNU_template_parameter_pack)
			continue;
		snap_children_begin(&children, pack.die, &p->view->views->left.entries);
		while (snap_children_next(&children, &child)) {
			struct snap_attr attr;
			if (child.abbrev->tag != DW_TAG_template_type_parameter || num++ < index)
				continue;
			return snap_view_attrs(p->view, child.die, names, &attr, 1) &&
			       snap_view_reference(p->view, child.die.unit, &attr, ret);
		}
		return false;
	}
	return false;
}

/* As far as structures are looked into. */
#define MAX_NESTED 8

/*
 * Of a member whose type is told elsewhere (clang leaves some to libstdc++ to describe): it is no
 * larger than what is left up to the next member, and no type's alignment is larger than itself. 0:
 * not known.
 */
static uint64_t align_of_declared(struct snap_printer *p, struct snap_die structure, uint64_t at)
{
	const struct snap_part in = {.die = structure};
	struct snap_children children;
	struct snap_child child;
	uint64_t next = UINT64_MAX, align = 1;
	snap_children_begin(&children, structure, &p->view->views->left.entries);
	while (snap_children_next(&children, &child)) {
		struct snap_attr attrs[NUM_ATTRS];
		struct snap_part part;
		if (child.abbrev->tag == DW_TAG_member &&
			snap_view_attrs(p->view, child.die, attr_names, attrs, NUM_ATTRS) &&
			read_part(p, &in, &child, attrs, &part) && part.off > at && part.off < next)
			next = part.off;
	}
	while (next != UINT64_MAX && 2 * align <= next - at)
		align *= 2;
	return next == UINT64_MAX ? 0 : align;
}

static uint64_t find_align(struct snap_printer *p, struct snap_die die, int depth);

/* Of a member or a base; what is asked for it itself counts, too. *ret_skipped: it takes no room.
 */
static uint64_t align_of_member(struct snap_printer *p, const struct snap_type *structure,
	const struct snap_child *child, int depth, bool *ret_skipped)
{
	static const uint16_t names[] = {DW_AT_alignment};
	struct snap_attr attrs[NUM_ATTRS], asked_attr;
	struct snap_type type;
	struct snap_die die;
	uint64_t at = 0, align, asked;
	if (!snap_view_attrs(p->view, child->die, attr_names, attrs, NUM_ATTRS))
		return 0;
	*ret_skipped = snap_attr_flag(&attrs[P_EXTERNAL]) || snap_attr_flag(&attrs[P_DECLARATION]);
	if (*ret_skipped || !snap_view_reference(p->view, child->die.unit, &attrs[P_TYPE], &die) ||
		!snap_view_attrs(p->view, child->die, names, &asked_attr, 1))
		return 0;
	snap_type_read(p->view, die, &type);
	if (type.is_declaration && snap_attr_unsigned(&attrs[P_LOCATION], &at))
		align = align_of_declared(p, structure->die, at);
	else
		align = find_align(p, die, depth + 1);
	if (align > 0 && snap_attr_is_there(&asked_attr) &&
		snap_attr_unsigned(&asked_attr, &asked) && asked > align)
		align = asked;
	return align;
}

static uint64_t align_of_structure(struct snap_printer *p, const struct snap_type *type, int depth)
{
	static const uint16_t names[] = {DW_AT_alignment};
	struct snap_children children;
	struct snap_child child;
	struct snap_attr attr;
	uint64_t align = 1, its;
	if (type->is_declaration || depth >= MAX_NESTED ||
		!snap_view_attrs(p->view, type->die, names, &attr, 1) ||
		(snap_attr_is_there(&attr) && !snap_attr_unsigned(&attr, &align)))
		return 0;
	snap_children_begin(&children, type->die, &p->view->views->left.entries);
	while (snap_children_next(&children, &child)) {
		bool is_skipped = false;
		if (child.abbrev->tag != DW_TAG_member && child.abbrev->tag != DW_TAG_inheritance)
			continue;
		its = align_of_member(p, type, &child, depth, &is_skipped);
		if (its == 0 && !is_skipped)
			return 0;
		align = its > align ? its : align;
	}
	return align;
}

static uint64_t find_align(struct snap_printer *p, struct snap_die die, int depth)
{
	struct snap_type type;
	snap_type_read(p->view, die, &type);
	switch (type.tag) {
	case DW_TAG_base_type:
	case DW_TAG_enumeration_type:
		return (type.size & (type.size - 1)) == 0 ? type.size : 0;
	case DW_TAG_pointer_type:
	case DW_TAG_reference_type:
	case DW_TAG_rvalue_reference_type:
	case DW_TAG_ptr_to_member_type:
		return snap_arch_word(p->view->arch);
	case DW_TAG_array_type:
		return depth < MAX_NESTED ? find_align(p, type.target, depth + 1) : 0;
	case DW_TAG_structure_type:
	case DW_TAG_class_type:
	case DW_TAG_union_type:
		return align_of_structure(p, &type, depth);
	default:
		return 0;
	}
}

uint64_t snap_part_align(struct snap_printer *p, struct snap_die die)
{
	return find_align(p, die, 0);
}
