#include "analyze/variables/printer.h"

#include <dwarf.h>
#include <inttypes.h>
#include <string.h>

#include "analyze/dwarf/children.h"

/* Members of one structure. */
#define MAX_MEMBERS 256

enum {
	M_NAME,
	M_TYPE,
	M_LOCATION,
	M_BIT_SIZE,
	M_DATA_BIT_OFFSET,
	M_BIT_OFFSET,
	M_BYTE_SIZE,
	M_EXTERNAL,
	M_DECLARATION,
	M_VIRTUALITY,
	NUM_MEMBER_ATTRS
};
static const uint16_t member_names[NUM_MEMBER_ATTRS] = {
	[M_NAME] = DW_AT_name,
	[M_TYPE] = DW_AT_type,
	[M_LOCATION] = DW_AT_data_member_location,
	[M_BIT_SIZE] = DW_AT_bit_size,
	[M_DATA_BIT_OFFSET] = DW_AT_data_bit_offset,
	[M_BIT_OFFSET] = DW_AT_bit_offset,
	[M_BYTE_SIZE] = DW_AT_byte_size,
	[M_EXTERNAL] = DW_AT_external,
	[M_DECLARATION] = DW_AT_declaration,
	[M_VIRTUALITY] = DW_AT_virtuality,
};

/* Where a member is in the structure; false if that can't be told. */
static bool member_offset(struct snap_printer *p, struct snap_die die, const struct snap_attr *attr,
	const struct snap_source *source, uint64_t off, uint64_t *ret)
{
	uint64_t object = source->addr + off, addr;
	if (!snap_attr_is_there(attr)) {
		*ret = 0;
		return true;
	}
	if (snap_attr_unsigned(attr, ret))
		return true;
	if (!attr->block.data)
		return false;
	/* DWARF 2 has constants so; virtual bases need the object itself. */
	struct snap_cursor c = snap_cursor(attr->block, 0, snap_printer_is_big(p));
	if (snap_cursor_u8(&c) == DW_OP_plus_uconst) {
		*ret = snap_cursor_uleb(&c);
		if (!c.failed && c.p == c.end)
			return true;
	}
	const struct snap_subject subject = {.addr = object};
	const struct snap_given given = {.first = &object, .subject = &subject};
	if (!source->in_memory ||
		!snap_evaluate_number(p->view, die.unit, attr->block, &given, &addr, NULL))
		return false;
	*ret = addr - object;
	return true;
}

static void print_bit_field(struct snap_printer *p, const struct snap_attr *attrs,
	struct snap_die type_die, const struct snap_source *source, uint64_t off)
{
	uint64_t bits = 0, first, storage, value = 0;
	struct snap_type type;
	snap_type_read(p->view, type_die, &type);
	(void)snap_attr_unsigned(&attrs[M_BIT_SIZE], &bits); /* else 0 */
	if (!snap_attr_unsigned(&attrs[M_BYTE_SIZE], &storage))
		storage = snap_type_size(p->view, &type);
	if (!snap_attr_unsigned(&attrs[M_DATA_BIT_OFFSET], &first)) {
		/* Counted from the most significant bit of the storage (DWARF 3, section 5.6.6). */
		int64_t from = snap_attr_is_there(&attrs[M_BIT_OFFSET])
				       ? (int64_t)attrs[M_BIT_OFFSET].value
				       : 0;
		int64_t at = snap_printer_is_big(p) ? from
						    : (int64_t)(8 * storage) - from - (int64_t)bits;
		first = (uint64_t)at;
		if (at < 0 || storage > 16)
			bits = 0;
	}
	if (bits == 0 || bits > 64 || first > UINT32_MAX) {
		p->counts.num[SNAP_BITS_ERROR]++;
		snap_text_add(p->text, "<malformed>");
		return;
	}
	uint8_t bytes[9];
	uint64_t byte = first / 8;
	unsigned int bit = first % 8;
	size_t len = (size_t)((bit + bits + 7) / 8);
	if (!snap_printer_take(p, source, off + byte, bytes, len))
		return;
	for (unsigned int i = 0; i < bits; i++) {
		unsigned int at = bit + i;
		if (snap_printer_is_big(p))
			value = value << 1 | (bytes[at / 8] >> (7 - at % 8) & 1u);
		else
			value |= (uint64_t)(bytes[at / 8] >> (at % 8) & 1u) << i;
	}
	if (type.tag == DW_TAG_enumeration_type)
		snap_print_enum(p, &type, value, (unsigned int)bits);
	else
		snap_print_integer(p, &type, value, (unsigned int)bits);
}

static void print_member(struct snap_printer *p, const struct snap_child *child,
	const struct snap_attr *attrs, const struct snap_source *source, uint64_t off, int depth)
{
	struct snap_die type = {0};
	uint64_t at;
	const char *name = snap_attr_string(child->die.unit, &attrs[M_NAME]);
	(void)snap_view_reference(p->view, child->die.unit, &attrs[M_TYPE], &type);
	if (child->abbrev->tag == DW_TAG_inheritance) {
		char buf[256];
		struct snap_text base;
		struct snap_type base_type;
		snap_text_init(&base, buf, sizeof(buf));
		snap_type_read(p->view, type, &base_type);
		snap_type_name(p->view, base_type.die, &base);
		snap_text_addf(p->text, "<%s> = ", buf);
	} else if (name && *name) {
		snap_text_addf(p->text, "%.400s = ", name);
	}
	if (!member_offset(p, child->die, &attrs[M_LOCATION], source, off, &at)) {
		p->counts.num[SNAP_BITS_NOT_CAPTURED]++;
		snap_text_add(p->text, "<not captured>");
		return;
	}
	if (snap_attr_is_there(&attrs[M_BIT_SIZE]))
		print_bit_field(p, attrs, type, source, off + at);
	else
		snap_print_type(p, type, source, off + at, depth + 1);
}

/* Several classes share a virtual base: only the first shows it. */
static bool was_shown(struct snap_printer *p, const struct snap_child *child,
	const struct snap_attr *attrs, const struct snap_source *source, uint64_t off)
{
	uint64_t at, virtuality;
	struct snap_die type = {0};
	if (child->abbrev->tag != DW_TAG_inheritance ||
		!snap_attr_unsigned(&attrs[M_VIRTUALITY], &virtuality) ||
		virtuality != DW_VIRTUALITY_virtual)
		return false;
	(void)snap_view_reference(p->view, child->die.unit, &attrs[M_TYPE], &type);
	/* Where it is, is told by what may not be captured; its type is as good. */
	uint64_t addr = member_offset(p, child->die, &attrs[M_LOCATION], source, off, &at)
				? source->addr + off + at
				: type.off;
	for (size_t i = 0; i < p->num_virtual_bases; i++)
		if (p->virtual_bases[i] == addr)
			return true;
	if (p->num_virtual_bases < SNAP_PRINT_MAX_VIRTUAL_BASES)
		p->virtual_bases[p->num_virtual_bases++] = addr;
	return false;
}

/* ---------------------------------------------------------------- variants */

/* Bytes of the number that says which one it is. */
static bool read_which(struct snap_printer *p, struct snap_die part,
	const struct snap_source *source, uint64_t off, uint64_t *ret, uint64_t *ret_mask)
{
	static const uint16_t names[] = {DW_AT_discr, DW_AT_type, DW_AT_data_member_location};
	struct snap_attr attrs[3];
	struct snap_die discriminant, type_die;
	struct snap_type type;
	uint64_t at = 0;
	*ret = *ret_mask = 0;
	if (!snap_view_attrs(p->view, part, names, attrs, 3))
		return false;
	/* There is only one. */
	if (!snap_attr_is_there(&attrs[0]))
		return true;
	if (!snap_attr_die(part.unit, &attrs[0], &discriminant) ||
		!snap_view_attrs(p->view, discriminant, names, attrs, 3) ||
		!snap_view_reference(p->view, discriminant.unit, &attrs[1], &type_die) ||
		(snap_attr_is_there(&attrs[2]) && !snap_attr_unsigned(&attrs[2], &at))) {
		p->counts.num[SNAP_BITS_ERROR]++;
		snap_text_add(p->text, "<malformed>");
		return false;
	}
	snap_type_read(p->view, type_die, &type);
	uint64_t size = snap_type_size(p->view, &type);
	if (size == 0 || size > 8) {
		p->counts.num[SNAP_BITS_ERROR]++;
		snap_text_add(p->text, "<a variant that is not supported>");
		return false;
	}
	*ret_mask = size < 8 ? (UINT64_C(1) << (8 * size)) - 1 : UINT64_MAX;
	return snap_printer_take_word(p, source, off + at, (unsigned int)size, ret);
}

/* The variant of that number, or the one that all others are. */
static bool find_variant(struct snap_printer *p, struct snap_die part, uint64_t which,
	uint64_t mask, struct snap_die *ret)
{
	static const uint16_t names[] = {DW_AT_discr_value, DW_AT_discr_list};
	struct snap_children children;
	struct snap_child child;
	bool found = false;
	snap_children_begin(&children, part, &p->view->views->left.entries);
	while (snap_children_next(&children, &child)) {
		struct snap_attr attrs[2];
		if (child.abbrev->tag != DW_TAG_variant ||
			!snap_view_attrs(p->view, child.die, names, attrs, 2))
			continue;
		bool is_one = snap_attr_is_there(&attrs[0]);
		if (snap_attr_is_there(&attrs[1]) ||
			(is_one && (attrs[0].block.data || (attrs[0].value & mask) != which)))
			continue;
		*ret = child.die;
		found = true;
		if (is_one)
			break;
	}
	return found;
}

/* Of Rust's enumerations: the name of the variant, and what it holds. */
static void print_variant(struct snap_printer *p, struct snap_die part,
	const struct snap_source *source, uint64_t off, int depth)
{
	static const char empty[] = " {<No data fields>}";
	uint64_t which, mask, at;
	struct snap_die variant, type;
	struct snap_children children;
	struct snap_child child;
	if (!read_which(p, part, source, off, &which, &mask))
		return;
	if (!find_variant(p, part, which, mask, &variant)) {
		p->counts.num[SNAP_BITS_KNOWN]++;
		snap_text_addf(p->text, "<no variant: 0x%" PRIx64 ">", which);
		return;
	}
	snap_children_begin(&children, variant, &p->view->views->left.entries);
	while (snap_children_next(&children, &child)) {
		struct snap_attr attrs[NUM_MEMBER_ATTRS];
		const char *name;
		if (child.abbrev->tag != DW_TAG_member ||
			!snap_view_attrs(
				p->view, child.die, member_names, attrs, NUM_MEMBER_ATTRS) ||
			!(name = snap_attr_string(child.die.unit, &attrs[M_NAME])) ||
			!snap_view_reference(p->view, child.die.unit, &attrs[M_TYPE], &type) ||
			!member_offset(p, child.die, &attrs[M_LOCATION], source, off, &at))
			continue;
		snap_text_addf(p->text, "%.400s", name);
		size_t begun = p->text->len;
		snap_text_add(p->text, " ");
		snap_print_type(p, type, source, off + at, depth + 1);
		if (!p->text->is_cut && strcmp(p->text->data + begun, empty) == 0)
			snap_text_rewind(p->text, begun);
		return;
	}
}

/* The part of a structure of which one of several variants is there, if it has nothing else. */
static bool is_only_variant(
	struct snap_printer *p, const struct snap_type *type, struct snap_die *ret)
{
	struct snap_children children;
	struct snap_child child;
	bool found = false;
	snap_children_begin(&children, type->die, &p->view->views->left.entries);
	while (snap_children_next(&children, &child)) {
		if (child.abbrev->tag == DW_TAG_member || child.abbrev->tag == DW_TAG_inheritance)
			return false;
		if (child.abbrev->tag == DW_TAG_variant_part) {
			*ret = child.die;
			found = true;
		}
	}
	return found;
}

/* ---------------------------------------------------------------- structures */

void snap_print_structure(struct snap_printer *p, const struct snap_type *type,
	const struct snap_source *source, uint64_t off, int depth)
{
	struct snap_children children;
	struct snap_child child;
	struct snap_die variant;
	unsigned int num = 0, num_fields = 0;
	if (type->is_declaration) {
		p->counts.num[SNAP_BITS_KNOWN]++;
		snap_text_add(p->text, "<incomplete type>");
		return;
	}
	if (depth >= SNAP_PRINT_MAX_DEPTH) {
		snap_text_add(p->text, "{...}");
		return;
	}
	if (is_only_variant(p, type, &variant)) {
		print_variant(p, variant, source, off, depth);
		return;
	}
	snap_text_add(p->text, "{");
	snap_children_begin(&children, type->die, &p->view->views->left.entries);
	while (!p->text->is_cut && snap_children_next(&children, &child)) {
		struct snap_attr attrs[NUM_MEMBER_ATTRS];
		if (child.abbrev->tag == DW_TAG_variant_part) {
			snap_text_add(p->text, num++ > 0 ? ", " : "");
			print_variant(p, child.die, source, off, depth);
			num_fields++;
			continue;
		}
		if ((child.abbrev->tag != DW_TAG_member &&
			    child.abbrev->tag != DW_TAG_inheritance) ||
			!snap_view_attrs(
				p->view, child.die, member_names, attrs, NUM_MEMBER_ATTRS) ||
			(child.abbrev->tag == DW_TAG_member &&
				(snap_attr_flag(&attrs[M_EXTERNAL]) ||
					snap_attr_flag(&attrs[M_DECLARATION]))) ||
			was_shown(p, &child, attrs, source, off))
			continue;
		num_fields += child.abbrev->tag == DW_TAG_member;
		if (num > 0)
			snap_text_add(p->text, ", ");
		if (num++ == MAX_MEMBERS) {
			snap_text_add(p->text, "...");
			break;
		}
		print_member(p, &child, attrs, source, off, depth);
	}
	if (num == 0)
		p->counts.num[SNAP_BITS_KNOWN]++;
	if (num_fields == 0)
		snap_text_add(p->text, num > 0 ? ", <No data fields>" : "<No data fields>");
	snap_text_add(p->text, "}");
}
