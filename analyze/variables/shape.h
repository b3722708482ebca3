/*
 * What arrays and strings are like: how many elements they have, how far apart, and where.
 *
 * Some are told by their own object: what Fortran calls allocatable, a pointer or of assumed shape
 * is a descriptor, and expressions of the type say what it holds (DWARF 5, sections 2.21, 5.5, 5.11
 * and 5.18).
 *
 * Hostile: dimensions are bounded. Counts and strides may be any.
 */
#ifndef SNAP_ANALYZE_VARIABLES_SHAPE_H
#define SNAP_ANALYZE_VARIABLES_SHAPE_H

#include "analyze/variables/evaluate.h"
#include "analyze/variables/types.h"

#define SNAP_MAX_DIMENSIONS 16

enum snap_shape_state {
	SNAP_SHAPE_KNOWN, /* though counts may not be */
	SNAP_SHAPE_NOT_ALLOCATED,
	SNAP_SHAPE_NOT_ASSOCIATED,
	SNAP_SHAPE_LACKS, /* its descriptor, or a part of it: lack says why */
};

struct snap_dimension {
	bool has_count;
	uint64_t count;
	int64_t stride; /* bytes from one to the next; 0: they stand side by side */
};

struct snap_shape {
	enum snap_shape_state state;
	struct snap_piece lack; /* a piece that is nothing */
	bool is_elsewhere;	/* the object is a descriptor: what it describes is at addr */
	uint64_t addr;
	unsigned int num_dimensions; /* of a string 1: its bytes. 0: only one element is there */
	struct snap_dimension dimensions[SNAP_MAX_DIMENSIONS]; /* the outermost first */
};

/*
 * Of an array or a string type. subject: the object; NULL: what holds for all of the type. Then
 * counts that it tells are not known, and neither is addr.
 */
void snap_shape_read(const struct snap_view *view, const struct snap_type *type,
	const struct snap_subject *subject, struct snap_shape *ret);

#endif
