#include "analyze/unwind/scan.h"

#include <string.h>

#include "analyze/symbols/cfi_row.h"
#include "analyze/unwind/call_led.h"
#include "analyze/unwind/exception_frame.h"
#include "analyze/unwind/frame_record.h"

/* How far a return address is looked for: the largest frames that are common. */
#define MAX_SCAN_BYTES (64u << 10)
/* A better candidate may be so much further than the first one. */
#define MAX_BETTER_BYTES 512u
#define CHUNK_BYTES	 4096u
/* A word that points to code takes as much looking up as so many others. */
#define CODE_WORDS 16u

struct candidate {
	enum snap_call_fit fit;
	uint64_t addr; /* of the word */
	struct snap_registers caller;
};

/* The caller's stack and frame pointer, as far as the return address's place on the stack tells. */
static void set_stack_registers(struct snap_walk *w, const struct snap_registers *registers,
	uint64_t addr, struct snap_registers *caller)
{
	const struct snap_arch *arch = w->arch;
	unsigned int word = snap_arch_word(arch);
	int fp = snap_fp_column(arch);
	uint64_t saved;
	/* Thumb code pushes lr above all else (but for the registers of variable arguments). */
	if (arch->call_pushes_ra || arch->is_m_profile ||
		(arch->num_frame_records > 0 && arch->frame_records[0].is_at_top))
		snap_register_set(caller, snap_sp_column(arch), addr + word);
	if (fp < 0 || arch->num_frame_records == 0)
		return;
	/* Saved beside the return address, or not touched at all. */
	const struct snap_arch_frame_record *record = &arch->frame_records[0];
	uint64_t beside = addr + (uint64_t)(int64_t)(record->fp_off - record->ra_off);
	if (snap_walk_read_word(w, beside, &saved) && snap_is_frame_record(w, saved, addr, NULL))
		snap_register_set(caller, (unsigned int)fp, saved);
	else if (registers && snap_register_known(registers, (unsigned int)fp) &&
		 snap_is_frame_record(w, registers->values[fp], addr, NULL))
		snap_register_set(caller, (unsigned int)fp, registers->values[fp]);
}

/*
 * How well the caller's own return address fits, where its call frame information tells that one's
 * place by the stack pointer alone; as well as can be where it does not.
 */
static enum snap_call_fit leads_on(struct snap_walk *w, const struct snap_registers *caller)
{
	unsigned int sp = snap_sp_column(w->arch);
	const struct snap_cfi_row *row = snap_walk_row(w, caller->pc - 1);
	struct snap_registers next = {0};
	uint64_t ra;
	if (!row || row->ra_column < 0)
		return SNAP_CALL_TO_CALLEE;
	const struct snap_cfi_rule *rule = &row->rules[row->ra_column];
	if (row->cfa.kind != SNAP_CFI_REGISTER || row->cfa.column != sp ||
		!snap_register_known(caller, sp) || rule->kind != SNAP_CFI_AT_CFA)
		return SNAP_CALL_TO_CALLEE;
	uint64_t cfa = caller->values[sp] + (uint64_t)row->cfa.u.offset;
	if (!snap_walk_read_word(w, cfa + (uint64_t)rule->u.offset, &ra))
		return SNAP_CALL_TO_CALLEE;
	snap_set_return_address(w, &next, ra);
	/* What a microcontroller's thread returns to at its end did not call it. */
	struct snap_function ending = snap_function_at(w, next.pc);
	if (w->crash->device.is_device && snap_function_is_known(&ending) &&
		ending.start == next.pc)
		return SNAP_CALL_TO_CALLEE;
	switch (next.pc == 0 ? SNAP_NOT_KNOWN : snap_is_return_address(w, next.pc, next.is_thumb)) {
	case SNAP_NO:
		return SNAP_CALL_MISFIT;
	case SNAP_NOT_KNOWN:
		return SNAP_CALL_TO_CALLEE;
	case SNAP_YES:
		break;
	}
	struct snap_function function = snap_function_at(w, caller->pc - 1);
	return snap_call_fit(w, &function, next.pc, next.is_thumb);
}

static enum snap_call_fit look_at(struct snap_walk *w, const struct snap_function *callee,
	const struct snap_registers *registers, uint64_t addr, uint64_t value,
	struct snap_registers *caller)
{
	*caller = (struct snap_registers){.trust = SNAP_TRUST_SCAN};
	snap_set_return_address(w, caller, value);
	if (snap_is_saved_exc_return(w, addr, value)) {
		snap_register_set(caller, snap_sp_column(w->arch), addr + snap_arch_word(w->arch));
		return SNAP_CALL_TO_CALLEE;
	}
	if (!snap_is_code(w, caller->pc, true) && !snap_is_code(w, caller->pc, false))
		return SNAP_CALL_MISFIT;
	*w->words_left -= *w->words_left < CODE_WORDS ? *w->words_left : CODE_WORDS;
	if (snap_is_return_address(w, caller->pc, caller->is_thumb) != SNAP_YES ||
		!snap_is_known_function(w, caller->pc - 1))
		return SNAP_CALL_MISFIT;
	set_stack_registers(w, registers, addr, caller);
	enum snap_call_fit fit = snap_call_fit(w, callee, caller->pc, caller->is_thumb);
	enum snap_call_fit next = fit == SNAP_CALL_MISFIT ? fit : leads_on(w, caller);
	/* It hardly matters how the caller itself was called, if only the call could have been. */
	return next < SNAP_CALL_TO_ANY && next < fit ? next : fit;
}

/*
 * Whether the word may be a return address in a module whose file is not at hand: nothing tells its
 * functions, and what its code is only if some of it was captured.
 */
static bool may_be_without_file(struct snap_walk *w, const struct snap_registers *registers,
	uint64_t addr, uint64_t value, struct snap_registers *caller)
{
	*caller = (struct snap_registers){.trust = SNAP_TRUST_SCAN};
	/* Of what an M-profile processor returns to, bit 0 is always set. */
	if (w->arch->is_m_profile && !(value & 1))
		return false;
	snap_set_return_address(w, caller, value);
	const struct snap_crash_module *module = snap_crash_module_at(w->crash, caller->pc - 1);
	if (!module || module->object || !snap_is_code(w, caller->pc, false) ||
		snap_is_return_address(w, caller->pc, caller->is_thumb) == SNAP_NO)
		return false;
	set_stack_registers(w, registers, addr, caller);
	return true;
}

/* Whether a candidate ends the search at once, or makes another one of no interest. */
static bool is_better(const struct candidate *best, enum snap_call_fit fit, uint64_t addr)
{
	if (fit <= best->fit)
		return false;
	return best->fit <= SNAP_CALL_TO_OTHER || addr - best->addr <= MAX_BETTER_BYTES;
}

static bool is_settled(const struct candidate *best, uint64_t addr)
{
	return best->fit == SNAP_CALL_TO_CALLEE ||
	       (best->fit == SNAP_CALL_TO_ANY && addr - best->addr > MAX_BETTER_BYTES);
}

enum snap_step snap_step_by_scan(struct snap_walk *w, struct snap_frame *frame,
	const struct snap_registers *registers, uint64_t addr, struct snap_registers *caller)
{
	uint8_t chunk[CHUNK_BYTES];
	unsigned int word = snap_arch_word(w->arch);
	struct snap_function callee = {0};
	struct candidate best = {.fit = SNAP_CALL_MISFIT}, unproved = {.fit = SNAP_CALL_MISFIT};
	/* Then its callers are likely to be without one, too, and not to be passed over for what can
	 * be proved. */
	bool is_without_file = frame && frame->module && !frame->module->object;
	if (frame && frame->pc > 0)
		callee = snap_callee_of(w, frame);
	if (w->arch->support != SNAP_ARCH_SUPPORTED)
		return SNAP_STEP_UNKNOWN;
	addr = (addr + word - 1) & ~(uint64_t)(word - 1);
	uint64_t end = addr > UINT64_MAX - MAX_SCAN_BYTES ? UINT64_MAX : addr + MAX_SCAN_BYTES;
	while (addr < end && !is_settled(&best, addr)) {
		size_t want = end - addr < CHUNK_BYTES ? (size_t)(end - addr) : CHUNK_BYTES;
		ssize_t n = snap_memory_read(&w->crash->memory, addr, chunk, want);
		if (n < (ssize_t)word)
			break;
		for (size_t i = 0; i + word <= (size_t)n && !is_settled(&best, addr + i);
			i += word) {
			struct snap_registers found;
			uint64_t value = snap_arch_load(w->arch, chunk + i, word);
			if (*w->words_left == 0)
				break;
			--*w->words_left;
			if (is_without_file && unproved.fit == SNAP_CALL_MISFIT &&
				may_be_without_file(w, registers, addr + i, value, &found))
				unproved = (struct candidate){SNAP_CALL_TO_ANY, addr + i, found};
			enum snap_call_fit fit =
				look_at(w, &callee, registers, addr + i, value, &found);
			if (is_better(&best, fit, addr + i))
				best = (struct candidate){fit, addr + i, found};
		}
		if ((size_t)n < want)
			break;
		addr += (size_t)n;
	}
	if (best.fit == SNAP_CALL_MISFIT)
		return SNAP_STEP_UNKNOWN;
	if (unproved.fit != SNAP_CALL_MISFIT && unproved.addr < best.addr)
		best = unproved;
	*caller = best.caller;
	unsigned int sp = snap_sp_column(w->arch);
	w->has_floor = true;
	w->floor = best.addr + word;
	if (frame && !frame->has_cfa && snap_register_known(caller, sp)) {
		frame->cfa = caller->values[sp];
		frame->has_cfa = true;
	}
	return SNAP_STEP_DONE;
}

/* Without the file of its module, nothing more is known of a return address than that it is in
 * code. */
static bool is_believable(struct snap_walk *w, const struct snap_registers *caller)
{
	const struct snap_crash_module *module = snap_crash_module_at(w->crash, caller->pc - 1);
	bool is_unknown = module && !module->object;
	switch (snap_is_return_address(w, caller->pc, caller->is_thumb)) {
	case SNAP_NO:
		return false;
	case SNAP_NOT_KNOWN:
		return is_unknown;
	case SNAP_YES:
		break;
	}
	return is_unknown || snap_is_known_function(w, caller->pc - 1);
}

enum snap_step snap_step_from_bad_pc(struct snap_walk *w, struct snap_frame *frame,
	const struct snap_registers *registers, struct snap_registers *caller)
{
	const struct snap_arch *arch = w->arch;
	unsigned int sp = snap_sp_column(arch);
	int lr = snap_lr_column(arch);
	uint64_t value;
	if (!snap_register_known(registers, sp))
		return SNAP_STEP_UNKNOWN;
	if (arch->call_pushes_ra) {
		if (!snap_walk_read_word(w, registers->values[sp], &value))
			return SNAP_STEP_UNKNOWN;
	} else if (lr >= 0 && snap_register_known(registers, (unsigned int)lr)) {
		value = registers->values[lr];
	} else {
		return SNAP_STEP_UNKNOWN;
	}
	*caller = *registers;
	caller->exact_pc = false;
	caller->trust = SNAP_TRUST_SCAN;
	snap_set_return_address(w, caller, value);
	if (!is_believable(w, caller))
		return SNAP_STEP_UNKNOWN;
	caller->is_from_lr = !arch->call_pushes_ra;
	/* It is no guess any more, and all registers are the caller's. */
	if (snap_call_led_here(w, registers, caller)) {
		caller->trust = SNAP_TRUST_CFI;
		caller->is_from_lr = false;
	}
	frame->cfa = registers->values[sp] + (arch->call_pushes_ra ? snap_arch_word(arch) : 0);
	frame->has_cfa = true;
	snap_register_set(caller, sp, frame->cfa);
	return SNAP_STEP_DONE;
}
