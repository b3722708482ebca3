#include "analyze/tokens/database.h"

#include <stdlib.h>

#include "common/arena.h"

struct snap_tokens {
	const struct snap_tokens *next;
	struct snap_arena arena;
	struct snap_token_entry *entries;
	size_t num_entries, capacity;
};

struct snap_tokens *snap_tokens_create(const struct snap_tokens *next)
{
	struct snap_tokens *tokens = calloc(1, sizeof(*tokens));
	if (!tokens)
		return NULL;
	tokens->next = next;
	snap_arena_init(&tokens->arena, SNAP_TOKENS_MAX_BYTES);
	return tokens;
}

void snap_tokens_destroy(struct snap_tokens *tokens)
{
	if (!tokens)
		return;
	snap_arena_deinit(&tokens->arena);
	free(tokens->entries);
	free(tokens);
}

uint8_t *snap_tokens_alloc(struct snap_tokens *tokens, size_t len, struct snap_error *err)
{
	uint8_t *ret = snap_arena_alloc(&tokens->arena, len);
	if (!ret && tokens->arena.exhausted)
		(void)snap_error_set(err, SNAP_ERROR_LIMIT,
			"the texts of tokens take more than the %u bytes that they may take",
			SNAP_TOKENS_MAX_BYTES);
	else if (!ret)
		(void)snap_error_no_memory(err);
	return ret;
}

int snap_tokens_add(
	struct snap_tokens *tokens, const struct snap_token_entry *entry, struct snap_error *err)
{
	if (tokens->num_entries >= SNAP_TOKENS_MAX_ENTRIES)
		return snap_error_set(err, SNAP_ERROR_LIMIT,
			"there are more than the %u tokens that there may be",
			SNAP_TOKENS_MAX_ENTRIES);
	if (tokens->num_entries == tokens->capacity) {
		size_t capacity = tokens->capacity ? 2 * tokens->capacity : 256;
		struct snap_token_entry *grown =
			reallocarray(tokens->entries, capacity, sizeof(*grown));
		if (!grown)
			return snap_error_no_memory(err);
		tokens->entries = grown;
		tokens->capacity = capacity;
	}
	tokens->entries[tokens->num_entries++] = *entry;
	return 0;
}

static int compare_bytes(struct snap_bytes a, struct snap_bytes b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int r = len > 0 ? memcmp(a.data, b.data, len) : 0;
	return r ? r : a.len < b.len ? -1 : a.len > b.len;
}

/* Those that are the same stand together, the one that was removed last first. */
static int compare_same(const void *a, const void *b)
{
	const struct snap_token_entry *x = a, *y = b;
	if (x->token != y->token)
		return x->token < y->token ? -1 : 1;
	int r = compare_bytes(x->string, y->string);
	if (r == 0)
		r = compare_bytes(x->domain, y->domain);
	if (r == 0)
		r = (x->domain.data != NULL) - (y->domain.data != NULL);
	return r ? r : x->removed > y->removed ? -1 : x->removed < y->removed;
}

static int compare_order(const void *a, const void *b)
{
	const struct snap_token_entry *x = a, *y = b;
	if (x->token != y->token)
		return x->token < y->token ? -1 : 1;
	if (x->removed != y->removed)
		return x->removed > y->removed ? -1 : 1;
	int r = compare_bytes(x->string, y->string);
	if (r == 0)
		r = compare_bytes(x->domain, y->domain);
	return r ? r : (x->domain.data != NULL) - (y->domain.data != NULL);
}

static bool is_same(const struct snap_token_entry *a, const struct snap_token_entry *b)
{
	return a->token == b->token && snap_bytes_equal(a->string, b->string) &&
	       snap_bytes_equal(a->domain, b->domain) && !a->domain.data == !b->domain.data;
}

void snap_tokens_finish(struct snap_tokens *tokens)
{
	struct snap_token_entry *entries = tokens->entries;
	size_t num = 0;
	if (tokens->num_entries == 0)
		return;
	qsort(entries, tokens->num_entries, sizeof(*entries), compare_same);
	for (size_t i = 0; i < tokens->num_entries; i++)
		if (num == 0 || !is_same(&entries[num - 1], &entries[i]))
			entries[num++] = entries[i];
	tokens->num_entries = num;
	qsort(entries, num, sizeof(*entries), compare_order);
}

size_t snap_tokens_count(const struct snap_tokens *tokens)
{
	return tokens->num_entries;
}

const struct snap_tokens *snap_tokens_next(const struct snap_tokens *tokens)
{
	return tokens->next;
}

size_t snap_tokens_find(
	const struct snap_tokens *tokens, uint32_t token, const struct snap_token_entry **ret)
{
	size_t low = 0, high = tokens->num_entries;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (tokens->entries[middle].token < token)
			low = middle + 1;
		else
			high = middle;
	}
	size_t end = low;
	while (end < tokens->num_entries && end - low < SNAP_TOKENS_MAX_FOUND &&
		tokens->entries[end].token == token)
		end++;
	*ret = end > low ? &tokens->entries[low] : NULL;
	return end - low;
}
