/*
 * The loop is ours rather than libdwfl's: a step that fails for want of captured bytes is told
 * apart from the outermost frame, progress is checked, and every frame says how it is known.
 */
#include "analyze/unwind/unwind.h"

#include <inttypes.h>
#include <string.h>

#include "analyze/symbols/object.h"
#include "analyze/unwind/expression.h"

/* Of all threads together: a small file can have many threads with one deep stack. */
#define MAX_FRAMES_IN_ALL 262144
/* Steps of all expressions: those frames, each with all registers saved, stay below. */
#define MAX_STEPS_IN_ALL (32u << 20)

/* The caller's state as it is being found. */
struct state {
	uint64_t pc;
	uint64_t regs[SNAP_ARCH_MAX_DWARF_REGS];
	uint64_t known_regs;
	bool exact_pc;
	enum snap_trust trust;
};

struct walk {
	struct snap_crash *crash;
	struct snap_crash_thread *thread;
	uint64_t *steps_left; /* of all threads */
	struct snap_frame *frames;
	size_t num_frames, capacity;
	enum snap_end end;
	const char *end_reason;
};

/* Always false, so that a step can end with it. */
static bool end(struct walk *w, enum snap_end how, const char *reason)
{
	w->end = how;
	w->end_reason = reason ? reason : "";
	return false;
}

static bool is_known(const struct state *state, unsigned int dwarf_reg)
{
	return state->known_regs >> dwarf_reg & 1;
}

static void set_reg(struct state *state, unsigned int dwarf_reg, uint64_t value)
{
	state->regs[dwarf_reg] = value;
	state->known_regs |= UINT64_C(1) << dwarf_reg;
}

/* ---------------------------------------------------------------- one step by CFI */

/* The row for the frame's pc and the module it is in; NULL after end(). */
static Dwarf_Frame *find_row(struct walk *w, struct snap_frame *frame, bool *ret_is_signal)
{
	const struct snap_crash_module *module = frame->module;
	if (!module) {
		const struct snap_mapping *mapping = snap_crash_mapping_at(w->crash, frame->pc);
		end(w, SNAP_END_UNAVAILABLE,
			mapping ? "the pc is in memory that belongs to no module"
				: "the pc is in no mapping");
		return NULL;
	}
	if (!module->object || !snap_object_has_code(module->object)) {
		end(w, SNAP_END_UNAVAILABLE,
			snap_crash_format(w->crash,
				"the unwind information of its module is not at hand (%s)",
				module->why ? module->why : "its files were not found"));
		return NULL;
	}
	uint64_t vaddr = frame->pc - module->record.load_bias;
	Dwarf_Addr row_start, row_end = 0;
	bool is_signal = false;
	Dwarf_Frame *row = snap_object_cfi_row(module->object, frame->exact_pc ? vaddr : vaddr - 1);
	if (row && dwarf_frame_info(row, &row_start, &row_end, &is_signal) < 0)
		row = NULL;
	/*
	 * A signal trampoline is not called but returned to: its own row starts at the pc, where
	 * the one of pc - 1 ends.
	 */
	if (!frame->exact_pc && (!row || row_end == vaddr)) {
		bool at_pc_is_signal = false;
		Dwarf_Frame *at_pc = snap_object_cfi_row(module->object, vaddr);
		if (at_pc && dwarf_frame_info(at_pc, NULL, NULL, &at_pc_is_signal) >= 0 &&
			at_pc_is_signal) {
			row = at_pc;
			is_signal = true;
		} else if (row) {
			/* The slot may have been taken over by the look-up in between. */
			row = snap_object_cfi_row(module->object, vaddr - 1);
		}
	}
	if (!row)
		end(w, SNAP_END_UNAVAILABLE, "no unwind information covers the pc");
	*ret_is_signal = is_signal;
	return row;
}

static struct snap_expression_context context_of(
	const struct walk *w, const struct snap_frame *frame, const struct state *state)
{
	return (struct snap_expression_context){
		.arch = w->crash->arch,
		.memory = &w->crash->memory,
		.regs = state->regs,
		.known_regs = state->known_regs,
		.load_bias = frame->module ? frame->module->record.load_bias : 0,
		.has_cfa = frame->has_cfa,
		.cfa = frame->cfa,
		.steps_left = w->steps_left,
	};
}

static bool end_for_memory(struct walk *w, uint64_t addr)
{
	return end(w, SNAP_END_TRUNCATED,
		snap_crash_format(w->crash,
			"the stack at 0x%" PRIx64 ", which is needed next, was not captured",
			addr));
}

static bool find_cfa(
	struct walk *w, struct snap_frame *frame, Dwarf_Frame *row, const struct state *state)
{
	Dwarf_Op *ops;
	size_t num_ops;
	struct snap_expression_context context = context_of(w, frame, state);
	context.has_cfa = false;
	if (dwarf_frame_cfa(row, &ops, &num_ops) != 0 || num_ops == 0)
		return end(w, SNAP_END_UNAVAILABLE, "the unwind information has no CFA here");
	uint64_t value, fault = 0;
	enum snap_expression_result kind;
	switch (snap_expression_evaluate(&context, ops, num_ops, &value, &kind, &fault)) {
	case SNAP_EXPRESSION_OK:
		break;
	case SNAP_EXPRESSION_NO_MEMORY:
		return end_for_memory(w, fault);
	case SNAP_EXPRESSION_NO_REGISTER:
		return end(w, SNAP_END_CORRUPT, "the CFA needs a register that is not known");
	case SNAP_EXPRESSION_INVALID:
		return end(w, SNAP_END_CORRUPT, "the unwind information's CFA is malformed");
	}
	if (kind == SNAP_EXPRESSION_REGISTER)
		return end(w, SNAP_END_CORRUPT, "the unwind information's CFA is malformed");
	frame->cfa = value;
	frame->has_cfa = true;
	return true;
}

enum recovery { RECOVERED, UNDEFINED, UNREADABLE, MALFORMED };

/* The value that a register had in the caller. */
static enum recovery recover(struct walk *w, const struct snap_frame *frame, Dwarf_Frame *row,
	const struct state *state, unsigned int reg, uint64_t *ret, uint64_t *ret_fault)
{
	const struct snap_arch *arch = w->crash->arch;
	Dwarf_Op ops_mem[3], *ops;
	size_t num_ops;
	if (dwarf_frame_register(row, (int)reg, ops_mem, &ops, &num_ops) != 0)
		return MALFORMED;
	if (num_ops == 0) {
		/* ops == ops_mem: undefined; NULL: it still has its value. */
		if (ops || !is_known(state, reg))
			return UNDEFINED;
		*ret = state->regs[reg];
		return RECOVERED;
	}
	struct snap_expression_context context = context_of(w, frame, state);
	enum snap_expression_result kind;
	uint64_t value;
	switch (snap_expression_evaluate(&context, ops, num_ops, &value, &kind, ret_fault)) {
	case SNAP_EXPRESSION_OK:
		break;
	case SNAP_EXPRESSION_NO_MEMORY:
		return UNREADABLE;
	case SNAP_EXPRESSION_NO_REGISTER:
		return UNDEFINED;
	case SNAP_EXPRESSION_INVALID:
		return MALFORMED;
	}
	if (kind == SNAP_EXPRESSION_REGISTER) {
		if (value >= arch->num_dwarf_regs || !is_known(state, (unsigned int)value))
			return UNDEFINED;
		*ret = state->regs[value];
	} else if (kind == SNAP_EXPRESSION_VALUE) {
		*ret = value;
	} else {
		uint8_t bytes[8];
		if (!snap_memory_read_all(&w->crash->memory, value, bytes, snap_arch_word(arch))) {
			*ret_fault = value;
			return UNREADABLE;
		}
		*ret = snap_arch_load(arch, bytes, snap_arch_word(arch));
	}
	return RECOVERED;
}

/* From the frame to its caller. False after end(). */
static bool step_by_cfi(
	struct walk *w, struct snap_frame *frame, const struct state *state, struct state *caller)
{
	const struct snap_arch *arch = w->crash->arch;
	Dwarf_Frame *row = find_row(w, frame, &frame->is_signal);
	if (!row || !find_cfa(w, frame, row, state))
		return false;

	int ra = dwarf_frame_info(row, NULL, NULL, NULL);
	if (ra < 0 || ra >= arch->num_dwarf_regs)
		return end(w, SNAP_END_CORRUPT,
			"the unwind information's return address column is "
			"out of range");
	uint64_t fault = 0, value;
	switch (recover(w, frame, row, state, (unsigned int)ra, &value, &fault)) {
	case RECOVERED:
		break;
	case UNDEFINED:
		return end(w, SNAP_END_COMPLETE, "outermost frame");
	case UNREADABLE:
		return end_for_memory(w, fault);
	case MALFORMED:
		return end(w, SNAP_END_CORRUPT, "the unwind information is malformed");
	}

	*caller = (struct state){
		.pc = value,
		.exact_pc = frame->is_signal,
		.trust = SNAP_TRUST_CFI,
	};
	for (unsigned int reg = 0; reg < arch->num_dwarf_regs; reg++) {
		uint64_t reg_value;
		if (recover(w, frame, row, state, reg, &reg_value, &fault) == RECOVERED)
			set_reg(caller, reg, reg_value);
	}
	/* The CFA is by definition the caller's sp, unless a rule says otherwise (a signal frame).
	 */
	if (!is_known(caller, arch->dwarf_sp))
		set_reg(caller, arch->dwarf_sp, frame->cfa);
	if (arch->dwarf_ra < arch->num_dwarf_regs)
		set_reg(caller, arch->dwarf_ra, value);
	return true;
}

/* ---------------------------------------------------------------- a call that went astray */

/*
 * The thread jumped to where no code is, most likely by a call through a bad pointer: then the call
 * left its return address on top of the stack. Believed only if that address is in code whose
 * unwind information is at hand.
 */
static bool step_from_bad_pc(
	struct walk *w, struct snap_frame *frame, const struct state *state, struct state *caller)
{
	const struct snap_arch *arch = w->crash->arch;
	uint8_t bytes[8];
	unsigned int word = snap_arch_word(arch);
	const struct snap_mapping *mapping = snap_crash_mapping_at(w->crash, frame->pc);
	bool is_data =
		mapping && mapping->has_permissions && !(mapping->permissions & SNAP_MAPPING_EXEC);
	if (frame->trust != SNAP_TRUST_CONTEXT || (frame->module && !is_data) ||
		!arch->call_pushes_ra || !is_known(state, arch->dwarf_sp))
		return false;
	uint64_t sp = state->regs[arch->dwarf_sp];
	if (!snap_memory_read_all(&w->crash->memory, sp, bytes, word))
		return false;
	uint64_t pc = snap_arch_load(arch, bytes, word);
	const struct snap_crash_module *module = snap_crash_module_at(w->crash, pc - 1);
	if (!module || !module->object || !snap_object_has_code(module->object) ||
		!snap_object_cfi_row(module->object, pc - 1 - module->record.load_bias))
		return false;
	*caller = *state;
	caller->pc = pc;
	caller->exact_pc = false;
	caller->trust = SNAP_TRUST_SCAN;
	set_reg(caller, arch->dwarf_sp, sp + word);
	set_reg(caller, arch->dwarf_ra, pc);
	frame->cfa = sp + word;
	frame->has_cfa = true;
	return true;
}

/* ---------------------------------------------------------------- the walk */

static int add_frame(struct walk *w, const struct state *state, struct snap_error *err)
{
	struct snap_crash *crash = w->crash;
	struct snap_frame *frames = snap_arena_grow(
		&crash->arena, w->frames, w->num_frames, &w->capacity, sizeof(*frames));
	size_t regs_len = crash->arch->num_dwarf_regs * sizeof(uint64_t);
	uint64_t *regs = snap_arena_alloc(&crash->arena, regs_len);
	if (!frames || !regs)
		return snap_error_no_memory(err);
	w->frames = frames;
	memcpy(regs, state->regs, regs_len);
	struct snap_crash_module *module =
		snap_crash_module_at(crash, state->exact_pc ? state->pc : state->pc - 1);
	frames[w->num_frames++] = (struct snap_frame){
		.pc = state->pc,
		.exact_pc = state->exact_pc,
		.trust = state->trust,
		.known_regs = state->known_regs,
		.regs = regs,
		.module = module,
	};
	if (module) {
		module->has_frame = true;
		module->has_crashed_frame |= w->thread->crashed;
	}
	return 0;
}

/* The registers that the thread itself had. False if there is no pc. */
static bool initial_state(
	const struct snap_crash *crash, const struct snap_crash_thread *thread, struct state *ret)
{
	const struct snap_arch *arch = crash->arch;
	*ret = (struct state){.exact_pc = true, .trust = SNAP_TRUST_CONTEXT};
	for (unsigned int i = 0; i < arch->num_regs; i++) {
		uint64_t value;
		if (arch->regs[i].dwarf < arch->num_dwarf_regs &&
			snap_arch_reg_get(arch, i, thread->pr_reg.data, thread->pr_reg.len, &value))
			set_reg(ret, arch->regs[i].dwarf, value);
	}
	return snap_arch_reg_get(arch, arch->pc, thread->pr_reg.data, thread->pr_reg.len, &ret->pc);
}

/* Whether going from frame to caller gets nearer to the stack's base. */
static bool makes_progress(const struct walk *w, const struct snap_frame *frame)
{
	/* A signal handler may have run on a stack of its own, below or above. */
	if (w->num_frames < 2 || frame->is_signal || w->frames[w->num_frames - 2].is_signal)
		return true;
	const struct snap_frame *inner = &w->frames[w->num_frames - 2];
	return !inner->has_cfa || frame->cfa > inner->cfa;
}

static int walk_thread(struct walk *w, size_t max_frames, struct snap_error *err)
{
	struct state state, caller;
	if (!w->thread->pr_reg.data || !initial_state(w->crash, w->thread, &state)) {
		bool gone = w->thread->record.has_state &&
			    w->thread->record.state == SNAP_THREAD_INACTIVE;
		end(w, SNAP_END_UNAVAILABLE,
			gone ? "it had ended already" : "its registers were not captured");
		return 0;
	}
	for (;;) {
		if (w->num_frames == max_frames) {
			end(w, SNAP_END_LIMIT, "the limit on frames was reached");
			return 0;
		}
		if (add_frame(w, &state, err) < 0)
			return -1;
		struct snap_frame *frame = &w->frames[w->num_frames - 1];
		bool stepped = step_by_cfi(w, frame, &state, &caller) ||
			       step_from_bad_pc(w, frame, &state, &caller);
		/* Whatever the last evaluations gave: they were cut short. */
		if (*w->steps_left == 0) {
			end(w, SNAP_END_UNAVAILABLE, "the unwind information takes too much work");
			return 0;
		}
		if (!stepped)
			return 0;
		if (!makes_progress(w, frame)) {
			end(w, SNAP_END_CORRUPT, "the stack does not go on towards its base");
			return 0;
		}
		if (caller.pc == 0) {
			end(w, SNAP_END_COMPLETE, "return address 0");
			return 0;
		}
		state = caller;
	}
}

int snap_unwind(
	struct snap_crash *crash, const struct snap_options *options, struct snap_error *err)
{
	size_t left = MAX_FRAMES_IN_ALL;
	uint64_t steps_left = MAX_STEPS_IN_ALL;
	for (size_t i = 0; i < crash->num_threads; i++) {
		struct snap_crash_thread *thread = &crash->threads[i];
		struct walk w = {.crash = crash, .thread = thread, .steps_left = &steps_left};
		if (!crash->arch)
			end(&w, SNAP_END_UNAVAILABLE, "the machine's registers are not known");
		else if (options->only_crashed_thread && i > 0)
			end(&w, SNAP_END_LIMIT, "not asked for");
		else if (walk_thread(&w, options->max_frames < left ? options->max_frames : left,
				 err) < 0)
			return -1;
		left -= w.num_frames;
		thread->frames = w.frames;
		thread->num_frames = w.num_frames;
		thread->end = w.end;
		thread->end_reason = w.end_reason;
	}
	return 0;
}
