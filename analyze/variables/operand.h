/*
 * The variable through which an instruction accessed memory, as an expression of the source.
 */
#ifndef SNAP_ANALYZE_VARIABLES_OPERAND_H
#define SNAP_ANALYZE_VARIABLES_OPERAND_H

#include "analyze/crash.h"
#include "analyze/variables/text.h"

/* Of the pointer, with which the innermost frame's instruction accessed memory. */
struct snap_operand_place {
	uint64_t number; /* DWARF's, of the register that holds it */
	bool has_slot;	 /* it was loaded from memory */
	uint64_t slot;
	uint64_t off; /* from it to what was accessed */
};

#define SNAP_MAX_EXPRESSION 256

struct snap_operand_variable {
	char name[SNAP_MAX_EXPRESSION];	      /* "node" */
	char type[SNAP_MAX_EXPRESSION];	      /* "const struct node *" */
	char expression[SNAP_MAX_EXPRESSION]; /* "node->next" */
};

/*
 * False if debug information does not say that exactly one variable is there, as a pointer or a
 * reference to something of known size.
 */
bool snap_operand_variable_find(struct snap_crash *crash, const struct snap_crash_thread *thread,
	const struct snap_operand_place *place, struct snap_operand_variable *ret);

#endif
