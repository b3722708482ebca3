#include "analyze/unwind/exception_frame.h"

#include <inttypes.h>
#include <string.h>

/* Bits [31:7] are 1 (Armv7-M: [31:5]), and bit 1 is 0. */
#define EXC_RETURN_MASK	 0xffffff82u
#define EXC_RETURN_VALUE 0xffffff80u

/* Without the bit that tells instruction sets: LR at reset (B1.5.5), and FNC_RETURN. */
#define RESET_LR   0xfffffffeu
#define FNC_RETURN 0xfefffffeu

enum { WORD = 4, BASIC_WORDS = 8, EXTENDED_WORDS = 26 };

bool snap_is_exc_return(const struct snap_arch *arch, uint64_t value)
{
	if (!arch->is_m_profile || (value & EXC_RETURN_MASK) != EXC_RETURN_VALUE ||
		value > UINT32_MAX)
		return false;
	/* Handlers have the main stack. */
	return value & SNAP_EXC_RETURN_THREAD || !(value & SNAP_EXC_RETURN_PROCESS_STACK);
}

/* ---------------------------------------------------------------- a frame */

static bool read_register(struct snap_walk *w, uint64_t addr, uint32_t *ret, uint64_t *ret_fault)
{
	uint64_t value;
	*ret_fault = addr;
	if (addr > UINT32_MAX || !snap_walk_read_word(w, addr, &value))
		return false;
	*ret = (uint32_t)value;
	return true;
}

bool snap_exception_frame_read(struct snap_walk *w, uint64_t addr, bool is_basic,
	struct snap_exception_frame *ret, uint64_t *ret_fault)
{
	uint32_t words[BASIC_WORDS];
	for (unsigned int i = 0; i < BASIC_WORDS; i++)
		if (!read_register(w, addr + i * WORD, &words[i], ret_fault))
			return false;
	*ret = (struct snap_exception_frame){
		.start = addr,
		.end = addr + (is_basic ? BASIC_WORDS : EXTENDED_WORDS) * WORD,
		.r0_to_r3 = {words[0], words[1], words[2], words[3]},
		.r12 = words[4],
		.lr = words[5],
		.pc = words[6],
		.xpsr = words[7],
	};
	if (ret->xpsr & SNAP_XPSR_ALIGNED)
		ret->end += WORD;
	return true;
}

bool snap_exception_frame_is_plausible(
	struct snap_walk *w, const struct snap_exception_frame *frame, bool to_thread)
{
	/* Bits that are 0 whatever was interrupted: [23:20]. */
	if (frame->start % WORD != 0 || frame->xpsr & 0x00f00000 || frame->pc & 1)
		return false;
	bool is_thread = (frame->xpsr & SNAP_XPSR_EXCEPTION) == 0;
	if (is_thread != to_thread)
		return false;
	/* A fault may come from a jump to where no code is, or to what is no Thumb code. */
	return frame->xpsr & SNAP_XPSR_THUMB && snap_is_code(w, frame->pc, true);
}

void snap_exception_frame_restore(const struct snap_arch *arch,
	const struct snap_exception_frame *frame, struct snap_registers *r)
{
	enum { R12 = 12 };
	for (unsigned int i = 0; i < 4; i++)
		snap_register_set(r, i, frame->r0_to_r3[i]);
	snap_register_set(r, R12, frame->r12);
	snap_register_set(r, (unsigned int)snap_lr_column(arch), frame->lr);
	snap_register_set(r, snap_sp_column(arch), frame->end);
	r->pc = frame->pc & ~UINT64_C(1);
	r->is_thumb = true;
	r->exact_pc = true;
}

/* ---------------------------------------------------------------- the state */

static bool find_register(const struct snap_walk *w, const char *name, uint64_t *ret)
{
	/* What the processor had is not known of a thread that did not run. */
	for (unsigned int i = 0; i < w->arch->num_regs && !w->thread->saved_by; i++)
		if (strcmp(w->arch->regs[i].name, name) == 0)
			return snap_crash_register(w->crash, w->thread, i, ret);
	return false;
}

enum snap_mode snap_exception_mode(const struct snap_walk *w)
{
	uint64_t value;
	if (!w->arch->is_m_profile)
		return SNAP_MODE_UNKNOWN;
	if (w->thread->saved_by)
		return SNAP_MODE_THREAD;
	if (find_register(w, "xpsr", &value))
		return value & SNAP_XPSR_EXCEPTION ? SNAP_MODE_HANDLER : SNAP_MODE_THREAD;
	if (find_register(w, "exc_return", &value) && snap_is_exc_return(w->arch, value))
		return value & SNAP_EXC_RETURN_THREAD ? SNAP_MODE_THREAD : SNAP_MODE_HANDLER;
	return SNAP_MODE_UNKNOWN;
}

/* ---------------------------------------------------------------- the step */

/* Of Armv8-M: whose stack has the frame, and whose handler it was. They need not be the same, and
 * then the other state's stack pointer is needed, which is not captured. */
static bool is_of_other_state(uint64_t exc_return)
{
	bool is_secure_handler = exc_return & SNAP_EXC_RETURN_SECURE_HANDLER;
	bool is_secure_stack = exc_return & SNAP_EXC_RETURN_SECURE_STACK;
	return is_secure_handler != is_secure_stack;
}

static enum snap_step ends(struct snap_walk *w, enum snap_end end, const char *reason)
{
	(void)snap_step_fails(w, end, reason);
	return SNAP_STEP_OUTERMOST;
}

/* Where the frame is; *ret_why if that is not known. */
static bool find_frame(struct snap_walk *w, const struct snap_registers *registers,
	uint64_t exc_return, uint64_t *ret, const char **ret_why)
{
	unsigned int sp = snap_sp_column(w->arch);
	if (exc_return & SNAP_EXC_RETURN_PROCESS_STACK) {
		*ret_why = "an exception interrupted a thread, whose stack pointer (PSP) was not "
			   "captured";
		return find_register(w, "psp", ret);
	}
	*ret_why = "where the exception's frame is, is not known: the stack pointer is not";
	*ret = registers->values[sp];
	return snap_register_known(registers, sp);
}

enum snap_step snap_step_by_exception_frame(struct snap_walk *w, struct snap_frame *frame,
	const struct snap_registers *registers, struct snap_registers *caller)
{
	struct snap_exception_frame found;
	uint64_t addr, fault, exc_return = frame->pc;
	const char *why;
	/* Only what a handler returns to is one: not a pc, and not in Thread mode. */
	if (frame->exact_pc || w->mode == SNAP_MODE_THREAD ||
		!snap_is_exc_return(w->arch, exc_return))
		return SNAP_STEP_UNKNOWN;
	frame->is_signal = frame->is_exception = true;
	if (is_of_other_state(exc_return))
		return ends(w, SNAP_END_UNAVAILABLE,
			"an exception interrupted the other security state, whose stack is not "
			"known");
	if (!find_frame(w, registers, exc_return, &addr, &why))
		return ends(w, SNAP_END_UNAVAILABLE, why);
	if (!snap_exception_frame_read(w, addr, exc_return & SNAP_EXC_RETURN_BASIC, &found, &fault))
		return snap_step_lacks(w, fault);
	bool to_thread = exc_return & SNAP_EXC_RETURN_THREAD;
	if (((found.xpsr & SNAP_XPSR_EXCEPTION) == 0) != to_thread)
		return ends(w, SNAP_END_CORRUPT,
			snap_crash_format(w->crash,
				"what is at 0x%" PRIx64 " is not the exception's frame", addr));
	*caller = *registers;
	caller->trust = frame->trust == SNAP_TRUST_CONTEXT ? SNAP_TRUST_CFI : frame->trust;
	snap_exception_frame_restore(w->arch, &found, caller);
	frame->cfa = addr;
	frame->has_cfa = true;
	if (exc_return & SNAP_EXC_RETURN_PROCESS_STACK) {
		w->crash->device.has_interrupted = true;
		w->crash->device.interrupted_addr = addr;
		w->crash->device.is_interrupted_basic = exc_return & SNAP_EXC_RETURN_BASIC;
	}
	w->mode = to_thread ? SNAP_MODE_THREAD : SNAP_MODE_HANDLER;
	w->stack = snap_crash_mapping_at(w->crash, found.end);
	return SNAP_STEP_DONE;
}

bool snap_is_saved_exc_return(struct snap_walk *w, uint64_t addr, uint64_t value)
{
	struct snap_exception_frame frame;
	uint64_t fault, at = addr + WORD;
	if (!snap_is_exc_return(w->arch, value) || w->mode == SNAP_MODE_THREAD ||
		is_of_other_state(value))
		return false;
	if (value & SNAP_EXC_RETURN_PROCESS_STACK && !find_register(w, "psp", &at))
		return false;
	return snap_exception_frame_read(w, at, value & SNAP_EXC_RETURN_BASIC, &frame, &fault) &&
	       snap_exception_frame_is_plausible(w, &frame, value & SNAP_EXC_RETURN_THREAD);
}

enum snap_step snap_end_by_exception_value(struct snap_walk *w, uint64_t pc)
{
	if (!w->arch->is_m_profile)
		return SNAP_STEP_UNKNOWN;
	if (pc == RESET_LR)
		return snap_step_is_outermost(w, "the link register's value at reset");
	if (pc == FNC_RETURN)
		return ends(w, SNAP_END_UNAVAILABLE,
			"it was called from the other security state, whose stack is not known");
	if (snap_is_exc_return(w->arch, pc) && w->mode == SNAP_MODE_THREAD)
		return snap_step_is_outermost(w, "a return from an exception began it");
	return SNAP_STEP_UNKNOWN;
}
