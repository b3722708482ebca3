/*
 * Whether a microcontroller's stack overflowed.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_DEVICE_OVERFLOW_H
#define SNAP_ANALYZE_EXPLAIN_DEVICE_OVERFLOW_H

#include "analyze/explain/device_fault.h"
#include "analyze/explain/device_words.h"
#include "analyze/explain/evidence.h"

/* sign is NONE if nothing tells that it did. e: with the address of the fault, if there is one. */
struct snap_device_overflow snap_device_overflow_find(
	const struct snap_evidence *e, const struct snap_device_fault *fault);

#endif
