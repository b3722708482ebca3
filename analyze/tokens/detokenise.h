/*
 * Texts of a microcontroller that are tokenised, or may be: its bytes, and what they say
 * (pigweed.dev, pw_tokenizer, "Detokenization", and pw_tokenizer/proto: tokenization optional).
 *
 * Hostile: bytes and databases may be anything. Length of texts, depth of nesting, strings of a
 * token that are looked at, and the work for all texts together have limits.
 */
#ifndef SNAP_ANALYZE_TOKENS_DETOKENISE_H
#define SNAP_ANALYZE_TOKENS_DETOKENISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/tokens/database.h"
#include "analyze/tokens/text.h"
#include "common/arena.h"
#include "common/bytes.h"
#include "common/error.h"

/* A text is cut, with "[...]" at its end, where it would be longer than this many bytes. */
#define SNAP_TOKENS_MAX_TEXT 16384
/* Texts in texts are put in so often. Pigweed's own tools do so 8 times at most. */
#define SNAP_TOKENS_MAX_PASSES 8
/* Of the strings of a token, so many are looked at. */
#define SNAP_TOKENS_MAX_CANDIDATES 32
/* Of the others than the best, so many are told. */
#define SNAP_TOKENS_MAX_OTHERS 4
/* All texts of a snapshot together may take so many bytes to be looked at, and to be kept. */
#define SNAP_TOKENS_MAX_WORK (64u << 20)
#define SNAP_TOKENS_MAX_KEPT (64u << 20)

enum snap_token_kind {
	SNAP_TOKEN_NONE,   /* no token was replaced: the text is as it was */
	SNAP_TOKEN_WHOLE,  /* all of it was one: binary, or in base64 */
	SNAP_TOKEN_NESTED, /* it was text, with tokens in it */
	SNAP_TOKEN_UNKNOWN, /* it must be one, but no database has it, or there is none */
};

struct snap_detokenised {
	enum snap_token_kind kind;
	/* Of NONE what it was; of UNKNOWN "$" and base64 of it. Any bytes. Lives as long as the arena. */
	struct snap_bytes text;
	bool has_token; /* of WHOLE, and of UNKNOWN that has 4 bytes */
	uint32_t token;
	/* Of a token in it, several strings go equally well with the arguments: others are those of them
	 * that text is not made of, of WHOLE alone. */
	bool is_ambiguous;
	struct snap_bytes *others;
	size_t num_others;
	size_t num_errors;    /* arguments that are missing, broken or behind such */
	size_t num_left_over; /* bytes behind the last argument */
	bool is_cut;	      /* it was longer than SNAP_TOKENS_MAX_TEXT */
	bool is_left;	      /* it was not looked at: the work for others was too much */
};

struct snap_detokeniser;

/*
 * tokens: NULL for none; outlives it. word_bits: 32 or 64, of a long on the device. only_known:
 * what is in no database is left as it is, for texts of programs that may never have heard of
 * tokens. NULL without memory.
 */
struct snap_detokeniser *snap_detokeniser_create(
	const struct snap_tokens *tokens, unsigned int word_bits, bool only_known);
/* NULL is ignored. */
void snap_detokeniser_destroy(struct snap_detokeniser *detokeniser);

/*
 * What a field says that is optionally tokenised:
 *
 *   - its bytes are a token and arguments, if there are 4 at least, and the token is known; and if
 *     they are also a plain text, the arguments have to be right to the last byte;
 *   - else they are a text, if they are UTF-8 without control characters other than white space, and
 *     the tokens in it are replaced: "$" and base64, "$#" and 8 hexadecimal digits, "$10#" and 10
 *     digits, "$8#" and 11 octal ones, each perhaps with a domain, as in "${name}#0a1b2c3d";
 *   - else they are unknown.
 *
 * Of several strings of a token that one is taken of which, in this order: the arguments are right
 * to the last byte; no byte is left over; fewest arguments are wrong; most are there; it was removed last
 * or not at all. In what comes of it, tokens are replaced again. 0, or -1 and *err: no memory.
 */
int snap_detokenise(struct snap_detokeniser *detokeniser, struct snap_bytes field,
	struct snap_arena *arena, struct snap_detokenised *ret, struct snap_error *err);

#endif
