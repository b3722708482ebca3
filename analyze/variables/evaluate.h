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

/* The object that an expression of its type is about. */
struct snap_subject {
	uint64_t addr; /* what DW_OP_push_object_address gives */
	/* NULL: it is in memory. Else it is nowhere, addr is snap_subject_nowhere(), and these are
	 * its len bytes, and how well each is known (an enum snap_bits). */
	const uint8_t *bytes, *states;
	uint64_t len;
};

/* An address where no program has memory, of as many bytes as a subject may have. */
#define SNAP_SUBJECT_MAX_LEN 65536
uint64_t snap_subject_nowhere(const struct snap_view *view);

/* What an expression may ask for; NULL: there is none. */
struct snap_given {
	/* What stands on its stack: the address that those of members begin with, or the number of
	 * a dimension. */
	const uint64_t *first;
	const struct snap_subject *subject;
};

/* Evaluate an expression that stands in the unit. given: NULL for nothing. */
void snap_evaluate_location(const struct snap_view *view, struct snap_dwarf_unit *unit,
	struct snap_bytes expression, const struct snap_given *given, struct snap_location *ret);

/*
 * The same for the location that the attribute says, at the view's address; absent attributes say
 * that it is optimised out.
 */
void snap_evaluate_attribute(const struct snap_view *view, struct snap_dwarf_unit *unit,
	const struct snap_attr *attr, const struct snap_given *given, struct snap_location *ret);

/* A number that an expression gives: a bound, or a member's offset. False, and why in ret_lack
 * (which may be NULL) as a piece that is nothing, if there is none. */
bool snap_evaluate_number(const struct snap_view *view, struct snap_dwarf_unit *unit,
	struct snap_bytes expression, const struct snap_given *given, uint64_t *ret,
	struct snap_piece *ret_lack);

#endif
