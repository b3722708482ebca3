/*
 * A microcontroller's registers as a snapshot's field 20 has them: ArmV7mCpuState and RiscvCpuState
 * of proto/snapshot.proto, which are Pigweed's.
 */
#ifndef SNAP_COMMON_CPU_STATE_H
#define SNAP_COMMON_CPU_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"

enum snap_cpu_family {
	SNAP_CPU_NONE, /* not a microcontroller's, or an unknown one's */
	SNAP_CPU_CORTEX_M,
	SNAP_CPU_RISCV,
};

/* Field numbers of ArmV7mCpuState. */
enum snap_cortex_m_field {
	SNAP_CORTEX_M_PC = 1,
	SNAP_CORTEX_M_LR = 2,
	SNAP_CORTEX_M_PSR = 3,
	SNAP_CORTEX_M_MSP = 4,
	SNAP_CORTEX_M_PSP = 5,
	SNAP_CORTEX_M_EXC_RETURN = 6,
	SNAP_CORTEX_M_CFSR = 7,
	SNAP_CORTEX_M_MMFAR = 8,
	SNAP_CORTEX_M_BFAR = 9,
	SNAP_CORTEX_M_ICSR = 10,
	SNAP_CORTEX_M_CONTROL = 11,
	SNAP_CORTEX_M_R0 = 12, /* and so on to r12 */
	SNAP_CORTEX_M_R12 = 24,
	SNAP_CORTEX_M_HFSR = 25,
	SNAP_CORTEX_M_SHCSR = 26,
};

/* Of RiscvCpuState, those that are no general registers, and the stack pointer. */
enum snap_riscv_field {
	SNAP_RISCV_MEPC = 1,
	SNAP_RISCV_MCAUSE = 2,
	SNAP_RISCV_MSTATUS = 3,
	SNAP_RISCV_MTVAL = 4,
	SNAP_RISCV_SP = 6,
};

/* Greater than every field number of either. */
#define SNAP_CPU_STATE_FIELDS 40

struct snap_cpu_state {
	uint64_t present;			/* bit n: values[n] was there */
	uint64_t values[SNAP_CPU_STATE_FIELDS]; /* by field number */
};

/* Of Pigweed's CpuArchitecture. Without one (UNKNOWN) a state is a Cortex-M's. */
enum snap_cpu_family snap_cpu_family(uint32_t cpu_arch);

/* "ARMV7M" and so on. NULL for numbers that are none, and for UNKNOWN. */
const char *snap_cpu_arch_name(uint32_t cpu_arch);

/*
 * Adds what an occurrence of field 20 has to *state, as Protocol Buffers merge messages: the last
 * of equal fields counts. False if the bytes don't decode; what precedes the bad place is there.
 */
bool snap_cpu_state_add(struct snap_cpu_state *state, struct snap_bytes message);

static inline bool snap_cpu_state_has(const struct snap_cpu_state *state, unsigned int field)
{
	return state->present >> field & 1;
}

/* The name of a field, "cfsr"; NULL: it has none with that number. */
const char *snap_cpu_state_name(enum snap_cpu_family family, unsigned int field);
/* Whether a field is a register that tells of faults and exceptions, and no part of the state that was
 * interrupted. */
bool snap_cpu_state_is_status(enum snap_cpu_family family, unsigned int field);

#endif
