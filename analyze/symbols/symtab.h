/*
 * The functions that ELF symbol tables name, by address and by name.
 *
 * Hostile: the tables may say anything. Each look-up is one or two binary searches, whatever
 * overlaps what.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_SYMTAB_H
#define SNAP_ANALYZE_SYMBOLS_SYMTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libelf.h>

#include "common/error.h"

/* One symbol table of one file; the file outlives what is made of it. */
struct snap_symtab_source {
	Elf *elf;
	uint32_t sh_type; /* SHT_SYMTAB or SHT_DYNSYM: the first section of that type */
	int64_t bias;	  /* added to its addresses */
};

#define SNAP_SYMTAB_MAX_SOURCES 4

struct snap_symbol {
	uint64_t start, end; /* all of it, with what lies inside; within its section */
	const char *name;    /* as the file has it: mangled, perhaps with a version, "f@@V1" */
};

/*
 * A stretch of a symbol behind the end of another that lies inside it, or reaches into it. (Also
 * behind a better alias that starts at the same address and is shorter.)
 */
struct snap_symbol_rest {
	uint64_t start, end;
	size_t symbol; /* index into symbols */
};

/* A name, all aliases included. */
struct snap_symbol_name {
	uint64_t start;
	const char *name;
	uint32_t hash; /* of the name without version */
};

/*
 * What an address belongs to is told by symbols and rests alone, and so whoever fills in these four
 * (and leaves the others 0) has a table that snap_symtab_find() can use. symbols[i] is the last one
 * with symbols[i].start <= address: if address < symbols[i].end, that is the symbol; else the one
 * of the rest that has the address; else there is none.
 */
struct snap_symtab {
	struct snap_symbol
		*symbols; /* by start; of those that start together the best alias last */
	size_t num_symbols;
	struct snap_symbol_rest *rests; /* disjoint, by start; few files have any */
	size_t num_rests;

	struct snap_symbol_name *names; /* by hash, name and start; NULL: not asked for yet */
	size_t num_names;
	struct snap_symtab_source sources[SNAP_SYMTAB_MAX_SOURCES];
	size_t num_sources;
};

/*
 * Read num (at most SNAP_SYMTAB_MAX_SOURCES) tables into one. An address belongs to the symbol that
 * starts last of those that have it. Of several that start together that is, in this order, a
 * global one before a weak one before a local one, the shortest name, the lexically smallest.
 * Symbols without a size reach to the next symbol or the end of their section, and count only
 * outside those that have one. -1 only without memory.
 */
int snap_symtab_init(struct snap_symtab *table, const struct snap_symtab_source *sources,
	size_t num, struct snap_error *err);
/* Frees the arrays; those that somebody else filled in must be on the heap, or be taken out. */
void snap_symtab_deinit(struct snap_symtab *table);

/* The symbol that contains the address, or NULL. */
const struct snap_symbol *snap_symtab_find(const struct snap_symtab *table, uint64_t vaddr);

/*
 * The address of the function of that name, versions aside. False if there is none, or if
 * different functions have it (static ones of several source files). The first call reads the
 * sources once more.
 */
bool snap_symtab_find_name(struct snap_symtab *table, const char *name, uint64_t *ret);

/* All names, aliases included, in no order that matters; *ret lives as long as the table. */
size_t snap_symtab_names(struct snap_symtab *table, const struct snap_symbol_name **ret);

/*
 * The address of the first data object (STT_OBJECT, or of no type) of that name in the file's table of section
 * type sh_type: looked for from symbol to symbol, no table is made. False if there is none.
 */
bool snap_symtab_find_data(Elf *elf, uint32_t sh_type, const char *name, uint64_t *ret);

#endif
