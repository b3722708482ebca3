/*
 * The loop is ours rather than libdwfl's: a step that fails for want of captured bytes is told
 * apart from the outermost frame, progress is checked, and every frame says how it is known.
 *
 * From a frame to its caller there are several ways, from sure to guessed. The first that leads to
 * a plausible caller is taken, and what it was is the caller's trust. Where none does, the stack
 * ends, with the reason that the surest way gave.
 */
#include "analyze/unwind/unwind.h"

#include <elf.h>
#include <inttypes.h>
#include <string.h>

#include "analyze/symbols/object.h"
#include "analyze/unwind/cfi_step.h"
#include "analyze/unwind/exception_frame.h"
#include "analyze/unwind/exidx.h"
#include "analyze/unwind/exidx_step.h"
#include "analyze/unwind/frame_record.h"
#include "analyze/unwind/gap.h"
#include "analyze/unwind/prewalked.h"
#include "analyze/unwind/saved_context.h"
#include "analyze/unwind/scan.h"
#include "analyze/unwind/sigreturn.h"
#include "analyze/unwind/walk.h"
#include "common/elf_load.h"

/* Of all threads together: a small file can have many threads with one deep stack. Frames that are
 * let go again cost no memory, but time. */
#define MAX_FRAMES_IN_ALL 262144
#define MAX_WALKED_IN_ALL (4u << 20)
/* Steps of all expressions: those frames, each with all registers saved, stay below. */
#define MAX_STEPS_IN_ALL (32u << 20)
/* Words that scans look at: each thread of the largest processes may search its whole stack. */
#define MAX_WORDS_IN_ALL (32u << 20)
/* Of a stack with more frames than are listed unless asked for, so many at its base are. */
#define BASE_FRAMES SNAP_WALK_BASE_FRAMES
/* No frame is larger, if something else speaks against it. */
#define MAX_GUESSED_FRAME (1u << 20)

/* ---------------------------------------------------------------- frames */

/* Room for a frame's registers: that of a frame that was let go, or new. */
static uint64_t *take_regs(struct snap_walk *w)
{
	size_t len = snap_arch_num_columns(w->arch) * sizeof(uint64_t);
	return w->num_spare > 0 ? w->spare[--w->num_spare]
				: snap_arena_alloc(&w->crash->arena, len);
}

static int add_frame(
	struct snap_walk *w, const struct snap_registers *registers, struct snap_error *err)
{
	struct snap_crash *crash = w->crash;
	struct snap_frame *frames = snap_arena_grow(
		&crash->arena, w->frames, w->num_frames, &w->capacity, sizeof(*frames));
	uint64_t *regs = take_regs(w);
	if (!frames || !regs)
		return snap_error_no_memory(err);
	w->frames = frames;
	memcpy(regs, registers->values, snap_arch_num_columns(w->arch) * sizeof(uint64_t));
	struct snap_crash_module *module =
		snap_is_exc_return(w->arch, registers->pc)
			? NULL
			: snap_crash_module_at(
				  crash, registers->exact_pc ? registers->pc : registers->pc - 1);
	frames[w->num_frames++] = (struct snap_frame){
		.pc = registers->pc,
		.exact_pc = registers->exact_pc,
		.trust = registers->trust,
		.is_from_lr = registers->is_from_lr && registers->trust == SNAP_TRUST_SCAN,
		.known_regs = registers->known,
		.regs = regs,
		.module = module,
	};
	snap_walk_note_module(w, module);
	return 0;
}

/*
 * Beyond the first max frames only the last ones are kept, those nearest to the stack's base: let
 * older ones go. The gap is noted at the last of the first frames.
 */
static void let_go(struct snap_walk *w, size_t max)
{
	if (w->num_frames < max + 2 * BASE_FRAMES)
		return;
	for (size_t i = 0; i < BASE_FRAMES; i++)
		w->spare[w->num_spare++] = (uint64_t *)w->frames[max + i].regs;
	memmove(w->frames + max, w->frames + max + BASE_FRAMES, BASE_FRAMES * sizeof(*w->frames));
	w->num_frames -= BASE_FRAMES;
	struct snap_frame *last = &w->frames[max - 1];
	const struct snap_frame *next = &w->frames[max];
	last->is_gap_unlisted = true;
	last->gap_frames += BASE_FRAMES;
	last->gap_bytes =
		last->has_cfa && next->has_cfa && next->cfa > last->cfa ? next->cfa - last->cfa : 0;
}

/* The registers that the thread itself had. False if there is no pc. */
static bool initial_registers(const struct snap_crash *crash,
	const struct snap_crash_thread *thread, struct snap_registers *ret)
{
	const struct snap_arch *arch = crash->arch;
	*ret = (struct snap_registers){.exact_pc = true, .trust = SNAP_TRUST_CONTEXT};
	for (unsigned int i = 0; i < arch->num_regs; i++) {
		uint64_t value;
		int column = snap_arch_column(arch, arch->regs[i].dwarf);
		if (column >= 0 && snap_crash_register(crash, thread, i, &value))
			snap_register_set(ret, (unsigned int)column, value);
	}
	return snap_crash_register(crash, thread, arch->pc, &ret->pc);
}

/* struct user_pac_mask of the kernel's arch/arm64/include/uapi/asm/ptrace.h. */
static void find_pac_mask(struct snap_walk *w)
{
	enum { INSN_MASK = 8, SIZE = 16 };
	const struct snap_thread *records[] = {&w->thread->record, &w->crash->threads[0].record};
	for (size_t i = 0; i < 2 && !w->has_pac_mask; i++)
		for (size_t j = 0; j < records[i]->num_regsets; j++) {
			const struct snap_regset *regset = &records[i]->regsets[j];
			if (regset->type != NT_ARM_PAC_MASK || regset->data.len < SIZE)
				continue;
			w->has_pac_mask = true;
			w->pac_mask = snap_arch_load(w->arch, regset->data.data + INSN_MASK, 8);
		}
}

/* ---------------------------------------------------------------- what is believed */

/*
 * Whether going from the last frame to its caller gets nearer to the stack's base. Where calls push
 * nothing, a function without a frame may share its CFA with its caller: different code, then.
 */
static bool makes_progress(const struct snap_walk *w)
{
	const struct snap_frame *frame = &w->frames[w->num_frames - 1];
	/* Where only a record links two frames, one of them may have no CFA. */
	for (const struct snap_frame *inner = frame; frame->has_cfa && inner-- > w->frames;) {
		/* A signal handler may have run on a stack of its own, below or above. */
		if (inner->is_signal || inner[1].is_signal)
			break;
		if (!inner->has_cfa)
			continue;
		bool is_frameless = !w->arch->call_pushes_ra && inner == w->frames;
		return frame->cfa > inner->cfa ||
		       (frame->cfa == inner->cfa && is_frameless && frame->pc != inner->pc);
	}
	return true;
}

static bool is_function_start(struct snap_walk *w, uint64_t pc)
{
	struct snap_function function = snap_function_at(w, pc);
	const struct snap_cfi_row *row = snap_walk_row(w, pc);
	const struct snap_crash_module *module = snap_crash_module_at(w->crash, pc);
	uint64_t start, end;
	const struct snap_exidx *table =
		module && module->object ? snap_object_exidx(module->object) : NULL;
	/* Of stripped code, the tables have the functions. */
	if (!snap_function_is_known(&function) && table &&
		snap_exidx_function(table, pc - module->record.load_bias, &start, &end) &&
		start == pc - module->record.load_bias)
		return true;
	return (snap_function_is_known(&function) && function.start == pc) ||
	       (row && module && row->start == pc - module->record.load_bias &&
		       !snap_walk_row(w, pc - 1));
}

/*
 * Whether a microcontroller's thread begins here: what it returns to is the start of a function
 * (FreeRTOS's prvTaskExitError(), ThreadX's and others' alike), which did not call it.
 */
static bool is_thread_end(
	struct snap_walk *w, const struct snap_frame *frame, const struct snap_registers *caller)
{
	const struct snap_crash_module *module = snap_crash_module_at(w->crash, caller->pc);
	if (!w->crash->device.is_device || !snap_is_code(w, caller->pc, true))
		return false;
	/* Where no function is known, no call ends before it, which proves as much. */
	if (module && module->object && snap_object_symbols(module->object) == SNAP_SYMBOLS_NONE)
		return !w->is_guessed &&
		       snap_is_call_site(w, caller->pc, caller->is_thumb) == SNAP_NO;
	if (!is_function_start(w, caller->pc))
		return false;
	struct snap_function callee = snap_callee_of(w, frame);
	return snap_is_call_site(w, caller->pc, caller->is_thumb) != SNAP_YES ||
	       snap_call_fit(w, &callee, caller->pc, caller->is_thumb) != SNAP_CALL_TO_CALLEE;
}

/* Whether a step's result can be. If not, the walk has the reason why not. */
static enum snap_step judge(
	struct snap_walk *w, const struct snap_frame *frame, struct snap_registers *caller)
{
	if (!makes_progress(w))
		return snap_step_fails(
			w, SNAP_END_CORRUPT, "the stack does not go on towards its base");
	/* Of an overflow, the interrupted stack pointer is below the stack; and where the first
	 * push failed, a CFA without a frame is its very beginning. */
	if (frame->has_cfa && !frame->is_signal && !snap_may_be_stack(w, frame->cfa - 1) &&
		!snap_may_be_stack(w, frame->cfa))
		return snap_step_fails(w, SNAP_END_CORRUPT,
			snap_crash_format(w->crash,
				"the stack would go on at 0x%" PRIx64 ", where no stack is",
				frame->cfa));
	/* What was interrupted may have been a jump to anywhere. */
	bool is_sure = frame->is_exception || !w->is_guessed;
	if (frame->is_signal && (is_sure || snap_is_code(w, caller->pc, true)))
		return SNAP_STEP_DONE;
	if (caller->pc == 0) {
		w->is_return_0 = true;
		return snap_step_is_outermost(w, "return address 0");
	}
	enum snap_step end = snap_end_by_exception_value(w, caller->pc);
	if (end != SNAP_STEP_UNKNOWN)
		return end;
	if (is_thread_end(w, frame, caller))
		return snap_step_is_outermost(w, "its thread's first function");
	enum snap_answer is_good = snap_is_return_address(w, caller->pc, caller->is_thumb);
	if (is_good == SNAP_YES)
		return SNAP_STEP_DONE;
	if (!snap_is_code(w, caller->pc, false) && !snap_is_code(w, caller->pc, true))
		return snap_step_fails(w, SNAP_END_CORRUPT,
			snap_crash_format(w->crash,
				"the return address 0x%" PRIx64 " is not in code", caller->pc));
	if (is_good == SNAP_NOT_KNOWN)
		return SNAP_STEP_DONE;
	/* Behind a guess, what is read may be anything. */
	if (w->is_guessed)
		return snap_step_fails(w, SNAP_END_CORRUPT,
			snap_crash_format(w->crash,
				"no call ends at 0x%" PRIx64 ", the return address", caller->pc));
	/* Put there by hand: where a function begins, as makecontext(3) does, or by a clever one;
	 * or by an accident. */
	if (is_function_start(w, caller->pc))
		caller->exact_pc = true;
	else
		caller->trust = SNAP_TRUST_SCAN;
	return SNAP_STEP_DONE;
}

/*
 * Whether the program starts in the frame's function: what has no unwind information may say so no
 * other way. Without a symbol, that is only likely.
 */
static enum snap_answer is_entry_point(struct snap_walk *w, const struct snap_frame *frame)
{
	/* Of hand-written instructions, where no symbol tells their end. */
	enum { MAX_ENTRY_BYTES = 64 };
	uint64_t entry;
	if (!frame->module || !frame->module->object ||
		!snap_object_entry(frame->module->object, &entry))
		return SNAP_NO;
	entry += frame->module->record.load_bias;
	uint64_t addr = frame->exact_pc ? frame->pc : frame->pc - 1;
	struct snap_function function = snap_function_at(w, addr);
	if (snap_function_is_known(&function))
		return snap_function_has(&function, entry) ? SNAP_YES : SNAP_NO;
	return addr >= entry && addr - entry < MAX_ENTRY_BYTES ? SNAP_NOT_KNOWN : SNAP_NO;
}

/* ---------------------------------------------------------------- one step */

typedef enum snap_step step_fn(struct snap_walk *w, struct snap_frame *frame,
	const struct snap_registers *registers, struct snap_registers *caller);

/* One way, and whether its result can be believed. */
static enum snap_step try_step(struct snap_walk *w, step_fn *fn, struct snap_frame *frame,
	const struct snap_registers *registers, struct snap_registers *caller)
{
	enum snap_step step = fn(w, frame, registers, caller);
	return step == SNAP_STEP_DONE ? judge(w, frame, caller) : step;
}

/* How the walk would end, kept while less sure ways are tried. */
struct failure {
	enum snap_end end;
	const char *reason;
	bool has_missing;
	uint64_t missing_addr;
};

static struct failure failure_of(const struct snap_walk *w)
{
	return (struct failure){w->end, w->end_reason, w->has_missing, w->missing_addr};
}

static enum snap_step fail_as(struct snap_walk *w, const struct failure *failure)
{
	w->end = failure->end;
	w->end_reason = failure->reason;
	w->has_missing = failure->has_missing;
	w->missing_addr = failure->missing_addr;
	return SNAP_STEP_FAILED;
}

/* By guess: from where the caller's part of the stack begins, or else the frame's own. */
static enum snap_step step_by_guess(struct snap_walk *w, struct snap_frame *frame,
	const struct snap_registers *registers, struct snap_registers *caller)
{
	unsigned int sp = snap_sp_column(w->arch);
	bool has_sp = snap_register_known(registers, sp);
	if (!has_sp && !w->has_floor)
		return SNAP_STEP_UNKNOWN;
	uint64_t from = has_sp ? registers->values[sp] : w->floor;
	/* A CFA that a damaged register gave is none. */
	if (frame->has_cfa && frame->cfa >= from && frame->cfa - from <= MAX_GUESSED_FRAME)
		from = frame->cfa;
	else
		frame->has_cfa = false;
	return snap_step_by_scan(w, frame, registers, from, caller);
}

/* How a signal trampoline is known that call frame information describes badly or not at all: on
 * aarch64 the vDSO's leads to the frame below the one that was interrupted. */
static bool is_better_known_by_code(const struct snap_walk *w)
{
	return w->arch->elf_machine == EM_AARCH64;
}

/* By what describes the code: the tables that compilers write, or instructions known by heart. */
static enum snap_step step_by_description(struct snap_walk *w, struct snap_frame *frame,
	const struct snap_registers *registers, struct snap_registers *caller)
{
	enum snap_step result = SNAP_STEP_UNKNOWN;
	if (is_better_known_by_code(w))
		result = try_step(w, snap_step_by_sigreturn, frame, registers, caller);
	if (result == SNAP_STEP_UNKNOWN)
		result = try_step(w, snap_step_by_cfi, frame, registers, caller);
	if (result == SNAP_STEP_UNKNOWN && is_entry_point(w, frame) == SNAP_YES)
		return snap_step_is_outermost(w, "the program's entry point");
	if (result == SNAP_STEP_UNKNOWN)
		result = try_step(w, snap_step_by_sigreturn, frame, registers, caller);
	if (result == SNAP_STEP_UNKNOWN)
		result = try_step(w, snap_step_by_exidx, frame, registers, caller);
	return result;
}

/* Frame pointers begin with 0. */
static bool is_base_of_records(const struct snap_walk *w, const struct snap_registers *registers)
{
	int fp = snap_fp_column(w->arch);
	return fp >= 0 && snap_register_known(registers, (unsigned int)fp) &&
	       registers->values[fp] == 0;
}

/* Whether there must be a caller: not of a function that makecontext(3) and the like made an
 * address to return to. */
static bool was_called(const struct snap_walk *w, const struct snap_frame *frame)
{
	return frame == w->frames || !frame->exact_pc || frame[-1].is_signal;
}

/*
 * Firmware has its own assembler, and that is described wrongly more often than it is an innermost
 * function that nothing called: *caller is one whose call goes to this very function, if a scan finds
 * it.
 */
static bool is_called_all_the_same(struct snap_walk *w, struct snap_frame *frame,
	const struct snap_registers *registers, struct snap_registers *caller)
{
	if (!w->is_return_0 || !w->crash->device.is_device || frame != w->frames)
		return false;
	struct snap_frame found = *frame;
	struct failure failure = failure_of(w);
	struct snap_function callee = snap_callee_of(w, frame);
	if (try_step(w, step_by_guess, &found, registers, caller) == SNAP_STEP_DONE &&
		snap_call_fit(w, &callee, caller->pc, caller->is_thumb) == SNAP_CALL_TO_CALLEE) {
		*frame = found;
		return true;
	}
	(void)fail_as(w, &failure);
	return false;
}

static enum snap_step step(struct snap_walk *w, struct snap_frame *frame,
	const struct snap_registers *registers, struct snap_registers *caller)
{
	enum snap_step result = snap_step_by_exception_frame(w, frame, registers, caller);
	if (result != SNAP_STEP_UNKNOWN)
		return result == SNAP_STEP_DONE ? judge(w, frame, caller) : result;
	if (frame->exact_pc && !snap_is_code(w, frame->pc, true)) {
		(void)snap_step_fails(w, SNAP_END_CORRUPT,
			"no code is there, and nothing tells who jumped there");
		result = try_step(w, snap_step_from_bad_pc, frame, registers, caller);
	} else {
		result = step_by_description(w, frame, registers, caller);
		/* What was not described may keep a frame pointer. */
		bool may_have_record = result == SNAP_STEP_UNKNOWN ||
				       (result == SNAP_STEP_FAILED && w->lacks_register);
		struct failure failure = failure_of(w);
		if (may_have_record && frame->trust == SNAP_TRUST_FP &&
			is_base_of_records(w, registers))
			return snap_step_is_outermost(w, "frame pointer 0");
		if (may_have_record)
			result = try_step(w, snap_step_by_frame_record, frame, registers, caller);
		if (may_have_record && result == SNAP_STEP_UNKNOWN)
			(void)fail_as(w, &failure);
	}
	if (result == SNAP_STEP_OUTERMOST && is_called_all_the_same(w, frame, registers, caller))
		return SNAP_STEP_DONE;
	/* Where the next word is, is known; it is just not there. */
	if (result == SNAP_STEP_DONE || result == SNAP_STEP_OUTERMOST ||
		(result == SNAP_STEP_FAILED && w->has_missing))
		return result;
	if (result == SNAP_STEP_FAILED && !was_called(w, frame))
		return snap_step_is_outermost(w, "outermost frame: nothing called it");
	struct failure failure = failure_of(w);
	result = try_step(w, step_by_guess, frame, registers, caller);
	if (result == SNAP_STEP_DONE)
		return result;
	if (failure.end == SNAP_END_UNAVAILABLE && is_entry_point(w, frame) == SNAP_NOT_KNOWN)
		return snap_step_is_outermost(w, "the program's entry point");
	return fail_as(w, &failure);
}

/* ---------------------------------------------------------------- the walk */

/*
 * Behind a gap the walk went on from a word that was left over, maybe. Where neither that word's
 * call goes to what stood before the gap, nor all calls since to the frames that they led to, all of
 * it is a guess, and where it leads to is not known to be this stack's end.
 */
static void judge_what_follows_gap(struct snap_walk *w)
{
	if (w->end != SNAP_END_COMPLETE || !w->is_beyond_gap || w->is_bridged || !w->has_odd_call)
		return;
	for (size_t i = 1; i <= w->num_beyond_gap && i <= w->num_frames; i++)
		if (w->frames[w->num_frames - i].trust < SNAP_TRUST_SCAN)
			w->frames[w->num_frames - i].trust = SNAP_TRUST_SCAN;
	(void)snap_step_fails(w, SNAP_END_TRUNCATED,
		"behind the part of the stack that was not captured, nothing proves to be its own");
}

/*
 * At most max_frames frames are walked. If max_first is less, so many are kept from the top, and of
 * the others those at the base.
 */
static int walk_thread(
	struct snap_walk *w, size_t max_first, size_t max_frames, struct snap_error *err)
{
	struct snap_registers registers, caller = {0};
	if (snap_saved_context_find(w, err) < 0)
		return -1;
	bool has_registers =
		w->thread->pr_reg.data && initial_registers(w->crash, w->thread, &registers);
	w->mode = snap_exception_mode(w);
	if (!has_registers && !snap_saved_context_guess(w, &registers)) {
		bool gone = w->thread->record.has_state &&
			    w->thread->record.state == SNAP_THREAD_INACTIVE;
		(void)snap_step_fails(w, SNAP_END_UNAVAILABLE,
			gone ? "it had ended already" : "its registers were not captured");
		return 0;
	}
	find_pac_mask(w);
	unsigned int sp = snap_sp_column(w->arch);
	if (snap_register_known(&registers, sp))
		w->stack = snap_crash_mapping_at(w->crash, registers.values[sp]);
	for (;;) {
		if (w->num_walked == max_frames) {
			(void)snap_step_fails(w, SNAP_END_LIMIT, "the limit on frames was reached");
			return 0;
		}
		if (max_first < max_frames)
			let_go(w, max_first);
		if (add_frame(w, &registers, err) < 0)
			return -1;
		w->num_walked++;
		w->num_beyond_gap++;
		/* That is of this frame, not of those that steps from it lead to. */
		registers.is_from_lr = caller.is_from_lr = false;
		struct snap_frame *frame = &w->frames[w->num_frames - 1];
		enum snap_step result = step(w, frame, &registers, &caller);
		/* Whatever the last evaluations gave: they were cut short. */
		if (*w->steps_left == 0 || *w->words_left == 0) {
			(void)snap_step_fails(w, SNAP_END_UNAVAILABLE,
				*w->steps_left == 0 ? "the unwind information takes too much work"
						    : "looking through stacks takes too much work");
			return 0;
		}
		if (result == SNAP_STEP_DONE && w->is_beyond_gap)
			w->has_odd_call |= !snap_is_called_by(w, frame, &caller);
		if (result == SNAP_STEP_FAILED && w->has_missing)
			result = snap_step_over_gap(w, frame, &caller);
		if (result != SNAP_STEP_DONE) {
			judge_what_follows_gap(w);
			return 0;
		}
		w->is_guessed |= caller.trust > SNAP_TRUST_CFI;
		if (frame->is_signal)
			w->has_floor = false;
		registers = caller;
	}
}

/* Whether mappings were left out, or got lost with the end of the file. */
static bool lacks_mappings(const struct snap_crash *crash)
{
	bool is_whole = crash->integrity != SNAP_INTEGRITY_TRUNCATED &&
			crash->integrity != SNAP_INTEGRITY_CORRUPT;
	/* A core's stand at its very beginning. */
	if (!is_whole && !crash->is_core && !crash->device.is_device)
		return true;
	for (size_t i = 0; i < crash->num_omissions; i++)
		if (crash->omissions[i].what == SNAP_OMITTED_MAPPING)
			return true;
	return false;
}

int snap_unwind(
	struct snap_crash *crash, const struct snap_options *options, struct snap_error *err)
{
	size_t left = MAX_FRAMES_IN_ALL, left_to_walk = MAX_WALKED_IN_ALL;
	uint64_t steps_left = MAX_STEPS_IN_ALL, words_left = MAX_WORDS_IN_ALL;
	size_t max_first = options->max_frames;
	bool lacks = lacks_mappings(crash);
	bool has_default_limit = max_first == SNAP_DEFAULT_MAX_FRAMES;
	for (size_t i = 0; i < crash->num_threads; i++) {
		struct snap_crash_thread *thread = &crash->threads[i];
		struct snap_walk w = {
			.crash = crash,
			.thread = thread,
			.arch = crash->arch,
			.lacks_mappings = lacks,
			.steps_left = &steps_left,
			.words_left = &words_left,
		};
		size_t max_frames = has_default_limit ? left_to_walk : max_first;
		if (left <= max_first || left_to_walk <= max_first)
			max_frames = left < left_to_walk ? left : left_to_walk;
		bool is_asked_for = !options->only_crashed_thread || i == 0;
		if (!crash->arch)
			(void)snap_step_fails(
				&w, SNAP_END_UNAVAILABLE, "the machine's registers are not known");
		else if (!is_asked_for)
			(void)snap_step_fails(&w, SNAP_END_LIMIT, "not asked for");
		else if (walk_thread(&w, max_first, max_frames, err) < 0)
			return -1;
		if (is_asked_for && snap_prewalked_add(&w, max_frames, err) < 0)
			return -1;
		left -= w.num_frames < left ? w.num_frames : left;
		left_to_walk -= w.num_walked;
		thread->frames = w.frames;
		thread->num_frames = w.num_frames;
		thread->end = w.end;
		thread->end_reason = w.end_reason;
		thread->missing_bytes = w.has_missing ? snap_missing_bytes(&w) : 0;
	}
	return 0;
}
