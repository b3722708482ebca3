/*
 * Faults and assertions on Cortex-M (ARMv6-M, ARMv7-M, ARMv8-M without TrustZone's extra frames):
 * the state of the code that was interrupted is gathered and given to the application, which writes
 * the snapshot (snapcrash_device.h) and starts the device anew.
 *
 * Crash-time. Put snapcrash_device_fault_entry into the vector table for HardFault and, where there
 * are such, MemManage, BusFault and UsageFault (which SHCSR must enable, or they become
 * HardFaults), and have snapcrash_device_assert() called by the program's assertions. Nothing of
 * what is running is trusted: the code switches to a stack of its own, since the one in use may
 * have overflowed, with all interrupts masked (FAULTMASK; PRIMASK on ARMv6-M). On ARMv7-M and
 * later, memory that does not answer then reads as something instead of faulting again
 * (CCR.BFHFNMIGN), and the MPU is off unless MPU_CTRL.HFNMIENA is set.
 *
 * Sources: ARMv7-M Architecture Reference Manual (DDI 0403E), B1.5.6 to B1.5.8 (exception entry and
 * return, the frame), B3.2 (System Control Block); ARMv8-M (DDI 0553).
 */
#ifndef SNAPCRASH_DEVICE_CORTEX_M_H
#define SNAPCRASH_DEVICE_CORTEX_M_H

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
	/*
	 * pc, lr, psr, r0-r3 and r12 are those of the exception frame, absent if the processor
	 * could not write it (CFSR.STKERR, MSTKERR) or it can't be where it should; msp and psp are
	 * those from before the exception. mmfar and bfar are absent if CFSR says that they hold
	 * nothing. Of an assertion: the caller's registers at its call; exc_return, the registers
	 * of faults, r3 and r12 are absent.
	 */
	struct snapcrash_device_armv7m cpu;
	enum snap_cpu_arch cpu_arch;
	uint32_t exception; /* the fault's number: 3 HardFault ... 6 UsageFault; 0: an assertion */
	bool in_handler;    /* a handler was interrupted, not a thread */
	uint32_t interrupted; /* its number; 0: a thread, or the frame is lost */
	bool frame_lost;      /* see cpu */
	bool on_main_stack;   /* the interrupted code used the main stack */
	/* Of an assertion, as it was called; NULL, 0. */
	const char *file;
	uint32_t line;
	const char *message;
};

/* The handler for the vector table. */
void snapcrash_device_fault_entry(void);

/*
 * An assertion failed: what a fault does, for the place of the call. Any argument may be NULL or 0.
 * May be called from everywhere: unprivileged code gets there by an undefined instruction, which
 * snapcrash_device_fault_entry must handle (and whose fault's registers are left out then). Does
 * not return.
 */
void snapcrash_device_assert(const char *file, uint32_t line, const char *message)
	__attribute__((noreturn));

/*
 * The application's: write the snapshot. Called with all interrupts masked, once; a second fault
 * locks the processor up (or starts snapcrash_device_restart()). When it returns,
 * snapcrash_device_restart() is called.
 */
void snapcrash_device_fault(const struct snapcrash_device_state *state);

/* Whether len bytes from start can be read: the application may have a better answer than "yes".
 * Asked before the exception frame is. */
bool snapcrash_device_readable(uintptr_t start, size_t len);

/* A reset through AIRCR.SYSRESETREQ; the application may have another. Must not return. */
void snapcrash_device_restart(void);

/* "HardFault", "MemManage", "BusFault", "UsageFault", "NMI", "assert", for metadata's reason. */
const char *snapcrash_device_reason(const struct snapcrash_device_state *state);

/*
 * The CPU state's record and, if the main stack was in use (or a handler ran, that of its thread
 * aside), the main stack as a thread, as Pigweed calls it: "Main Stack (Handler Mode)", state
 * INTERRUPT_HANDLER, or "Main Stack (Thread Mode)", RUNNING. [end, start): the main stack; max:
 * bytes of it to write at most.
 */
void snapcrash_device_write_state(struct snapcrash_device_writer *w,
	const struct snapcrash_device_state *state, uintptr_t start, uintptr_t end, size_t max);

#ifdef __cplusplus
}
#endif

#endif
