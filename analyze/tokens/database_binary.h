/*
 * Databases of tokens in Pigweed's binary form (pigweed.dev, pw_tokenizer, "Binary database
 * format"), all little-endian: "TOKENS\0\0", the number of entries (32 bits), 32 bits that mean nothing;
 * of each entry the token (32 bits), day, month (8 bits each) and year (16 bits) of its removal; then
 * their strings in the same order, each with a NUL.
 */
#ifndef SNAP_ANALYZE_TOKENS_DATABASE_BINARY_H
#define SNAP_ANALYZE_TOKENS_DATABASE_BINARY_H

#include <stdbool.h>

#include "analyze/tokens/database.h"

/* Whether it begins as one. */
bool snap_tokens_is_binary(struct snap_bytes bytes);

/* Add all of it; strings are copied. 0, or -1 and *err, whose text has no file name. */
int snap_tokens_add_binary(
	struct snap_tokens *tokens, struct snap_bytes bytes, struct snap_error *err);

#endif
