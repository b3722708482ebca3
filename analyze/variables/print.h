/*
 * Values of a type as people expect to see them, in the manner of gdb.
 *
 * Hostile: nesting, elements and the text are bounded; each bound shows as "..." or "{...}".
 */
#ifndef SNAP_ANALYZE_VARIABLES_PRINT_H
#define SNAP_ANALYZE_VARIABLES_PRINT_H

#include "analyze/variables/evaluate.h"
#include "analyze/variables/text.h"

/* How many of a value's smallest parts are how well known. */
struct snap_print_counts {
	size_t num[4]; /* by enum snap_bits */
};

/*
 * type: of what is at the location; unit NULL: not known. What is not known stands there in angle
 * brackets.
 */
void snap_print_value(const struct snap_view *view, struct snap_die type,
	const struct snap_location *location, struct snap_text *text,
	struct snap_print_counts *ret_counts);

#endif
