/*
 * The functions that an ELF symbol table names, sorted by address.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_SYMTAB_H
#define SNAP_ANALYZE_SYMBOLS_SYMTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libelf.h>

#include "common/error.h"

struct snap_symbol {
	uint64_t start, end; /* virtual addresses of the file */
	const char *name;    /* in the file's string table */
};

/* A name, all aliases included. */
struct snap_symbol_name {
	const char *name; /* in the file's string table; a version may follow: "name@@VERSION" */
	uint64_t start;
};

struct snap_symtab {
	struct snap_symbol *symbols; /* by address */
	size_t num_symbols;
	struct snap_symbol_name *names; /* by name without version, then address */
	size_t num_names;
};

/*
 * Read the table of section type sh_type (SHT_SYMTAB or SHT_DYNSYM). Where several symbols start
 * at one address, one is kept: sized before sizeless, global before weak before local, then the
 * shortest, then the lexically smallest. elf outlives the table.
 */
int snap_symtab_init(struct snap_symtab *table, Elf *elf, uint32_t sh_type, struct snap_error *err);
void snap_symtab_deinit(struct snap_symtab *table);

/* The symbol that contains the address, or NULL. */
const struct snap_symbol *snap_symtab_find(const struct snap_symtab *table, uint64_t vaddr);

/*
 * The address of the function of that name, versions aside. False if there is none, or if
 * different functions have it (static ones of several source files).
 */
bool snap_symtab_find_name(const struct snap_symtab *table, const char *name, uint64_t *ret);

/*
 * The address of the first data object (STT_OBJECT) of that name in the file's table of section
 * type sh_type: looked for from symbol to symbol, no table is made. False if there is none.
 */
bool snap_symtab_find_data(Elf *elf, uint32_t sh_type, const char *name, uint64_t *ret);

#endif
