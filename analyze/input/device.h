/*
 * A microcontroller's snapshot: Pigweed's messages, or those that capture/device/ writes. What was
 * read of it becomes what later stages know from processes: registers, memory, mappings, a module.
 */
#ifndef SNAP_ANALYZE_INPUT_DEVICE_H
#define SNAP_ANALYZE_INPUT_DEVICE_H

#include "analyze/crash.h"

/*
 * If the crash, loaded but not finished, is a microcontroller's, fills crash->device and
 *  - the registers (pr_reg) of the thread whose they are, which is the first one then;
 *  - memory and mappings of the threads' stacks;
 *  - one module, the firmware: all addresses, with software_build_uuid as its build ID.
 * -1: no memory.
 */
int snap_load_device(struct snap_crash *crash, struct snap_error *err);

#endif
