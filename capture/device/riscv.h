/*
 * Traps and assertions on RV32 in machine mode: the state of the code that was interrupted is
 * gathered and given to the application, which writes the snapshot (snapcrash_device.h) and starts
 * the device anew. The counterpart of cortex_m.h; a program includes one of the two.
 *
 * Crash-time. Let mtvec (direct mode) point to snapcrash_device_trap_entry. mscratch is used by it.
 * The code switches to a stack of its own, since the one in use may have overflowed; interrupts
 * stay off, as the processor left them.
 *
 * Source: The RISC-V Instruction Set Manual, volume II, chapter 3 (machine-level ISA).
 */
#ifndef SNAPCRASH_DEVICE_RISCV_H
#define SNAPCRASH_DEVICE_RISCV_H

#include "capture/device/snapcrash_device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What the stack has for snapcrash_device_fault() and the writer, beside 64 bytes of this module.
 */
#ifndef SNAPCRASH_DEVICE_FAULT_STACK_BYTES
#define SNAPCRASH_DEVICE_FAULT_STACK_BYTES 1024
#endif

/* What was happening. Lives in static memory. */
struct snapcrash_device_state {
	/* Of an assertion: the caller's registers at its call, mepc being the call itself; mcause
	 * and mtval are absent, and so is t0. */
	struct snapcrash_device_riscv cpu;
	enum snap_cpu_arch cpu_arch;
	bool is_assertion;
	/* As it was called; NULL, 0. */
	const char *file;
	uint32_t line;
	const char *message;
};

/* The trap vector. Exceptions are taken here, interrupts are passed on to
 * snapcrash_device_interrupt_entry with all registers (but mscratch) as they were. */
void snapcrash_device_trap_entry(void);

/* The application's handler of interrupts, which saves what it uses and returns by mret; without
 * one, an interrupt counts as a trap that nobody expects. */
void snapcrash_device_interrupt_entry(void);

/* An assertion failed: what a trap does, for the place of the call. Any argument may be NULL or 0.
 * In machine mode only. Does not return. */
void snapcrash_device_assert(const char *file, uint32_t line, const char *message)
	__attribute__((noreturn));

/* The application's: write the snapshot. When it returns, or if there is a second trap in it,
 * snapcrash_device_restart() is called. */
void snapcrash_device_fault(const struct snapcrash_device_state *state);

/* The application's: how the device starts anew. Without one: it stops for good. Must not return.
 */
void snapcrash_device_restart(void);

/* "Illegal instruction", "assert" and so on, for metadata's reason. */
const char *snapcrash_device_reason(const struct snapcrash_device_state *state);

#ifdef __cplusplus
}
#endif

#endif
