/*
 * RISC-V's loads, stores, traps and jumps by a register (RV64GC: The RISC-V Instruction Set Manual,
 * volume I, 20191213, chapters 24 and 16.8).
 */
#ifndef SNAP_ANALYZE_EXPLAIN_RISCV_CODE_H
#define SNAP_ANALYZE_EXPLAIN_RISCV_CODE_H

#include <stdbool.h>
#include <stddef.h>

#include "analyze/explain/instruction.h"
#include "common/arch.h"

/* As snap_disassemble(). False for all other instructions, too. */
bool snap_riscv_decode(
	const struct snap_arch *arch, size_t len, struct snap_instruction *instruction);

#endif
