/*
 * A Cortex-M firmware's vector table, as its ELF file has it: which function handles an exception.
 *
 * Where the processor looks (VTOR) is not in a snapshot. A table that the firmware copies to RAM, or
 * changes, is not seen: this is the one that it starts with.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_VECTOR_TABLE_H
#define SNAP_ANALYZE_EXPLAIN_VECTOR_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/crash.h"

/* Those of the architecture, and interrupts; more are not looked at. Armv7-M has up to 496. */
#define SNAP_VECTORS_MAX (16u + 496u)

struct snap_vectors {
	uint64_t addr; /* of the table */
	uint32_t words[SNAP_VECTORS_MAX];
	size_t num; /* of words that are a table's, at least 4 */
};

/* False: there is no firmware file, or no table was found in it. */
bool snap_vectors_find(const struct snap_crash *crash, struct snap_vectors *ret);

/*
 * Where an exception's handler begins, without the Thumb bit; *ret_is_default: exceptions that
 * are no faults have the same. False: the table has none for it.
 */
bool snap_vectors_handler(const struct snap_vectors *vectors, unsigned int exception, uint64_t *ret,
	bool *ret_is_default);

/*
 * The function's name; of several names for a default handler one that says so. NULL: not known. It
 * lives as long as the firmware's object.
 */
const char *snap_vectors_name(const struct snap_crash *crash, uint64_t handler, bool is_default);

#endif
