/*
 * Tokens within a text: "$" and base64, or "$" and a number (pigweed.dev, pw_tokenizer, "Nested
 * tokenization").
 */
#ifndef SNAP_ANALYZE_TOKENS_NESTED_H
#define SNAP_ANALYZE_TOKENS_NESTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/tokens/database.h"
#include "analyze/tokens/text.h"

struct snap_nested {
	const struct snap_tokens *tokens;
	unsigned int word_bits;
	uint64_t *work; /* bytes that were looked at are added */
	/* of those that were replaced */
	bool is_ambiguous;
	size_t num_errors, num_left_over;
};

/*
 * Write the text to out with the tokens in it replaced that are known, once: not those in what they
 * stand for. False: none was, and what is in out means nothing.
 */
bool snap_nested_replace(
	struct snap_nested *nested, struct snap_bytes text, struct snap_token_text *out);

#endif
