/*
 * What most crashes of x86-64 stop at (moves, arithmetic, calls, pushes, SSE moves, string copies),
 * decoded without capstone, which takes 5 MiB and longer to load than a small report does to be
 * made. What is said of an instruction is what snap_disassemble() says, to the letter.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_X86_SHORT_H
#define SNAP_ANALYZE_EXPLAIN_X86_SHORT_H

#include <stdbool.h>
#include <stddef.h>

#include "analyze/explain/instruction.h"
#include "common/arch.h"

/* As snap_disassemble(). False: it is another one, or none; *instruction has no size then. */
bool snap_x86_short_decode(
	const struct snap_arch *arch, size_t len, struct snap_instruction *instruction);

/* Whether bytes[0 .. len) can begin with one that capstone calls "mov", or with a call, whatever
 * the prefixes. */
bool snap_x86_may_move(const uint8_t *bytes, size_t len);
bool snap_x86_may_call(const uint8_t *bytes, size_t len);

#endif
