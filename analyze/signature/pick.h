/*
 * Which lines of a stack a signature is made of, and why the others are not: the steps of
 * docs/signatures.rst.
 */
#ifndef SNAP_ANALYZE_SIGNATURE_PICK_H
#define SNAP_ANALYZE_SIGNATURE_PICK_H

#include <stdbool.h>
#include <stddef.h>

#include "analyze/signature/stack.h"

enum snap_pick {
	SNAP_PICK_FRAME,    /* kept, one of the frames */
	SNAP_PICK_PREFIX,   /* kept, and not counted */
	SNAP_PICK_BEYOND,   /* enough frames stand above it */
	SNAP_PICK_SMASHED,  /* was found behind a return address that may have been overwritten */
	SNAP_PICK_ENDS,	    /* ends the program, or stands above what does */
	SNAP_PICK_HANDLER,  /* of a signal handler that ended the program */
	SNAP_PICK_SIGNAL,   /* a signal trampoline, or a microcontroller's exception */
	SNAP_PICK_INTERRUPTED, /* what such a handler, in which it crashed, had interrupted */
	SNAP_PICK_TAIL,	    /* starts programs and threads */
	SNAP_PICK_OUTER,    /* main(), where other frames are */
	SNAP_PICK_INNER,    /* of functions of libraries in a row, not the outermost */
	SNAP_PICK_NAMELESS, /* in no module, or in that of the nameless one above it */
	SNAP_PICK_REPEATED, /* recursion */
	SNAP_PICK_LEAF,	    /* of a stack overflow, above the recursion */
	SNAP_PICK_ENTRY,    /* of a stack overflow, below the recursion */
	SNAP_PICK_INLINED,  /* a function that was inlined, of the physical level */
};

/* As many frames as there are. */
#define SNAP_PICK_ALL SIZE_MAX

struct snap_picked {
	/* The caller's, room for one of each line of the stack. */
	enum snap_pick *picks;
	size_t *order;	 /* the lines that are kept, as they stand in the signature */
	size_t num_kept; /* of order */
};

/* depth: so many frames at most. physical: as if nothing were known of inlined functions. */
void snap_pick(const struct snap_signature_stack *stack, size_t depth, bool physical,
	struct snap_picked *picked);

#endif
