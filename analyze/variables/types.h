/*
 * What debug information says of types: what they are made of, how large they are, what they are
 * called.
 *
 * Hostile: chains and nesting are bounded, and what is malformed counts as absent.
 */
#ifndef SNAP_ANALYZE_VARIABLES_TYPES_H
#define SNAP_ANALYZE_VARIABLES_TYPES_H

#include "analyze/variables/text.h"
#include "analyze/variables/view.h"

/* A type without what its values do not depend on: typedefs and qualifiers. */
struct snap_type {
	struct snap_die die;	/* unit NULL: void */
	uint32_t tag;		/* 0: void, or it can't be read */
	uint64_t size;		/* bytes; 0: not known */
	uint64_t encoding;	/* DW_ATE_*, of a base type */
	const char *name;	/* its own; NULL */
	const char *alias;	/* a typedef's that C names wide characters by; NULL */
	bool is_declaration;	/* its members are told elsewhere */
	bool is_column_major;	/* an array of Fortran's: the first index runs fastest */
	struct snap_die target; /* of pointers, arrays, enumerations: their DW_AT_type */
};

/* The type that an entry's DW_AT_type leads to; false: it has none, and is void. */
bool snap_type_of(const struct snap_view *view, struct snap_die die, struct snap_die *ret);
void snap_type_read(const struct snap_view *view, struct snap_die die, struct snap_type *ret);

/* Bytes of one element, and of all: 0 if they are not known. */
uint64_t snap_type_size(const struct snap_view *view, const struct snap_type *type);

/* What text is made of. */
struct snap_character {
	unsigned int size;   /* bytes of one: 1, 2 or 4 */
	const char *prefix;  /* of its literals: "", "L", "u", "U" */
	const char *strings; /* what C++ calls its strings: "string", "wstring" */
};
/* What a type is as a character; NULL: it is none. Those of more than one byte are UTF-16 and
 * UTF-32. */
const struct snap_character *snap_type_character(const struct snap_type *type);
/* Of Fortran's strings: padded with blanks, without a NUL. */
extern const struct snap_character snap_character_fortran;

/* "const char *", as one would declare something nameless of it. */
void snap_type_name(const struct snap_view *view, struct snap_die die, struct snap_text *text);

#endif
