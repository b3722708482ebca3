/*
 * Strings that come again and again, each once, by small numbers in the order in which they came.
 */
#ifndef SNAP_ANALYZE_DEDUP_NAMES_H
#define SNAP_ANALYZE_DEDUP_NAMES_H

#include <stddef.h>
#include <stdint.h>

#include "common/arena.h"

/* Begins with its arena, which outlives it, and zeros. */
struct snap_names {
	struct snap_arena *arena; /* of the strings' copies */
	const char **names;
	size_t num, capacity;
	uint32_t *slots; /* a hash table with open addressing: number plus one, 0: free */
	size_t num_slots;
	size_t last; /* what was asked for last */
};

/* The number of a string; SIZE_MAX without memory. */
size_t snap_names_number(struct snap_names *names, const char *name);
/* But for the strings. */
void snap_names_deinit(struct snap_names *names);

#endif
