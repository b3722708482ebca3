#include "capture/device/cortex_m.h"

#if defined(__ARM_ARCH_6M__)
#define CPU_ARCH SNAP_CPU_ARMV6M
#elif defined(__ARM_ARCH_8M_BASE__) || defined(__ARM_ARCH_8M_MAIN__) ||                            \
	defined(__ARM_ARCH_8_1M_MAIN__)
#define CPU_ARCH SNAP_CPU_ARMV8M
#else
#define CPU_ARCH SNAP_CPU_ARMV7M
#endif

/* ARMv6-M and ARMv8-M's Baseline have neither the registers that tell of faults nor FAULTMASK. */
#if defined(__ARM_ARCH_6M__) || defined(__ARM_ARCH_8M_BASE__)
#define HAS_FAULT_REGISTERS 0
#define MASK_ALL	    "	cpsid	i\n"
#else
#define HAS_FAULT_REGISTERS 1
#define MASK_ALL                                                                                   \
	"	cpsid	i\n"                                                                               \
	"	cpsid	f\n"
#endif

/* System Control Block: B3.2.2, table B3-4. */
#define SCB(offset) (*(volatile uint32_t *)(uintptr_t)(0xe000ed00u + (offset)))
#define ICSR	    SCB(0x04)
#define AIRCR	    SCB(0x0c)
#define CCR	    SCB(0x14)
#define SHCSR	    SCB(0x24)
#define CFSR	    SCB(0x28)
#define HFSR	    SCB(0x2c)
#define MMFAR	    SCB(0x34)
#define BFAR	    SCB(0x38)

#define AIRCR_RESET    0x05fa0004u /* VECTKEY, SYSRESETREQ */
#define CCR_BFHFNMIGN  (1u << 8)
#define CFSR_MSTKERR   (1u << 4)
#define CFSR_MMARVALID (1u << 7)
#define CFSR_STKERR    (1u << 12)
#define CFSR_BFARVALID (1u << 15)

/* EXC_RETURN: table B1-8. */
#define RETURN_BASIC_FRAME (1u << 4)
#define RETURN_THREAD	   (1u << 3)
#define RETURN_PSP	   (1u << 2)
#define BASIC_FRAME_BYTES  0x20
#define FP_FRAME_BYTES	   0x68
#define PSR_T		   (1u << 24)
#define PSR_ALIGNED	   (1u << 9) /* of a stacked one: four bytes are above the frame */
#define PSR_EXCEPTION	   0x1ffu
#define CONTROL_SPSEL	   (1u << 1)

enum frame_word {
	FRAME_R0,
	FRAME_R12 = 4,
	FRAME_LR,
	FRAME_PC,
	FRAME_PSR,
	FRAME_WORDS,
};

/* What the entries below write; the order is theirs. */
struct saved {
	uint32_t r4_r11[8];
	uint32_t lr; /* in a handler EXC_RETURN */
	uint32_t msp, psp, control;
	uint32_t psr; /* of an assertion */
};

struct saved snapcrash_device_saved;
uint64_t snapcrash_device_stack[(SNAPCRASH_DEVICE_FAULT_STACK_BYTES + 64) / sizeof(uint64_t)];

static struct snapcrash_device_state state;
static volatile bool busy;

extern const uint8_t snapcrash_device_assert_trap[];
void snapcrash_device_fault_begin(void);
void snapcrash_device_assert_begin(const char *file, uint32_t line, const char *message);

#if defined(__ARM_ARCH_8M_MAIN__) || defined(__ARM_ARCH_8_1M_MAIN__)
/* Off: the stack that is used from here on is elsewhere. */
#define DROP_LIMITS                                                                                \
	"	movs	r4, #0\n"                                                                           \
	"	msr	msplim, r4\n"                                                                        \
	"	msr	psplim, r4\n"
#else
#define DROP_LIMITS ""
#endif

/* Registers into snapcrash_device_saved, by way of the low ones, which is all that ARMv6-M can. r0
 * to r2 stay. */
#define SAVE                                                                                       \
	MASK_ALL                                                                                   \
	"	ldr	r3, =snapcrash_device_saved\n"                                                       \
	"	stmia	r3!, {r4-r7}\n"                                                                    \
	"	mov	r4, r8\n"                                                                            \
	"	mov	r5, r9\n"                                                                            \
	"	mov	r6, r10\n"                                                                           \
	"	mov	r7, r11\n"                                                                           \
	"	stmia	r3!, {r4-r7}\n"                                                                    \
	"	mov	r4, lr\n"                                                                            \
	"	mrs	r5, msp\n"                                                                           \
	"	mrs	r6, psp\n"                                                                           \
	"	mrs	r7, control\n"                                                                       \
	"	stmia	r3!, {r4-r7}\n"                                                                    \
	"	mrs	r6, xpsr\n" DROP_LIMITS "	str	r6, [r3]\n"                                  \
	"	ldr	r4, =snapcrash_device_stack + %c0\n"                                                 \
	"	mov	sp, r4\n"

__attribute__((naked)) void snapcrash_device_fault_entry(void)
{
	__asm__ volatile(
		"	.syntax unified\n" SAVE "	bl	snapcrash_device_fault_begin\n"
		"	.ltorg\n" ::"i"(sizeof(snapcrash_device_stack)));
}

__attribute__((naked)) void snapcrash_device_assert(
	const char *file, uint32_t line, const char *message)
{
	(void)file, (void)line, (void)message;
	__asm__ volatile("	.syntax unified\n"
			 "	mrs	r3, control\n"
			 "	lsls	r3, r3, #31\n" /* nPRIV */
			 "	beq	1f\n"
			 "	.global	snapcrash_device_assert_trap\n"
			 "snapcrash_device_assert_trap:\n"
			 "	udf	#255\n" /* to fault_begin, which knows it */
			 "1:\n" SAVE "	bl	snapcrash_device_assert_begin\n"
			 "	.ltorg\n" ::"i"(sizeof(snapcrash_device_stack)));
}

static void set(enum snapcrash_device_armv7m_register which, uint32_t value)
{
	snapcrash_device_armv7m_set(&state.cpu, which, value);
}

static void set_common(void)
{
	const struct saved *saved = &snapcrash_device_saved;
	state.cpu_arch = CPU_ARCH;
	for (unsigned int i = 0; i < 8; i++)
		set(SNAPCRASH_ARMV7M_R4 + i, saved->r4_r11[i]);
	set(SNAPCRASH_ARMV7M_MSP, saved->msp);
	set(SNAPCRASH_ARMV7M_PSP, saved->psp);
	set(SNAPCRASH_ARMV7M_CONTROL, saved->control);
	set(SNAPCRASH_ARMV7M_ICSR, ICSR);
}

/* The registers that tell of a fault. Whether the frame was written. */
static bool set_fault(void)
{
	if (!HAS_FAULT_REGISTERS)
		return true;
	uint32_t cfsr = CFSR;
	set(SNAPCRASH_ARMV7M_CFSR, cfsr);
	set(SNAPCRASH_ARMV7M_HFSR, HFSR);
	set(SNAPCRASH_ARMV7M_SHCSR, SHCSR);
	if (cfsr & CFSR_MMARVALID)
		set(SNAPCRASH_ARMV7M_MMFAR, MMFAR);
	if (cfsr & CFSR_BFARVALID)
		set(SNAPCRASH_ARMV7M_BFAR, BFAR);
	return !(cfsr & (CFSR_MSTKERR | CFSR_STKERR));
}

/* Takes the frame off the stack that it was pushed on. */
static void unstack(bool written)
{
	uint32_t exc_return = snapcrash_device_saved.lr;
	enum snapcrash_device_armv7m_register pointer =
		exc_return & RETURN_PSP ? SNAPCRASH_ARMV7M_PSP : SNAPCRASH_ARMV7M_MSP;
	uintptr_t address = state.cpu.value[pointer];
	uint32_t size = exc_return & RETURN_BASIC_FRAME ? BASIC_FRAME_BYTES : FP_FRAME_BYTES;
	state.on_main_stack = pointer == SNAPCRASH_ARMV7M_MSP;
	state.in_handler = !(exc_return & RETURN_THREAD);
	state.frame_lost = !written || address % 4 != 0 ||
			   !snapcrash_device_readable(address, FRAME_WORDS * 4);
	if (!state.frame_lost) {
		const volatile uint32_t *frame = (const volatile uint32_t *)address;
		for (unsigned int i = 0; i < 4; i++)
			set(SNAPCRASH_ARMV7M_R0 + i, frame[FRAME_R0 + i]);
		set(SNAPCRASH_ARMV7M_R12, frame[FRAME_R12]);
		set(SNAPCRASH_ARMV7M_LR, frame[FRAME_LR]);
		set(SNAPCRASH_ARMV7M_PC, frame[FRAME_PC]);
		set(SNAPCRASH_ARMV7M_PSR, frame[FRAME_PSR]);
		state.interrupted = frame[FRAME_PSR] & PSR_EXCEPTION;
		if (frame[FRAME_PSR] & PSR_ALIGNED)
			size += 4;
	}
	set(pointer, address + size);
}

__attribute__((noreturn)) static void restart(void)
{
	for (;;)
		snapcrash_device_restart();
}

/* What is left of the way is the application's; not twice. */
__attribute__((noreturn)) static void hand_over(void)
{
	snapcrash_device_fault(&state);
	restart();
}

static uint32_t call_before(uint32_t lr);

static void set_assertion(const char *file, uint32_t line, const char *message, uint32_t lr)
{
	set(SNAPCRASH_ARMV7M_LR, lr);
	set(SNAPCRASH_ARMV7M_PC, call_before(lr));
	state.file = file;
	state.line = line;
	state.message = message;
}

/* Unprivileged code called snapcrash_device_assert(), which could do no better than fault. */
static void assert_instead(void)
{
	const uint32_t *value = state.cpu.value;
	static const uint8_t faults[] = {SNAPCRASH_ARMV7M_EXC_RETURN, SNAPCRASH_ARMV7M_ICSR,
		SNAPCRASH_ARMV7M_CFSR, SNAPCRASH_ARMV7M_HFSR, SNAPCRASH_ARMV7M_SHCSR,
		SNAPCRASH_ARMV7M_R0 + 3, SNAPCRASH_ARMV7M_R12};
	for (unsigned int i = 0; i < sizeof(faults); i++)
		state.cpu.has &= ~((uint32_t)1 << faults[i]);
	set(SNAPCRASH_ARMV7M_CONTROL, value[SNAPCRASH_ARMV7M_CONTROL] | CONTROL_SPSEL);
	state.exception = 0;
	set_assertion((const char *)(uintptr_t)value[SNAPCRASH_ARMV7M_R0],
		value[SNAPCRASH_ARMV7M_R0 + 1],
		(const char *)(uintptr_t)value[SNAPCRASH_ARMV7M_R0 + 2],
		value[SNAPCRASH_ARMV7M_LR]);
}

__attribute__((used)) void snapcrash_device_fault_begin(void)
{
	if (busy)
		restart();
	busy = true;
	if (HAS_FAULT_REGISTERS)
		CCR |= CCR_BFHFNMIGN;
	set_common();
	set(SNAPCRASH_ARMV7M_EXC_RETURN, snapcrash_device_saved.lr);
	state.exception = snapcrash_device_saved.psr & PSR_EXCEPTION;
	bool written = set_fault();
	unstack(written);
	if (!state.frame_lost &&
		state.cpu.value[SNAPCRASH_ARMV7M_PC] == (uintptr_t)snapcrash_device_assert_trap)
		assert_instead();
	hand_over();
}

/* Where the call is that returns to lr: BL is two halfwords, BLX one (A6.7.18, A6.7.19). */
static uint32_t call_before(uint32_t lr)
{
	uint32_t back = lr & ~1u;
	const volatile uint16_t *code = (const volatile uint16_t *)(uintptr_t)back;
	if (back < 4 || !snapcrash_device_readable(back - 4, 4))
		return back;
	bool is_bl = (code[-2] & 0xf800) == 0xf000 && (code[-1] & 0xd000) == 0xd000;
	return is_bl ? back - 4 : back - 2;
}

__attribute__((used)) void snapcrash_device_assert_begin(
	const char *file, uint32_t line, const char *message)
{
	const struct saved *saved = &snapcrash_device_saved;
	if (busy)
		restart();
	busy = true;
	if (HAS_FAULT_REGISTERS)
		CCR |= CCR_BFHFNMIGN;
	set_common();
	set(SNAPCRASH_ARMV7M_R0, (uint32_t)(uintptr_t)file);
	set(SNAPCRASH_ARMV7M_R0 + 1, line);
	set(SNAPCRASH_ARMV7M_R0 + 2, (uint32_t)(uintptr_t)message);
	set_assertion(file, line, message, saved->lr);
	set(SNAPCRASH_ARMV7M_PSR, saved->psr | PSR_T); /* which reads as 0 */
	state.interrupted = saved->psr & PSR_EXCEPTION;
	state.in_handler = state.interrupted != 0;
	state.on_main_stack = state.in_handler || !(saved->control & CONTROL_SPSEL);
	hand_over();
}

__attribute__((weak)) bool snapcrash_device_readable(uintptr_t start, size_t len)
{
	return start + len >= start;
}

__attribute__((weak)) void snapcrash_device_restart(void)
{
	__asm__ volatile("dsb" ::: "memory");
	AIRCR = AIRCR_RESET;
	__asm__ volatile("dsb" ::: "memory");
	for (;;)
		;
}

const char *snapcrash_device_reason(const struct snapcrash_device_state *which)
{
	switch (which->exception) {
	case 0:
		return "assert";
	case 2:
		return "NMI";
	case 4:
		return "MemManage";
	case 5:
		return "BusFault";
	case 6:
		return "UsageFault";
	default:
		return "HardFault";
	}
}

void snapcrash_device_write_state(struct snapcrash_device_writer *w,
	const struct snapcrash_device_state *which, uintptr_t start, uintptr_t end, size_t max)
{
	bool handler = which->in_handler;
	snapcrash_device_armv7m(w, &which->cpu);
	if (!which->on_main_stack)
		return;
	struct snapcrash_device_thread thread = {
		.name = snapcrash_device_text(
			handler ? "Main Stack (Handler Mode)" : "Main Stack (Thread Mode)"),
		.state = handler ? SNAP_THREAD_INTERRUPT_HANDLER : SNAP_THREAD_RUNNING,
		.has_stack_start = true,
		.stack_start = start,
		.has_stack_end = true,
		.stack_end = end,
		.has_stack_pointer = true,
		.stack_pointer = which->cpu.value[SNAPCRASH_ARMV7M_MSP],
	};
	snapcrash_device_thread_with_stack(w, &thread, max);
}
