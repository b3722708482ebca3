/*
 * The symbols of one ELF symbol table, as far as they name functions.
 *
 * Hostile: the table may say anything. What is read is within its section, and so are the names.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_SYMTAB_READ_H
#define SNAP_ANALYZE_SYMBOLS_SYMTAB_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/symbols/symtab.h"

enum snap_symbol_kind { SNAP_SYMBOL_SIZED, SNAP_SYMBOL_SIZELESS };

struct snap_symbol_entry {
	uint64_t start, end; /* end: at most that of the section, and just that without a size */
	const char *name;    /* in the file's string table; not empty */
	enum snap_symbol_kind kind;
	uint8_t binding_rank; /* 0 global, 1 weak, 2 local */
};

struct snap_symbol_entries {
	struct snap_symbol_entry *items; /* on the heap */
	size_t num, capacity;
};

/*
 * Append the functions of the source, in the table's order: no mapping symbols, no compiler-local
 * labels, no symbols outside executable sections. -1 only without memory; what is damaged has no
 * symbols.
 */
int snap_symtab_read(const struct snap_symtab_source *source, struct snap_symbol_entries *entries,
	struct snap_error *err);

#endif
