#include "analyze/dwarf/operators.h"

#include <dwarf.h>
#include <string.h>

/* ---------------------------------------------------------------- the stack */

static uint64_t cut(uint64_t bits, unsigned int size)
{
	return size < 8 ? bits & ((UINT64_C(1) << (8 * size)) - 1) : bits;
}

static int64_t extend(struct snap_dwarf_value value)
{
	unsigned int shift = 64 - 8u * value.size;
	return (int64_t)(value.bits << shift) >> shift;
}

static void fail(struct snap_dwarf_stack *s)
{
	s->failed = true;
}

void snap_dwarf_push_value(struct snap_dwarf_stack *s, struct snap_dwarf_value value)
{
	if (s->depth == SNAP_DWARF_MAX_STACK) {
		fail(s);
		return;
	}
	value.bits = s->failed ? 0 : cut(value.bits, value.size);
	s->items[s->depth++] = value;
}

void snap_dwarf_push(struct snap_dwarf_stack *s, uint64_t bits)
{
	snap_dwarf_push_value(s, (struct snap_dwarf_value){bits, SNAP_DWARF_GENERIC, s->word});
}

struct snap_dwarf_value snap_dwarf_pop_value(struct snap_dwarf_stack *s)
{
	if (s->depth == 0) {
		fail(s);
		return (struct snap_dwarf_value){0, SNAP_DWARF_GENERIC, s->word};
	}
	return s->items[--s->depth];
}

uint64_t snap_dwarf_pop(struct snap_dwarf_stack *s)
{
	return snap_dwarf_pop_value(s).bits;
}

static void pick(struct snap_dwarf_stack *s, uint64_t index)
{
	if (index >= s->depth)
		fail(s);
	else
		snap_dwarf_push_value(s, s->items[s->depth - 1 - index]);
}

/* Rotate the top n, the top going below the others. */
static void rotate(struct snap_dwarf_stack *s, size_t n)
{
	if (n > s->depth) {
		fail(s);
		return;
	}
	struct snap_dwarf_value top = s->items[s->depth - 1];
	for (size_t i = 1; i < n; i++)
		s->items[s->depth - i] = s->items[s->depth - i - 1];
	s->items[s->depth - n] = top;
}

/* ---------------------------------------------------------------- types */

static double to_double(struct snap_dwarf_value v)
{
	float f;
	double d;
	uint32_t low = (uint32_t)v.bits;
	switch (v.kind) {
	case SNAP_DWARF_FLOAT:
		if (v.size == 4) {
			memcpy(&f, &low, sizeof(f));
			return (double)f;
		}
		memcpy(&d, &v.bits, sizeof(d));
		return d;
	case SNAP_DWARF_SIGNED:
		return (double)extend(v);
	case SNAP_DWARF_GENERIC:
	case SNAP_DWARF_UNSIGNED:
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

/* Nobody calculates with those of less than 4 bytes. */
static bool is_small_float(enum snap_dwarf_kind kind, uint8_t size)
{
	return kind == SNAP_DWARF_FLOAT && size < 4;
}

void snap_dwarf_convert(struct snap_dwarf_stack *s, enum snap_dwarf_kind kind, uint8_t size)
{
	struct snap_dwarf_value v = snap_dwarf_pop_value(s), to = {.kind = kind, .size = size};
	if (is_small_float(v.kind, v.size) || is_small_float(kind, size)) {
		fail(s);
	} else if (kind == SNAP_DWARF_FLOAT) {
		to.bits = v.kind == SNAP_DWARF_FLOAT && v.size == size
				  ? v.bits
				  : from_double(to_double(v), size);
	} else if (v.kind == SNAP_DWARF_FLOAT) {
		double d = to_double(v);
		/* Beyond the range C says nothing. */
		if (!(d > -9.2e18 && d < 1.8e19)) {
			fail(s);
			d = 0;
		}
		to.bits = d < 0 ? (uint64_t)(int64_t)d : (uint64_t)d;
	} else {
		to.bits = v.kind == SNAP_DWARF_SIGNED ? (uint64_t)extend(v) : v.bits;
	}
	snap_dwarf_push_value(s, to);
}

void snap_dwarf_reinterpret(struct snap_dwarf_stack *s, enum snap_dwarf_kind kind, uint8_t size)
{
	struct snap_dwarf_value v = snap_dwarf_pop_value(s);
	if (v.size != size)
		fail(s);
	snap_dwarf_push_value(s, (struct snap_dwarf_value){v.bits, kind, size});
}

/* ---------------------------------------------------------------- two operands */

static bool compare(struct snap_dwarf_value left, struct snap_dwarf_value right, uint8_t op)
{
	int order;
	if (left.kind == SNAP_DWARF_FLOAT) {
		double a = to_double(left), b = to_double(right);
		if (a != a || b != b)
			return op == DW_OP_ne;
		order = a < b ? -1 : a > b;
	} else if (left.kind == SNAP_DWARF_UNSIGNED) {
		order = left.bits < right.bits ? -1 : left.bits > right.bits;
	} else {
		int64_t a = extend(left), b = extend(right);
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

static void binary_float(struct snap_dwarf_stack *s, uint8_t op, struct snap_dwarf_value left,
	struct snap_dwarf_value right)
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
		fail(s);
		return;
	}
	left.bits = from_double(d, left.size);
	snap_dwarf_push_value(s, left);
}

static uint64_t divide(
	struct snap_dwarf_stack *s, struct snap_dwarf_value left, struct snap_dwarf_value right)
{
	if (right.bits == 0) {
		fail(s);
		return 0;
	}
	if (left.kind == SNAP_DWARF_UNSIGNED)
		return left.bits / right.bits;
	/* The one quotient that can overflow is among those by -1. */
	return extend(right) == -1 ? -left.bits : (uint64_t)(extend(left) / extend(right));
}

static uint64_t remainder_of(
	struct snap_dwarf_stack *s, struct snap_dwarf_value left, struct snap_dwarf_value right)
{
	if (right.bits == 0) {
		fail(s);
		return 0;
	}
	if (left.kind != SNAP_DWARF_SIGNED)
		return left.bits % right.bits;
	return extend(right) == -1 ? 0 : (uint64_t)(extend(left) % extend(right));
}

static void shift(
	struct snap_dwarf_stack *s, uint8_t op, struct snap_dwarf_value left, uint64_t count)
{
	unsigned int bits = 8u * left.size;
	if (left.kind == SNAP_DWARF_FLOAT)
		fail(s);
	else if (op == DW_OP_shra)
		left.bits = (uint64_t)(extend(left) >> (count < bits ? count : bits - 1));
	else if (count >= bits)
		left.bits = 0;
	else
		left.bits = op == DW_OP_shl ? left.bits << count : left.bits >> count;
	snap_dwarf_push_value(s, left);
}

static void binary(struct snap_dwarf_stack *s, uint8_t op)
{
	struct snap_dwarf_value right = snap_dwarf_pop_value(s), left = snap_dwarf_pop_value(s);
	if (s->failed)
		return;
	if (op == DW_OP_shl || op == DW_OP_shr || op == DW_OP_shra) {
		shift(s, op, left, right.bits);
		return;
	}
	bool is_float = left.kind == SNAP_DWARF_FLOAT;
	if (is_small_float(left.kind, left.size) || left.size != right.size ||
		is_float != (right.kind == SNAP_DWARF_FLOAT)) {
		fail(s);
		return;
	}
	if (op >= DW_OP_eq && op <= DW_OP_ne) {
		snap_dwarf_push(s, compare(left, right, op));
		return;
	}
	if (is_float) {
		binary_float(s, op, left, right);
		return;
	}
	switch (op) {
	case DW_OP_and:
		left.bits &= right.bits;
		break;
	case DW_OP_or:
		left.bits |= right.bits;
		break;
	case DW_OP_xor:
		left.bits ^= right.bits;
		break;
	case DW_OP_plus:
		left.bits += right.bits;
		break;
	case DW_OP_minus:
		left.bits -= right.bits;
		break;
	case DW_OP_mul:
		left.bits *= right.bits;
		break;
	case DW_OP_div:
		left.bits = divide(s, left, right);
		break;
	case DW_OP_mod:
		left.bits = remainder_of(s, left, right);
		break;
	}
	snap_dwarf_push_value(s, left);
}

/* ---------------------------------------------------------------- any operation */

static void unary(struct snap_dwarf_stack *s, uint8_t op)
{
	struct snap_dwarf_value v = snap_dwarf_pop_value(s);
	if (v.kind == SNAP_DWARF_FLOAT) {
		double d = to_double(v);
		if (op == DW_OP_not || is_small_float(v.kind, v.size))
			fail(s);
		v.bits = from_double(op == DW_OP_neg || d < 0 ? -d : d, v.size);
	} else if (op == DW_OP_not) {
		v.bits = ~v.bits;
	} else if (op == DW_OP_neg || (v.kind != SNAP_DWARF_UNSIGNED && extend(v) < 0)) {
		v.bits = -v.bits; /* DW_OP_neg, and DW_OP_abs of a negative one */
	}
	snap_dwarf_push_value(s, v);
}

static void add_constant(struct snap_dwarf_stack *s, uint64_t operand)
{
	struct snap_dwarf_value v = snap_dwarf_pop_value(s);
	if (v.kind == SNAP_DWARF_FLOAT)
		fail(s);
	v.bits += operand;
	snap_dwarf_push_value(s, v);
}

bool snap_dwarf_operate(struct snap_dwarf_stack *s, uint8_t op, uint64_t operand)
{
	if (op >= DW_OP_lit0 && op <= DW_OP_lit31) {
		snap_dwarf_push(s, (uint64_t)op - DW_OP_lit0);
		return true;
	}
	switch (op) {
	case DW_OP_nop:
		return true;
	case DW_OP_dup:
		pick(s, 0);
		return true;
	case DW_OP_over:
		pick(s, 1);
		return true;
	case DW_OP_pick:
		pick(s, operand);
		return true;
	case DW_OP_drop:
		(void)snap_dwarf_pop(s);
		return true;
	case DW_OP_swap:
		rotate(s, 2);
		return true;
	case DW_OP_rot:
		rotate(s, 3);
		return true;
	case DW_OP_plus_uconst:
		add_constant(s, operand);
		return true;
	case DW_OP_neg:
	case DW_OP_not:
	case DW_OP_abs:
		unary(s, op);
		return true;
	case DW_OP_and:
	case DW_OP_div:
	case DW_OP_minus:
	case DW_OP_mod:
	case DW_OP_mul:
	case DW_OP_or:
	case DW_OP_plus:
	case DW_OP_shl:
	case DW_OP_shr:
	case DW_OP_shra:
	case DW_OP_xor:
	case DW_OP_eq:
	case DW_OP_ge:
	case DW_OP_gt:
	case DW_OP_le:
	case DW_OP_lt:
	case DW_OP_ne:
		binary(s, op);
		return true;
	}
	return false;
}
