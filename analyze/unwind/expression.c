#include "analyze/unwind/expression.h"

#include <dwarf.h>

#include "analyze/dwarf/operators.h"

#define MAX_STEPS    4096
#define MAX_OP_BYTES 21

struct machine {
	const struct snap_expression_context *context;
	struct snap_dwarf_stack stack;
	enum snap_expression_status status;
	uint64_t fault;
};

static void fail(struct machine *m, enum snap_expression_status status)
{
	if (m->status == SNAP_EXPRESSION_OK)
		m->status = status;
}

static uint64_t pop(struct machine *m)
{
	uint64_t value = snap_dwarf_pop(&m->stack);
	if (m->stack.failed)
		fail(m, SNAP_EXPRESSION_INVALID);
	return value;
}

static void push_register(struct machine *m, uint64_t number, uint64_t offset)
{
	const struct snap_expression_context *context = m->context;
	int column = snap_arch_column(context->arch, number);
	if (column < 0 || !(context->known_regs >> column & 1)) {
		fail(m, SNAP_EXPRESSION_NO_REGISTER);
		return;
	}
	snap_dwarf_push(&m->stack, context->regs[column] + offset);
}

static void deref(struct machine *m, uint64_t size)
{
	uint8_t bytes[8];
	uint64_t addr = pop(m);
	if (m->stack.failed || size == 0 || size > snap_arch_word(m->context->arch)) {
		fail(m, SNAP_EXPRESSION_INVALID);
		return;
	}
	if (!snap_memory_read_all(m->context->memory, addr, bytes, size)) {
		m->fault = addr;
		fail(m, SNAP_EXPRESSION_NO_MEMORY);
		return;
	}
	snap_dwarf_push(&m->stack, snap_arch_load(m->context->arch, bytes, (unsigned int)size));
}

/* All operations that neither branch nor end the expression. */
static void step(struct machine *m, const Dwarf_Op *op)
{
	uint8_t atom = op->atom;
	if (atom >= DW_OP_breg0 && atom <= DW_OP_breg31) {
		push_register(m, atom - DW_OP_breg0, op->number);
		return;
	}
	switch (atom) {
	case DW_OP_addr:
		snap_dwarf_push(&m->stack, op->number + m->context->load_bias);
		break;
	case DW_OP_const1u:
	case DW_OP_const1s:
	case DW_OP_const2u:
	case DW_OP_const2s:
	case DW_OP_const4u:
	case DW_OP_const4s:
	case DW_OP_const8u:
	case DW_OP_const8s:
	case DW_OP_constu:
	case DW_OP_consts:
		snap_dwarf_push(&m->stack, op->number); /* libdw extended the signed ones */
		break;
	case DW_OP_bregx:
		push_register(m, op->number, op->number2);
		break;
	case DW_OP_call_frame_cfa:
		if (m->context->has_cfa)
			snap_dwarf_push(&m->stack, m->context->cfa);
		else
			fail(m, SNAP_EXPRESSION_INVALID);
		break;
	case DW_OP_deref:
		deref(m, snap_arch_word(m->context->arch));
		break;
	case DW_OP_deref_size:
		deref(m, op->number);
		break;
	default:
		if (!snap_dwarf_operate(&m->stack, atom, op->number))
			fail(m, SNAP_EXPRESSION_INVALID);
	}
	if (m->stack.failed)
		fail(m, SNAP_EXPRESSION_INVALID);
}

/* DW_OP_skip and DW_OP_bra count from the end of themselves, three bytes long. */
static bool branch(const Dwarf_Op *ops, size_t num_ops, size_t *i)
{
	Dwarf_Word target = ops[*i].offset + 3 + ops[*i].number;
	/* libdw gives them in the order of their offsets; but what it puts before the first for
	 * DW_CFA_expression, DW_OP_call_frame_cfa, has -1. */
	size_t low = ops[0].offset == UINT64_MAX ? 1 : 0, high = num_ops;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (ops[mid].offset < target)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < num_ops && ops[low].offset == target) {
		*i = low;
		return true;
	}
	/* To the very end: the next offset is not among the operations. How long the last one is
	 * is not known, but no more than its code and two LEB128 numbers. */
	*i = num_ops;
	Dwarf_Word last = ops[num_ops - 1].offset;
	return target > last && target - last <= MAX_OP_BYTES;
}

enum snap_expression_status snap_expression_evaluate(const struct snap_expression_context *context,
	const Dwarf_Op *ops, size_t num_ops, uint64_t *ret, enum snap_expression_result *ret_kind,
	uint64_t *ret_fault)
{
	struct machine m = {.context = context, .status = SNAP_EXPRESSION_OK};
	m.stack.word = (uint8_t)snap_arch_word(context->arch);
	*ret_kind = SNAP_EXPRESSION_ADDRESS;
	if (num_ops == 1 && ops[0].atom >= DW_OP_reg0 && ops[0].atom <= DW_OP_reg31) {
		*ret = ops[0].atom - DW_OP_reg0;
		*ret_kind = SNAP_EXPRESSION_REGISTER;
		return SNAP_EXPRESSION_OK;
	}
	if (num_ops == 1 && ops[0].atom == DW_OP_regx) {
		*ret = ops[0].number;
		*ret_kind = SNAP_EXPRESSION_REGISTER;
		return SNAP_EXPRESSION_OK;
	}

	size_t i = 0;
	for (unsigned int steps = 0; i < num_ops && m.status == SNAP_EXPRESSION_OK; steps++) {
		const Dwarf_Op *op = &ops[i];
		if (steps == MAX_STEPS || (context->steps_left && *context->steps_left == 0))
			return SNAP_EXPRESSION_INVALID;
		if (context->steps_left)
			--*context->steps_left;
		if (op->atom == DW_OP_stack_value) {
			*ret_kind = SNAP_EXPRESSION_VALUE;
			break;
		}
		if (op->atom == DW_OP_skip || (op->atom == DW_OP_bra && pop(&m) != 0)) {
			if (!branch(ops, num_ops, &i))
				return SNAP_EXPRESSION_INVALID;
			continue;
		}
		if (op->atom != DW_OP_bra)
			step(&m, op);
		i++;
	}
	uint64_t value = pop(&m);
	if (m.status == SNAP_EXPRESSION_OK)
		*ret = value;
	else if (ret_fault)
		*ret_fault = m.fault;
	return m.status;
}
