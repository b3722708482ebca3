/*
 * The atomic instructions that Armv8.1 brought (LSE), which capstone 4 does not know (Arm Architecture
 * Reference Manual for A-profile, C4.1, "Loads and Stores"). To go when a version that does is the
 * oldest that is used.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_ARM64_LSE_H
#define SNAP_ANALYZE_EXPLAIN_ARM64_LSE_H

#include <stdbool.h>
#include <stddef.h>

#include "analyze/explain/instruction.h"
#include "common/arch.h"

/* As snap_disassemble(). False for all other instructions, too. */
bool snap_arm64_lse_decode(
	const struct snap_arch *arch, size_t len, struct snap_instruction *instruction);

#endif
