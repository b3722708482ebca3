/*
 * Instructions whose purpose is to end the program, and what compilers mean by them.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_TRAP_H
#define SNAP_ANALYZE_EXPLAIN_TRAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/explain/instruction.h"
#include "common/arch.h"

struct snap_trap {
	const char *name;    /* "ud2" */
	const char *meaning; /* a sentence part: what is behind it */
	bool is_breakpoint;  /* it is for debuggers */
	bool has_check;	     /* of -fsanitize-trap=..., by its number */
	uint8_t check;
};

/* Whether instruction->bytes begin with one. */
bool snap_trap_find(const struct snap_arch *arch, const struct snap_instruction *instruction,
	struct snap_trap *ret);

/* What check of clang's -fsanitize=undefined failed, in words; NULL for numbers without. Static. */
const char *snap_trap_check_words(uint8_t check);

#endif
