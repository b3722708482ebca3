/*
 * The vector comparisons of AVX-512 that read memory, as the C library's string functions use them,
 * which capstone 4 does not know (Intel's Software Developer's Manual, volume 2, section 2.7). To
 * go when a version that does is the oldest that is used.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_X86_EVEX_H
#define SNAP_ANALYZE_EXPLAIN_X86_EVEX_H

#include <stdbool.h>
#include <stddef.h>

#include "analyze/explain/instruction.h"
#include "common/arch.h"

/* As snap_disassemble(). False for all other instructions, too. */
bool snap_x86_evex_decode(
	const struct snap_arch *arch, size_t len, struct snap_instruction *instruction);

#endif
