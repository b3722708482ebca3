/*
 * What happened on a microcontroller: a fault, a trap or an assertion, the exception that was taken,
 * from where, and what handles it.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_DEVICE_H
#define SNAP_ANALYZE_EXPLAIN_DEVICE_H

#include "analyze/crash.h"
#include "analyze/explain/device_fault.h"

/*
 * Of a crash with device.is_device: fill its cause, and what explain/ fills of crash->device. -1: no
 * memory.
 */
int snap_explain_device(struct snap_crash *crash, struct snap_error *err);

/* What its status registers tell. */
struct snap_device_fault snap_device_fault_find(const struct snap_crash *crash);

#endif
