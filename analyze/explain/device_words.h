/*
 * One sentence about what happened on a microcontroller.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_DEVICE_WORDS_H
#define SNAP_ANALYZE_EXPLAIN_DEVICE_WORDS_H

#include "analyze/explain/device_assert.h"
#include "analyze/explain/device_fault.h"
#include "analyze/explain/evidence.h"

/* How a stack is known to have overflowed. */
enum snap_overflow_sign {
	SNAP_OVERFLOW_NONE,
	SNAP_OVERFLOW_LIMIT,	/* the processor's limit was reached (STKOF) */
	SNAP_OVERFLOW_POINTER,	/* the stack pointer is below the stack */
	SNAP_OVERFLOW_ADDRESS,	/* the access that failed is just below it, or at its end */
	SNAP_OVERFLOW_STACKING, /* there was no room for the registers */
	SNAP_OVERFLOW_KERNEL,	/* the kernel found out */
};

struct snap_device_overflow {
	enum snap_overflow_sign sign;
	const struct snap_crash_thread *thread; /* NULL: whose it is is not known */
	bool has_bounds;			/* of that thread's stack */
	uint64_t low, high;
	/* Whose stack is below, and how much of its beginning may be overwritten; NULL: nobody's. */
	const struct snap_crash_thread *victim;
	uint64_t victim_bytes;
};

/* All in the crash's arena or static; NULL if memory is exhausted. */
const char *snap_device_fault_words(
	const struct snap_evidence *e, const struct snap_device_fault *fault);
const char *snap_device_overflow_words(const struct snap_evidence *e,
	const struct snap_device_fault *fault, const struct snap_device_overflow *overflow);
const char *snap_device_assert_words(
	const struct snap_evidence *e, const struct snap_device_assert *found);

#endif
