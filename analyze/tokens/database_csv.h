/*
 * Databases of tokens as CSV (RFC 4180; pigweed.dev, pw_tokenizer, "CSV database format"): on each line
 * the token in hexadecimal, the day when it was removed (YYYY-MM-DD, or blanks), in newer ones the
 * domain, and the string.
 */
#ifndef SNAP_ANALYZE_TOKENS_DATABASE_CSV_H
#define SNAP_ANALYZE_TOKENS_DATABASE_CSV_H

#include "analyze/tokens/database.h"

/*
 * Add all of text, which is copied; name is the file's, for messages. 0, or -1 and *err, which says on
 * which line (an entry's first) what is wrong; entries of the lines before may have been added.
 */
int snap_tokens_add_csv(struct snap_tokens *tokens, struct snap_bytes text, const char *name,
	struct snap_error *err);

#endif
