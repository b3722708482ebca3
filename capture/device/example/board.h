/*
 * The board: Arm's MPS2 with the Cortex-M3 or Cortex-M4 image (AN385, AN386), as QEMU has it. (The
 * build for Cortex-M0 runs on QEMU's "microbit", without a UART or an MPU.)
 * Addresses: Application Notes AN385, AN386 (memory map, CMSDK UART); ARMv7-M Architecture
 * Reference Manual, B3.2 to B3.5, for the rest.
 */
#ifndef SNAPCRASH_EXAMPLE_BOARD_H
#define SNAPCRASH_EXAMPLE_BOARD_H

#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(uintptr_t)(address))

#define UART_DATA    REGISTER(0x40004000)
#define UART_STATE   REGISTER(0x40004004)
#define UART_CTRL    REGISTER(0x40004008)
#define UART_BAUDDIV REGISTER(0x40004010)
#define UART_TX_FULL 1u
#define UART_TX_ON   1u

#define SYST_CSR REGISTER(0xe000e010)
#define SYST_RVR REGISTER(0xe000e014)
#define SYST_CVR REGISTER(0xe000e018)

#define NVIC_ISER      REGISTER(0xe000e100)
#define NVIC_ISPR      REGISTER(0xe000e200)
#define NVIC_PRIORITY  REGISTER(0xe000e400) /* of interrupts 0 to 3, a byte each */
#define SCB_ICSR       REGISTER(0xe000ed04)
#define SCB_CCR	       REGISTER(0xe000ed14)
#define SCB_SHPR3      REGISTER(0xe000ed20)
#define SCB_SHCSR      REGISTER(0xe000ed24)
#define SCB_CPACR      REGISTER(0xe000ed88)
#define ICSR_PENDSVSET (1u << 28)
#define CCR_UNALIGN    (1u << 3)
#define CCR_DIV_0      (1u << 4)
#define SHCSR_FAULTS   (7u << 16) /* MemManage, BusFault, UsageFault */

#define MPU_CTRL REGISTER(0xe000ed94)
#define MPU_RNR	 REGISTER(0xe000ed98)
#define MPU_RBAR REGISTER(0xe000ed9c)
#define MPU_RASR REGISTER(0xe000eda0)
/* Neither data nor instructions may be read there; its size is 2^(power of two). */
#define MPU_NO_ACCESS(power) ((1u << 28) | ((power)-1u) << 1 | 1u)

/* Addresses where nothing answers. */
#define NOWHERE	     0xa0000010u
#define NOWHERE_CODE 0x60000000u

/* Of the linker script. */
extern uint32_t ram_start[], ram_end[], main_stack_start[], main_stack_end[];
extern const uint8_t flash_end[];

/* What the null pointer guard covers: the vector table, and all before the code. */
#define NULL_GUARD_POWER 8u

#endif
