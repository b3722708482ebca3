#include "analyze/unwind/cfi_step.h"

#include "analyze/symbols/object.h"
#include "analyze/unwind/expression.h"

static enum snap_step has_nothing(struct snap_walk *w, const char *reason)
{
	(void)snap_step_fails(w, SNAP_END_UNAVAILABLE, reason);
	return SNAP_STEP_UNKNOWN;
}

/* The row for the frame's pc; NULL with the reason why there is none. */
static const struct snap_cfi_row *find_row(struct snap_walk *w, const struct snap_frame *frame)
{
	const struct snap_crash_module *module = frame->module;
	if (!module) {
		(void)has_nothing(w, snap_crash_mapping_at(w->crash, frame->pc)
					     ? "the pc is in memory that belongs to no module"
					     : "the pc is in no mapping");
		return NULL;
	}
	if (!module->object || !snap_object_has_code(module->object)) {
		(void)has_nothing(
			w, snap_crash_format(w->crash,
				   "the unwind information of its module is not at hand (%s)",
				   module->why ? module->why : "its files were not found"));
		return NULL;
	}
	const struct snap_cfi_row *row =
		snap_walk_row(w, frame->exact_pc ? frame->pc : frame->pc - 1);
	/*
	 * A signal trampoline is not called but returned to: its own row starts at the pc, where
	 * the one of pc - 1 ends.
	 */
	if (!frame->exact_pc && (!row || row->end == frame->pc - module->record.load_bias)) {
		const struct snap_cfi_row *at_pc = snap_walk_row(w, frame->pc);
		if (at_pc && at_pc->is_signal)
			return at_pc;
	}
	if (!row)
		(void)has_nothing(w, "no unwind information covers the pc");
	return row;
}

static struct snap_expression_context context_of(const struct snap_walk *w,
	const struct snap_frame *frame, const struct snap_registers *registers)
{
	return (struct snap_expression_context){
		.arch = w->arch,
		.memory = &w->crash->memory,
		.regs = registers->values,
		.known_regs = registers->known,
		.load_bias = frame->module ? frame->module->record.load_bias : 0,
		.has_cfa = frame->has_cfa,
		.cfa = frame->cfa,
		.steps_left = w->steps_left,
	};
}

/*
 * Where the caller's frame pointer was saved, and the frame pointer points there (AAPCS64, 6.4.6;
 * on x86-64 by habit), that tells the CFA without the stack pointer.
 */
static bool find_cfa_by_record(const struct snap_walk *w, struct snap_frame *frame,
	const struct snap_cfi_row *row, const struct snap_registers *registers)
{
	int fp = snap_fp_column(w->arch);
	if (fp < 0 || !snap_register_known(registers, (unsigned int)fp) ||
		w->arch->num_frame_records == 0 || w->arch->frame_records[0].fp_off != 0 ||
		row->rules[fp].kind != SNAP_CFI_AT_CFA)
		return false;
	frame->cfa = (registers->values[fp] - (uint64_t)row->rules[fp].u.offset) &
		     snap_word_mask(w->arch);
	frame->has_cfa = true;
	return true;
}

static enum snap_step find_cfa(struct snap_walk *w, struct snap_frame *frame,
	const struct snap_cfi_row *row, const struct snap_registers *registers)
{
	const struct snap_cfi_rule *rule = &row->cfa;
	uint64_t value, fault = 0;
	enum snap_expression_result kind;
	enum snap_expression_status status = SNAP_EXPRESSION_OK;
	if (rule->kind == SNAP_CFI_REGISTER) {
		if (snap_register_known(registers, rule->column))
			value = registers->values[rule->column] + (uint64_t)rule->u.offset;
		else
			status = SNAP_EXPRESSION_NO_REGISTER;
	} else if (rule->kind == SNAP_CFI_EXPRESSION_VALUE) {
		struct snap_expression_context context = context_of(w, frame, registers);
		context.has_cfa = false;
		status = snap_expression_evaluate(
			&context, rule->u.ops, rule->num_ops, &value, &kind, &fault);
		if (status == SNAP_EXPRESSION_OK && kind == SNAP_EXPRESSION_REGISTER)
			status = SNAP_EXPRESSION_INVALID;
	} else {
		return has_nothing(w, "the unwind information has no CFA here");
	}
	switch (status) {
	case SNAP_EXPRESSION_OK:
		frame->cfa = value & snap_word_mask(w->arch);
		frame->has_cfa = true;
		return SNAP_STEP_DONE;
	case SNAP_EXPRESSION_NO_MEMORY:
		return snap_step_lacks(w, fault);
	case SNAP_EXPRESSION_NO_REGISTER:
		if (find_cfa_by_record(w, frame, row, registers))
			return SNAP_STEP_DONE;
		return snap_step_lacks_register(w, "the CFA needs a register that is not known");
	case SNAP_EXPRESSION_INVALID:
		break;
	}
	return snap_step_fails(w, SNAP_END_CORRUPT, "the unwind information's CFA is malformed");
}

enum recovery { RECOVERED, UNDEFINED, NOT_KNOWN, UNREADABLE, MALFORMED };

static enum recovery read_saved(
	struct snap_walk *w, uint64_t addr, uint64_t *ret, uint64_t *ret_fault)
{
	uint8_t bytes[8];
	unsigned int size = w->arch->saved_reg_size;
	addr &= snap_word_mask(w->arch);
	if (!snap_memory_read_all(&w->crash->memory, addr, bytes, size)) {
		*ret_fault = addr;
		return UNREADABLE;
	}
	*ret = snap_arch_load(w->arch, bytes, size);
	return RECOVERED;
}

/* The value that a register had in the caller. */
static enum recovery recover(struct snap_walk *w, const struct snap_frame *frame,
	const struct snap_cfi_rule *rule, const struct snap_registers *registers,
	unsigned int column, uint64_t *ret, uint64_t *ret_fault)
{
	/* What libdw takes for granted of r9 is what platforms do that give it a use of their own
	 * (AAPCS32, 6.1.1); firmware preserves it. */
	enum { R9 = 9 };
	bool is_preserved = w->arch->is_m_profile && column == R9;
	switch ((enum snap_cfi_rule_kind)rule->kind) {
	case SNAP_CFI_UNDEFINED:
		if (!is_preserved || !snap_register_known(registers, R9))
			return UNDEFINED;
		*ret = registers->values[R9];
		return RECOVERED;
	case SNAP_CFI_MALFORMED:
		return MALFORMED;
	case SNAP_CFI_SAME:
	case SNAP_CFI_REGISTER:
		if (rule->kind == SNAP_CFI_REGISTER)
			column = rule->column;
		*ret = registers->values[column];
		return snap_register_known(registers, column) ? RECOVERED : NOT_KNOWN;
	case SNAP_CFI_AT_CFA:
		return read_saved(w, frame->cfa + (uint64_t)rule->u.offset, ret, ret_fault);
	case SNAP_CFI_CFA_PLUS:
		*ret = (frame->cfa + (uint64_t)rule->u.offset) & snap_word_mask(w->arch);
		return RECOVERED;
	case SNAP_CFI_AT_EXPRESSION:
	case SNAP_CFI_EXPRESSION_VALUE:
		break;
	}
	struct snap_expression_context context = context_of(w, frame, registers);
	enum snap_expression_result kind;
	uint64_t value;
	switch (snap_expression_evaluate(
		&context, rule->u.ops, rule->num_ops, &value, &kind, ret_fault)) {
	case SNAP_EXPRESSION_OK:
		break;
	case SNAP_EXPRESSION_NO_MEMORY:
		return UNREADABLE;
	case SNAP_EXPRESSION_NO_REGISTER:
		return NOT_KNOWN;
	case SNAP_EXPRESSION_INVALID:
		return MALFORMED;
	}
	if (kind == SNAP_EXPRESSION_ADDRESS)
		return read_saved(w, value, ret, ret_fault);
	*ret = value;
	if (kind == SNAP_EXPRESSION_VALUE)
		return RECOVERED;
	int other = snap_arch_column(w->arch, value);
	if (other < 0)
		return UNDEFINED;
	*ret = registers->values[other];
	return snap_register_known(registers, (unsigned int)other) ? RECOVERED : NOT_KNOWN;
}

static enum snap_step recover_pc(struct snap_walk *w, const struct snap_frame *frame,
	const struct snap_cfi_row *row, const struct snap_registers *registers, uint64_t *ret)
{
	uint64_t fault = 0;
	if (row->ra_column < 0)
		return snap_step_fails(w, SNAP_END_CORRUPT,
			"the unwind information's return address column is out of range");
	const struct snap_cfi_rule *rule = &row->rules[row->ra_column];
	/* A function that has made a call has saved its own return address first. */
	if (rule->kind == SNAP_CFI_SAME && !frame->exact_pc)
		return snap_step_lacks_register(
			w, "the unwind information does not say where the return address is");
	switch (recover(w, frame, rule, registers, (unsigned int)row->ra_column, ret, &fault)) {
	case RECOVERED:
		return SNAP_STEP_DONE;
	case UNDEFINED:
		return snap_step_is_outermost(w, "outermost frame");
	case NOT_KNOWN:
		return snap_step_lacks_register(
			w, "the return address is in a register that is not known");
	case UNREADABLE:
		return snap_step_lacks(w, fault);
	case MALFORMED:
		break;
	}
	return snap_step_fails(w, SNAP_END_CORRUPT, "the unwind information is malformed");
}

enum snap_step snap_step_by_cfi(struct snap_walk *w, struct snap_frame *frame,
	const struct snap_registers *registers, struct snap_registers *caller)
{
	const struct snap_arch *arch = w->arch;
	const struct snap_cfi_row *row = find_row(w, frame);
	if (!row)
		return SNAP_STEP_UNKNOWN;
	frame->is_signal = row->is_signal;
	enum snap_step step = find_cfa(w, frame, row, registers);
	uint64_t pc, value, fault;
	/* Where there is no caller, it takes no CFA to know it. */
	if (step == SNAP_STEP_DONE ||
		(row->ra_column >= 0 && row->rules[row->ra_column].kind == SNAP_CFI_UNDEFINED))
		step = recover_pc(w, frame, row, registers, &pc);
	if (step != SNAP_STEP_DONE)
		return step;

	*caller = (struct snap_registers){
		.exact_pc = frame->is_signal,
		.trust = SNAP_TRUST_CFI,
	};
	for (unsigned int column = 0; column < snap_arch_num_columns(arch); column++)
		if (recover(w, frame, &row->rules[column], registers, column, &value, &fault) ==
			RECOVERED)
			snap_register_set(caller, column, value);
	/* The CFA is by definition the caller's sp, unless a rule says otherwise (a signal
	 * frame). */
	if (!snap_register_known(caller, snap_sp_column(arch)))
		snap_register_set(caller, snap_sp_column(arch), frame->cfa);
	snap_set_return_address(w, caller, frame->is_signal ? pc : pc + arch->return_off);
	/* A trampoline may have a column of its own for the pc: lr is then what it was. */
	if (!frame->is_signal)
		snap_register_set(caller, (unsigned int)row->ra_column, caller->pc);
	return SNAP_STEP_DONE;
}
