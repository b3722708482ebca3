#include "analyze/unwind/frame_record.h"

#include <elf.h>
#include <string.h>

#include "analyze/symbols/cfi_row.h"
#include "analyze/unwind/scan.h"

/* A record's two words. Whether the second one is what a record holds. */
static enum snap_answer read_record(struct snap_walk *w,
	const struct snap_arch_frame_record *record, uint64_t fp, struct snap_registers *ret,
	uint64_t *ret_fp)
{
	uint64_t ra;
	if (!snap_walk_read_word(w, fp + (uint64_t)(int64_t)record->fp_off, ret_fp) ||
		!snap_walk_read_word(w, fp + (uint64_t)(int64_t)record->ra_off, &ra))
		return SNAP_NO;
	snap_set_return_address(w, ret, ra);
	return snap_is_return_address(w, ret->pc, ret->is_thumb);
}

bool snap_is_frame_record(
	struct snap_walk *w, uint64_t fp, uint64_t floor, const struct snap_arch_frame_record **ret)
{
	struct snap_registers caller = {0};
	uint64_t caller_fp;
	if (fp <= floor || fp % snap_arch_word(w->arch) != 0)
		return false;
	for (unsigned int i = 0; i < w->arch->num_frame_records; i++) {
		const struct snap_arch_frame_record *record = &w->arch->frame_records[i];
		if (read_record(w, record, fp, &caller, &caller_fp) != SNAP_YES)
			continue;
		if (ret)
			*ret = record;
		return true;
	}
	return false;
}

/* ---------------------------------------------------------------- the function's beginning */

/* How far a function has come in making its record. */
enum progress {
	NOT_TOLD,  /* its first instructions are not known */
	NO_RECORD, /* it makes none */
	ENTERED,   /* the return address is where the call put it */
	PUSHED,	   /* the record is on top of the stack, fp is still the caller's */
	MADE,	   /* fp points to it */
};

/* Bytes of an instruction at code, if it stands there. */
static bool has(const uint8_t *code, size_t len, size_t at, const void *bytes, size_t num)
{
	return at + num <= len && memcmp(code + at, bytes, num) == 0;
}

/*
 * x86-64, i386: endbr64 or endbr32, perhaps; push %rbp; mov %rsp, %rbp in either encoding. And
 * where the pc is at ret, or behind leave or pop %rbp, whose bytes stand right before it.
 */
static enum progress x86_progress(struct snap_walk *w, uint64_t start, uint64_t pc, bool is_exact)
{
	uint8_t code[16];
	size_t len = snap_walk_read_code(w, start, code, sizeof(code)), at = 0;
	bool is_64 = w->arch->elf_class == ELFCLASS64;
	if (len < sizeof(code))
		return NOT_TOLD;
	if (is_exact && snap_walk_read_code(w, pc, code, 1) == 1 && code[0] == 0xc3)
		return ENTERED;
	len = snap_walk_read_code(w, start, code, sizeof(code));
	if (has(code, len, at, "\xf3\x0f\x1e", 3) && (code[3] == 0xfa || code[3] == 0xfb))
		at = 4;
	if (!has(code, len, at, "\x55", 1))
		return NO_RECORD;
	size_t pushed = ++at;
	if (is_64)
		at += has(code, len, at, "\x48", 1);
	if (!has(code, len, at, "\x89\xe5", 2) && !has(code, len, at, "\x8b\xec", 2))
		return NO_RECORD;
	at += 2;
	if (!is_exact)
		return MADE;
	return pc < start + pushed ? ENTERED : pc < start + at ? PUSHED : MADE;
}

/*
 * Where the function begins that has the pc, if no symbol tells: at the nearest push %rbp; mov
 * %rsp, %rbp before. 0 if there is none in reach, nor its bytes.
 */
static uint64_t guess_start(struct snap_walk *w, uint64_t pc)
{
	enum { MAX_BYTES = 512 };
	uint8_t code[MAX_BYTES];
	bool is_64 = w->arch->elf_class == ELFCLASS64;
	const struct snap_mapping *mapping = snap_crash_mapping_at(w->crash, pc);
	uint64_t len = mapping ? pc - mapping->start : 0;
	if (len > MAX_BYTES)
		len = MAX_BYTES;
	while (len > 0 && snap_walk_read_code(w, pc - len, code, (size_t)len) < len)
		len /= 2;
	for (size_t at = (size_t)len; at-- > 0;)
		if (is_64 ? has(code, len, at, "\x55\x48\x89\xe5", 4) ||
					has(code, len, at, "\x55\x48\x8b\xec", 4)
			  : has(code, len, at, "\x55\x89\xe5", 3) ||
					has(code, len, at, "\x55\x8b\xec", 3))
			return pc - len + at;
	return len > 0 ? pc : 0;
}

static enum progress progress_of(
	struct snap_walk *w, const struct snap_frame *frame, const struct snap_function *function)
{
	bool is_x86 = w->arch->elf_machine == EM_X86_64 || w->arch->elf_machine == EM_386;
	uint64_t start = function->start;
	if (!is_x86)
		return NOT_TOLD;
	if (!snap_function_is_known(function))
		start = guess_start(w, frame->pc);
	if (start == 0)
		return NOT_TOLD;
	/* Nothing before it makes a record; at the very beginning of one the pc may be. */
	return x86_progress(w, start, frame->pc, frame->exact_pc);
}

/* ---------------------------------------------------------------- the step */

/* What a function without a frame of its own has in common with its caller. The others that it must
 * preserve, too; but whether it has is not known here. */
static void keep_stack_registers(const struct snap_arch *arch,
	const struct snap_registers *registers, struct snap_registers *caller)
{
	int fp = snap_fp_column(arch);
	*caller = *registers;
	caller->exact_pc = false;
	caller->trust = SNAP_TRUST_FP;
	caller->known &= UINT64_C(1) << snap_sp_column(arch) | (fp >= 0 ? UINT64_C(1) << fp : 0);
}

/* The return address is on top of the stack, skip bytes above sp. */
static enum snap_step step_from_top(struct snap_walk *w, struct snap_frame *frame,
	const struct snap_registers *registers, struct snap_registers *caller, unsigned int skip)
{
	unsigned int sp = snap_sp_column(w->arch), word = snap_arch_word(w->arch);
	int fp = snap_fp_column(w->arch);
	uint64_t addr = registers->values[sp] + skip, ra, caller_fp;
	if (!snap_register_known(registers, sp))
		return SNAP_STEP_UNKNOWN;
	if (!snap_walk_read_word(w, addr, &ra))
		return snap_step_lacks(w, addr);
	keep_stack_registers(w->arch, registers, caller);
	snap_set_return_address(w, caller, ra);
	if (snap_is_return_address(w, caller->pc, caller->is_thumb) == SNAP_NO)
		return SNAP_STEP_UNKNOWN;
	if (skip > 0 && fp >= 0 && snap_walk_read_word(w, addr - word, &caller_fp))
		snap_register_set(caller, (unsigned int)fp, caller_fp);
	frame->cfa = addr + word;
	frame->has_cfa = true;
	snap_register_set(caller, sp, frame->cfa);
	return SNAP_STEP_DONE;
}

/* By the record that fp points to. */
static enum snap_step step_from_record(struct snap_walk *w, struct snap_frame *frame,
	const struct snap_registers *registers, struct snap_registers *caller, unsigned int fp)
{
	unsigned int sp = snap_sp_column(w->arch);
	uint64_t at = registers->values[fp], caller_fp = 0;
	const struct snap_arch_frame_record *record = NULL;
	enum snap_answer is_record = SNAP_NO;
	/* A frame pointer is in its own frame, or in the caller's. */
	if (at % snap_arch_word(w->arch) != 0)
		return SNAP_STEP_UNKNOWN;
	if (snap_register_known(registers, sp)
			? at < registers->values[sp] &&
				  registers->values[sp] - at > w->arch->red_zone
			: w->has_floor && at < w->floor)
		return SNAP_STEP_UNKNOWN;
	for (unsigned int i = 0; i < w->arch->num_frame_records && !record; i++) {
		is_record = read_record(w, &w->arch->frame_records[i], at, caller, &caller_fp);
		if (is_record != SNAP_NO)
			record = &w->arch->frame_records[i];
	}
	/* The caller need not use that register for frames; but then the rest must be sure. */
	if (!record || (is_record != SNAP_YES && caller_fp != 0 && caller_fp <= at))
		return SNAP_STEP_UNKNOWN;
	caller->exact_pc = false;
	caller->trust = SNAP_TRUST_FP;
	caller->known = 0;
	snap_register_set(caller, fp, caller_fp);
	w->has_floor = true;
	w->floor = at + (record->ra_off > 0 ? 2 : 0) * snap_arch_word(w->arch);
	if (record->is_at_top) {
		frame->cfa = at + (uint64_t)(int64_t)record->cfa_off;
		frame->has_cfa = true;
		snap_register_set(caller, sp, frame->cfa);
	}
	return SNAP_STEP_DONE;
}

/* Whether a return address is of a call that the function at pc made itself, or may be. */
static bool points_into_itself(
	struct snap_walk *w, uint64_t pc, const struct snap_registers *caller)
{
	/* Larger functions are rare, and without symbols nothing tells their extent. */
	enum { MAX_FUNCTION = 64 << 10 };
	uint64_t target;
	struct snap_function function = snap_function_at(w, pc);
	if (snap_function_is_known(&function))
		return snap_function_has(&function, caller->pc - 1);
	/* The call must go to where the function may begin: nearer than the call itself. */
	if (!snap_call_site_target(w, caller->pc, caller->is_thumb, &target))
		return true;
	return target > pc || pc - target > MAX_FUNCTION ||
	       (caller->pc > target && caller->pc <= pc);
}

/*
 * Where calls leave the return address in a register, the innermost function may not have saved it
 * yet, or at all. If it has made a call since, the register points behind that call, into itself.
 */
static enum snap_step step_from_link_register(struct snap_walk *w, struct snap_frame *frame,
	const struct snap_registers *registers, struct snap_registers *caller)
{
	int lr = snap_lr_column(w->arch), fp = snap_fp_column(w->arch);
	uint64_t record_fp;
	struct snap_registers saved = {0};
	if (lr < 0 || !frame->exact_pc || !snap_register_known(registers, (unsigned int)lr))
		return SNAP_STEP_UNKNOWN;
	keep_stack_registers(w->arch, registers, caller);
	caller->trust = SNAP_TRUST_SCAN;
	snap_set_return_address(w, caller, registers->values[lr]);
	if (snap_is_return_address(w, caller->pc, caller->is_thumb) != SNAP_YES)
		return SNAP_STEP_UNKNOWN;
	if (points_into_itself(w, frame->pc, caller))
		return SNAP_STEP_UNKNOWN;
	caller->is_from_lr = true;
	/* Its own record is there already if that has the same return address. */
	for (unsigned int i = 0; fp >= 0 && snap_register_known(registers, (unsigned int)fp) &&
				 i < w->arch->num_frame_records;
		i++) {
		const struct snap_arch_frame_record *record = &w->arch->frame_records[i];
		uint64_t at = registers->values[fp];
		if (read_record(w, record, at, &saved, &record_fp) == SNAP_NO ||
			saved.pc != caller->pc)
			continue;
		unsigned int sp = snap_sp_column(w->arch);
		caller->trust = SNAP_TRUST_FP;
		caller->is_from_lr = false;
		snap_register_set(caller, (unsigned int)fp, record_fp);
		caller->known &= ~(UINT64_C(1) << sp);
		if (record->is_at_top)
			snap_register_set(caller, sp, at + (uint64_t)(int64_t)record->cfa_off);
		break;
	}
	return SNAP_STEP_DONE;
}

/*
 * Whether fp's record is the caller's: a scan finds a return address below it, into a function that
 * goes by fp itself. Code made at run time has its own ways to begin a function, and no symbol.
 */
static bool is_callers_record(struct snap_walk *w, const struct snap_frame *frame,
	const struct snap_registers *registers, unsigned int fp)
{
	unsigned int sp = snap_sp_column(w->arch);
	struct snap_frame ignored = *frame;
	struct snap_registers caller;
	bool had_floor = w->has_floor;
	uint64_t floor = w->floor;
	uint64_t record =
		registers->values[fp] + (uint64_t)(int64_t)w->arch->frame_records[0].ra_off;
	bool is_nearer = snap_register_known(registers, sp) &&
			 snap_step_by_scan(w, &ignored, registers, registers->values[sp],
				 &caller) == SNAP_STEP_DONE &&
			 w->floor - snap_arch_word(w->arch) < record;
	w->has_floor = had_floor;
	w->floor = floor;
	const struct snap_cfi_row *row = is_nearer ? snap_walk_row(w, caller.pc - 1) : NULL;
	return row && row->cfa.kind == SNAP_CFI_REGISTER && row->cfa.column == fp;
}

enum snap_step snap_step_by_frame_record(struct snap_walk *w, struct snap_frame *frame,
	const struct snap_registers *registers, struct snap_registers *caller)
{
	int fp = snap_fp_column(w->arch);
	unsigned int word = snap_arch_word(w->arch);
	enum snap_step step = SNAP_STEP_UNKNOWN;
	if (fp < 0 || w->arch->num_frame_records == 0)
		return SNAP_STEP_UNKNOWN;
	struct snap_function function =
		snap_function_at(w, frame->exact_pc ? frame->pc : frame->pc - 1);
	enum progress progress = progress_of(w, frame, &function);
	if (progress == ENTERED)
		step = step_from_top(w, frame, registers, caller, 0);
	else if (progress == PUSHED)
		step = step_from_top(w, frame, registers, caller, word);
	else if (progress == NOT_TOLD)
		step = step_from_link_register(w, frame, registers, caller);
	if (step != SNAP_STEP_UNKNOWN || !snap_register_known(registers, (unsigned int)fp))
		return step;

	struct snap_frame found = *frame;
	step = step_from_record(w, &found, registers, caller, (unsigned int)fp);
	if (step != SNAP_STEP_DONE)
		return step;
	/* It may be another function's, further up. */
	struct snap_function callee = snap_callee_of(w, frame);
	enum snap_call_fit fit = snap_call_fit(w, &callee, caller->pc, caller->is_thumb);
	bool is_doubtful = progress == NO_RECORD && fit == SNAP_CALL_TO_ANY;
	if (fit < SNAP_CALL_TO_ANY ||
		(is_doubtful && (snap_function_is_known(&function) ||
					is_callers_record(w, frame, registers, (unsigned int)fp))))
		return SNAP_STEP_UNKNOWN;
	*frame = found;
	return SNAP_STEP_DONE;
}
