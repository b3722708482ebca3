#include "analyze/symbols/cfi_row.h"

#include <string.h>

#include <dwarf.h>
#include <elf.h>

/* DW_OP_call_frame_cfa, alone or with DW_OP_plus_uconst: how libdw words an offset from the CFA. */
static bool is_cfa_offset(const Dwarf_Op *ops, size_t num_ops, int64_t *ret)
{
	if (num_ops < 1 || num_ops > 2 || ops[0].atom != DW_OP_call_frame_cfa)
		return false;
	if (num_ops == 2 && ops[1].atom != DW_OP_plus_uconst)
		return false;
	*ret = num_ops == 2 ? (int64_t)ops[1].number : 0;
	return true;
}

/* ops in a buffer of ours do not outlive it; libdw's own do. */
static int set_ops(struct snap_cfi_rule *rule, const Dwarf_Op *ops, size_t num_ops,
	const Dwarf_Op *buffer, struct snap_arena *arena)
{
	rule->num_ops = (uint32_t)num_ops;
	rule->u.ops = ops;
	if (ops != buffer)
		return 0;
	Dwarf_Op *copy = snap_arena_alloc(arena, num_ops * sizeof(*copy));
	if (!copy)
		return -1;
	memcpy(copy, ops, num_ops * sizeof(*copy));
	rule->u.ops = copy;
	return 0;
}

static int set_rule(struct snap_cfi_rule *rule, Dwarf_Frame *frame, unsigned int dwarf_reg,
	const struct snap_arch *arch, struct snap_arena *arena)
{
	Dwarf_Op buffer[3], *ops;
	size_t num_ops;
	int64_t offset;
	if (dwarf_frame_register(frame, (int)dwarf_reg, buffer, &ops, &num_ops) != 0 ||
		num_ops > UINT32_MAX) {
		rule->kind = SNAP_CFI_MALFORMED;
		return 0;
	}
	if (num_ops == 0) {
		rule->kind = ops ? SNAP_CFI_UNDEFINED : SNAP_CFI_SAME;
		return 0;
	}
	bool is_value = ops[num_ops - 1].atom == DW_OP_stack_value;
	if (is_cfa_offset(ops, is_value ? num_ops - 1 : num_ops, &offset)) {
		rule->kind = is_value ? SNAP_CFI_CFA_PLUS : SNAP_CFI_AT_CFA;
		rule->u.offset = offset;
		return 0;
	}
	if (num_ops == 1 && ((ops[0].atom >= DW_OP_reg0 && ops[0].atom <= DW_OP_reg31) ||
				    ops[0].atom == DW_OP_regx)) {
		uint64_t number = ops[0].atom - DW_OP_reg0;
		int column = snap_arch_column(arch, ops[0].atom == DW_OP_regx ? ops[0].number : number);
		rule->kind = column < 0 ? SNAP_CFI_UNDEFINED : SNAP_CFI_REGISTER;
		rule->column = column < 0 ? 0 : (uint8_t)column;
		return 0;
	}
	rule->kind = is_value ? SNAP_CFI_EXPRESSION_VALUE : SNAP_CFI_AT_EXPRESSION;
	return set_ops(rule, ops, num_ops, buffer, arena);
}

static void set_cfa(struct snap_cfi_rule *rule, Dwarf_Frame *frame, const struct snap_arch *arch)
{
	Dwarf_Op *ops;
	size_t num_ops;
	rule->kind = SNAP_CFI_MALFORMED;
	if (dwarf_frame_cfa(frame, &ops, &num_ops) != 0 || num_ops > UINT32_MAX)
		return;
	rule->kind = SNAP_CFI_UNDEFINED;
	if (num_ops == 0)
		return;
	bool by_number = ops[0].atom == DW_OP_bregx;
	if (num_ops == 1 &&
		(by_number || (ops[0].atom >= DW_OP_breg0 && ops[0].atom <= DW_OP_breg31))) {
		uint64_t number = ops[0].atom - DW_OP_breg0;
		int column = snap_arch_column(arch, by_number ? ops[0].number : number);
		if (column < 0)
			return;
		rule->kind = SNAP_CFI_REGISTER;
		rule->column = (uint8_t)column;
		rule->u.offset = (int64_t)(by_number ? ops[0].number2 : ops[0].number);
		return;
	}
	rule->kind = SNAP_CFI_EXPRESSION_VALUE;
	rule->num_ops = (uint32_t)num_ops;
	rule->u.ops = ops;
}

/*
 * What libdw takes for granted where an entry says nothing (elfutils' backends/x86_64_cfi.c, at
 * least up to 0.188) names rax as preserved by calls, and means rbx: psABI, figure 3.4. A later
 * version that has it right is left as it is.
 */
static void correct_defaults(struct snap_cfi_rule *rules, const struct snap_arch *arch)
{
	enum { RAX = 0, RBX = 3 };
	if (arch->elf_machine != EM_X86_64 || rules[RAX].kind != SNAP_CFI_SAME ||
		rules[RBX].kind == SNAP_CFI_SAME)
		return;
	rules[RAX].kind = SNAP_CFI_UNDEFINED;
	if (rules[RBX].kind == SNAP_CFI_UNDEFINED)
		rules[RBX].kind = SNAP_CFI_SAME;
}

int snap_cfi_row_init(struct snap_cfi_row *ret, Dwarf_Frame *frame, const struct snap_arch *arch,
	struct snap_arena *arena)
{
	unsigned int num = snap_arch_num_columns(arch);
	Dwarf_Addr start = 0, end = 0;
	*ret = (struct snap_cfi_row){.rules = snap_arena_alloc(arena, num * sizeof(*ret->rules))};
	if (!ret->rules)
		return -1;
	int ra = dwarf_frame_info(frame, &start, &end, &ret->is_signal);
	ret->start = start;
	ret->end = end;
	ret->ra_column = ra < 0 ? -1 : snap_arch_column(arch, (uint64_t)ra);
	set_cfa(&ret->cfa, frame, arch);
	int r = 0;
	for (unsigned int column = 0; column < num && r == 0; column++)
		r = set_rule(&ret->rules[column], frame,
			column < arch->num_dwarf_regs ? column : arch->dwarf_ra, arch, arena);
	correct_defaults(ret->rules, arch);
	return r;
}
