/*
 * Evaluates DWARF expressions in call frame information (DWARF 5, section 2.5 and 6.4.2).
 *
 * Hostile: steps, stack depth and memory reads are bounded; what an expression asks for and is not
 * known makes it fail, it is never taken as zero.
 */
#ifndef SNAP_ANALYZE_UNWIND_EXPRESSION_H
#define SNAP_ANALYZE_UNWIND_EXPRESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <elfutils/libdw.h>

#include "analyze/memory.h"
#include "common/arch.h"

/* What an expression may look at. */
struct snap_expression_context {
	const struct snap_arch *arch;
	struct snap_memory *memory;
	const uint64_t *regs; /* by snap_arch_column() */
	uint64_t known_regs;  /* bit n: regs[n] is known */
	uint64_t load_bias;   /* added to DW_OP_addr */
	bool has_cfa;
	uint64_t cfa;
	uint64_t *steps_left; /* of all evaluations that share it; NULL: not counted */
};

enum snap_expression_status {
	SNAP_EXPRESSION_OK,
	SNAP_EXPRESSION_NO_MEMORY,   /* it read memory that was not captured: at *ret_fault */
	SNAP_EXPRESSION_NO_REGISTER, /* it used a register that is not known */
	SNAP_EXPRESSION_INVALID,     /* it is malformed, endless or uses what has no place here */
};

enum snap_expression_result {
	SNAP_EXPRESSION_ADDRESS,  /* the value stands in memory there */
	SNAP_EXPRESSION_VALUE,	  /* DW_OP_stack_value: it is the value itself */
	SNAP_EXPRESSION_REGISTER, /* DW_OP_reg*: it stands in that register */
};

/*
 * Evaluate ops[0 .. num_ops). On success *ret and *ret_kind are filled; ret_fault may be NULL.
 */
enum snap_expression_status snap_expression_evaluate(const struct snap_expression_context *context,
	const Dwarf_Op *ops, size_t num_ops, uint64_t *ret, enum snap_expression_result *ret_kind,
	uint64_t *ret_fault);

#endif
