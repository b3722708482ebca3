#include "analyze/variables/shape.h"

#include <dwarf.h>
#include <elf.h>
#include <string.h>

#include "analyze/dwarf/children.h"

/* One shape as it is read. */
struct reader {
	const struct snap_view *view;
	const struct snap_subject *subject;
	struct snap_shape *shape;
};

/* What an attribute says. */
enum told { TOLD, ABSENT, LACKS };

static enum told lacks(struct reader *r, enum snap_bits bits, const char *why)
{
	r->shape->lack = (struct snap_piece){.kind = SNAP_PIECE_NOTHING, .bits = bits, .why = why};
	return LACKS;
}

/* ---------------------------------------------------------------- numbers */

/* A number of size bytes that is at the location. */
static enum told load(
	struct reader *r, const struct snap_location *location, uint64_t size, int64_t *ret)
{
	const struct snap_view *view = r->view;
	const struct snap_piece *piece = &location->pieces[0];
	uint8_t bytes[SNAP_VIEW_MAX_REGISTER];
	size_t len = 0;
	if (!location->is_whole || (size != 1 && size != 2 && size != 4 && size != 8))
		return lacks(r, SNAP_BITS_ERROR, "a length that is not supported");
	switch (piece->kind) {
	case SNAP_PIECE_MEMORY:
		len = snap_view_read(view, piece->address, bytes, (size_t)size);
		if (len < size) {
			(void)lacks(r, SNAP_BITS_NOT_CAPTURED, NULL);
			r->shape->lack.address = piece->address;
			r->shape->lack.has_address = true;
			return LACKS;
		}
		break;
	case SNAP_PIECE_REGISTER:
		len = snap_view_register(view, piece->number, bytes);
		if (len < size)
			return lacks(r, SNAP_BITS_NOT_CAPTURED, "in a register that is not known");
		break;
	case SNAP_PIECE_VALUE:
		len = piece->value_len;
		memcpy(bytes, piece->value, len);
		if (len < size)
			return lacks(r, SNAP_BITS_ERROR, "larger than its value");
		break;
	case SNAP_PIECE_NOTHING:
		r->shape->lack = *piece;
		return LACKS;
	case SNAP_PIECE_BYTES:
	case SNAP_PIECE_POINTER:
		return lacks(r, SNAP_BITS_ERROR, "a length that is not supported");
	}
	/* The low bytes are what counts. */
	uint64_t value = snap_arch_load(view->arch,
		view->arch->elf_data == ELFDATA2MSB ? bytes + len - size : bytes,
		(unsigned int)size);
	*ret = size == 4 ? (int32_t)value : (int64_t)value;
	return TOLD;
}

/* What a variable of the frame is worth. */
static enum told variable_value(struct reader *r, struct snap_die variable, int64_t *ret)
{
	static const uint16_t names[] = {DW_AT_location, DW_AT_type, DW_AT_const_value};
	const struct snap_view *view = r->view;
	struct snap_attr attrs[3];
	struct snap_location location;
	struct snap_type type = {0};
	struct snap_die type_die;
	uint64_t value;
	if (!snap_view_attrs(view, variable, names, attrs, 3))
		return lacks(r, SNAP_BITS_ERROR, "malformed");
	if (snap_attr_unsigned(&attrs[2], &value)) {
		*ret = (int64_t)value;
		return TOLD;
	}
	if (snap_view_reference(view, variable.unit, &attrs[1], &type_die))
		snap_type_read(view, type_die, &type);
	snap_evaluate_attribute(view, variable.unit, &attrs[0], NULL, &location);
	return load(r, &location, type.size, ret);
}

/* first: what the expression's stack begins with; NULL. */
static enum told evaluate(struct reader *r, struct snap_dwarf_unit *unit,
	struct snap_bytes expression, const uint64_t *first, int64_t *ret)
{
	const struct snap_given given = {.first = first, .subject = r->subject};
	uint64_t value;
	if (!snap_evaluate_number(r->view, unit, expression, &given, &value, &r->shape->lack))
		return LACKS;
	/* It is as wide as an address. */
	*ret = snap_arch_word(r->view->arch) == 4 ? (int32_t)value : (int64_t)value;
	return TOLD;
}

/* A constant, an expression, or a variable of the frame. */
static enum told number(struct reader *r, struct snap_dwarf_unit *unit,
	const struct snap_attr *attr, const uint64_t *first, int64_t *ret)
{
	uint64_t value;
	struct snap_die variable;
	if (!snap_attr_is_there(attr))
		return ABSENT;
	if (snap_attr_unsigned(attr, &value)) {
		/* GCC's way to say -1: no elements. */
		*ret = attr->form == DW_FORM_data8 || attr->form == DW_FORM_udata ||
				       value != UINT32_MAX
			       ? (int64_t)value
			       : -1;
		return TOLD;
	}
	if (attr->form == DW_FORM_sdata || attr->form == DW_FORM_implicit_const) {
		*ret = (int64_t)attr->value;
		return TOLD;
	}
	if (attr->block.data)
		return evaluate(r, unit, attr->block, first, ret);
	if (snap_attr_die(unit, attr, &variable))
		return variable_value(r, variable, ret);
	return lacks(r, SNAP_BITS_ERROR, "malformed");
}

/* ---------------------------------------------------------------- dimensions */

/* A partial unit, which several share, need not tell its language: the frame's unit does. */
static int64_t first_index(const struct snap_view *view, const struct snap_dwarf_unit *unit)
{
	return snap_dwarf_lower_bound(
		unit->language || !view->unit ? unit->language : view->unit->language);
}

/* False: a part of the descriptor is missing. index: where a generic one is meant; NULL. */
static bool read_dimension(
	struct reader *r, struct snap_die die, const uint64_t *index, struct snap_dimension *ret)
{
	enum { LOW, HIGH, COUNT, STRIDE, BIT_STRIDE, NUM_ATTRS };
	static const uint16_t names[NUM_ATTRS] = {
		[LOW] = DW_AT_lower_bound,
		[HIGH] = DW_AT_upper_bound,
		[COUNT] = DW_AT_count,
		[STRIDE] = DW_AT_byte_stride,
		[BIT_STRIDE] = DW_AT_bit_stride,
	};
	struct snap_attr attrs[NUM_ATTRS];
	int64_t numbers[NUM_ATTRS] = {0};
	enum told told[NUM_ATTRS];
	*ret = (struct snap_dimension){0};
	if (!snap_view_attrs(r->view, die, names, attrs, NUM_ATTRS))
		return true;
	for (int i = 0; i < NUM_ATTRS; i++) {
		told[i] = number(r, die.unit, &attrs[i], index, &numbers[i]);
		if (told[i] == LACKS && r->shape->is_elsewhere && r->subject)
			return false;
	}
	if (told[LOW] == ABSENT) {
		numbers[LOW] = first_index(r->view, die.unit);
		told[LOW] = TOLD;
	}
	if (told[STRIDE] == TOLD)
		ret->stride = numbers[STRIDE];
	else if (told[BIT_STRIDE] == TOLD && numbers[BIT_STRIDE] % 8 == 0)
		ret->stride = numbers[BIT_STRIDE] / 8;
	uint64_t high = (uint64_t)numbers[HIGH], low = (uint64_t)numbers[LOW];
	if (told[COUNT] != ABSENT) {
		ret->has_count = told[COUNT] == TOLD && numbers[COUNT] >= 0;
		ret->count = ret->has_count ? (uint64_t)numbers[COUNT] : 0;
	} else if (told[LOW] == TOLD && told[HIGH] == TOLD) {
		/* A descriptor may have any range for no elements. */
		bool is_empty = numbers[HIGH] < numbers[LOW];
		ret->has_count = is_empty ? high + 1 == low || r->shape->is_elsewhere
					  : high - low < UINT64_MAX;
		ret->count = ret->has_count && !is_empty ? high - low + 1 : 0;
	}
	return true;
}

/* Those of an array whose object says how many there are; false as above. */
static bool read_rank(struct reader *r, struct snap_die generic, int64_t rank)
{
	if (rank < 0 || rank > SNAP_MAX_DIMENSIONS) {
		(void)lacks(r, SNAP_BITS_ERROR, "malformed");
		return false;
	}
	r->shape->num_dimensions = (unsigned int)rank;
	for (uint64_t i = 0; i < (uint64_t)rank; i++)
		if (!read_dimension(r, generic, &i, &r->shape->dimensions[(uint64_t)rank - 1 - i]))
			return false;
	return true;
}

/* rank: NULL, or the number of dimensions that a generic one stands for. */
static bool read_dimensions(struct reader *r, const struct snap_type *array, const int64_t *rank)
{
	struct snap_children children;
	struct snap_child child;
	struct snap_die dies[SNAP_MAX_DIMENSIONS];
	unsigned int num = 0;
	snap_children_begin(&children, array->die, &r->view->views->left.entries);
	while (num < SNAP_MAX_DIMENSIONS && snap_children_next(&children, &child)) {
		if (child.abbrev->tag == DW_TAG_generic_subrange && rank)
			return read_rank(r, child.die, *rank);
		if (child.abbrev->tag == DW_TAG_subrange_type ||
			child.abbrev->tag == DW_TAG_generic_subrange ||
			child.abbrev->tag == DW_TAG_enumeration_type)
			dies[num++] = child.die;
	}
	r->shape->num_dimensions = num > 0 ? num : 1;
	/* They stand in the order of the source's indices. */
	for (unsigned int i = 0; i < num; i++)
		if (!read_dimension(r, dies[i], NULL,
			    &r->shape->dimensions[array->is_column_major ? num - 1 - i : i]))
			return false;
	return true;
}

/* ---------------------------------------------------------------- all of it */

/* The bytes of a string; false: it is not known how many. */
static bool read_length(struct reader *r, struct snap_dwarf_unit *unit,
	const struct snap_attr *length, uint64_t size)
{
	struct snap_dimension *bytes = &r->shape->dimensions[0];
	const struct snap_given given = {.subject = r->subject};
	struct snap_location location;
	struct snap_die variable;
	int64_t value;
	enum told told;
	if (snap_attr_die(unit, length, &variable)) {
		told = variable_value(r, variable, &value);
	} else {
		snap_evaluate_attribute(r->view, unit, length, &given, &location);
		told = load(r, &location, size, &value);
	}
	if (told != TOLD)
		return false;
	bytes->has_count = true;
	bytes->count = value > 0 ? (uint64_t)value : 0;
	return true;
}

enum { ALLOCATED, ASSOCIATED, DATA_LOCATION, RANK, LENGTH, LENGTH_SIZE, SIZE, NUM_ATTRS };
static const uint16_t attr_names[NUM_ATTRS] = {
	[ALLOCATED] = DW_AT_allocated,
	[ASSOCIATED] = DW_AT_associated,
	[DATA_LOCATION] = DW_AT_data_location,
	[RANK] = DW_AT_rank,
	[LENGTH] = DW_AT_string_length,
	[LENGTH_SIZE] = DW_AT_string_length_byte_size,
	[SIZE] = DW_AT_byte_size,
};

/* Whether it is there, and where. False: what comes next makes no sense. */
static bool read_place(
	struct reader *r, struct snap_dwarf_unit *unit, const struct snap_attr *attrs)
{
	static const struct {
		int attr;
		enum snap_shape_state state;
	} questions[] = {
		{ALLOCATED, SNAP_SHAPE_NOT_ALLOCATED}, {ASSOCIATED, SNAP_SHAPE_NOT_ASSOCIATED}};
	struct snap_shape *shape = r->shape;
	int64_t value;
	for (size_t i = 0; i < 2; i++) {
		enum told told = number(r, unit, &attrs[questions[i].attr], NULL, &value);
		if (told == ABSENT || (told == TOLD && value != 0))
			continue;
		shape->state = told == TOLD ? questions[i].state : SNAP_SHAPE_LACKS;
		return false;
	}
	if (shape->is_elsewhere && number(r, unit, &attrs[DATA_LOCATION], NULL, &value) != TOLD) {
		shape->state = SNAP_SHAPE_LACKS;
		return false;
	}
	if (shape->is_elsewhere)
		shape->addr =
			snap_arch_word(r->view->arch) == 4 ? (uint32_t)value : (uint64_t)value;
	return true;
}

void snap_shape_read(const struct snap_view *view, const struct snap_type *type,
	const struct snap_subject *subject, struct snap_shape *ret)
{
	struct reader r = {.view = view, .subject = subject, .shape = ret};
	struct snap_dwarf_unit *unit = type->die.unit;
	struct snap_attr attrs[NUM_ATTRS];
	int64_t rank;
	uint64_t size;
	*ret = (struct snap_shape){.state = SNAP_SHAPE_KNOWN};
	bool is_string = type->tag == DW_TAG_string_type;
	ret->num_dimensions = is_string;
	if (!snap_view_attrs(view, type->die, attr_names, attrs, NUM_ATTRS))
		return;
	ret->is_elsewhere = snap_attr_is_there(&attrs[DATA_LOCATION]);
	if (subject && !read_place(&r, unit, attrs))
		return;
	bool is_known = true;
	if (!is_string) {
		enum told told = number(&r, unit, &attrs[RANK], NULL, &rank);
		is_known = told != LACKS && read_dimensions(&r, type, told == TOLD ? &rank : NULL);
	} else if (snap_attr_is_there(&attrs[LENGTH])) {
		/* Without it, the other size is that of the length, too. */
		if (!snap_attr_unsigned(&attrs[LENGTH_SIZE], &size) &&
			!snap_attr_unsigned(&attrs[SIZE], &size))
			size = snap_arch_word(view->arch);
		is_known = read_length(&r, unit, &attrs[LENGTH], size);
	} else if (snap_attr_unsigned(&attrs[SIZE], &size)) {
		ret->dimensions[0] = (struct snap_dimension){.has_count = true, .count = size};
	}
	if (subject && !is_known)
		ret->state = SNAP_SHAPE_LACKS;
}
