#include "analyze/tokens/candidates.h"

#include <stdlib.h>

uint32_t snap_token_read(struct snap_bytes message)
{
	uint32_t token = 0;
	for (size_t i = 0; i < 4 && i < message.len; i++)
		token |= (uint32_t)message.data[i] << (8 * i);
	return token;
}

static int compare_sizes(size_t a, size_t b)
{
	return a < b ? -1 : a > b;
}

/* How well they go with the arguments: the better one first. */
static int compare_results(const struct snap_format_result *x, const struct snap_format_result *y)
{
	/* What is right to the last byte has neither bytes left over nor errors, and so comes
	 * first. */
	if ((x->num_left_over == 0) != (y->num_left_over == 0))
		return x->num_left_over == 0 ? -1 : 1;
	int r = compare_sizes(x->num_errors, y->num_errors);
	return r ? r : compare_sizes(y->num_conversions, x->num_conversions);
}

static int compare(const void *a, const void *b)
{
	const struct snap_candidate *x = a, *y = b;
	int r = compare_results(&x->result, &y->result);
	if (r == 0 && x->entry->removed != y->entry->removed)
		r = x->entry->removed > y->entry->removed ? -1 : 1;
	if (r == 0) { /* any order, but the same each time */
		struct snap_bytes s = x->entry->string, t = y->entry->string;
		size_t len = s.len < t.len ? s.len : t.len;
		r = len > 0 ? memcmp(s.data, t.data, len) : 0;
		r = r ? r : compare_sizes(s.len, t.len);
	}
	return r;
}

static bool is_in_domain(const struct snap_token_entry *entry, struct snap_bytes domain)
{
	return !domain.data || !entry->domain.data || snap_bytes_equal(entry->domain, domain);
}

/* Databases have few strings of a token. Of one that is there twice, the later removal counts. */
static bool is_known(struct snap_candidates_found *found, const struct snap_token_entry *entry)
{
	for (size_t i = 0; i < found->num; i++) {
		const struct snap_token_entry **its = &found->list[i].entry;
		if (!snap_bytes_equal((*its)->string, entry->string))
			continue;
		if ((*its)->removed < entry->removed)
			*its = entry;
		return true;
	}
	return false;
}

size_t snap_candidates_find(const struct snap_tokens *tokens, uint32_t token,
	struct snap_bytes domain, struct snap_bytes arguments, unsigned int word_bits,
	struct snap_candidates_found *ret)
{
	/* As many as can be asked for; those beyond, in domains that don't count, too. */
	enum { MAX_LOOKED_AT = 64 * SNAP_TOKENS_MAX_CANDIDATES, MAX_WORK = 4 << 20 };
	size_t work = 0, looked_at = 0;
	ret->num = ret->num_equal = 0;
	/* What the first database has is the firmware's own, or its like: if that is right, nothing
	 * else is. */
	for (bool is_right = false; tokens && !is_right; tokens = snap_tokens_next(tokens)) {
		const struct snap_token_entry *entry;
		size_t num = snap_tokens_find(tokens, token, &entry);
		for (size_t i = 0; i < num && ret->num < SNAP_TOKENS_MAX_CANDIDATES &&
				   looked_at < MAX_LOOKED_AT && work < MAX_WORK;
			i++, looked_at++, entry++) {
			work += 16;
			if (!is_in_domain(entry, domain) || is_known(ret, entry))
				continue;
			struct snap_candidate *candidate = &ret->list[ret->num++];
			candidate->entry = entry;
			snap_token_format(
				entry->string, arguments, word_bits, NULL, &candidate->result);
			work += entry->string.len;
			is_right |= snap_candidate_is_right(candidate);
		}
	}
	if (ret->num > 1)
		qsort(ret->list, ret->num, sizeof(ret->list[0]), compare);
	while (ret->num_equal < ret->num &&
		compare_results(&ret->list[0].result, &ret->list[ret->num_equal].result) == 0)
		ret->num_equal++;
	return work;
}
