/*
 * A microcontroller's firmware in memory: where its code, constants and variables are, by its ELF
 * file. What a process tells by its mappings.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_FIRMWARE_H
#define SNAP_ANALYZE_SYMBOLS_FIRMWARE_H

#include "analyze/crash.h"
#include "common/error.h"

/*
 * Of a device's snapshot, once its modules are resolved: add mappings for what the firmware's
 * segments take in memory (virtual addresses), but for what the threads' stacks take of it; only
 * what belongs to sections of code may be executed. The module then ends where they do. Without the
 * file, or of a process: nothing. A second call does what became possible since. -1: no memory.
 */
int snap_firmware_lay_out(struct snap_crash *crash, struct snap_error *err);

/*
 * Whether instructions are likely to be at an address: of Cortex-M without the firmware's file by the
 * architecture's memory map (Armv7-M Architecture Reference Manual, B3.1: Code and external RAM; that
 * in SRAM is the exception).
 */
bool snap_firmware_may_be_code(const struct snap_crash *crash, uint64_t addr);
/* The same, where something else speaks for it: also in SRAM. */
bool snap_firmware_can_execute(const struct snap_crash *crash, uint64_t addr);

#endif
