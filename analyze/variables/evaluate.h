/*
 * Where a variable is, or what it is worth: DWARF's location descriptions (DWARF 5, section 2.6;
 * with GNU's operations that came before it).
 *
 * What call frame information has for expressions is unwind/expression.h: a few operations, read by
 * libdw, that give one address. Here are the others: typed values, pieces, values that are nowhere,
 * and those that only the caller knows.
 *
 * Hostile: steps, the stack, pieces and nesting are bounded. What an expression asks for and is not
 * known is never taken as zero.
 */
#ifndef SNAP_ANALYZE_VARIABLES_EVALUATE_H
#define SNAP_ANALYZE_VARIABLES_EVALUATE_H

#include "analyze/variables/view.h"

/* How much is known of some bits. */
enum snap_bits {
	SNAP_BITS_KNOWN,
	SNAP_BITS_OPTIMIZED_OUT, /* the program did not keep them */
	SNAP_BITS_NOT_CAPTURED,
	SNAP_BITS_ERROR, /* the debug information that says where they are makes no sense */
};

enum snap_piece_kind {
	SNAP_PIECE_MEMORY,   /* at address */
	SNAP_PIECE_REGISTER, /* in the register of that DWARF number */
	SNAP_PIECE_VALUE,    /* value[0 .. value_len) themselves */
	SNAP_PIECE_BYTES,    /* bytes themselves */
	SNAP_PIECE_POINTER,  /* it points to something that is in no memory: pointee, pointee_off */
	SNAP_PIECE_NOTHING,  /* bits and why say why */
};

struct snap_piece {
	enum snap_piece_kind kind;
	uint64_t num_bits, bit_off; /* if the location has several */
	uint64_t address; /* of SNAP_PIECE_NOTHING: what was not captured, if has_address */
	bool has_address;
	uint64_t number;
	uint8_t value[8]; /* in the target's byte order */
	size_t value_len;
	struct snap_bytes bytes; /* live as long as the file */
	struct snap_die pointee;
	int64_t pointee_off;
	enum snap_bits bits;
	const char *why;
};

#define SNAP_MAX_PIECES 32

struct snap_location {
	/* One piece is all of it, whatever its size; or each has its own, one after the other. */
	bool is_whole;
	struct snap_piece pieces[SNAP_MAX_PIECES];
	size_t num_pieces;
};

/*
 * Evaluate an expression that stands in the unit. object: an address that it begins with, as those
 * of members do; NULL: none.
 */
void snap_evaluate_location(const struct snap_view *view, struct snap_dwarf_unit *unit,
	struct snap_bytes expression, const uint64_t *object, struct snap_location *ret);

/*
 * The same for the location that the attribute says, at the view's address; absent attributes say
 * that it is optimised out.
 */
void snap_evaluate_attribute(const struct snap_view *view, struct snap_dwarf_unit *unit,
	const struct snap_attr *attr, struct snap_location *ret);

/* A number that an expression gives: a bound, or a member's offset. */
bool snap_evaluate_number(const struct snap_view *view, struct snap_dwarf_unit *unit,
	struct snap_bytes expression, const uint64_t *object, uint64_t *ret);

#endif
