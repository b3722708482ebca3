/*
 * What a bad pointer's value looks like.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_POINTER_H
#define SNAP_ANALYZE_EXPLAIN_POINTER_H

#include <stdbool.h>
#include <stdint.h>

#include "analyze/crash.h"

/* What the value of a pointer tells of where it was read. */
enum snap_pointer_origin {
	SNAP_POINTER_PLAIN,
	SNAP_POINTER_FREED,	    /* as memory is filled when it is freed */
	SNAP_POINTER_UNINITIALISED, /* as it is filled when it is new */
	SNAP_POINTER_UNUSABLE,	    /* as either is */
	SNAP_POINTER_TEXT,	    /* eight letters */
	SNAP_POINTER_FILLED,	    /* equal bytes, of no pattern that is known */
};
enum snap_pointer_origin snap_pointer_origin(const struct snap_arch *arch, uint64_t value);

/*
 * What memory is filled with by that which makes mistakes show (allocators, sanitizers, compilers):
 * a sentence part, or NULL. Static. Low bits may differ: an offset was added.
 */
const char *snap_pointer_pattern(const struct snap_arch *arch, uint64_t value);

/*
 * Whether addr, at which nothing is mapped, would be in memory with all of the permissions if one
 * bit were another. Only one such bit, far from what moving about in memory changes, and nothing
 * mapped near counts.
 */
bool snap_pointer_flipped_bit(const struct snap_crash *crash, uint64_t addr, uint32_t permissions,
	unsigned int *ret_bit, uint64_t *ret_addr);

/* " (0x5a bytes are ...)" of what either says; "" if neither. NULL if memory is exhausted. */
const char *snap_pointer_words(struct snap_crash *crash, uint64_t value);

/* The four or eight bytes are text; *ret has it, with a NUL. */
bool snap_pointer_text(const struct snap_arch *arch, uint64_t value, char ret[9]);

#endif
