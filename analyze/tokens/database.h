/*
 * Databases of tokens: which text stands for a number of 32 bits in what a Pigweed device logs
 * (pigweed.dev, pw_tokenizer, "Token databases").
 *
 * A token may have many strings: two that hash alike, and those of former builds. In memory, sorted
 * by token; filled by database_csv.h, database_binary.h and database_elf.h, then finished, then
 * asked. Not changed once finished, so workers that are forked share it.
 */
#ifndef SNAP_ANALYZE_TOKENS_DATABASE_H
#define SNAP_ANALYZE_TOKENS_DATABASE_H

#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/error.h"

/* Of an entry that is still in the program. */
#define SNAP_TOKEN_PRESENT UINT32_MAX

/* Of one database: a large firmware has some 100,000. */
#define SNAP_TOKENS_MAX_ENTRIES (4u << 20)
/* Of their texts, of one database. */
#define SNAP_TOKENS_MAX_BYTES (256u << 20)

struct snap_token_entry {
	uint32_t token;
	uint32_t removed; /* the day since which it is in no build, as 20261127; or _PRESENT */
	struct snap_bytes domain; /* "" is the default one; absent: the database tells none */
	struct snap_bytes string; /* any bytes, but no NUL */
};

struct snap_tokens;

/* next: asked for what this one has not, or not rightly, and outlives it; may be NULL. NULL without
 * memory. */
struct snap_tokens *snap_tokens_create(const struct snap_tokens *next);
/* NULL is ignored. */
void snap_tokens_destroy(struct snap_tokens *tokens);

/* Memory for len bytes that lives as long as the database; NULL and *err: none, or too much. */
uint8_t *snap_tokens_alloc(struct snap_tokens *tokens, size_t len, struct snap_error *err);

/* What entry points to lives as long as the database. 0, or -1 and *err: no memory, or too many. */
int snap_tokens_add(
	struct snap_tokens *tokens, const struct snap_token_entry *entry, struct snap_error *err);

/*
 * After the last was added: sort, and let what is there several times (same token, string and
 * domain) be there once, removed when it last was.
 */
void snap_tokens_finish(struct snap_tokens *tokens);

/* How many there are, in this one alone. */
size_t snap_tokens_count(const struct snap_tokens *tokens);

/* That of next. */
const struct snap_tokens *snap_tokens_next(const struct snap_tokens *tokens);

/* More entries of one token are of no use to anybody, but take time. */
#define SNAP_TOKENS_MAX_FOUND 2048

/*
 * The entries of this token in this database alone, those still present first, then the last removed,
 * each then by string: *ret points to the first, the result is their number, SNAP_TOKENS_MAX_FOUND at
 * most.
 */
size_t snap_tokens_find(const struct snap_tokens *tokens, uint32_t token,
	const struct snap_token_entry **ret);

#endif
