/*
 * The fault or trap that ended a microcontroller's program, as its status registers tell it: what
 * Cortex-M and RISC-V have in common.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_DEVICE_FAULT_H
#define SNAP_ANALYZE_EXPLAIN_DEVICE_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "analyze/crash.h"

/* What failed. */
enum snap_failed {
	SNAP_FAILED_UNKNOWN,	 /* no register tells */
	SNAP_FAILED_FETCH,	 /* code could not be read from an address, which is pc */
	SNAP_FAILED_STATE,	 /* a jump led to an address that no code can have, which is pc */
	SNAP_FAILED_ACCESS,	 /* a read or write was refused by protection or by the bus */
	SNAP_FAILED_LATE,	 /* a bus error that came when later instructions ran already */
	SNAP_FAILED_ALIGNMENT,	 /* a misaligned read or write */
	SNAP_FAILED_INSTRUCTION, /* it is undefined */
	SNAP_FAILED_COPROCESSOR, /* it is that of a coprocessor which is absent or switched off */
	SNAP_FAILED_DIVISION,	 /* by zero */
	SNAP_FAILED_STACKING,	 /* registers could not be saved as an exception was taken */
	SNAP_FAILED_UNSTACKING,	 /* nor be restored as it returned */
	SNAP_FAILED_LAZY,	 /* floating-point registers could not be saved later on */
	SNAP_FAILED_RETURN,	 /* from an exception: the state to return to makes no sense */
	SNAP_FAILED_LIMIT,	 /* the stack pointer would have gone below its limit */
	SNAP_FAILED_VECTOR,	 /* the vector table could not be read */
	SNAP_FAILED_BREAKPOINT,	 /* nobody was there to handle it */
	SNAP_FAILED_CALL,	 /* of the environment (RISC-V's ecall) */
	SNAP_FAILED_SECURITY,	 /* Secure memory was protected (Armv8-M) */
	SNAP_FAILED_HARDWARE,	 /* the processor found an error in itself or in memory */
};

struct snap_device_fault {
	enum snap_kind kind; /* NONE: there was no fault */
	enum snap_failed failed;
	/* The exception whose status it is, and what happened: "UsageFault", "divide by zero".
	 * Static; title is NULL if nothing tells. */
	const char *name, *title;
	const char *bit; /* the status bit's name; NULL: none tells. Static. */
	/* The status is that of what ended the program; else it may be left from before. */
	bool is_certain;
	bool is_escalated; /* to a HardFault, */
	bool is_disabled;  /* as its own handler was switched off */
	bool is_protection;  /* refused by the MPU or the page tables, not by the bus */
	bool has_address;    /* of the access, or of the code */
	uint64_t address;
	const char *access; /* "read", "write", "exec"; NULL: the status does not tell */
};

#endif
