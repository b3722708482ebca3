/*
 * Which system call a thread waited in when a tracer stopped it, by its registers: the kernel
 * breaks off the call, and has not yet begun it again.
 *
 * Hostile: bounded, numbers only.
 * Sources: the kernel's include/linux/errno.h (ERESTARTSYS and others), kernel/signal.c, and
 * arch/x86/include/asm/syscall.h for where arguments are.
 */
#ifndef SNAP_CAPTURE_INTERRUPTED_CALL_H
#define SNAP_CAPTURE_INTERRUPTED_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/arch.h"
#include "common/snapshot.h"

/* Whether that can be told at all: on some machines the registers are as before the call by then.
 */
bool snap_interrupted_call_known(const struct snap_arch *arch);

enum snap_interrupted_call {
	SNAP_CALL_NONE,	      /* it ran */
	SNAP_CALL_BROKEN_OFF, /* it waited in a call */
	/* It was in a call that did something: it ran, or waited to do the rest, as write(2) does
	 * in a full pipe. */
	SNAP_CALL_DONE,
};

/*
 * What it was about. regs: pr_reg, len bytes. facts: what /proc/PID/task/TID/syscall would have
 * told is filled in, by the letter in it where the registers do not decide; may be NULL.
 */
enum snap_interrupted_call snap_interrupted_call(const struct snap_arch *arch, const uint8_t *regs,
	size_t len, struct snap_thread_facts *facts);

#endif
