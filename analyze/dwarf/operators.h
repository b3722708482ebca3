/*
 * The stack of DWARF expressions, and the operations that only look at it (DWARF 5,
 * sections 2.5.1.3 and 2.5.1.4): what those of call frame information and of variables have in
 * common.
 *
 * Hostile: the stack is bounded, and what makes no sense (too few elements, types that differ, a
 * division by zero) marks it as failed; values are 0 from then on.
 */
#ifndef SNAP_ANALYZE_DWARF_OPERATORS_H
#define SNAP_ANALYZE_DWARF_OPERATORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The generic type has the size of an address; it is signed for division, for comparison and for
 * DW_OP_shra, else it is not. */
enum snap_dwarf_kind {
	SNAP_DWARF_GENERIC,
	SNAP_DWARF_SIGNED,
	SNAP_DWARF_UNSIGNED,
	SNAP_DWARF_FLOAT,
};

struct snap_dwarf_value {
	uint64_t bits; /* those above size bytes are 0 */
	enum snap_dwarf_kind kind;
	uint8_t size; /* 1, 2, 4 or 8; floats of 1 and 2 are not calculated with */
};

#define SNAP_DWARF_MAX_STACK 64

struct snap_dwarf_stack {
	struct snap_dwarf_value items[SNAP_DWARF_MAX_STACK];
	size_t depth;
	uint8_t word; /* bytes of an address: 4 or 8 */
	bool failed;
};

static inline bool snap_dwarf_is_size(uint64_t size)
{
	return size == 1 || size == 2 || size == 4 || size == 8;
}

void snap_dwarf_push_value(struct snap_dwarf_stack *stack, struct snap_dwarf_value value);
/* Of the generic type. */
void snap_dwarf_push(struct snap_dwarf_stack *stack, uint64_t bits);
struct snap_dwarf_value snap_dwarf_pop_value(struct snap_dwarf_stack *stack);
uint64_t snap_dwarf_pop(struct snap_dwarf_stack *stack);

/*
 * DW_OP_lit0 to _lit31, _dup, _drop, _pick, _over, _swap, _rot, _nop, _plus_uconst, and all that
 * calculate or compare; operand: of those that have one. False if it is none of these.
 */
bool snap_dwarf_operate(struct snap_dwarf_stack *stack, uint8_t op, uint64_t operand);

/* DW_OP_convert of the top. */
void snap_dwarf_convert(struct snap_dwarf_stack *stack, enum snap_dwarf_kind kind, uint8_t size);
/* DW_OP_reinterpret of it: its size stays. */
void snap_dwarf_reinterpret(
	struct snap_dwarf_stack *stack, enum snap_dwarf_kind kind, uint8_t size);

#endif
