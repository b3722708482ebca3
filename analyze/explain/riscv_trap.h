/*
 * A RISC-V hart's trap: what mcause, mtval and mstatus say.
 *
 * Source: The RISC-V Instruction Set Manual, Volume II: Privileged Architecture, version 20240411,
 * 3.1.6 (mstatus), 3.1.15 (mcause, table 14), 3.1.16 (mtval).
 *
 * Hostile: values may be anything.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_RISCV_TRAP_H
#define SNAP_ANALYZE_EXPLAIN_RISCV_TRAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/crash.h"
#include "analyze/explain/device_fault.h"
#include "common/cpu_state.h"

struct snap_riscv_cause {
	bool is_interrupt;
	uint64_t code;
	const char *name;  /* "load access fault"; NULL: a reserved one. Static. */
	const char *words; /* a sentence part about it; static; never NULL */
};

/* xlen: bits of a register, 32 or 64. */
struct snap_riscv_cause snap_riscv_cause(uint64_t mcause, unsigned int xlen);

/* mcause's cause and mstatus's bits, those that are set; *ret has room for SNAP_MAX_FAULT_BITS. */
size_t snap_riscv_bits(
	const struct snap_cpu_state *state, unsigned int xlen, struct snap_fault_bit *ret);

/* What they tell; kind is NONE for interrupts, and without mcause. */
struct snap_device_fault snap_riscv_fault(const struct snap_cpu_state *state, unsigned int xlen);

/* Which mode the hart was in: "machine mode"; NULL without mstatus, and of the reserved one. */
const char *snap_riscv_mode(const struct snap_cpu_state *state);

#endif
