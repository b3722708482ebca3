/*
 * The RV32 firmware, on QEMU's board "virt" (hw/riscv/virt.c has its memory map): no threads, but
 * the main stack and an interrupt.
 */
#include "capture/device/riscv.h"
#include "capture/device/example/firmware.h"

#define APART __attribute__((noipa))

#define REGISTER8(address)  (*(volatile uint8_t *)(uintptr_t)(address))
#define REGISTER32(address) (*(volatile uint32_t *)(uintptr_t)(address))
/* A 16550. */
#define UART_DATA      REGISTER8(0x10000000)
#define UART_STATE     REGISTER8(0x10000005)
#define UART_TX_EMPTY  0x20u
#define CLINT_SOFTWARE REGISTER32(0x02000000)
#define NOWHERE	       0x08000010u
#define MIE_SOFTWARE   8u
#define MSTATUS_MIE    8u

extern uint8_t bss_start[], bss_end[], main_stack_end[], main_stack_start[];

static volatile uint32_t sink;
static volatile uint32_t zero;
volatile uint32_t fault_stack_pointer;

#define MARK() __asm__ volatile("sw sp, (%0)" ::"r"(&fault_stack_pointer) : "memory")

void reset_handler(void);

uint32_t board_semihosting(uint32_t call, const void *argument)
{
	register uint32_t a0 __asm__("a0") = call;
	register const void *a1 __asm__("a1") = argument;
	/* "RISC-V Semihosting", 2: these three, uncompressed, on one page. */
	__asm__ volatile(".option push\n\t.option norvc\n\t.balign 16\n\t"
			 "slli zero, zero, 0x1f\n\tebreak\n\tsrai zero, zero, 7\n\t.option pop"
			 : "+r"(a0)
			 : "r"(a1)
			 : "memory");
	return a0;
}

void board_uart_start(void)
{
}

void board_uart_put(char c)
{
	while (!(UART_STATE & UART_TX_EMPTY))
		;
	UART_DATA = (uint8_t)c;
}

/* ---------------------------------------------------------------- faults */

#define DEFINE_OUTER(name)                                                                         \
	static APART void name##_outer(uint32_t depth)                                             \
	{                                                                                          \
		name##_inner(depth + 1);                                                           \
		sink += depth;                                                                     \
	}

static APART void bus_inner(uint32_t value)
{
	volatile uint32_t *pointer = (volatile uint32_t *)(uintptr_t)(NOWHERE + zero);
	MARK();
	sink = *pointer + value;
}
DEFINE_OUTER(bus)

static APART void null_inner(uint32_t value)
{
	volatile uint32_t *pointer = (volatile uint32_t *)(uintptr_t)(zero + 8);
	MARK();
	*pointer = value;
}
DEFINE_OUTER(null)

static APART void undefined_inner(uint32_t value)
{
	sink = value;
	MARK();
	__asm__ volatile("unimp");
	sink = value + 1;
}
DEFINE_OUTER(undefined)

static APART void wild_jump_inner(uint32_t value)
{
	void (*volatile function)(uint32_t) = (void (*)(uint32_t))(NOWHERE + zero);
	MARK();
	function(value);
	sink = value;
}
DEFINE_OUTER(wild_jump)

static APART void assert_inner(uint32_t value)
{
	MARK();
	if (value > zero)
		snapcrash_device_assert("sensor.c", 42, "value <= limit");
	sink = value;
}
DEFINE_OUTER(assert)

/* Every register has a value that can be told; t0 is the last. */
static APART void registers_inner(uint32_t value)
{
	(void)value;
	MARK();
	__asm__ volatile(".irp n, 1,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,"
			 "28,29,30,31,5\n\t"
			 "li x\\n, 0x11110000 + \\n\n\t"
			 ".endr\n\t"
			 "unimp" ::
				 : "memory");
	__builtin_unreachable();
}
DEFINE_OUTER(registers)

static APART void adc_convert(uint32_t channel)
{
	const volatile uint32_t *pointer =
		(const volatile uint32_t *)(uintptr_t)(NOWHERE + channel);
	MARK();
	sink = *pointer;
	sink = sink + channel;
}

__attribute__((interrupt)) void snapcrash_device_interrupt_entry(void)
{
	CLINT_SOFTWARE = 0;
	adc_convert(zero);
	sink = sink + 1;
}

static APART void irq_inner(uint32_t value)
{
	__asm__ volatile("csrs mie, %0\n\tcsrs mstatus, %1" ::"r"(MIE_SOFTWARE), "r"(MSTATUS_MIE));
	CLINT_SOFTWARE = 1;
	while (CLINT_SOFTWARE != 0)
		sink = value;
	sink = value + 1;
}
DEFINE_OUTER(irq)

static const struct scenario {
	const char *name;
	void (*happen)(uint32_t depth);
} scenarios[] = {
	{"bus", bus_outer},
	{"null", null_outer},
	{"undefined", undefined_outer},
	{"wild_jump", wild_jump_outer},
	{"assert", assert_outer},
	{"registers", registers_outer},
	{"irq", irq_outer},
};

bool fault_happen(const char *name)
{
	for (uint32_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		if (text_equal(name, scenarios[i].name)) {
			scenarios[i].happen(1);
			return true;
		}
	}
	return false;
}

APART void firmware_main(void)
{
	options_read();
	if (!fault_happen(options.fault))
		semihosting_print("no such fault\n");
	semihosting_exit(false);
}

__attribute__((used)) void reset_go_on(void);
void reset_go_on(void)
{
	__builtin_memset(bss_start, 0, (size_t)(bss_end - bss_start));
	__asm__ volatile("csrw mtvec, %0" ::"r"(snapcrash_device_trap_entry));
	firmware_main();
}

__attribute__((naked, section(".text.reset"))) void reset_handler(void)
{
	__asm__ volatile("	lla	sp, main_stack_start\n"
			 "	li	ra, 0\n" /* nobody calls this */
			 "	tail	reset_go_on\n");
}

/* ---------------------------------------------------------------- the snapshot */

static struct snapcrash_device_writer writer;

static void write_thread(const struct snapcrash_device_state *state)
{
	snapcrash_device_thread_with_stack(&writer,
		&(struct snapcrash_device_thread){
			.name = snapcrash_device_text("main"),
			.has_id = true,
			.id = 1,
			.state = SNAP_THREAD_RUNNING,
			.has_stack_start = true,
			.stack_start = (uintptr_t)main_stack_start,
			.has_stack_end = true,
			.stack_end = (uintptr_t)main_stack_end,
			.has_stack_pointer = true,
			.stack_pointer = state->cpu.value[SNAPCRASH_RISCV_SP],
		},
		2048);
}

static void write_tags(void)
{
	char hex[8];
	snapcrash_device_tag(
		&writer, snapcrash_device_text("scenario"), snapcrash_device_text(options.fault));
	snapcrash_device_tag(&writer, snapcrash_device_text("stack_pointer"),
		hex_text(fault_stack_pointer, hex));
}

void snapcrash_device_fault(const struct snapcrash_device_state *state)
{
	sink_begin(&writer);
	snapcrash_device_metadata(
		&writer, &(struct snapcrash_device_metadata){
				 .reason = snapcrash_device_text(snapcrash_device_reason(state)),
				 .fatal = true,
				 .project_name = snapcrash_device_text("snapcrash-example"),
				 .software_version = snapcrash_device_text("1.0.3"),
				 .build_uuid = build_id_find(),
				 .device_name = snapcrash_device_text("virt"),
				 .cpu_arch = state->cpu_arch,
			 });
	if (state->is_assertion)
		snapcrash_device_abort_message(
			&writer, assertion_text(state->file, state->line, state->message));
	snapcrash_device_riscv(&writer, &state->cpu);
	write_thread(state);
	(void)snapcrash_device_checkpoint(&writer); /* the last result tells all */
	write_tags();
	int error = snapcrash_device_finish(&writer);
	sink_close();
	semihosting_exit(error == 0);
}
