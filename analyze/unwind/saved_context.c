#include "analyze/unwind/saved_context.h"

#include <elf.h>
#include <string.h>

#include "analyze/symbols/object.h"
#include "analyze/unwind/cfi_step.h"
#include "analyze/unwind/exception_frame.h"
#include "analyze/unwind/exidx_step.h"
#include "analyze/unwind/scan.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* ---------------------------------------------------------------- layouts */

/* What kernels save, in words. */
enum item {
	END,
	R4_TO_R11,
	S16_TO_S31,    /* by kernels that keep elsewhere whether the thread used the FPU */
	S16_TO_S31_IF, /* if EXC_RETURN says that it did */
	EXC_RETURN,
	PSPLIM,
	CONTROL,
	SECURE, /* a number of the secure side's */
};

#define MAX_ITEMS 6

/*
 * From the saved stack pointer upwards; then comes the exception's frame. Sources: the kernels' own
 * code for switching threads: FreeRTOS 10 and 11 (portable/GCC/ARM_CM3, ARM_CM3_MPU, ARM_CM4F,
 * ARM_CM4_MPU, ARM_CM33, ARM_CM33_NTZ: PendSV handlers), ThreadX 6 (ports/cortex_m4:
 * tx_thread_schedule.S), CMSIS RTX 5 (irq_armv7m.S; that of version 4 with an FPU has r4-r11 below, which
 * can't be told from it), Zephyr 3 (arch/arm/core/cortex_m/swap_helper.S: the rest is in the thread's
 * own structure).
 */
struct layout {
	const char *words;
	bool is_extended; /* the frame has floating-point registers, where no EXC_RETURN tells */
	uint8_t items[MAX_ITEMS];
};

static const struct layout layouts[] = {
	{"FreeRTOS for Armv8-M", false, {PSPLIM, EXC_RETURN, R4_TO_R11, S16_TO_S31_IF}},
	{"FreeRTOS for Armv8-M with an MPU", false,
		{PSPLIM, CONTROL, EXC_RETURN, R4_TO_R11, S16_TO_S31_IF}},
	{"FreeRTOS for Armv8-M with TrustZone", false,
		{SECURE, PSPLIM, EXC_RETURN, R4_TO_R11, S16_TO_S31_IF}},
	{"FreeRTOS for Armv8-M with TrustZone and an MPU", false,
		{SECURE, PSPLIM, CONTROL, EXC_RETURN, R4_TO_R11, S16_TO_S31_IF}},
	{"FreeRTOS with an FPU", false, {R4_TO_R11, EXC_RETURN, S16_TO_S31_IF}},
	{"FreeRTOS with an FPU and an MPU", false,
		{CONTROL, R4_TO_R11, EXC_RETURN, S16_TO_S31_IF}},
	{"ThreadX", false, {EXC_RETURN, S16_TO_S31_IF, R4_TO_R11}},
	{"a kernel that saves EXC_RETURN and CONTROL", false,
		{EXC_RETURN, CONTROL, R4_TO_R11, S16_TO_S31_IF}},
	{"FreeRTOS, CMSIS RTX or the like", false, {R4_TO_R11}},
	{"FreeRTOS with an MPU", false, {CONTROL, R4_TO_R11}},
	{"CMSIS RTX 5 with an FPU", true, {S16_TO_S31, R4_TO_R11}},
	{"the exception's frame alone", false, {END}},
	{"the exception's frame alone, with an FPU", true, {END}},
};

/* ---------------------------------------------------------------- one context */

enum { WORD = 4, SAVED_LOW = 4, NUM_SAVED = 8 };

struct context {
	const char *words;
	int score; /* how convincing it is; 0: not at all */
	struct snap_exception_frame frame;
	bool has_r4_to_r11, has_exc_return, has_control;
	uint32_t r4_to_r11[NUM_SAVED];
	uint32_t exc_return, control, psplim;
	bool has_psplim;
};

static bool read_words(struct snap_walk *w, uint64_t addr, uint32_t *words, size_t num)
{
	for (size_t i = 0; i < num; i++) {
		uint64_t value;
		if (addr > UINT32_MAX || !snap_walk_read_word(w, addr + i * WORD, &value))
			return false;
		words[i] = (uint32_t)value;
	}
	return true;
}

/* What the kernel saved, from *addr on; *addr: behind it. */
static bool read_items(
	struct snap_walk *w, const struct layout *layout, uint64_t *addr, struct context *c)
{
	uint32_t ignored;
	for (size_t i = 0; i < MAX_ITEMS && layout->items[i] != END; i++) {
		uint32_t *to = &ignored;
		size_t num = 1;
		switch ((enum item)layout->items[i]) {
		case R4_TO_R11:
			c->has_r4_to_r11 = true;
			to = c->r4_to_r11;
			num = NUM_SAVED;
			break;
		case S16_TO_S31_IF:
			if (c->exc_return & SNAP_EXC_RETURN_BASIC)
				continue;
			*addr += 16 * WORD;
			continue;
		case S16_TO_S31:
			*addr += 16 * WORD;
			continue;
		case EXC_RETURN:
			c->has_exc_return = true;
			to = &c->exc_return;
			break;
		case PSPLIM:
			c->has_psplim = true;
			to = &c->psplim;
			break;
		case CONTROL:
			c->has_control = true;
			to = &c->control;
			break;
		case SECURE:
		case END:
			break;
		}
		if (!read_words(w, *addr, to, num))
			return false;
		*addr += num * WORD;
		/* At once: what comes behind it depends on it. */
		if (c->has_exc_return && (!snap_is_exc_return(w->arch, c->exc_return) ||
						 !(c->exc_return & SNAP_EXC_RETURN_THREAD) ||
						 !(c->exc_return & SNAP_EXC_RETURN_PROCESS_STACK)))
			return false;
	}
	return true;
}

/* How well a thread's link register fits. */
static int score_link_register(struct snap_walk *w, uint32_t lr)
{
	struct snap_registers r = {0};
	if (lr == 0 || lr == UINT32_MAX || snap_is_exc_return(w->arch, lr))
		return 2;
	snap_set_return_address(w, &r, lr);
	if (!r.is_thumb || (!snap_is_code(w, r.pc, false) && !snap_is_code(w, r.pc, true)))
		return -1;
	switch (snap_is_call_site(w, r.pc, true)) {
	case SNAP_YES:
		return 3;
	case SNAP_NOT_KNOWN:
		return 1;
	case SNAP_NO:
		break;
	}
	/* What a thread's first function returns to. */
	struct snap_function function = snap_function_at(w, r.pc);
	return snap_function_is_known(&function) && function.start == r.pc ? 2 : 0;
}

/*
 * Whether the thread's callers are where its stack pointer says, as far as what describes the code
 * tells: with the wrong length of the frame they are not.
 */
static int score_callers(struct snap_walk *w, const struct context *c)
{
	enum { MAX_CALLERS = 4 };
	struct snap_registers at = {0}, caller;
	snap_exception_frame_restore(w->arch, &c->frame, &at);
	for (unsigned int i = 0; i < NUM_SAVED && c->has_r4_to_r11; i++)
		snap_register_set(&at, SAVED_LOW + i, c->r4_to_r11[i]);
	for (unsigned int i = 0; i < MAX_CALLERS; i++, at = caller) {
		struct snap_frame frame = {
			.pc = at.pc,
			.exact_pc = at.exact_pc,
			.module = snap_crash_module_at(w->crash, at.exact_pc ? at.pc : at.pc - 1),
		};
		enum snap_step step = snap_step_by_cfi(w, &frame, &at, &caller);
		if (step == SNAP_STEP_UNKNOWN)
			step = snap_step_by_exidx(w, &frame, &at, &caller);
		if (step != SNAP_STEP_DONE)
			return 0;
		enum snap_answer is_good = snap_is_return_address(w, caller.pc, caller.is_thumb);
		/* The link register says nothing about the stack. */
		bool is_lr = i == 0 && caller.pc == (c->frame.lr & ~UINT32_C(1));
		if (is_good == SNAP_YES && !is_lr)
			return 2;
		if (is_good != SNAP_YES)
			return score_link_register(w, (uint32_t)caller.pc | caller.is_thumb) > 1 ? 1 : -1;
	}
	return 0;
}

/* Whether the limit of the stack can be what it says. */
static bool is_psplim(const struct snap_walk *w, const struct context *c, int *score)
{
	const struct snap_thread *thread = &w->thread->record;
	if (c->psplim % 8 != 0 || c->psplim > c->frame.start)
		return false;
	if (thread->has_stack_end && c->psplim != 0) {
		if (c->psplim < thread->stack_end)
			return false;
		*score += c->psplim - thread->stack_end <= 8 ? 3 : 0;
	}
	return true;
}

static bool is_code(struct snap_walk *w, uint64_t pc)
{
	const struct snap_crash_module *module = snap_crash_module_at(w->crash, pc);
	return snap_is_code(w, pc, true) &&
	       (!module || !module->object || snap_is_known_function(w, pc));
}

static void judge(struct snap_walk *w, bool is_basic, struct context *c)
{
	const struct snap_thread *thread = &w->thread->record;
	const struct snap_exception_frame *frame = &c->frame;
	int score = 0;
	if (!snap_exception_frame_is_plausible(w, frame, true) || !is_code(w, frame->pc))
		return;
	if (thread->has_stack_start && thread->stack_start > thread->stack_pointer &&
		frame->end > thread->stack_start)
		return;
	/* The word above is left out to align it; it may be not aligned where CCR.STKALIGN is 0. */
	if (frame->start % 8 == 0)
		score++;
	else if (frame->xpsr & SNAP_XPSR_ALIGNED)
		return;
	if (c->has_psplim && !is_psplim(w, c, &score))
		return;
	if (c->has_control && c->control > 0xf)
		return;
	if (c->has_exc_return)
		score += 3;
	const struct snap_device *device = &w->crash->device;
	if (device->has_interrupted && device->interrupted_addr == frame->start &&
		device->is_interrupted_basic == is_basic)
		score += 3;
	score += score_link_register(w, frame->lr) + score_callers(w, c);
	c->score = score > 0 ? score : 0;
}

/* One more point than the frame's alignment must speak for it. */
#define MIN_SCORE 2

static bool find_context(struct snap_walk *w, struct context *best)
{
	for (size_t i = 0; i < ARRAY_LEN(layouts); i++) {
		struct context c = {.words = layouts[i].words};
		uint64_t addr = w->thread->record.stack_pointer, fault;
		if (!read_items(w, &layouts[i], &addr, &c))
			continue;
		bool is_basic = c.has_exc_return ? c.exc_return & SNAP_EXC_RETURN_BASIC
						 : !layouts[i].is_extended;
		if (!snap_exception_frame_read(w, addr, is_basic, &c.frame, &fault))
			continue;
		judge(w, is_basic, &c);
		if (c.score > best->score)
			*best = c;
	}
	return best->score >= MIN_SCORE;
}

/* ---------------------------------------------------------------- RISC-V */

/*
 * FreeRTOS for RISC-V (portable/GCC/RISC-V/portContext.h, and portASM.S of version 10): the pc, x1,
 * x5 to x31, since version 10.4 the depth of critical sections, and mstatus.
 */
enum {
	RISCV_RA = 1,
	RISCV_FIRST = 5,
	RISCV_LAST = 31,
	RISCV_OLD_WORDS = 30,
	RISCV_NEW_WORDS = 31,
};

/* Threads run in machine mode with interrupts to be enabled (Privileged Specification, 3.1.6); FS and
 * VS say what else is in use. */
static bool is_mstatus(uint64_t value)
{
	enum { MIE = 0x8, MPIE = 0x80, MPP = 0x1800, FS = 0x6000, VS = 0x600 };
	uint64_t known = MIE | MPIE | MPP | FS | VS | UINT64_C(1) << 31;
	return (value & (MPIE | MPP)) == (MPIE | MPP) && (value & 0xffffffff & ~known) == 0;
}

static bool find_riscv(struct snap_walk *w, uint64_t values[RISCV_NEW_WORDS], uint64_t *ret_sp)
{
	const struct snap_thread *thread = &w->thread->record;
	unsigned int word = snap_arch_word(w->arch), num = RISCV_OLD_WORDS;
	for (unsigned int i = 0; i < RISCV_OLD_WORDS; i++)
		if (!snap_walk_read_word(w, thread->stack_pointer + i * word, &values[i]))
			return false;
	if (snap_walk_read_word(w, thread->stack_pointer + RISCV_OLD_WORDS * word,
		    &values[RISCV_NEW_WORDS - 1]) &&
		is_mstatus(values[RISCV_NEW_WORDS - 1]))
		num = RISCV_NEW_WORDS;
	*ret_sp = thread->stack_pointer + num * word;
	if (!is_mstatus(values[num - 1]) || values[0] % 2 != 0 || !is_code(w, values[0]) ||
		(thread->has_stack_start && thread->stack_start > thread->stack_pointer &&
			*ret_sp > thread->stack_start))
		return false;
	struct snap_function function = snap_function_at(w, values[RISCV_RA]);
	return values[RISCV_RA] == 0 ||
	       snap_is_call_site(w, values[RISCV_RA], false) != SNAP_NO ||
	       (snap_function_is_known(&function) && function.start == values[RISCV_RA]);
}

/* ---------------------------------------------------------------- registers */

static void put(const struct snap_arch *arch, struct snap_crash_thread *thread, uint8_t *bytes,
	const char *name, uint64_t value)
{
	for (unsigned int i = 0; i < arch->num_regs; i++)
		if (strcmp(arch->regs[i].name, name) == 0) {
			(void)snap_arch_reg_set(arch, i, bytes, snap_arch_regs_len(arch), value);
			thread->absent_regs &= ~(UINT64_C(1) << i);
		}
}

/* The registers of the table's first 16 stand there by their numbers. */
static void put_number(const struct snap_arch *arch, struct snap_crash_thread *thread,
	uint8_t *bytes, unsigned int number, uint64_t value)
{
	(void)snap_arch_reg_set(arch, number, bytes, snap_arch_regs_len(arch), value);
	thread->absent_regs &= ~(UINT64_C(1) << number);
}

static void put_context(const struct snap_arch *arch, struct snap_crash_thread *thread,
	uint8_t *bytes, const struct context *c)
{
	const struct snap_exception_frame *frame = &c->frame;
	for (unsigned int i = 0; i < 4; i++)
		put_number(arch, thread, bytes, i, frame->r0_to_r3[i]);
	for (unsigned int i = 0; i < NUM_SAVED && c->has_r4_to_r11; i++)
		put_number(arch, thread, bytes, SAVED_LOW + i, c->r4_to_r11[i]);
	put(arch, thread, bytes, "r12", frame->r12);
	put(arch, thread, bytes, "sp", frame->end);
	put(arch, thread, bytes, "lr", frame->lr);
	put(arch, thread, bytes, "pc", frame->pc);
	put(arch, thread, bytes, "xpsr", frame->xpsr);
	if (c->has_control)
		put(arch, thread, bytes, "control", c->control);
	if (c->has_exc_return)
		put(arch, thread, bytes, "exc_return", c->exc_return);
}

static void put_riscv(const struct snap_arch *arch, struct snap_crash_thread *thread,
	uint8_t *bytes, const uint64_t *values, uint64_t sp)
{
	put_number(arch, thread, bytes, arch->pc, values[0]);
	put_number(arch, thread, bytes, RISCV_RA, values[RISCV_RA]);
	put_number(arch, thread, bytes, arch->sp, sp);
	for (unsigned int i = RISCV_FIRST; i <= RISCV_LAST; i++)
		put_number(arch, thread, bytes, i, values[i - RISCV_FIRST + 2]);
}

int snap_saved_context_find(struct snap_walk *w, struct snap_error *err)
{
	struct snap_crash_thread *thread = w->thread;
	if (!w->crash->device.is_device || (thread->pr_reg.data && !thread->saved_by))
		return 0;
	thread->pr_reg = snap_bytes(NULL, 0);
	thread->saved_by = NULL;
	thread->absent_regs = 0;
	bool is_riscv = w->arch->elf_machine == EM_RISCV;
	if (!thread->record.has_stack_pointer || (!is_riscv && !w->arch->is_m_profile))
		return 0;
	struct context context = {0};
	uint64_t values[RISCV_NEW_WORDS] = {0}, sp = 0;
	if (is_riscv ? !find_riscv(w, values, &sp) : !find_context(w, &context))
		return 0;
	size_t len = snap_arch_regs_len(w->arch);
	uint8_t *bytes = snap_arena_alloc(&w->crash->arena, len);
	if (!bytes)
		return snap_error_no_memory(err);
	memset(bytes, 0, len);
	thread->absent_regs = UINT64_MAX;
	if (is_riscv)
		put_riscv(w->arch, thread, bytes, values, sp);
	else
		put_context(w->arch, thread, bytes, &context);
	thread->pr_reg = snap_bytes(bytes, len);
	thread->saved_by = is_riscv ? "FreeRTOS for RISC-V" : context.words;
	return 0;
}

/* Where what the thread has on its stack begins. False: not known. */
static bool find_top(const struct snap_walk *w, uint64_t *ret)
{
	const struct snap_thread *thread = &w->thread->record;
	/* Of a processor that could not write its frame, what was not in it is known. */
	if (!snap_crash_register(w->crash, w->thread, w->arch->sp, ret)) {
		if (!thread->has_stack_pointer)
			return false;
		*ret = thread->stack_pointer;
	}
	/* It has overflowed, or its stack pointer is nowhere: what is lowest is tried first, though it
	 * may be of calls that are over. */
	if (thread->has_stack_end && thread->has_stack_start &&
		thread->stack_end < thread->stack_start &&
		(*ret < thread->stack_end || *ret >= thread->stack_start))
		*ret = thread->stack_end;
	return true;
}

bool snap_saved_context_guess(struct snap_walk *w, struct snap_registers *ret)
{
	const struct snap_thread *thread = &w->thread->record;
	bool has_ended = thread->has_state && thread->state == SNAP_THREAD_INACTIVE;
	uint64_t top;
	if (!w->crash->device.is_device || has_ended || !find_top(w, &top) ||
		snap_step_by_scan(w, NULL, NULL, top, ret) != SNAP_STEP_DONE)
		return false;
	w->is_guessed = true;
	return true;
}
