#include "analyze/variables/types.h"

#include <dwarf.h>
#include <stdio.h>
#include <string.h>

#include "analyze/dwarf/children.h"
#include "analyze/dwarf/names.h"
#include "analyze/variables/shape.h"

/* Typedefs and qualifiers in a row. */
#define MAX_CHAIN 32
/* Nesting of a type's name: pointers to functions that take pointers. */
#define MAX_NESTING    16
#define MAX_PARAMETERS 16
#define MAX_NAME       512

enum {
	TYPE,
	SIZE,
	ENCODING,
	NAME,
	DECLARATION,
	SIGNATURE,
	BIT_SIZE,
	STRING_LENGTH,
	ORDERING,
	NUM_ATTRS
};
static const uint16_t attr_names[NUM_ATTRS] = {
	[TYPE] = DW_AT_type,
	[SIZE] = DW_AT_byte_size,
	[ENCODING] = DW_AT_encoding,
	[NAME] = DW_AT_name,
	[DECLARATION] = DW_AT_declaration,
	[SIGNATURE] = DW_AT_signature,
	[BIT_SIZE] = DW_AT_bit_size,
	[STRING_LENGTH] = DW_AT_string_length,
	[ORDERING] = DW_AT_ordering,
};

bool snap_type_of(const struct snap_view *view, struct snap_die die, struct snap_die *ret)
{
	static const uint16_t names[] = {DW_AT_type};
	struct snap_attr attr;
	return snap_view_attrs(view, die, names, &attr, 1) && snap_attr_is_there(&attr) &&
	       snap_view_reference(view, die.unit, &attr, ret);
}

/* wchar_t may be of either size. */
static const struct {
	const char *name;
	struct snap_character character;
} wide_characters[] = {
	{"wchar_t", {4, "L", "wstring"}},
	{"wchar_t", {2, "L", "wstring"}},
	{"char16_t", {2, "u", "u16string"}},
	{"char32_t", {4, "U", "u32string"}},
};

/* NULL: it is none, or not of that size; 0: any. */
static const struct snap_character *wide_character(const char *name, uint64_t size)
{
	for (size_t i = 0; i < sizeof(wide_characters) / sizeof(wide_characters[0]); i++)
		if ((size == 0 || size == wide_characters[i].character.size) &&
			strcmp(name, wide_characters[i].name) == 0)
			return &wide_characters[i].character;
	return NULL;
}

static bool is_qualifier(uint32_t tag)
{
	switch (tag) {
	case DW_TAG_const_type:
	case DW_TAG_volatile_type:
	case DW_TAG_restrict_type:
	case DW_TAG_atomic_type:
	case DW_TAG_packed_type:
	case DW_TAG_immutable_type:
	case DW_TAG_shared_type:
		return true;
	default:
		return false;
	}
}

void snap_type_read(const struct snap_view *view, struct snap_die die, struct snap_type *ret)
{
	uint64_t range_size = 0;
	*ret = (struct snap_type){.die = die};
	for (int i = 0; i < MAX_CHAIN && die.unit; i++) {
		struct snap_attr attrs[NUM_ATTRS];
		const struct snap_abbrev *abbrev =
			snap_view_attrs(view, die, attr_names, attrs, NUM_ATTRS);
		if (!abbrev)
			return;
		struct snap_die target = {0};
		if (snap_attr_is_there(&attrs[TYPE]) &&
			!snap_view_reference(view, die.unit, &attrs[TYPE], &target))
			return;
		const char *name = snap_attr_string(die.unit, &attrs[NAME]);
		if (is_qualifier(abbrev->tag) || abbrev->tag == DW_TAG_typedef) {
			if (abbrev->tag == DW_TAG_typedef && name && wide_character(name, 0))
				ret->alias = name;
			die = ret->die = target;
			continue;
		}
		/* A range of another type's values, as Ada's subtypes are; it may be smaller. */
		if (abbrev->tag == DW_TAG_subrange_type && snap_attr_is_there(&attrs[TYPE])) {
			if (!range_size && !snap_attr_unsigned(&attrs[SIZE], &range_size))
				range_size = 0;
			die = ret->die = target;
			continue;
		}
		/* Declared here, and defined in a type unit. */
		struct snap_die definition;
		if (snap_attr_is_there(&attrs[SIGNATURE]) &&
			snap_view_reference(view, die.unit, &attrs[SIGNATURE], &definition)) {
			die = ret->die = definition;
			continue;
		}
		ret->tag = abbrev->tag;
		ret->name = name;
		ret->target = target;
		ret->is_declaration = snap_attr_flag(&attrs[DECLARATION]);
		uint64_t ordering;
		ret->is_column_major = snap_attr_unsigned(&attrs[ORDERING], &ordering) &&
				       ordering == DW_ORD_col_major;
		/* DWARF 5, section 5.11: where the length is elsewhere, this is the length's own
		 * size. */
		if (!snap_attr_unsigned(&attrs[SIZE], &ret->size) ||
			snap_attr_is_there(&attrs[STRING_LENGTH]))
			ret->size = 0;
		if (range_size)
			ret->size = range_size;
		if (!snap_attr_unsigned(&attrs[ENCODING], &ret->encoding))
			ret->encoding = 0;
		return;
	}
}

const struct snap_character snap_character_fortran = {1, "", ""};

const struct snap_character *snap_type_character(const struct snap_type *type)
{
	static const struct snap_character narrow = {1, "", "string"};
	if (type->tag != DW_TAG_base_type)
		return NULL;
	switch (type->encoding) {
	case DW_ATE_signed_char:
	case DW_ATE_unsigned_char:
	case DW_ATE_UTF:
		if (type->size == 1)
			return &narrow;
		break;
	case DW_ATE_unsigned:
		/* GCC 12 has C++'s char8_t as a number. */
		if (type->size == 1 && type->name && strcmp(type->name, "char8_t") == 0)
			return &narrow;
		break;
	case DW_ATE_signed:
		break;
	default:
		return NULL;
	}
	const char *name = type->alias ? type->alias : type->name;
	return name && type->size > 0 ? wide_character(name, type->size) : NULL;
}

/* ---------------------------------------------------------------- sizes */

static uint64_t size_of(const struct snap_view *view, const struct snap_type *type, int nesting)
{
	struct snap_type target;
	struct snap_shape shape;
	if (type->size > 0 || nesting > MAX_NESTING)
		return type->size;
	switch (type->tag) {
	case DW_TAG_pointer_type:
	case DW_TAG_reference_type:
	case DW_TAG_rvalue_reference_type:
		return snap_arch_word(view->arch);
	case DW_TAG_enumeration_type:
		snap_type_read(view, type->target, &target);
		return size_of(view, &target, nesting + 1);
	case DW_TAG_string_type:
		snap_shape_read(view, type, NULL, &shape);
		return !shape.is_elsewhere && shape.dimensions[0].has_count
			       ? shape.dimensions[0].count
			       : 0;
	case DW_TAG_array_type:
		break;
	default:
		return 0;
	}
	snap_type_read(view, type->target, &target);
	uint64_t size = size_of(view, &target, nesting + 1);
	snap_shape_read(view, type, NULL, &shape);
	if (shape.is_elsewhere)
		return 0;
	for (unsigned int i = 0; i < shape.num_dimensions; i++)
		if (!shape.dimensions[i].has_count ||
			__builtin_mul_overflow(size, shape.dimensions[i].count, &size))
			return 0;
	return size;
}

uint64_t snap_type_size(const struct snap_view *view, const struct snap_type *type)
{
	return size_of(view, type, 0);
}

/* ---------------------------------------------------------------- names */

/* What stands round a name in C's declarations. */
struct declarator {
	char before[MAX_NAME], after[MAX_NAME];
};

static void put_before(struct declarator *d, const char *s)
{
	char old[MAX_NAME];
	(void)snprintf(old, sizeof(old), "%s", d->before); /* cut to fit, as below */
	(void)snprintf(d->before, sizeof(d->before), "%s%.400s", s, old);
}

static void put_after(struct declarator *d, const char *s)
{
	size_t len = strlen(d->after);
	(void)snprintf(d->after + len, sizeof(d->after) - len, "%s", s);
}

static const char *kind_words(uint32_t tag)
{
	switch (tag) {
	case DW_TAG_structure_type:
		return "struct";
	case DW_TAG_class_type:
		return "class";
	case DW_TAG_union_type:
		return "union";
	case DW_TAG_enumeration_type:
		return "enum";
	case DW_TAG_string_type:
		return "character";
	default:
		return NULL;
	}
}

static void name_of_named(
	const struct snap_die die, uint32_t tag, const char *name, char *out, size_t size)
{
	const char *kind = kind_words(tag);
	if (!name)
		(void)snprintf(out, size, "%s {...}", kind ? kind : "");
	else if (snap_dwarf_unit_has_scopes(die.unit)) {
		if (!snap_dwarf_qualify(die, name, out, size))
			(void)snprintf(out, size, "%s", name);
	} else if (kind)
		(void)snprintf(out, size, "%s %s", kind, name);
	else
		(void)snprintf(out, size, "%s", name);
}

static void type_name(const struct snap_view *view, struct snap_die die, unsigned int nesting,
	struct snap_text *text);

static void put_parameters(const struct snap_view *view, struct snap_die die, unsigned int nesting,
	struct declarator *d)
{
	struct snap_children children;
	struct snap_child child;
	unsigned int num = 0;
	put_after(d, "(");
	snap_children_begin(&children, die, &view->views->left.entries);
	while (snap_children_next(&children, &child)) {
		char buf[MAX_NAME];
		struct snap_text text;
		struct snap_die type = {0};
		if (child.abbrev->tag != DW_TAG_formal_parameter &&
			child.abbrev->tag != DW_TAG_unspecified_parameters)
			continue;
		if (num++ > 0)
			put_after(d, ", ");
		if (num > MAX_PARAMETERS || child.abbrev->tag != DW_TAG_formal_parameter) {
			put_after(d, "...");
			break;
		}
		snap_text_init(&text, buf, sizeof(buf));
		if (!snap_type_of(view, child.die, &type))
			type.unit = NULL;
		type_name(view, type, nesting + 1, &text);
		put_after(d, buf);
	}
	put_after(d, num == 0 && snap_dwarf_unit_is_c(die.unit) ? "void)" : ")");
}

/* The name of the class that a member pointer goes into. */
static void put_class(const struct snap_view *view, struct snap_die die,
	const struct snap_attr *attr, unsigned int nesting, struct declarator *d)
{
	char buf[MAX_NAME];
	struct snap_text text;
	struct snap_die class_type = {0};
	snap_text_init(&text, buf, sizeof(buf) - 4);
	if (snap_view_reference(view, die.unit, attr, &class_type))
		type_name(view, class_type, nesting + 1, &text);
	(void)strcat(buf, "::*");
	put_before(d, buf);
}

static void put_dimensions(
	const struct snap_view *view, const struct snap_type *array, struct declarator *d)
{
	struct snap_shape shape;
	snap_shape_read(view, array, NULL, &shape);
	for (unsigned int i = 0; i < (shape.num_dimensions ? shape.num_dimensions : 1); i++) {
		const struct snap_dimension *dimension = &shape.dimensions[i];
		char buf[32] = "[]";
		if (dimension->has_count)
			(void)snprintf(
				buf, sizeof(buf), "[%llu]", (unsigned long long)dimension->count);
		put_after(d, buf);
	}
}

/* Pointers to arrays and functions stand in parentheses. */
static void put_pointer(const struct snap_view *view, struct snap_die target, const char *sign,
	struct declarator *d)
{
	static const uint16_t none[] = {DW_AT_name};
	struct snap_attr attr;
	const struct snap_abbrev *abbrev = snap_view_attrs(view, target, none, &attr, 1);
	put_before(d, sign);
	if (abbrev && (abbrev->tag == DW_TAG_array_type || abbrev->tag == DW_TAG_subroutine_type)) {
		put_before(d, "(");
		put_after(d, ")");
	}
}

static void type_name(const struct snap_view *view, struct snap_die die, unsigned int nesting,
	struct snap_text *text)
{
	static const uint16_t names[] = {DW_AT_type, DW_AT_name, DW_AT_containing_type};
	struct declarator d = {0};
	char base[MAX_NAME] = "void";
	bool is_const = false, is_volatile = false;
	if (nesting > MAX_NESTING) {
		snap_text_add(text, "...");
		return;
	}
	for (int i = 0; i < MAX_CHAIN && die.unit; i++) {
		struct snap_attr attrs[3];
		const struct snap_abbrev *abbrev = snap_view_attrs(view, die, names, attrs, 3);
		struct snap_die target = {0};
		if (!abbrev) {
			(void)snprintf(base, sizeof(base), "?");
			break;
		}
		if (snap_attr_is_there(&attrs[0]))
			(void)snap_view_reference(view, die.unit, &attrs[0], &target);
		bool is_pointer = true;
		switch (abbrev->tag) {
		case DW_TAG_const_type:
			is_const = true;
			die = target;
			continue;
		case DW_TAG_volatile_type:
			is_volatile = true;
			die = target;
			continue;
		case DW_TAG_restrict_type:
		case DW_TAG_atomic_type:
		case DW_TAG_packed_type:
		case DW_TAG_immutable_type:
		case DW_TAG_shared_type:
			die = target;
			continue;
		case DW_TAG_pointer_type:
		case DW_TAG_reference_type:
		case DW_TAG_rvalue_reference_type:
		case DW_TAG_ptr_to_member_type:
			/* Rust's have names of their own. */
			if (abbrev->tag == DW_TAG_pointer_type && attrs[1].form) {
				is_pointer = false;
				break;
			}
			if (is_volatile)
				put_before(&d, d.before[0] ? "volatile " : "volatile");
			if (is_const)
				put_before(&d, d.before[0] ? "const " : "const");
			if ((is_const || is_volatile))
				put_before(&d, " ");
			is_const = is_volatile = false;
			if (abbrev->tag == DW_TAG_ptr_to_member_type) {
				put_class(view, die, &attrs[2], nesting, &d);
				put_pointer(view, target, "", &d);
			} else {
				put_pointer(view, target,
					abbrev->tag == DW_TAG_pointer_type     ? "*"
					: abbrev->tag == DW_TAG_reference_type ? "&"
									       : "&&",
					&d);
			}
			die = target;
			continue;
		case DW_TAG_array_type: {
			struct snap_type array;
			snap_type_read(view, die, &array);
			put_dimensions(view, &array, &d);
			die = target;
			continue;
		}
		case DW_TAG_subroutine_type:
			put_parameters(view, die, nesting, &d);
			die = target;
			continue;
		default:
			is_pointer = false;
		}
		if (!is_pointer) {
			name_of_named(die, abbrev->tag, snap_attr_string(die.unit, &attrs[1]), base,
				sizeof(base));
			break;
		}
	}
	if (is_const)
		snap_text_add(text, "const ");
	if (is_volatile)
		snap_text_add(text, "volatile ");
	snap_text_add(text, base);
	if (d.before[0] || d.after[0] == '(')
		snap_text_add(text, " ");
	snap_text_add(text, d.before);
	if (!d.before[0] && d.after[0] == '[')
		snap_text_add(text, " ");
	snap_text_add(text, d.after);
}

void snap_type_name(const struct snap_view *view, struct snap_die die, struct snap_text *text)
{
	type_name(view, die, 0, text);
}
