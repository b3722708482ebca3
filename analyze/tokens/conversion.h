/*
 * The conversions of a printf format: found in it, and values printed as they say (C11, 7.21.6.1).
 *
 * Hostile: format and values may be anything. Widths and precisions have a limit.
 */
#ifndef SNAP_ANALYZE_TOKENS_CONVERSION_H
#define SNAP_ANALYZE_TOKENS_CONVERSION_H

#include <stdbool.h>
#include <stdint.h>

#include "analyze/tokens/text.h"
#include "common/bytes.h"

/* More than this of either is an error. */
#define SNAP_CONVERSION_MAX_WIDTH 1024

enum snap_conversion_length {
	SNAP_LENGTH_NONE,
	SNAP_LENGTH_CHAR,      /* hh */
	SNAP_LENGTH_SHORT,     /* h */
	SNAP_LENGTH_LONG,      /* l */
	SNAP_LENGTH_LONG_LONG, /* ll */
	SNAP_LENGTH_MAX,       /* j */
	SNAP_LENGTH_SIZE,      /* z */
	SNAP_LENGTH_PTRDIFF,   /* t */
	SNAP_LENGTH_LONG_DOUBLE, /* L */
};

struct snap_conversion {
	struct snap_bytes text; /* all of it, from "%" */
	bool left, plus, space, alternative, zero;
	bool width_is_argument, has_precision, precision_is_argument;
	int width, precision; /* at least 0; SNAP_CONVERSION_MAX_WIDTH + 1: more than is allowed */
	enum snap_conversion_length length;
	char type; /* one of diouxXcsfFeEgGaApn% */
};

/*
 * The conversion with which format, that begins with "%", begins. False: none, it is text.
 */
bool snap_conversion_parse(struct snap_bytes format, struct snap_conversion *ret);

/* A width or precision that came as an argument. */
void snap_conversion_set_width(struct snap_conversion *conversion, int64_t value);
void snap_conversion_set_precision(struct snap_conversion *conversion, int64_t value);

/* Whether values can be printed so: neither number is beyond the limit. */
bool snap_conversion_is_allowed(const struct snap_conversion *conversion);

/*
 * How many bits an integer of d, i, o, u, x, X or p has where a long and a pointer have word_bits
 * (32 or 64).
 */
unsigned int snap_conversion_bits(
	const struct snap_conversion *conversion, unsigned int word_bits);

/*
 * Print a value; conversion is allowed, and of the type. An integer is cut to its bits, but one
 * with a sign that has all of a word only where the length says so (hh, h).
 */
void snap_conversion_put_integer(const struct snap_conversion *conversion, int64_t value,
	unsigned int word_bits, struct snap_token_text *out);
/* False: no character has this number. */
bool snap_conversion_put_character(
	const struct snap_conversion *conversion, int64_t value, struct snap_token_text *out);
void snap_conversion_put_real(
	const struct snap_conversion *conversion, double value, struct snap_token_text *out);
/* Width and precision count characters. is_cut: "[...]" stands for what the device left out. */
void snap_conversion_put_string(const struct snap_conversion *conversion, struct snap_bytes value,
	bool is_cut, struct snap_token_text *out);

#endif
