/*
 * The strings that a token may stand for, the likeliest first.
 */
#ifndef SNAP_ANALYZE_TOKENS_CANDIDATES_H
#define SNAP_ANALYZE_TOKENS_CANDIDATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/tokens/database.h"
#include "analyze/tokens/detokenise.h"
#include "analyze/tokens/format.h"

struct snap_candidate {
	const struct snap_token_entry *entry;
	struct snap_format_result result; /* with the arguments of the message */
};

struct snap_candidates_found {
	/* As snap_detokenise() chooses; no string twice. */
	struct snap_candidate list[SNAP_TOKENS_MAX_CANDIDATES];
	size_t num;
	/* So many of them, from the first, go equally well with the arguments. Which of these was removed
	 * is a hint at best: the device may be older. */
	size_t num_equal;
};

/* With these bytes behind it, of which none is left over. */
static inline bool snap_candidate_is_right(const struct snap_candidate *candidate)
{
	return candidate->result.num_errors == 0 && candidate->result.num_left_over == 0;
}

/* The token that a message begins with: 4 bytes, little-endian, zeros where there are fewer. */
uint32_t snap_token_read(struct snap_bytes message);

/*
 * Those of the token in the domain; absent: in any. A database that tells no domains has what it has
 * in all. A database behind another is asked where that has none that is right. tokens may be NULL. Returns how many bytes were looked at.
 */
size_t snap_candidates_find(const struct snap_tokens *tokens, uint32_t token,
	struct snap_bytes domain, struct snap_bytes arguments, unsigned int word_bits,
	struct snap_candidates_found *ret);

#endif
