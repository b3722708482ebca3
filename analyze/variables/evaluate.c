#include "analyze/variables/evaluate.h"

#include <dwarf.h>
#include <elf.h>
#include <string.h>

#include "analyze/dwarf/children.h"
#include "analyze/dwarf/locations.h"
#include "analyze/symbols/object.h"

#define MAX_STACK 64
/* Expressions that take others to evaluate: frame bases, entry values, calls. */
#define MAX_NESTING 8
/* Steps of one expression: those that loop have no end. */
#define MAX_STEPS 4096
/* Nesting of blocks and inlined functions in which a call site is looked for. */
#define MAX_CALL_DEPTH 64

/* Operations of GNU's that dwarf.h of elfutils has or has not. */
enum {
	OP_GNU_PUSH_TLS_ADDRESS = 0xe0,
	OP_GNU_UNINIT = 0xf0,
	OP_GNU_IMPLICIT_POINTER = 0xf2,
	OP_GNU_ENTRY_VALUE = 0xf3,
	OP_GNU_CONST_TYPE = 0xf4,
	OP_GNU_REGVAL_TYPE = 0xf5,
	OP_GNU_DEREF_TYPE = 0xf6,
	OP_GNU_CONVERT = 0xf7,
	OP_GNU_REINTERPRET = 0xf9,
	OP_GNU_PARAMETER_REF = 0xfa,
	OP_GNU_ADDR_INDEX = 0xfb,
	OP_GNU_CONST_INDEX = 0xfc,
	OP_GNU_VARIABLE_VALUE = 0xfd,
};

enum value_kind { GENERIC, SIGNED, UNSIGNED, FLOAT };

/* An element of the stack: its low size bytes count. */
struct value {
	uint64_t bits;
	enum value_kind kind;
	uint8_t size; /* 1, 2, 4 or 8 */
};

struct machine {
	const struct snap_view *view;
	struct snap_dwarf_unit *unit;
	struct snap_cursor c;
	const uint8_t *begun;
	unsigned int nesting;
	struct value stack[MAX_STACK];
	size_t depth;
	/* Set by what ends a description, until a piece takes it or the expression ends. */
	bool has_simple;
	struct snap_piece simple;
	struct snap_location *location;
	bool failed;
	struct snap_piece failure;
};

static bool run(const struct snap_view *view, struct snap_dwarf_unit *unit,
	struct snap_bytes expression, const uint64_t *object, unsigned int nesting,
	struct snap_location *ret);
static bool evaluate_value(const struct snap_view *view, struct snap_dwarf_unit *unit,
	struct snap_bytes expression, unsigned int nesting, struct value *ret,
	struct snap_piece *ret_failure);

/* ---------------------------------------------------------------- failures */

static void fail(struct machine *m, enum snap_bits bits, const char *why)
{
	if (m->failed)
		return;
	m->failed = true;
	m->failure =
		(struct snap_piece){.kind = SNAP_PIECE_NOTHING, .bits = bits, .why = why};
}

static void malformed(struct machine *m)
{
	fail(m, SNAP_BITS_ERROR, "malformed location");
}

static void lacks_memory(struct machine *m, uint64_t addr)
{
	if (m->failed)
		return;
	fail(m, SNAP_BITS_NOT_CAPTURED, NULL);
	m->failure.address = addr;
	m->failure.has_address = true;
}

static void lacks_register(struct machine *m)
{
	fail(m, SNAP_BITS_NOT_CAPTURED, "in a register that is not known");
}

/* ---------------------------------------------------------------- the stack */

static unsigned int word(const struct machine *m)
{
	return snap_arch_word(m->view->arch);
}

static uint64_t cut(uint64_t bits, unsigned int size)
{
	return size < 8 ? bits & ((UINT64_C(1) << (8 * size)) - 1) : bits;
}

static int64_t extend(uint64_t bits, unsigned int size)
{
	unsigned int shift = 64 - 8 * size;
	return (int64_t)(bits << shift) >> shift;
}

static void push_value(struct machine *m, struct value value)
{
	if (m->depth == MAX_STACK) {
		malformed(m);
		return;
	}
	value.bits = cut(value.bits, value.size);
	m->stack[m->depth++] = value;
}

static void push(struct machine *m, uint64_t bits)
{
	push_value(m, (struct value){bits, GENERIC, (uint8_t)word(m)});
}

static struct value pop_value(struct machine *m)
{
	if (m->depth == 0) {
		malformed(m);
		return (struct value){0, GENERIC, (uint8_t)word(m)};
	}
	return m->stack[--m->depth];
}

static uint64_t pop(struct machine *m)
{
	return pop_value(m).bits;
}

/* ---------------------------------------------------------------- registers and memory */

/* The low bytes of a register's size bytes, as a number. */
static bool read_register(struct machine *m, uint64_t number, unsigned int size, uint64_t *ret)
{
	uint8_t bytes[SNAP_VIEW_MAX_REGISTER];
	size_t len = snap_view_register(m->view, number, bytes);
	if (len == 0 || size > 8) {
		lacks_register(m);
		return false;
	}
	if (size > len)
		size = (unsigned int)len;
	bool is_big = m->view->arch->elf_data == ELFDATA2MSB;
	*ret = snap_arch_load(m->view->arch, is_big ? bytes + len - size : bytes, size);
	return true;
}

static void push_register(struct machine *m, uint64_t number, int64_t offset)
{
	uint64_t value;
	if (read_register(m, number, word(m), &value))
		push(m, value + (uint64_t)offset);
}

static bool read_memory(struct machine *m, uint64_t addr, unsigned int size, uint64_t *ret)
{
	uint8_t bytes[8];
	if (size != 1 && size != 2 && size != 4 && size != 8) {
		/* 3, 5, 6 and 7 are DW_OP_deref_size's. */
		uint64_t v = 0;
		if (size == 0 || size > 8 || snap_view_read(m->view, addr, bytes, size) < size) {
			size == 0 || size > 8 ? malformed(m) : lacks_memory(m, addr);
			return false;
		}
		bool is_big = m->view->arch->elf_data == ELFDATA2MSB;
		for (unsigned int i = 0; i < size; i++)
			v = v << 8 | bytes[is_big ? i : size - 1 - i];
		*ret = v;
		return true;
	}
	if (snap_view_read(m->view, addr, bytes, size) < size) {
		lacks_memory(m, addr);
		return false;
	}
	*ret = snap_arch_load(m->view->arch, bytes, size);
	return true;
}

static void push_frame_base(struct machine *m, int64_t offset)
{
	static const uint16_t names[] = {DW_AT_frame_base};
	struct snap_attr attr;
	struct snap_bytes block;
	struct snap_location location;
	struct snap_dwarf_unit *unit = m->view->function.unit;
	if (!snap_view_attrs(m->view, m->view->function, names, &attr, 1) ||
		snap_dwarf_location(unit, &attr, m->view->vaddr, &m->view->views->left.list_bytes,
			&block) != SNAP_LOCATION_FOUND) {
		fail(m, SNAP_BITS_OPTIMIZED_OUT, NULL);
		return;
	}
	if (!run(m->view, unit, block, NULL, m->nesting + 1, &location) || !location.is_whole) {
		if (location.pieces[0].kind == SNAP_PIECE_NOTHING && !m->failed) {
			m->failed = true;
			m->failure = location.pieces[0];
		}
		malformed(m);
		return;
	}
	const struct snap_piece *piece = &location.pieces[0];
	if (piece->kind == SNAP_PIECE_MEMORY)
		push(m, piece->address + (uint64_t)offset);
	else if (piece->kind == SNAP_PIECE_REGISTER)
		push_register(m, piece->number, offset);
	else if (piece->kind == SNAP_PIECE_VALUE && piece->value_len == word(m))
		push(m, snap_arch_load(m->view->arch, piece->value, word(m)) + (uint64_t)offset);
	else
		malformed(m);
}

/* ---------------------------------------------------------------- types */

/* The base type at an offset in the unit; 0 is the generic one. */
static bool base_type(struct machine *m, uint64_t off, enum value_kind *ret_kind, uint8_t *ret_size)
{
	static const uint16_t names[] = {DW_AT_encoding, DW_AT_byte_size};
	struct snap_attr attrs[2];
	uint64_t encoding, size;
	*ret_kind = GENERIC;
	*ret_size = (uint8_t)word(m);
	if (off == 0)
		return true;
	struct snap_die die = {m->unit, m->unit->off + off};
	const struct snap_abbrev *abbrev =
		off < m->unit->end - m->unit->off ? snap_view_attrs(m->view, die, names, attrs, 2)
						  : NULL;
	if (!abbrev || abbrev->tag != DW_TAG_base_type || !snap_attr_unsigned(&attrs[0], &encoding) ||
		!snap_attr_unsigned(&attrs[1], &size)) {
		malformed(m);
		return false;
	}
	*ret_kind = encoding == DW_ATE_float ? FLOAT
		    : encoding == DW_ATE_signed || encoding == DW_ATE_signed_char ? SIGNED
										  : UNSIGNED;
	*ret_size = (uint8_t)size;
	if (size == 1 || size == 2 || size == 4 || size == 8)
		return true;
	fail(m, SNAP_BITS_ERROR, "a value of a type that is not supported");
	return false;
}

static double to_double(struct value v)
{
	float f;
	double d;
	uint32_t low = (uint32_t)v.bits;
	switch (v.kind) {
	case FLOAT:
		if (v.size == 4) {
			memcpy(&f, &low, sizeof(f));
			return (double)f;
		}
		memcpy(&d, &v.bits, sizeof(d));
		return d;
	case SIGNED:
		return (double)extend(v.bits, v.size);
	case GENERIC:
	case UNSIGNED:
		break;
	}
	return (double)v.bits;
}

static uint64_t from_double(double d, unsigned int size)
{
	float f = (float)d;
	uint32_t low;
	uint64_t bits;
	if (size == 4) {
		memcpy(&low, &f, sizeof(low));
		return low;
	}
	memcpy(&bits, &d, sizeof(bits));
	return bits;
}

static void convert(struct machine *m, enum value_kind kind, uint8_t size)
{
	struct value v = pop_value(m), to = {.kind = kind, .size = size};
	if ((v.kind == FLOAT && v.size < 4) || (kind == FLOAT && size < 4)) {
		fail(m, SNAP_BITS_ERROR, "a value of a type that is not supported");
		return;
	}
	if (kind == FLOAT) {
		to.bits = v.kind == FLOAT && v.size == size ? v.bits
							    : from_double(to_double(v), size);
	} else if (v.kind == FLOAT) {
		double d = to_double(v);
		/* Beyond the range C says nothing. */
		if (!(d > -9.2e18 && d < 1.8e19)) {
			malformed(m);
			return;
		}
		to.bits = d < 0 ? (uint64_t)(int64_t)d : (uint64_t)d;
	} else {
		to.bits = v.kind == SIGNED ? (uint64_t)extend(v.bits, v.size) : v.bits;
	}
	push_value(m, to);
}

/* ---------------------------------------------------------------- arithmetic */

static bool compare(struct value left, struct value right, uint8_t op)
{
	int order;
	if (left.kind == FLOAT) {
		double a = to_double(left), b = to_double(right);
		if (a != a || b != b)
			return op == DW_OP_ne;
		order = a < b ? -1 : a > b;
	} else if (left.kind == UNSIGNED) {
		order = left.bits < right.bits ? -1 : left.bits > right.bits;
	} else {
		int64_t a = extend(left.bits, left.size), b = extend(right.bits, right.size);
		order = a < b ? -1 : a > b;
	}
	switch (op) {
	case DW_OP_eq:
		return order == 0;
	case DW_OP_ne:
		return order != 0;
	case DW_OP_lt:
		return order < 0;
	case DW_OP_le:
		return order <= 0;
	case DW_OP_gt:
		return order > 0;
	default:
		return order >= 0;
	}
}

static void binary_float(struct machine *m, uint8_t op, struct value left, struct value right)
{
	double a = to_double(left), b = to_double(right), d;
	switch (op) {
	case DW_OP_plus:
		d = a + b;
		break;
	case DW_OP_minus:
		d = a - b;
		break;
	case DW_OP_mul:
		d = a * b;
		break;
	case DW_OP_div:
		d = a / b;
		break;
	default:
		malformed(m);
		return;
	}
	left.bits = from_double(d, left.size);
	push_value(m, left);
}

/* The generic type is signed for division, comparison and DW_OP_shra (DWARF 5, 2.5.1.4). */
static uint64_t divide(struct machine *m, struct value left, struct value right)
{
	int64_t a = extend(left.bits, left.size), b = extend(right.bits, right.size);
	if (right.bits == 0) {
		malformed(m);
		return 0;
	}
	if (left.kind == UNSIGNED)
		return left.bits / right.bits;
	return b == -1 ? -left.bits : (uint64_t)(a / b);
}

static uint64_t remainder_of(struct machine *m, struct value left, struct value right)
{
	int64_t a = extend(left.bits, left.size), b = extend(right.bits, right.size);
	if (right.bits == 0) {
		malformed(m);
		return 0;
	}
	if (left.kind != SIGNED)
		return left.bits % right.bits;
	return b == -1 ? 0 : (uint64_t)(a % b);
}

static void binary(struct machine *m, uint8_t op)
{
	struct value right = pop_value(m), left = pop_value(m), value = left;
	unsigned int bits = 8u * left.size;
	uint64_t count = right.bits;
	bool is_shift = op == DW_OP_shl || op == DW_OP_shr || op == DW_OP_shra;
	if (m->failed)
		return;
	if (!is_shift && (left.size != right.size || (left.kind == FLOAT) != (right.kind == FLOAT))) {
		malformed(m);
		return;
	}
	if (op >= DW_OP_eq && op <= DW_OP_ne) {
		push(m, compare(left, right, op));
		return;
	}
	if (left.kind == FLOAT) {
		binary_float(m, op, left, right);
		return;
	}
	switch (op) {
	case DW_OP_and:
		value.bits = left.bits & right.bits;
		break;
	case DW_OP_or:
		value.bits = left.bits | right.bits;
		break;
	case DW_OP_xor:
		value.bits = left.bits ^ right.bits;
		break;
	case DW_OP_plus:
		value.bits = left.bits + right.bits;
		break;
	case DW_OP_minus:
		value.bits = left.bits - right.bits;
		break;
	case DW_OP_mul:
		value.bits = left.bits * right.bits;
		break;
	case DW_OP_div:
		value.bits = divide(m, left, right);
		break;
	case DW_OP_mod:
		value.bits = remainder_of(m, left, right);
		break;
	case DW_OP_shl:
		value.bits = count < bits ? left.bits << count : 0;
		break;
	case DW_OP_shr:
		value.bits = count < bits ? left.bits >> count : 0;
		break;
	case DW_OP_shra:
		value.bits = (uint64_t)(extend(left.bits, left.size) >>
					(count < bits ? count : bits - 1));
		break;
	default:
		malformed(m);
		return;
	}
	push_value(m, value);
}

static void unary(struct machine *m, uint8_t op)
{
	struct value v = pop_value(m);
	if (v.kind == FLOAT) {
		double d = to_double(v);
		if (op == DW_OP_not)
			malformed(m);
		v.bits = from_double(op == DW_OP_neg || d < 0 ? -d : d, v.size);
	} else if (op == DW_OP_not) {
		v.bits = ~v.bits;
	} else if (op == DW_OP_neg || (v.kind != UNSIGNED && extend(v.bits, v.size) < 0)) {
		v.bits = -v.bits;
	}
	push_value(m, v);
}

static void pick(struct machine *m, uint64_t index)
{
	if (index >= m->depth)
		malformed(m);
	else
		push_value(m, m->stack[m->depth - 1 - index]);
}

/* Rotate the top n, the top going below the others. */
static void rotate(struct machine *m, size_t n)
{
	if (n > m->depth) {
		malformed(m);
		return;
	}
	struct value top = m->stack[m->depth - 1];
	for (size_t i = 1; i < n; i++)
		m->stack[m->depth - i] = m->stack[m->depth - i - 1];
	m->stack[m->depth - n] = top;
}

/* ---------------------------------------------------------------- what the caller knows */

/* Whether the call site, to whose end the view's function returns, went to that function, not to one
 * that jumped to it. */
static bool called_us(const struct snap_view *view, const struct snap_view *caller,
	struct snap_die call_site, unsigned int nesting)
{
	static const uint16_t names[] = {DW_AT_call_origin, DW_AT_abstract_origin, DW_AT_call_target,
		DW_AT_GNU_call_site_target};
	struct snap_code_index *index = snap_object_code_index(caller->object);
	const struct snap_crash_module *module = view->frame->module;
	uint64_t start = view->function_start + view->load_bias;
	uint64_t return_vaddr = caller->frame->pc - caller->frame->module->record.load_bias;
	struct snap_call_site site;
	struct snap_attr attrs[4];
	struct value value;
	struct snap_piece unused;
	uint64_t target;
	if (!snap_view_attrs(caller, call_site, names, attrs, 4))
		return false;
	/* A call through a pointer may say which. */
	const struct snap_attr *through = attrs[2].block.data ? &attrs[2] : &attrs[3];
	if (!snap_attr_is_there(&attrs[0]) && !snap_attr_is_there(&attrs[1]))
		return through->block.data &&
		       evaluate_value(caller, call_site.unit, through->block, nesting + 1, &value,
			       &unused) &&
		       value.bits == start;
	if (!index || !snap_code_index_site(index, return_vaddr, &site) || site.is_tail_call)
		return false;
	if (site.target_start != 0)
		return site.target_start + caller->frame->module->record.load_bias == start;
	return site.target_name && snap_object_find_name(view->object, site.target_name, &target) &&
	       target + module->record.load_bias == start;
}

/* The call site with the return address of the caller's frame, somewhere below parent. */
static bool find_call_site(const struct snap_view *caller, struct snap_die parent,
	unsigned int depth, struct snap_die *ret)
{
	static const uint16_t names[] = {DW_AT_call_return_pc, DW_AT_low_pc};
	struct snap_children children;
	struct snap_child child;
	snap_children_begin(&children, parent, &caller->views->left.entries);
	while (snap_children_next(&children, &child)) {
		struct snap_attr attrs[2];
		uint64_t addr;
		switch (child.abbrev->tag) {
		case DW_TAG_call_site:
		case DW_TAG_GNU_call_site:
			if (snap_view_attrs(caller, child.die, names, attrs, 2) &&
				snap_attr_address(child.die.unit,
					&attrs[child.abbrev->tag == DW_TAG_GNU_call_site], &addr) &&
				addr == caller->vaddr + 1) {
				*ret = child.die;
				return true;
			}
			break;
		case DW_TAG_inlined_subroutine:
		case DW_TAG_lexical_block:
			if (child.abbrev->has_children && depth < MAX_CALL_DEPTH &&
				find_call_site(caller, child.die, depth + 1, ret))
				return true;
			break;
		}
	}
	return false;
}

static bool is_register(struct snap_bytes block, uint64_t number)
{
	struct snap_cursor c = snap_cursor(block, 0, false);
	uint8_t op = snap_cursor_u8(&c);
	uint64_t found = op == DW_OP_regx ? snap_cursor_uleb(&c) : (uint64_t)op - DW_OP_reg0;
	bool is_reg = op == DW_OP_regx || (op >= DW_OP_reg0 && op <= DW_OP_reg31);
	return is_reg && !c.failed && c.p == c.end && found == number;
}

/*
 * What the caller passed: in the register (parameter NULL), or as that formal parameter. is_target:
 * what the register pointed to.
 */
static void push_passed(struct machine *m, uint64_t number, const struct snap_die *parameter)
{
	static const uint16_t names[] = {DW_AT_location, DW_AT_call_value, DW_AT_GNU_call_site_value,
		DW_AT_call_parameter, DW_AT_abstract_origin};
	struct snap_view caller;
	struct snap_die site;
	const char *const lost = "what the caller passed is not known";
	if (m->nesting >= MAX_NESTING || !snap_view_caller(m->view, &caller) ||
		!find_call_site(&caller, caller.function, 0, &site) ||
		!called_us(m->view, &caller, site, m->nesting)) {
		fail(m, SNAP_BITS_OPTIMIZED_OUT, lost);
		return;
	}
	struct snap_children children;
	struct snap_child child;
	snap_children_begin(&children, site, &m->view->views->left.entries);
	while (snap_children_next(&children, &child)) {
		struct snap_attr attrs[5];
		struct snap_die origin;
		if ((child.abbrev->tag != DW_TAG_call_site_parameter &&
			    child.abbrev->tag != DW_TAG_GNU_call_site_parameter) ||
			!snap_view_attrs(m->view, child.die, names, attrs, 5))
			continue;
		bool fits = parameter ? ((snap_attr_die(child.die.unit, &attrs[3], &origin) ||
						 snap_attr_die(child.die.unit, &attrs[4], &origin)) &&
						origin.unit == parameter->unit &&
						origin.off == parameter->off)
				      : is_register(attrs[0].block, number);
		const struct snap_attr *given =
			snap_attr_is_there(&attrs[1]) ? &attrs[1] : &attrs[2];
		if (!fits || !given->block.data)
			continue;
		struct value value;
		struct snap_piece failure;
		if (evaluate_value(&caller, child.die.unit, given->block, m->nesting + 1, &value,
			    &failure)) {
			push_value(m, value);
		} else if (!m->failed) {
			m->failed = true;
			m->failure = failure;
		}
		return;
	}
	fail(m, SNAP_BITS_OPTIMIZED_OUT, lost);
}

/* The block is a register, or an expression of what it was at the function's beginning. */
static void push_entry_value(struct machine *m, struct snap_bytes block)
{
	struct snap_cursor c = snap_cursor(block, 0, false);
	uint8_t op = snap_cursor_u8(&c);
	if (op >= DW_OP_reg0 && op <= DW_OP_reg31 && c.p == c.end) {
		push_passed(m, (uint64_t)op - DW_OP_reg0, NULL);
	} else if (op == DW_OP_regx) {
		push_passed(m, snap_cursor_uleb(&c), NULL);
	} else {
		/* Of memory it is in general lost what it was. */
		fail(m, SNAP_BITS_OPTIMIZED_OUT, "what it was when the function was entered is lost");
	}
}

/* ---------------------------------------------------------------- other entries */

/* DW_OP_call2, _call4, _call_ref: the location of that entry, in place. */
static void call(struct machine *m, struct snap_die die)
{
	static const uint16_t names[] = {DW_AT_location};
	struct snap_attr attr;
	struct value value;
	struct snap_piece failure;
	if (m->nesting >= MAX_NESTING || !snap_view_attrs(m->view, die, names, &attr, 1)) {
		malformed(m);
		return;
	}
	/* What compilers call leaves a number. */
	if (!attr.block.data ||
		!evaluate_value(m->view, die.unit, attr.block, m->nesting + 1, &value, &failure))
		fail(m, SNAP_BITS_ERROR, "a location that is not supported");
	else
		push_value(m, value);
}

/* What a variable of the frame is worth, which is no larger than a word. */
static void push_variable(struct machine *m, struct snap_die die)
{
	static const uint16_t names[] = {DW_AT_location, DW_AT_const_value};
	struct snap_attr attrs[2];
	struct snap_location location;
	struct snap_bytes block;
	uint64_t value;
	if (m->nesting >= MAX_NESTING || !snap_view_attrs(m->view, die, names, attrs, 2)) {
		malformed(m);
		return;
	}
	if (snap_attr_unsigned(&attrs[1], &value)) {
		push(m, value);
		return;
	}
	if (snap_dwarf_location(die.unit, &attrs[0], m->view->vaddr,
		    &m->view->views->left.list_bytes, &block) != SNAP_LOCATION_FOUND ||
		!run(m->view, die.unit, block, NULL, m->nesting + 1, &location) ||
		!location.is_whole) {
		fail(m, SNAP_BITS_OPTIMIZED_OUT, NULL);
		return;
	}
	const struct snap_piece *piece = &location.pieces[0];
	if (piece->kind == SNAP_PIECE_MEMORY) {
		if (read_memory(m, piece->address, word(m), &value))
			push(m, value);
	} else if (piece->kind == SNAP_PIECE_REGISTER) {
		push_register(m, piece->number, 0);
	} else if (piece->kind == SNAP_PIECE_VALUE && piece->value_len == word(m)) {
		push(m, snap_arch_load(m->view->arch, piece->value, word(m)));
	} else {
		fail(m, SNAP_BITS_OPTIMIZED_OUT, NULL);
	}
}

/* An entry by an offset of .debug_info. */
static bool info_die(struct machine *m, uint64_t off, struct snap_die *ret)
{
	*ret = (struct snap_die){snap_dwarf_file_unit_at(m->unit->file, off, false), off};
	if (ret->unit && snap_dwarf_unit_open(ret->unit))
		return true;
	malformed(m);
	return false;
}

static bool unit_die(struct machine *m, uint64_t off, struct snap_die *ret)
{
	*ret = (struct snap_die){m->unit, m->unit->off + off};
	if (off < m->unit->end - m->unit->off)
		return true;
	malformed(m);
	return false;
}

/* DWARF 2 has it as wide as an address. */
static uint64_t read_reference(struct machine *m)
{
	const struct snap_dwarf_encoding *encoding = &m->unit->encoding;
	return snap_cursor_unsigned(
		&m->c, encoding->version <= 2 ? encoding->address_size : encoding->offset_size);
}

/* ---------------------------------------------------------------- one operation */

static struct snap_bytes read_block(struct machine *m, uint64_t len)
{
	if (len > snap_cursor_left(&m->c)) {
		(void)snap_cursor_fail(&m->c);
		return snap_bytes(NULL, 0);
	}
	struct snap_bytes block = snap_bytes(m->c.p, len);
	m->c.p += len;
	return block;
}

static void branch(struct machine *m, int16_t distance)
{
	int64_t to = (m->c.p - m->begun) + distance;
	if (to < 0 || to > m->c.end - m->begun)
		malformed(m);
	else
		m->c.p = m->begun + to;
}

static void set_simple(struct machine *m, struct snap_piece piece)
{
	m->simple = piece;
	m->has_simple = true;
}

static void push_addr(struct machine *m, uint64_t addr)
{
	push(m, addr + m->view->load_bias);
}

static void push_indexed(struct machine *m, bool is_address)
{
	uint64_t value;
	if (!snap_dwarf_unit_address(m->unit, snap_cursor_uleb(&m->c), &value))
		malformed(m);
	else if (is_address)
		push_addr(m, value);
	else
		push(m, value);
}

/* Operations with a type; false if it is none of them. */
static bool step_typed(struct machine *m, uint8_t op)
{
	enum value_kind kind;
	uint8_t size;
	uint64_t value;
	switch (op) {
	case DW_OP_const_type:
	case OP_GNU_CONST_TYPE: {
		uint64_t off = snap_cursor_uleb(&m->c);
		uint8_t len = snap_cursor_u8(&m->c);
		struct snap_bytes block = read_block(m, len);
		if (!base_type(m, off, &kind, &size))
			return true;
		if (len != size || !block.data)
			malformed(m);
		else
			push_value(m, (struct value){snap_arch_load(m->view->arch, block.data, size),
					      kind, size});
		return true;
	}
	case DW_OP_regval_type:
	case OP_GNU_REGVAL_TYPE: {
		uint64_t number = snap_cursor_uleb(&m->c);
		if (base_type(m, snap_cursor_uleb(&m->c), &kind, &size) &&
			read_register(m, number, size, &value))
			push_value(m, (struct value){value, kind, size});
		return true;
	}
	case DW_OP_deref_type:
	case OP_GNU_DEREF_TYPE: {
		uint8_t len = snap_cursor_u8(&m->c);
		if (!base_type(m, snap_cursor_uleb(&m->c), &kind, &size))
			return true;
		if (len != size)
			malformed(m);
		else if (read_memory(m, pop(m), size, &value))
			push_value(m, (struct value){value, kind, size});
		return true;
	}
	case DW_OP_convert:
	case OP_GNU_CONVERT:
		if (base_type(m, snap_cursor_uleb(&m->c), &kind, &size))
			convert(m, kind, size);
		return true;
	case DW_OP_reinterpret:
	case OP_GNU_REINTERPRET:
		if (base_type(m, snap_cursor_uleb(&m->c), &kind, &size)) {
			struct value v = pop_value(m);
			if (v.size != size)
				malformed(m);
			push_value(m, (struct value){v.bits, kind, size});
		}
		return true;
	}
	return false;
}

/* Operations that take other entries, the caller or the thread; false if it is none of them. */
static bool step_far(struct machine *m, uint8_t op)
{
	struct snap_die die;
	switch (op) {
	case DW_OP_entry_value:
	case OP_GNU_ENTRY_VALUE: {
		struct snap_bytes block = read_block(m, snap_cursor_uleb(&m->c));
		if (!m->c.failed)
			push_entry_value(m, block);
		return true;
	}
	case OP_GNU_PARAMETER_REF:
		if (unit_die(m, snap_cursor_u32(&m->c), &die))
			push_passed(m, 0, &die);
		return true;
	case DW_OP_implicit_pointer:
	case OP_GNU_IMPLICIT_POINTER: {
		uint64_t off = read_reference(m);
		int64_t pointee_off = snap_cursor_sleb(&m->c);
		if (info_die(m, off, &die))
			set_simple(m, (struct snap_piece){.kind = SNAP_PIECE_POINTER,
					      .pointee = die,
					      .pointee_off = pointee_off});
		return true;
	}
	case DW_OP_call2:
		if (unit_die(m, snap_cursor_u16(&m->c), &die))
			call(m, die);
		return true;
	case DW_OP_call4:
		if (unit_die(m, snap_cursor_u32(&m->c), &die))
			call(m, die);
		return true;
	case DW_OP_call_ref:
		if (info_die(m, read_reference(m), &die))
			call(m, die);
		return true;
	case OP_GNU_VARIABLE_VALUE:
		if (info_die(m, read_reference(m), &die))
			push_variable(m, die);
		return true;
	case DW_OP_form_tls_address:
	case OP_GNU_PUSH_TLS_ADDRESS:
		fail(m, SNAP_BITS_NOT_CAPTURED, "thread-local");
		return true;
	}
	return false;
}

static void push_cfa(struct machine *m)
{
	if (m->view->frame->has_cfa && m->view->frame->trust <= SNAP_TRUST_FP)
		push(m, m->view->frame->cfa);
	else
		fail(m, SNAP_BITS_NOT_CAPTURED, "its frame is not known");
}

static void step(struct machine *m, uint8_t op)
{
	struct snap_cursor *c = &m->c;
	uint64_t value;
	if (op >= DW_OP_lit0 && op <= DW_OP_lit31) {
		push(m, (uint64_t)op - DW_OP_lit0);
		return;
	}
	if (op >= DW_OP_breg0 && op <= DW_OP_breg31) {
		push_register(m, (uint64_t)op - DW_OP_breg0, snap_cursor_sleb(c));
		return;
	}
	if (op >= DW_OP_reg0 && op <= DW_OP_reg31) {
		set_simple(m, (struct snap_piece){
				      .kind = SNAP_PIECE_REGISTER, .number = (uint64_t)op - DW_OP_reg0});
		return;
	}
	switch (op) {
	case DW_OP_nop:
	case OP_GNU_UNINIT:
		break;
	case DW_OP_addr:
		push_addr(m, snap_cursor_unsigned(c, m->unit->encoding.address_size));
		break;
	case DW_OP_addrx:
	case OP_GNU_ADDR_INDEX:
		push_indexed(m, true);
		break;
	case DW_OP_constx:
	case OP_GNU_CONST_INDEX:
		push_indexed(m, false);
		break;
	case DW_OP_const1u:
		push(m, snap_cursor_u8(c));
		break;
	case DW_OP_const1s:
		push(m, (uint64_t)(int8_t)snap_cursor_u8(c));
		break;
	case DW_OP_const2u:
		push(m, snap_cursor_u16(c));
		break;
	case DW_OP_const2s:
		push(m, (uint64_t)(int16_t)snap_cursor_u16(c));
		break;
	case DW_OP_const4u:
		push(m, snap_cursor_u32(c));
		break;
	case DW_OP_const4s:
		push(m, (uint64_t)(int32_t)snap_cursor_u32(c));
		break;
	case DW_OP_const8u:
	case DW_OP_const8s:
		push(m, snap_cursor_u64(c));
		break;
	case DW_OP_constu:
		push(m, snap_cursor_uleb(c));
		break;
	case DW_OP_consts:
		push(m, (uint64_t)snap_cursor_sleb(c));
		break;
	case DW_OP_regx:
		set_simple(m, (struct snap_piece){
				      .kind = SNAP_PIECE_REGISTER, .number = snap_cursor_uleb(c)});
		break;
	case DW_OP_bregx:
		value = snap_cursor_uleb(c);
		push_register(m, value, snap_cursor_sleb(c));
		break;
	case DW_OP_fbreg:
		if (m->nesting >= MAX_NESTING)
			malformed(m);
		else
			push_frame_base(m, snap_cursor_sleb(c));
		break;
	case DW_OP_call_frame_cfa:
		push_cfa(m);
		break;
	case DW_OP_dup:
		pick(m, 0);
		break;
	case DW_OP_over:
		pick(m, 1);
		break;
	case DW_OP_pick:
		pick(m, snap_cursor_u8(c));
		break;
	case DW_OP_drop:
		(void)pop(m);
		break;
	case DW_OP_swap:
		rotate(m, 2);
		break;
	case DW_OP_rot:
		rotate(m, 3);
		break;
	case DW_OP_deref:
		if (read_memory(m, pop(m), word(m), &value))
			push(m, value);
		break;
	case DW_OP_deref_size: {
		uint8_t size = snap_cursor_u8(c);
		if (size > word(m))
			malformed(m);
		else if (read_memory(m, pop(m), size, &value))
			push(m, value);
		break;
	}
	case DW_OP_plus_uconst: {
		struct value v = pop_value(m);
		v.bits += snap_cursor_uleb(c);
		if (v.kind == FLOAT)
			malformed(m);
		push_value(m, v);
		break;
	}
	case DW_OP_neg:
	case DW_OP_not:
	case DW_OP_abs:
		unary(m, op);
		break;
	case DW_OP_skip:
		branch(m, (int16_t)snap_cursor_u16(c));
		break;
	case DW_OP_bra: {
		int16_t distance = (int16_t)snap_cursor_u16(c);
		if (pop(m) != 0)
			branch(m, distance);
		break;
	}
	case DW_OP_stack_value: {
		struct value v = pop_value(m);
		struct snap_piece piece = {.kind = SNAP_PIECE_VALUE, .value_len = v.size};
		for (unsigned int i = 0; i < v.size; i++)
			piece.value[m->view->arch->elf_data == ELFDATA2MSB ? v.size - 1u - i : i] =
				(uint8_t)(v.bits >> (8 * i));
		set_simple(m, piece);
		break;
	}
	case DW_OP_implicit_value: {
		struct snap_bytes block = read_block(m, snap_cursor_uleb(c));
		set_simple(m, (struct snap_piece){.kind = SNAP_PIECE_BYTES, .bytes = block});
		break;
	}
	default:
		if (step_typed(m, op) || step_far(m, op))
			break;
		if (op >= DW_OP_and && op <= DW_OP_xor)
			binary(m, op);
		else if (op >= DW_OP_eq && op <= DW_OP_ne)
			binary(m, op);
		else
			fail(m, SNAP_BITS_ERROR, "a location that is not supported");
	}
}

/* ---------------------------------------------------------------- whole expressions */

/* What the expression has described so far, as a piece. */
static struct snap_piece take_piece(struct machine *m)
{
	struct snap_piece piece = {.kind = SNAP_PIECE_NOTHING, .bits = SNAP_BITS_OPTIMIZED_OUT};
	if (m->failed) {
		piece = m->failure;
	} else if (m->has_simple) {
		piece = m->simple;
	} else if (m->depth > 0) {
		piece = (struct snap_piece){.kind = SNAP_PIECE_MEMORY, .address = pop(m)};
	}
	m->has_simple = false;
	return piece;
}

static void add_piece(struct machine *m, uint64_t num_bits, uint64_t bit_off)
{
	struct snap_location *location = m->location;
	/* Of one that is not known, the others may be. */
	struct snap_piece piece = take_piece(m);
	m->failed = false;
	m->depth = 0;
	location->is_whole = false;
	if (location->num_pieces == SNAP_MAX_PIECES) {
		malformed(m);
		return;
	}
	piece.num_bits = num_bits;
	piece.bit_off = bit_off;
	location->pieces[location->num_pieces++] = piece;
}

/* Operations behind a failure are passed over up to the next piece. */
static void run_steps(struct machine *m)
{
	uint64_t *left = &m->view->views->left.steps;
	for (unsigned int steps = 0; m->c.p < m->c.end; steps++) {
		if (steps == MAX_STEPS || *left == 0) {
			m->failed = false;
			fail(m, SNAP_BITS_ERROR, "its location takes too much work");
			m->location->num_pieces = 0;
			m->location->is_whole = true;
			return;
		}
		--*left;
		uint8_t op = snap_cursor_u8(&m->c);
		if (op == DW_OP_piece) {
			uint64_t len = snap_cursor_uleb(&m->c);
			if (len > UINT32_MAX)
				malformed(m);
			add_piece(m, len <= UINT32_MAX ? 8 * len : 0, 0);
		} else if (op == DW_OP_bit_piece) {
			uint64_t len = snap_cursor_uleb(&m->c), off = snap_cursor_uleb(&m->c);
			if (len > UINT32_MAX || off > UINT32_MAX)
				malformed(m);
			add_piece(m, len <= UINT32_MAX ? len : 0, off <= UINT32_MAX ? off : 0);
		} else if (m->failed || m->has_simple) {
			/* Where the next piece begins can't be told without knowing each
			 * operation's length; so what fails, fails as a whole. */
			if (m->has_simple && op != OP_GNU_UNINIT)
				malformed(m);
			if (m->failed)
				break;
		} else {
			step(m, op);
		}
		if (m->c.failed) {
			malformed(m);
			break;
		}
	}
}

static bool run(const struct snap_view *view, struct snap_dwarf_unit *unit,
	struct snap_bytes expression, const uint64_t *object, unsigned int nesting,
	struct snap_location *ret)
{
	struct machine m = {
		.view = view,
		.unit = unit,
		.c = snap_cursor(expression, 0, view->arch->elf_data == ELFDATA2MSB),
		.begun = expression.data,
		.nesting = nesting,
		.location = ret,
	};
	ret->is_whole = true;
	ret->num_pieces = 0;
	if (object)
		push(&m, *object);
	if (nesting > MAX_NESTING)
		malformed(&m);
	else
		run_steps(&m);
	if (ret->is_whole || m.failed) {
		ret->is_whole = true;
		ret->pieces[0] = take_piece(&m);
		ret->num_pieces = 1;
	}
	return !(ret->is_whole && ret->pieces[0].kind == SNAP_PIECE_NOTHING);
}

/* The number that an expression leaves: whatever kind of location it might be elsewhere. */
static bool evaluate_value(const struct snap_view *view, struct snap_dwarf_unit *unit,
	struct snap_bytes expression, unsigned int nesting, struct value *ret,
	struct snap_piece *ret_failure)
{
	struct snap_location location = {.is_whole = true};
	struct machine m = {
		.view = view,
		.unit = unit,
		.c = snap_cursor(expression, 0, view->arch->elf_data == ELFDATA2MSB),
		.begun = expression.data,
		.nesting = nesting,
		.location = &location,
	};
	if (nesting > MAX_NESTING)
		malformed(&m);
	else
		run_steps(&m);
	if (!m.failed && (location.num_pieces > 0 || m.has_simple))
		fail(&m, SNAP_BITS_OPTIMIZED_OUT, NULL);
	struct value value = m.failed ? (struct value){0} : pop_value(&m);
	if (m.failed) {
		*ret_failure = m.failure;
		return false;
	}
	*ret = value;
	return true;
}

void snap_evaluate_location(const struct snap_view *view, struct snap_dwarf_unit *unit,
	struct snap_bytes expression, const uint64_t *object, struct snap_location *ret)
{
	(void)run(view, unit, expression, object, 0, ret); /* why not is in ret */
}

void snap_evaluate_attribute(const struct snap_view *view, struct snap_dwarf_unit *unit,
	const struct snap_attr *attr, struct snap_location *ret)
{
	struct snap_bytes block;
	struct snap_piece piece = {.kind = SNAP_PIECE_NOTHING, .bits = SNAP_BITS_OPTIMIZED_OUT};
	if (snap_attr_is_there(attr)) {
		switch (snap_dwarf_location(
			unit, attr, view->vaddr, &view->views->left.list_bytes, &block)) {
		case SNAP_LOCATION_FOUND:
			snap_evaluate_location(view, unit, block, NULL, ret);
			return;
		case SNAP_LOCATION_NONE:
			break;
		case SNAP_LOCATION_UNREADABLE:
			piece.bits = SNAP_BITS_ERROR;
			piece.why = "malformed location";
			break;
		}
	}
	ret->is_whole = true;
	ret->num_pieces = 1;
	ret->pieces[0] = piece;
}

bool snap_evaluate_number(const struct snap_view *view, struct snap_dwarf_unit *unit,
	struct snap_bytes expression, const uint64_t *object, uint64_t *ret)
{
	struct snap_location location;
	if (!run(view, unit, expression, object, 0, &location) || !location.is_whole)
		return false;
	const struct snap_piece *piece = &location.pieces[0];
	if (piece->kind == SNAP_PIECE_MEMORY)
		*ret = piece->address;
	else if (piece->kind == SNAP_PIECE_VALUE)
		*ret = snap_arch_load(view->arch, piece->value, (unsigned int)piece->value_len);
	else
		return false;
	return true;
}
