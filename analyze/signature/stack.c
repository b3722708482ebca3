#include "analyze/signature/stack.h"

#include <stdlib.h>
#include <string.h>

#include "analyze/explain/address.h"
#include "analyze/signature/message.h"
#include "analyze/signature/name.h"
#include "analyze/symbols/demangle.h"

static struct snap_bytes module_name(const struct snap_crash_module *module)
{
	return module ? snap_path_name(module->record.path) : snap_bytes(NULL, 0);
}

/* Fewer frames may fit by chance. */
#define MIN_CHAIN 4

/*
 * Of a microcontroller that could not save its registers because the stack had overflowed, even the
 * first frame is a guess. But a chain of call frame information from there to where stacks begin is
 * no chance.
 */
static bool is_chain_to_the_end(
	const struct snap_crash *crash, const struct snap_crash_thread *thread)
{
	if (!crash->device.is_device || crash->cause.kind != SNAP_KIND_STACK_OVERFLOW ||
		thread->end != SNAP_END_COMPLETE || thread->num_frames < MIN_CHAIN)
		return false;
	for (size_t i = 1; i < thread->num_frames; i++)
		if (thread->frames[i].trust > SNAP_TRUST_FP)
			return false;
	return true;
}

/*
 * Whether a frame's place on the stack is certain. Beyond a guess everything is guessed, but for
 * the caller of a bad pc, which has no call frame information: its return address is what a call
 * pushed last, and stands where the stack pointer points, or is in the link register.
 */
static bool is_trusted(const struct snap_crash *crash, const struct snap_crash_thread *thread,
	const struct snap_frame *frame)
{
	uint64_t sp;
	if (thread->frames[0].trust == SNAP_TRUST_SCAN)
		return is_chain_to_the_end(crash, thread);
	if (frame->trust <= SNAP_TRUST_FP)
		return true;
	const struct snap_cause *cause = &crash->cause;
	/* Microcontrollers' faults have kinds of their own. */
	bool is_bad_pc = cause->kind == SNAP_KIND_EXEC_BAD_PC ||
			 (crash->device.is_device && cause->access &&
				 strcmp(cause->access, "exec") == 0);
	return frame == &thread->frames[1] && frame->trust == SNAP_TRUST_SCAN && is_bad_pc &&
	       thread->frames[0].has_cfa &&
	       crash->arch &&
	       snap_arch_reg_get(crash->arch, crash->arch->sp, thread->pr_reg.data,
		       thread->pr_reg.len, &sp) &&
	       thread->frames[0].cfa ==
		       sp + (crash->arch->call_pushes_ra ? snap_arch_word(crash->arch) : 0);
}

/* Whether the frame is the last one before a part of the stack that was not captured. */
static bool is_before_gap(const struct snap_crash_thread *thread, size_t frame)
{
	if (frame + 1 == thread->num_frames)
		return thread->end == SNAP_END_TRUNCATED;
	return thread->frames[frame].gap_bytes > 0 && !thread->frames[frame].is_gap_unlisted;
}

uint64_t snap_signature_offset(const struct snap_frame *frame)
{
	const struct snap_module *record = &frame->module->record;
	return frame->pc - (record->has_load_bias ? record->load_bias : record->start);
}

/* function: its name; NULL: not known. -1 without memory. */
static int read_line(const struct snap_rules *rules, uint32_t present, bool is_device,
	const char *function, const struct snap_frame *frame, struct snap_arena *arena,
	struct snap_signature_line *line)
{
	const struct snap_crash_module *module = frame->module;
	/* A firmware is all that there is: that a frame is in it says nothing. */
	line->module = function || !is_device ? module_name(module) : snap_bytes(NULL, 0);
	line->is_signal = frame->is_signal && !line->is_inline;
	const struct snap_rules_place place = snap_rules_place(rules, line->module, present);
	line->is_library = place.libraries != 0;
	if (module && !line->is_inline && !frame->is_place_unknown) {
		line->has_offset = true;
		line->build_id = module->record.build_id;
		line->offset = snap_signature_offset(frame);
	}
	if (function) {
		struct snap_rules_used used = {.num = 0}, *kept;
		char *name = snap_signature_name(function, rules, &place, &used);
		if (!name)
			return -1;
		line->function = snap_arena_copy(arena, snap_bytes_str(name));
		free(name);
		if (line->function)
			line->function =
				snap_rules_rename(rules, line->function, &place, arena, &used);
		if (!line->function)
			return -1;
		if (used.num > 0) {
			if (!(kept = snap_arena_alloc(arena, sizeof(*kept))))
				return -1;
			*kept = used;
			line->used = kept;
		}
	}
	line->rule = snap_rules_find(rules, line->function ? line->function : "", &place);
	return 0;
}

/*
 * Where the program jumped to nowhere, and nothing certain tells from where, all that is known is which
 * program it was: the jump was somewhere in that.
 */
static void place_bad_pc(const struct snap_crash *crash, struct snap_signature_line *lines, size_t num)
{
	if (crash->cause.kind != SNAP_KIND_EXEC_BAD_PC || crash->device.is_device || num == 0)
		return;
	for (size_t i = 0; i < num; i++)
		if (lines[i].function || lines[i].module.len > 0)
			return;
	lines[0].module = snap_path_name(crash->process.exe);
}

/* Procedures of Fortran's modules are __m_MOD_work in signatures, as symbol tables have them. */
static const char *name_of(const struct snap_listed_frame *listed)
{
	return listed->function && listed->raw_function &&
			       snap_demangle_is_fortran(listed->raw_function)
		       ? listed->raw_function
		       : listed->function;
}

int snap_signature_stack_read(const struct snap_crash *crash,
	const struct snap_crash_thread *thread, const struct snap_rules *rules,
	struct snap_arena *arena, struct snap_signature_stack *ret, struct snap_error *err)
{
	size_t max = thread->num_listed < SNAP_SIGNATURE_LINES ? thread->num_listed
							       : SNAP_SIGNATURE_LINES;
	struct snap_signature_line *lines = snap_arena_alloc(arena, max * sizeof(lines[0]));
	uint32_t present = 0;
	*ret = (struct snap_signature_stack){
		.kind = crash->cause.kind,
		.depth = snap_rules_depth(rules),
		.is_device = crash->device.is_device,
		.is_smashed = crash->cause.failure == SNAP_FAILURE_STACK_SMASHING,
		.lines = lines,
	};
	if (!lines || snap_signature_message(crash, arena, &ret->message) < 0)
		return snap_error_no_memory(err);
	for (size_t i = 0; i < crash->num_modules; i++)
		present |= snap_rules_libraries(rules, module_name(&crash->modules[i]));
	for (size_t i = 0; i < max; i++) {
		const struct snap_listed_frame *listed = &thread->listed[i];
		const struct snap_frame *frame = &thread->frames[listed->frame];
		if (!is_trusted(crash, thread, frame))
			break;
		lines[i].is_inline = listed->is_inline;
		if (read_line(rules, present, crash->device.is_device, name_of(listed), frame,
			    arena, &lines[i]) < 0)
			return snap_error_no_memory(err);
		ret->num_lines = i + 1;
	}
	place_bad_pc(crash, lines, ret->num_lines);
	ret->is_cut = ret->num_lines < thread->num_listed;
	ret->ends_at_gap = ret->num_lines > 0 &&
			   is_before_gap(thread, thread->listed[ret->num_lines - 1].frame);
	return 0;
}
