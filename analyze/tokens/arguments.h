/*
 * The arguments of a tokenised message, as they stand behind its token (pigweed.dev, pw_tokenizer,
 * "Argument encoding"). What type each has, only the format string tells.
 *
 * Hostile: the bytes may be anything.
 */
#ifndef SNAP_ANALYZE_TOKENS_ARGUMENTS_H
#define SNAP_ANALYZE_TOKENS_ARGUMENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"

enum snap_argument_status {
	SNAP_ARGUMENT_OK,
	SNAP_ARGUMENT_MISSING, /* the message ends before it */
	SNAP_ARGUMENT_BROKEN,  /* it begins, but makes no sense, or the message ends within it */
};

/*
 * Each takes the next argument from the beginning of *bytes, which then begin behind it; behind what
 * was looked at, where it is broken. *ret is untouched if there is none.
 */

/* An integer of up to 64 bits, a character, a pointer: a varint, zig-zag. */
enum snap_argument_status snap_argument_integer(struct snap_bytes *bytes, int64_t *ret);

/* A float; a double is sent as one. IEEE 754, 4 bytes, little-endian. */
enum snap_argument_status snap_argument_real(struct snap_bytes *bytes, double *ret);

/*
 * A string: a byte with its length, of which the highest bit says that the device had no room for
 * the rest, and so many bytes; fewer if it is broken. Points into *bytes.
 */
enum snap_argument_status snap_argument_string(
	struct snap_bytes *bytes, struct snap_bytes *ret, bool *ret_is_cut);

#endif
