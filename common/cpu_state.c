#include "common/cpu_state.h"

#include "common/snapshot.h"
#include "common/wire.h"

/* The names of proto/snapshot.proto. */
static const char *const cortex_m_names[SNAP_CPU_STATE_FIELDS] = {
	[1] = "pc",
	[2] = "lr",
	[3] = "psr",
	[4] = "msp",
	[5] = "psp",
	[6] = "exc_return",
	[7] = "cfsr",
	[8] = "mmfar",
	[9] = "bfar",
	[10] = "icsr",
	[11] = "control",
	[12] = "r0",
	[13] = "r1",
	[14] = "r2",
	[15] = "r3",
	[16] = "r4",
	[17] = "r5",
	[18] = "r6",
	[19] = "r7",
	[20] = "r8",
	[21] = "r9",
	[22] = "r10",
	[23] = "r11",
	[24] = "r12",
	[25] = "hfsr",
	[26] = "shcsr",
};

/* Likewise; 19, 34 to 38 are not used. The psABI calls fp s0 as well. */
static const char *const riscv_names[SNAP_CPU_STATE_FIELDS] = {
	[1] = "mepc",
	[2] = "mcause",
	[3] = "mstatus",
	[4] = "mtval",
	[5] = "ra",
	[6] = "sp",
	[7] = "t0",
	[8] = "t1",
	[9] = "t2",
	[10] = "s0",
	[11] = "s1",
	[12] = "a0",
	[13] = "a1",
	[14] = "a2",
	[15] = "a3",
	[16] = "a4",
	[17] = "a5",
	[18] = "a6",
	[20] = "s2",
	[21] = "s3",
	[22] = "s4",
	[23] = "s5",
	[24] = "s6",
	[25] = "s7",
	[26] = "s8",
	[27] = "s9",
	[28] = "s10",
	[29] = "a7",
	[30] = "t3",
	[31] = "t4",
	[32] = "t5",
	[33] = "t6",
	[39] = "s11",
};

enum snap_cpu_family snap_cpu_family(uint32_t cpu_arch)
{
	switch (cpu_arch) {
	case SNAP_CPU_UNKNOWN:
	case SNAP_CPU_ARMV6M:
	case SNAP_CPU_ARMV7M:
	case SNAP_CPU_ARMV8M:
		return SNAP_CPU_CORTEX_M;
	case SNAP_CPU_RV32E:
	case SNAP_CPU_RV32I:
	case SNAP_CPU_RV64E:
	case SNAP_CPU_RV64I:
	case SNAP_CPU_RV128I:
		return SNAP_CPU_RISCV;
	default:
		return SNAP_CPU_NONE;
	}
}

const char *snap_cpu_arch_name(uint32_t cpu_arch)
{
	static const char *const names[] = {
		NULL, "ARMV6M", "ARMV7M", "ARMV8M", "RV32E", "RV32I", "RV64E", "RV64I", "RV128I"};
	return cpu_arch < sizeof(names) / sizeof(names[0]) ? names[cpu_arch] : NULL;
}

bool snap_cpu_state_add(struct snap_cpu_state *state, struct snap_bytes message)
{
	struct snap_wire_field field;
	size_t off = 0;
	int r;
	while ((r = snap_wire_next(message, &off, &field)) > 0) {
		if (field.type != SNAP_WIRE_VARINT || field.number >= SNAP_CPU_STATE_FIELDS)
			continue;
		state->values[field.number] = field.value;
		state->present |= UINT64_C(1) << field.number;
	}
	return r == 0;
}

const char *snap_cpu_state_name(enum snap_cpu_family family, unsigned int field)
{
	if (field >= SNAP_CPU_STATE_FIELDS)
		return NULL;
	return family == SNAP_CPU_CORTEX_M ? cortex_m_names[field]
	       : family == SNAP_CPU_RISCV  ? riscv_names[field]
					   : NULL;
}

bool snap_cpu_state_is_status(enum snap_cpu_family family, unsigned int field)
{
	if (family == SNAP_CPU_RISCV)
		return field >= SNAP_RISCV_MCAUSE && field <= SNAP_RISCV_MTVAL;
	return family == SNAP_CPU_CORTEX_M &&
	       ((field >= SNAP_CORTEX_M_CFSR && field <= SNAP_CORTEX_M_ICSR) ||
		       field == SNAP_CORTEX_M_HFSR || field == SNAP_CORTEX_M_SHCSR);
}
