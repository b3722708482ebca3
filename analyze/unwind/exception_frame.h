/*
 * What a Cortex-M does when an exception (a fault, an interrupt) is taken: it puts a frame with the
 * interrupted registers onto the stack, and gives the handler a return address that is none, an
 * EXC_RETURN value, which says where that frame is.
 *
 * Sources: Armv7-M Architecture Reference Manual (DDI 0403), B1.5.6 (exception entry), B1.5.7 (stack
 * alignment), B1.5.8 (exception return); Armv8-M Architecture Reference Manual (DDI 0553), B3.19,
 * B3.22, and D1.2.95 (EXC_RETURN), D1.2.128 (FNC_RETURN).
 */
#ifndef SNAP_ANALYZE_UNWIND_EXCEPTION_FRAME_H
#define SNAP_ANALYZE_UNWIND_EXCEPTION_FRAME_H

#include "analyze/unwind/walk.h"

/* Bits of EXC_RETURN. */
#define SNAP_EXC_RETURN_SECURE_HANDLER 0x01u /* ES; always 1 on Armv7-M */
#define SNAP_EXC_RETURN_PROCESS_STACK  0x04u /* SPSEL */
#define SNAP_EXC_RETURN_THREAD	       0x08u /* Mode */
#define SNAP_EXC_RETURN_BASIC	       0x10u /* FType: the frame has no floating-point registers */
#define SNAP_EXC_RETURN_SECURE_STACK   0x40u /* S; always 1 on Armv7-M */

/* Bits of xPSR. */
#define SNAP_XPSR_EXCEPTION 0x000001ffu /* IPSR: of the handler that runs; 0: none does */
#define SNAP_XPSR_ALIGNED   0x00000200u /* of a frame: a word was left out above it */
#define SNAP_XPSR_THUMB	    0x01000000u

/* A frame as it was read. */
struct snap_exception_frame {
	uint64_t start, end; /* of the memory that it takes; end is the interrupted stack pointer */
	uint32_t r0_to_r3[4];
	uint32_t r12, lr, pc, xpsr;
};

/* Whether a return address is an EXC_RETURN value, by the bits that are fixed. */
bool snap_is_exc_return(const struct snap_arch *arch, uint64_t value);

/* The frame at an address. False, and *ret_fault, if memory for it is missing. */
bool snap_exception_frame_read(struct snap_walk *w, uint64_t addr, bool is_basic,
	struct snap_exception_frame *ret, uint64_t *ret_fault);
/* Whether it can be one that an exception left which returns to a thread, or not. */
bool snap_exception_frame_is_plausible(
	struct snap_walk *w, const struct snap_exception_frame *frame, bool to_thread);
/* Put its registers into r; others stay as they were. */
void snap_exception_frame_restore(
	const struct snap_arch *arch, const struct snap_exception_frame *frame, struct snap_registers *r);

/* The processor's mode of the thread's own registers, as far as they tell. */
enum snap_mode snap_exception_mode(const struct snap_walk *w);

/*
 * If the frame's pc is an EXC_RETURN value, the registers that were interrupted; frame->is_signal and
 * is_exception are set, and its CFA is where they were saved. SNAP_STEP_UNKNOWN if it is not.
 */
enum snap_step snap_step_by_exception_frame(struct snap_walk *w, struct snap_frame *frame,
	const struct snap_registers *registers, struct snap_registers *caller);

/*
 * Whether value, on the stack at addr, is an EXC_RETURN value that a handler has saved: the frame
 * that it tells of is where it says.
 */
bool snap_is_saved_exc_return(struct snap_walk *w, uint64_t addr, uint64_t value);

/*
 * What a return address that is no code says of a stack's end: the link register's value at reset,
 * FNC_RETURN. SNAP_STEP_UNKNOWN: nothing.
 */
enum snap_step snap_end_by_exception_value(struct snap_walk *w, uint64_t pc);

#endif
