#include "capture/device/riscv.h"

#ifdef __riscv_32e
#define CPU_ARCH  SNAP_CPU_RV32E
#define NUM_SAVED 15 /* x1 to x15 */
#define SAVE_UPPER
#else
#define CPU_ARCH  SNAP_CPU_RV32I
#define NUM_SAVED 31
#define SAVE_UPPER                                                                                 \
	"	sw	x16, 60(t0)\n"                                                                        \
	"	sw	x17, 64(t0)\n"                                                                        \
	"	sw	x18, 68(t0)\n"                                                                        \
	"	sw	x19, 72(t0)\n"                                                                        \
	"	sw	x20, 76(t0)\n"                                                                        \
	"	sw	x21, 80(t0)\n"                                                                        \
	"	sw	x22, 84(t0)\n"                                                                        \
	"	sw	x23, 88(t0)\n"                                                                        \
	"	sw	x24, 92(t0)\n"                                                                        \
	"	sw	x25, 96(t0)\n"                                                                        \
	"	sw	x26, 100(t0)\n"                                                                       \
	"	sw	x27, 104(t0)\n"                                                                       \
	"	sw	x28, 108(t0)\n"                                                                       \
	"	sw	x29, 112(t0)\n"                                                                       \
	"	sw	x30, 116(t0)\n"                                                                       \
	"	sw	x31, 120(t0)\n"
#endif

#define CAUSE_INTERRUPT 0x80000000u

/* x1 to x31 in order, as the entries below write them. */
uint32_t snapcrash_device_saved[NUM_SAVED];
uint64_t snapcrash_device_stack[(SNAPCRASH_DEVICE_FAULT_STACK_BYTES + 64) / sizeof(uint64_t)]
	__attribute__((aligned(16)));

static struct snapcrash_device_state state;
static volatile bool busy;

void snapcrash_device_trap_save(void);
void snapcrash_device_trap_begin(void);
void snapcrash_device_assert_begin(const char *file, uint32_t line, const char *message);

/* All registers but t0 (x5), which is in mscratch; on to a stack of our own. */
#define SAVE                                                                                       \
	"	lla	t0, snapcrash_device_saved\n"                                                        \
	"	sw	x1, 0(t0)\n"                                                                          \
	"	sw	x2, 4(t0)\n"                                                                          \
	"	sw	x3, 8(t0)\n"                                                                          \
	"	sw	x4, 12(t0)\n"                                                                         \
	"	sw	x6, 20(t0)\n"                                                                         \
	"	sw	x7, 24(t0)\n"                                                                         \
	"	sw	x8, 28(t0)\n"                                                                         \
	"	sw	x9, 32(t0)\n"                                                                         \
	"	sw	x10, 36(t0)\n"                                                                        \
	"	sw	x11, 40(t0)\n"                                                                        \
	"	sw	x12, 44(t0)\n"                                                                        \
	"	sw	x13, 48(t0)\n"                                                                        \
	"	sw	x14, 52(t0)\n"                                                                        \
	"	sw	x15, 56(t0)\n" SAVE_UPPER "	csrr	t1, mscratch\n"                           \
	"	sw	t1, 16(t0)\n"                                                                         \
	"	lla	sp, snapcrash_device_stack + %0\n"

/* Aligned as mtvec wants it. */
__attribute__((naked, aligned(64))) void snapcrash_device_trap_entry(void)
{
	__asm__ volatile("	csrw	mscratch, t0\n"
			 "	csrr	t0, mcause\n"
			 "	bgez	t0, 1f\n" /* the highest bit: an interrupt */
			 "	csrr	t0, mscratch\n"
			 "	j	snapcrash_device_interrupt_entry\n"
			 "1:	j	snapcrash_device_trap_save\n");
}

__attribute__((naked, used)) void snapcrash_device_trap_save(void)
{
	__asm__ volatile(SAVE "	call	snapcrash_device_trap_begin\n" ::"i"(
		sizeof(snapcrash_device_stack)));
}

__attribute__((naked, weak)) void snapcrash_device_interrupt_entry(void)
{
	__asm__ volatile("	csrw	mscratch, t0\n"
			 "	j	snapcrash_device_trap_save\n");
}

__attribute__((naked)) void snapcrash_device_assert(
	const char *file, uint32_t line, const char *message)
{
	(void)file, (void)line, (void)message;
	__asm__ volatile("	csrci	mstatus, 8\n" /* MIE: no interrupts */
			 "	csrw	mscratch, t0\n" SAVE
			 "	call	snapcrash_device_assert_begin\n" ::"i"(
				 sizeof(snapcrash_device_stack)));
}

#define READ_CSR(name)                                                                             \
	__extension__({                                                                            \
		uint32_t value_;                                                                   \
		__asm__ volatile("csrr %0, " #name : "=r"(value_));                                \
		value_;                                                                            \
	})

static void set(enum snapcrash_device_riscv_register which, uint32_t value)
{
	snapcrash_device_riscv_set(&state.cpu, which, value);
}

static void set_common(void)
{
	state.cpu_arch = CPU_ARCH;
	set(SNAPCRASH_RISCV_MSTATUS, READ_CSR(mstatus));
	/* The message has the registers in their order, but for x3 and x4. */
	for (unsigned int i = 0; i < NUM_SAVED; i++)
		if (i < 2)
			set(SNAPCRASH_RISCV_RA + i, snapcrash_device_saved[i]);
		else if (i >= 4)
			set(SNAPCRASH_RISCV_T0 + (i - 4), snapcrash_device_saved[i]);
}

__attribute__((noreturn)) static void restart(void)
{
	for (;;)
		snapcrash_device_restart();
}

__attribute__((used)) void snapcrash_device_trap_begin(void)
{
	if (busy)
		restart();
	busy = true;
	set_common();
	set(SNAPCRASH_RISCV_MEPC, READ_CSR(mepc));
	set(SNAPCRASH_RISCV_MCAUSE, READ_CSR(mcause));
	set(SNAPCRASH_RISCV_MTVAL, READ_CSR(mtval));
	snapcrash_device_fault(&state);
	restart();
}

/* Where the call is that returns to ra: jal and jalr with rd = ra are four bytes, c.jal and c.jalr
 * two. */
static uint32_t call_before(uint32_t ra)
{
	const volatile uint16_t *code = (const volatile uint16_t *)(uintptr_t)ra;
	uint32_t low = code[-2] & 0xfffu;
	return low == 0x0ef || low == 0x0e7 ? ra - 4 : ra - 2;
}

__attribute__((used)) void snapcrash_device_assert_begin(
	const char *file, uint32_t line, const char *message)
{
	if (busy)
		restart();
	busy = true;
	set_common();
	state.cpu.has[0] &= ~((uint32_t)1 << SNAPCRASH_RISCV_T0); /* a call may use it on its way */
	set(SNAPCRASH_RISCV_MEPC, call_before(state.cpu.value[SNAPCRASH_RISCV_RA]));
	state.is_assertion = true;
	state.file = file;
	state.line = line;
	state.message = message;
	snapcrash_device_fault(&state);
	restart();
}

__attribute__((weak)) void snapcrash_device_restart(void)
{
	for (;;)
		__asm__ volatile("wfi");
}

const char *snapcrash_device_reason(const struct snapcrash_device_state *which)
{
	/* Table 3.6, exceptions. */
	static const char *const names[] = {"Instruction address misaligned",
		"Instruction access fault", "Illegal instruction", "Breakpoint",
		"Load address misaligned", "Load access fault", "Store address misaligned",
		"Store access fault", "Environment call from U-mode",
		"Environment call from S-mode", "Trap", "Environment call from M-mode",
		"Instruction page fault", "Load page fault", "Trap", "Store page fault"};
	uint32_t cause = which->cpu.value[SNAPCRASH_RISCV_MCAUSE];
	if (which->is_assertion)
		return "assert";
	if (cause & CAUSE_INTERRUPT)
		return "Unexpected interrupt";
	return cause < sizeof(names) / sizeof(names[0]) ? names[cause] : "Trap";
}
