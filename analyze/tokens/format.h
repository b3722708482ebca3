/*
 * A message put together of its format string and its arguments, as the device would have printed
 * it.
 *
 * Hostile: both may be anything.
 */
#ifndef SNAP_ANALYZE_TOKENS_FORMAT_H
#define SNAP_ANALYZE_TOKENS_FORMAT_H

#include <stdbool.h>
#include <stddef.h>

#include "analyze/tokens/text.h"
#include "common/bytes.h"

/* How well the arguments went with the format. */
struct snap_format_result {
	size_t num_conversions; /* "%%" counts */
	size_t num_errors;	/* of these, so many whose argument is missing, broken, or follows such */
	size_t num_left_over;	/* bytes behind the last argument */
};

/*
 * Print to out (NULL: only see how it goes). word_bits: of a long and a pointer on the device, 32
 * or 64. What an argument is missing for is shown as "<[%d MISSING]>"; what can't be decoded or
 * printed as "<[%s ERROR (text)]>"; after either, nobody knows where the next argument begins, which
 * is shown as "<[%u SKIPPED (12)]>": Pigweed's own words.
 */
void snap_token_format(struct snap_bytes format, struct snap_bytes arguments,
	unsigned int word_bits, struct snap_token_text *out, struct snap_format_result *ret);

#endif
