/*
 * Names of functions as DWARF gives them, made whole: demangled, or qualified by the scopes round
 * their declaration.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_DWARF_NAME_H
#define SNAP_ANALYZE_SYMBOLS_DWARF_NAME_H

#include <elfutils/libdw.h>

/* Remembers every name that it made: the same function stands in many backtraces. */
struct snap_dwarf_names;

/* NULL without memory. */
struct snap_dwarf_names *snap_dwarf_names_create(void);
void snap_dwarf_names_destroy(struct snap_dwarf_names *names);

/*
 * The name of a subprogram or inlined subroutine, for people and as the linker has it. Either may
 * be NULL: not known. They live as long as names (and the Dwarf).
 */
void snap_dwarf_names_get(struct snap_dwarf_names *names, Dwarf_Die *die, const char **ret_name,
	const char **ret_raw);

/*
 * The DIE that declares the function: what its concrete and abstract instances and its definition
 * have in common. Two DIEs are of one function if the addr members of their results are equal.
 */
Dwarf_Die snap_dwarf_declaration(Dwarf_Die die);

#endif
