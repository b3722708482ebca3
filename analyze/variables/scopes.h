/*
 * Where variables are declared: the functions and blocks that have a frame's code, and what an entry
 * of debug information says of one of their variables.
 *
 * Hostile: nesting and chains are bounded, and all work is taken from the views' budget.
 */
#ifndef SNAP_ANALYZE_VARIABLES_SCOPES_H
#define SNAP_ANALYZE_VARIABLES_SCOPES_H

#include "analyze/variables/view.h"

/* Nesting of blocks and inlined functions. */
#define SNAP_MAX_SCOPES 128

/* A function, an inlined function or a block whose code has the address. */
struct snap_scope {
	struct snap_die die;
	bool is_function; /* no block */
};

struct snap_scopes {
	struct snap_scope list[SNAP_MAX_SCOPES]; /* the outermost first */
	size_t num;
};

/* Those that have the view's address, from its function on. */
void snap_scopes_find(const struct snap_view *view, struct snap_scopes *ret);

/* What an entry says itself, or where its declaration or abstract instance does. */
struct snap_variable_entry {
	const char *name;
	struct snap_die type; /* unit NULL: void, or not told */
	bool has_type, is_artificial, is_external, is_declaration;
	uint64_t declared; /* the offset of the entry that is nobody's instance */
	struct snap_attr location, constant;
	struct snap_dwarf_unit *located, *constant_unit; /* the units that say so */
};

void snap_variable_entry_read(
	const struct snap_view *view, struct snap_die die, struct snap_variable_entry *ret);

#endif
