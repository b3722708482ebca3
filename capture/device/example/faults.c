/*
 * Ways to fail. Each is reached through functions that stay functions, so that a report can be
 * checked against their names: fault_happen() calls NAME_outer(), that NAME_inner(), where it
 * happens.
 */
#include "capture/device/cortex_m.h"
#include "capture/device/example/board.h"
#include "capture/device/example/firmware.h"
#include "capture/device/example/kernel.h"

#define APART __attribute__((noipa))

volatile uint32_t fault_stack_pointer;
static volatile uint32_t sink;
static volatile uint32_t zero;
static uint8_t buffer[16];

/* Where the stack pointer is now: what the snapshot must say. */
#define MARK()                                                                                     \
	__asm__ volatile("mov r3, sp\n\tstr r3, [%0]" ::"r"(&fault_stack_pointer) : "r3", "memor"  \
											  "y")

#define DEFINE_OUTER(name)                                                                         \
	static APART void name##_outer(uint32_t depth)                                             \
	{                                                                                          \
		name##_inner(depth + 1);                                                           \
		sink += depth; /* not a tail call */                                               \
	}

static APART void null_inner(uint32_t value)
{
	volatile uint32_t *pointer = (volatile uint32_t *)(uintptr_t)(zero + 8);
	MARK();
	*pointer = value;
}
DEFINE_OUTER(null)

static APART void unaligned_inner(uint32_t value)
{
	volatile uint32_t *pointer = (volatile uint32_t *)(void *)(buffer + zero + 1);
	MARK();
	*pointer = value;
}
DEFINE_OUTER(unaligned)

static APART void divide_inner(uint32_t value)
{
	MARK();
	sink = value / zero;
}
DEFINE_OUTER(divide)

static APART void undefined_inner(uint32_t value)
{
	sink = value;
	MARK();
	__asm__ volatile("udf #7");
	sink = value + 1;
}
DEFINE_OUTER(undefined)

/* An even address: there is no such state as the one that it asks for. */
static APART void bad_pointer_inner(uint32_t value)
{
	void (*volatile function)(uint32_t) = (void (*)(uint32_t))((uintptr_t)divide_outer & ~1u);
	MARK();
	function(value);
	sink = value;
}
DEFINE_OUTER(bad_pointer)

static APART void null_call_inner(uint32_t value)
{
	void (*volatile function)(uint32_t) = (void (*)(uint32_t))(zero + 1);
	MARK();
	function(value);
	sink = value;
}
DEFINE_OUTER(null_call)

static APART void bus_inner(uint32_t value)
{
	const volatile uint32_t *pointer = (const volatile uint32_t *)(uintptr_t)(NOWHERE + zero);
	MARK();
	sink = *pointer + value;
}
DEFINE_OUTER(bus)

static APART void wild_jump_inner(uint32_t value)
{
	void (*volatile function)(uint32_t) = (void (*)(uint32_t))(NOWHERE_CODE | 1u);
	MARK();
	function(value);
	sink = value;
}
DEFINE_OUTER(wild_jump)

/* Into the guard below the stack. */
static APART uint32_t overflow_inner(uint32_t depth)
{
	volatile uint8_t room[40];
	if (depth == zero)
		return depth;
	room[depth % sizeof(room)] = (uint8_t)depth;
	return overflow_inner(depth + 1) + room[zero];
}
DEFINE_OUTER(overflow)

static APART void assert_inner(uint32_t value)
{
	MARK();
	if (value > zero)
		snapcrash_device_assert("sensor.c", 42, "value <= limit");
	sink = value;
}
DEFINE_OUTER(assert)

/* From a thread without privileges, which may not do what an assertion needs. */
static APART void user_assert_inner(uint32_t value)
{
	MPU_CTRL = 0; /* it gives such threads nothing */
	__asm__ volatile("msr control, %0\n\tisb" ::"r"(3) : "memory");
	MARK();
	if (value > zero)
		snapcrash_device_assert("user.c", 43, "value <= limit");
	sink = value;
}
DEFINE_OUTER(user_assert)

#ifndef __ARM_ARCH_6M__
/* The stack pointer is no multiple of eight: the processor aligns it before the frame. */
static APART void misaligned_inner(uint32_t value)
{
	__asm__ volatile("sub	sp, #4\n\t"
			 "str	sp, [%0]\n\t"
			 "udf	#8\n\t"
			 "add	sp, #4" ::"r"(&fault_stack_pointer)
			 : "memory");
	sink = value;
}
DEFINE_OUTER(misaligned)

/* The stack pointer is somewhere where there is no memory. */
static APART void wild_stack_inner(uint32_t value)
{
	__asm__ volatile("msr	psp, %0\n\t"
			 "udf	#10" ::"r"(NOWHERE - 16 + zero));
	sink = value;
}
DEFINE_OUTER(wild_stack)

/* Every register has a value that can be told. */
static APART void registers_inner(uint32_t value)
{
	__asm__ volatile("str	sp, [%0]\n\t"
			 "push	{r7, r11}\n\t"
			 "ldr	r0, =0x11110000\n\t"
			 "ldr	r1, =0x11110001\n\t"
			 "ldr	r2, =0x11110002\n\t"
			 "ldr	r3, =0x11110003\n\t"
			 "ldr	r4, =0x11110004\n\t"
			 "ldr	r5, =0x11110005\n\t"
			 "ldr	r6, =0x11110006\n\t"
			 "ldr	r7, =0x11110007\n\t"
			 "ldr	r8, =0x11110008\n\t"
			 "ldr	r9, =0x11110009\n\t"
			 "ldr	r10, =0x1111000a\n\t"
			 "ldr	r11, =0x1111000b\n\t"
			 "ldr	r12, =0x1111000c\n\t"
			 "ldr	lr, =0x1111000e\n\t"
			 "udf	#9\n\t"
			 "pop	{r7, r11}\n\t"
			 ".ltorg" ::"r"(&fault_stack_pointer)
			 : "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r8", "r9", "r10", "r12", "lr",
			 "memory");
	sink = value;
}
DEFINE_OUTER(registers)
#endif

#ifdef __ARM_FP
/* With the FPU in use: the processor's frame is the long one. */
static volatile float scale = 1.5f;
static APART void float_inner(uint32_t value)
{
	float scaled = (float)value * scale;
	MARK();
	sink = value / zero;
	scale = scaled * scale;
}
DEFINE_OUTER(float)
#endif

/* ---------------------------------------------------------------- in handlers */

static const char *volatile handler_fault; /* what the handler is to do */

static APART void adc_convert(uint32_t channel)
{
	if (text_equal(handler_fault, "nested"))
		NVIC_ISPR = 2; /* interrupts this very handler */
	__asm__ volatile("dsb\n\tisb" ::: "memory");
	if (text_equal(handler_fault, "irq_assert"))
		snapcrash_device_assert("adc.c", 17, "a sample is there");
	const volatile uint32_t *pointer =
		(const volatile uint32_t *)(uintptr_t)(NOWHERE + channel);
	MARK();
	sink = *pointer;
	sink = sink + channel;
}

void adc_handler(void)
{
	adc_convert(zero);
	sink = sink + 1;
}

static APART void dma_advance(uint32_t channel)
{
	MARK();
	sink = channel / zero;
	sink = sink + channel;
}

void dma_handler(void)
{
	dma_advance(zero + 3);
	sink = sink + 1;
}

static APART void irq_inner(uint32_t value)
{
	NVIC_PRIORITY = 0x00004080; /* of 1 before 0 */
	NVIC_ISER = 3;
	sink = value;
	NVIC_ISPR = 1;
	__asm__ volatile("dsb\n\tisb" ::: "memory");
	sink = value + 1;
}
DEFINE_OUTER(irq)

/* ---------------------------------------------------------------- by name */

static const struct scenario {
	const char *name;
	void (*happen)(uint32_t depth);
} scenarios[] = {
	{"null", null_outer},
	{"unaligned", unaligned_outer},
	{"divide", divide_outer},
	{"undefined", undefined_outer},
	{"bad_pointer", bad_pointer_outer},
	{"null_call", null_call_outer},
	{"bus", bus_outer},
	{"wild_jump", wild_jump_outer},
	{"overflow", overflow_outer},
	{"assert", assert_outer},
	{"again", assert_outer},
	{"user_assert", user_assert_outer},
#ifndef __ARM_ARCH_6M__
	{"misaligned", misaligned_outer},
	{"registers", registers_outer},
	{"wild_stack", wild_stack_outer},
#endif
#ifdef __ARM_FP
	{"float", float_outer},
#endif
	{"irq", irq_outer},
	{"irq_assert", irq_outer},
	{"nested", irq_outer},
};

bool fault_happen(const char *name)
{
	if (text_equal(name, "hardfault")) {
		SCB_SHCSR &= ~SHCSR_FAULTS; /* all become HardFaults */
		name = "divide";
	}
	handler_fault = name;
	for (uint32_t i = 0; i < sizeof(scenarios) / sizeof(scenarios[0]); i++) {
		if (text_equal(name, scenarios[i].name)) {
			scenarios[i].happen(1);
			return true;
		}
	}
	return false;
}

static APART void early_set_up(uint32_t value)
{
	MARK();
	sink = value / zero;
	sink = value;
}

void fault_happen_early(const char *name)
{
	if (text_equal(name, "early"))
		early_set_up(zero + 1);
	sink = sink + 1;
}
