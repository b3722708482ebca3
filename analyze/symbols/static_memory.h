/*
 * Memory of the target, captured or not: what a program can't have changed is as its file has it,
 * and a pointer that the dynamic linker wrote once is what its relocation says.
 *
 * Hostile: everything is the input's word, or a file's; reads are bounded by the caller.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_STATIC_MEMORY_H
#define SNAP_ANALYZE_SYMBOLS_STATIC_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/crash.h"

/* How many of len bytes there are from addr on: captured, or constants of a module's. */
size_t snap_static_read(struct snap_crash *crash, uint64_t addr, void *buf, size_t len);

/*
 * All len bytes at addr or false; also those that are constant but for relocations, of which none is
 * among them (.data.rel.ro).
 */
bool snap_static_protected(struct snap_crash *crash, uint64_t addr, void *buf, size_t len);

/* A word of the target's, captured or constant. */
bool snap_static_word(struct snap_crash *crash, uint64_t addr, uint64_t *ret);

struct snap_static_pointer {
	bool has_address;
	uint64_t address;
	const char *
		symbol; /* what it is bound to by name; NULL: to none. Lives as long as the crash */
};

/*
 * The pointer at addr: as captured, as a constant, or, where the dynamic linker writes it, as its
 * relocation says. False if none of them tells.
 */
bool snap_static_pointer(struct snap_crash *crash, uint64_t addr, struct snap_static_pointer *ret);

/*
 * The text at addr up to its NUL, into the crash's arena: at most max bytes, and all of them of
 * printable ASCII, UTF-8's others, blanks and newlines. NULL: there is none, or no memory.
 */
const char *snap_static_text(struct snap_crash *crash, uint64_t addr, size_t max);

/* The same for a text of len bytes without a NUL. */
const char *snap_static_text_of(struct snap_crash *crash, uint64_t addr, size_t len);

/* The data symbol that begins at addr, of the module that has it; NULL: none does. */
const char *snap_static_symbol(struct snap_crash *crash, uint64_t addr);

#endif
