/*
 * What is at an address of the target, in words.
 */
#ifndef SNAP_ANALYZE_EXPLAIN_ADDRESS_H
#define SNAP_ANALYZE_EXPLAIN_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "analyze/crash.h"

/*
 * "which lies in the heap (writable, non-executable memory)", "which is not mapped, 68 bytes past
 * the end of the heap", "which lies in the guard page of the stack of thread 12 'worker'".
 * unmapped_known: what is in none of the mappings is not mapped. NULL if memory is exhausted.
 */
const char *snap_address_words(struct snap_crash *crash, uint64_t addr, bool unmapped_known);

/*
 * "the heap (writable, non-executable memory)": what is at an address that is mapped; of others,
 * "captured memory". NULL if memory is exhausted.
 */
const char *snap_address_place(struct snap_crash *crash, uint64_t addr);

/*
 * ", at +0x8 in what the firmware calls 'rx queue'": of memory that the program has given a name to
 * (crash->regions); else "". NULL if memory is exhausted.
 */
const char *snap_region_words(struct snap_crash *crash, uint64_t addr);

/* Whether a mapping is near enough to addr, which is in none, to be spoken of. */
bool snap_address_has_neighbour(const struct snap_crash *crash, uint64_t addr);

/* What stands behind the last slash. */
struct snap_bytes snap_path_name(struct snap_bytes path);

/* A name from the input for "%.*s", cut to what a sentence can bear. */
#define SNAP_NAME_MAX_BYTES 200
#define SNAP_NAME_ARGS(bytes)                                                                      \
	(int)((bytes).len < SNAP_NAME_MAX_BYTES ? (bytes).len : SNAP_NAME_MAX_BYTES),              \
		(const char *)(bytes).data

/* The section of a module's file that has the address; NULL: not known. Lives as long as the
 * module. */
const char *snap_address_section(const struct snap_crash *crash, uint64_t addr);

#endif
