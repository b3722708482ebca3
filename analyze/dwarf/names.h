/*
 * What DWARF calls a function: its linker's name, or its own name and the scopes round it.
 */
#ifndef SNAP_ANALYZE_DWARF_NAMES_H
#define SNAP_ANALYZE_DWARF_NAMES_H

#include "analyze/dwarf/file.h"

/* A namespace, class or module: entries at [start, end) of the unit's section stand in it. */
struct snap_dwarf_scope {
	uint64_t start, end;
	uint32_t parent; /* index plus one; 0: none */
	bool is_closed;	 /* what stands in it was passed over: scopes of its own are not known */
};

struct snap_dwarf_name {
	/* In the file; NULL: not known. */
	const char *linkage, *name;
	/* The entry that declares the function, where the scopes round it are its own. */
	struct snap_die declaration;
};

/* Follow the entry's DW_AT_abstract_origin and DW_AT_specification to all that is known of it. */
void snap_dwarf_name_read(struct snap_die die, struct snap_dwarf_name *ret);

/* Whether a tag is that of a scope which counts in names. */
bool snap_dwarf_is_scope(unsigned int tag);

/*
 * "ns::Class::name" for an entry declared at die, into buf. False if nothing qualifies it, or
 * without memory, or if the text does not fit.
 */
bool snap_dwarf_qualify(struct snap_die die, const char *name, char *buf, size_t size);

/* Add a scope that starts at an entry; parent: index plus one. Its index plus one; 0: no memory. */
uint32_t snap_dwarf_scope_add(struct snap_dwarf_unit *unit, uint64_t start, uint32_t parent);
/* Forget the unit's scopes: they can be read again. */
void snap_dwarf_scopes_drop(struct snap_dwarf_unit *unit);

#endif
