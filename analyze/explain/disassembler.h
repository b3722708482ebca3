/*
 * Machine code decoded by capstone, which is loaded when it is first needed; what its version 4
 * says wrongly, or not at all, of operands is put right here.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_DISASSEMBLER_H
#define SNAP_ANALYZE_EXPLAIN_DISASSEMBLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/explain/instruction.h"
#include "common/arch.h"

#define SNAP_DISASSEMBLER_LIBRARY "libcapstone.so.4"

enum snap_disassembler_state {
	SNAP_DISASSEMBLER_UNTRIED,
	SNAP_DISASSEMBLER_LOADED,
	SNAP_DISASSEMBLER_MISSING,
};

/* Whether it decodes this machine's code. */
bool snap_disassembler_knows(const struct snap_arch *arch);

/* Load the library, if that was not tried yet. */
enum snap_disassembler_state snap_disassembler_load(void);
enum snap_disassembler_state snap_disassembler_state(void);

/*
 * The first instruction in instruction->bytes[0 .. len), which stands at instruction->addr
 * (is_thumb is set). Fills all that does not take registers' values. False if it is none, or the
 * library is not loaded.
 */
bool snap_disassemble(
	const struct snap_arch *arch, size_t len, struct snap_instruction *instruction);

#endif
