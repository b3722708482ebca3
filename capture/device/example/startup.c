/* Vector table, reset, and the board's own UART and semihosting. */
#include <stddef.h>
#include <stdint.h>

#include "capture/device/cortex_m.h"
#include "capture/device/example/board.h"
#include "capture/device/example/firmware.h"
#include "capture/device/example/kernel.h"

extern uint32_t data_start[], data_end[], data_image[], bss_start[], bss_end[];

void reset_handler(void);

typedef void handler(void);

static void unexpected_handler(void)
{
	snapcrash_device_assert(NULL, 0, "an interrupt that nobody expects");
}

union vector {
	uint32_t *stack;
	handler *handler;
};

__attribute__((section(".vectors"), used)) static const union vector vectors[16 + 32] = {
	{.stack = main_stack_start},
	{.handler = reset_handler},
	{.handler = unexpected_handler},
	{.handler = snapcrash_device_fault_entry}, /* HardFault */
	{.handler = snapcrash_device_fault_entry}, /* MemManage */
	{.handler = snapcrash_device_fault_entry}, /* BusFault */
	{.handler = snapcrash_device_fault_entry}, /* UsageFault */
	[11] = {.handler = unexpected_handler},	   /* SVCall */
	[14] = {.handler = kernel_switch_handler}, /* PendSV */
	[15] = {.handler = kernel_tick_handler},   /* SysTick */
	[16] = {.handler = adc_handler},
	[17] = {.handler = dma_handler},
};

uint32_t board_semihosting(uint32_t call, const void *argument)
{
	register uint32_t r0 __asm__("r0") = call;
	register const void *r1 __asm__("r1") = argument;
	__asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
	return r0;
}

void board_uart_start(void)
{
	UART_BAUDDIV = 16;
	UART_CTRL = UART_TX_ON;
}

void board_uart_put(char c)
{
	while (UART_STATE & UART_TX_FULL)
		;
	UART_DATA = (uint8_t)c;
}

/* The faults that there are, and memory that nobody may touch. */
static void set_up_faults(void)
{
#ifndef __ARM_ARCH_6M__
	SCB_CCR |= CCR_DIV_0 | CCR_UNALIGN;
	SCB_SHCSR |= SHCSR_FAULTS;
	MPU_RNR = 0;
	MPU_RBAR = 0;
	MPU_RASR = MPU_NO_ACCESS(NULL_GUARD_POWER);
	MPU_CTRL = 5; /* on, and memory without a region as usual */
	__asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
}

__attribute__((noreturn)) void reset_handler(void)
{
	__builtin_memcpy(
		data_start, data_image, (size_t)((uint8_t *)data_end - (uint8_t *)data_start));
	__builtin_memset(bss_start, 0, (size_t)((uint8_t *)bss_end - (uint8_t *)bss_start));
#ifdef __ARM_FP
	SCB_CPACR |= 0xfu << 20; /* the FPU is there for everybody */
	__asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
	set_up_faults();
	firmware_main();
	snapcrash_device_restart();
	for (;;)
		;
}
