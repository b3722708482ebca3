#include "analyze/tokens/detokenise.h"

#include <stdlib.h>

#include "analyze/tokens/base64.h"
#include "analyze/tokens/candidates.h"
#include "analyze/tokens/nested.h"
#include "common/escape.h"

#define TOKEN_LEN 4u

struct snap_detokeniser {
	const struct snap_tokens *tokens;
	unsigned int word_bits;
	bool only_known;
	uint64_t work, kept; /* bytes by now */
	/* What a pass reads and what it writes, in turn; and a candidate that is not the best. */
	uint8_t texts[2][SNAP_TOKENS_MAX_TEXT];
	uint8_t other[SNAP_TOKENS_MAX_TEXT];
};

struct snap_detokeniser *snap_detokeniser_create(
	const struct snap_tokens *tokens, unsigned int word_bits, bool only_known)
{
	struct snap_detokeniser *d = malloc(sizeof(*d));
	if (!d)
		return NULL;
	d->tokens = tokens;
	d->word_bits = word_bits;
	d->only_known = only_known;
	d->work = d->kept = 0;
	return d;
}

void snap_detokeniser_destroy(struct snap_detokeniser *detokeniser)
{
	free(detokeniser);
}

/* ---------------------------------------------------------------- plain text */

/* UTF-8 without control characters other than white space. */
static bool is_plain(struct snap_bytes text)
{
	for (size_t off = 0; off < text.len;) {
		uint32_t code;
		size_t len =
			snap_utf8_character(snap_bytes(text.data + off, text.len - off), &code);
		if (len == 0 || (snap_character_is_unsafe(code) && !(code >= '\t' && code <= '\r')))
			return false;
		off += len;
	}
	return true;
}

/* ---------------------------------------------------------------- passes */

static struct snap_token_text text_of(struct snap_detokeniser *d, int which)
{
	return (struct snap_token_text){.data = d->texts[which], .size = sizeof(d->texts[which])};
}

/*
 * Replace tokens in the text, which is in the buffer current (or elsewhere, if that is -1), and in
 * what comes of them. Returns in which buffer the result is; -1: nothing was replaced.
 */
static int replace_all(struct snap_detokeniser *d, int current, struct snap_bytes *text,
	struct snap_detokenised *ret)
{
	for (int pass = 0; pass < SNAP_TOKENS_MAX_PASSES; pass++) {
		int next = current == 0 ? 1 : 0;
		struct snap_token_text out = text_of(d, next);
		struct snap_nested nested = {
			.tokens = d->tokens, .word_bits = d->word_bits, .work = &d->work};
		if (text->len == 0 || !memchr(text->data, '$', text->len) ||
			!snap_nested_replace(&nested, *text, &out))
			break;
		ret->is_ambiguous |= nested.is_ambiguous;
		ret->num_errors += nested.num_errors;
		ret->num_left_over += nested.num_left_over;
		ret->is_cut |= out.is_cut;
		*text = snap_token_text_bytes(&out);
		current = next;
	}
	return current;
}

/* Into the arena, with a mark if it is cut: whole characters, if it has any. */
static int keep(struct snap_detokeniser *d, struct snap_bytes text, struct snap_arena *arena,
	struct snap_detokenised *ret, struct snap_error *err)
{
	static const char mark[] = "[...]";
	size_t mark_len = ret->is_cut ? sizeof(mark) - 1 : 0, len = text.len;
	if (ret->is_cut)
		while (len > 0 && text.len - len < 3 && (text.data[len - 1] & 0xc0) == 0x80)
			len--;
	if (ret->is_cut && len > 0 && text.data[len - 1] >= 0xc0)
		len--;
	uint8_t *copy = snap_arena_alloc(arena, len + mark_len);
	if (!copy)
		return snap_error_no_memory(err);
	if (len > 0)
		memcpy(copy, text.data, len);
	memcpy(copy + len, mark, mark_len);
	ret->text = snap_bytes(copy, len + mark_len);
	d->kept += ret->text.len;
	return 0;
}

/* ---------------------------------------------------------------- whole tokens */

/* The others that go as well, each a text that differs from the best and from those before. */
static int keep_others(struct snap_detokeniser *d, const struct snap_candidates_found *found,
	struct snap_bytes arguments, struct snap_arena *arena, struct snap_detokenised *ret,
	struct snap_error *err)
{
	struct snap_bytes *others =
		snap_arena_alloc(arena, SNAP_TOKENS_MAX_OTHERS * sizeof(*others));
	if (!others)
		return snap_error_no_memory(err);
	ret->others = others;
	for (size_t i = 1; i < found->num_equal && ret->num_others < SNAP_TOKENS_MAX_OTHERS; i++) {
		struct snap_token_text out = {.data = d->other, .size = sizeof(d->other)};
		struct snap_format_result result;
		snap_token_format(
			found->list[i].entry->string, arguments, d->word_bits, &out, &result);
		char *copy = snap_arena_copy(arena, snap_token_text_bytes(&out));
		if (!copy)
			return snap_error_no_memory(err);
		others[ret->num_others++] = snap_bytes(copy, out.len);
		d->kept += out.len;
		d->work += out.len;
	}
	return 0;
}

/* A token and arguments. 1: done, 0: it is none that is known (or good enough), -1. */
static int whole(struct snap_detokeniser *d, struct snap_bytes bytes, bool must_be_right,
	struct snap_arena *arena, struct snap_detokenised *ret, struct snap_error *err)
{
	const struct snap_bytes any = {0};
	struct snap_bytes arguments = snap_bytes(bytes.data + TOKEN_LEN, bytes.len - TOKEN_LEN);
	struct snap_candidates_found found;
	uint32_t token = snap_token_read(bytes);
	d->work += snap_candidates_find(d->tokens, token, any, arguments, d->word_bits, &found);
	if (found.num == 0 || (must_be_right && !snap_candidate_is_right(&found.list[0])))
		return 0;
	struct snap_token_text out = text_of(d, 0);
	struct snap_format_result result;
	snap_token_format(found.list[0].entry->string, arguments, d->word_bits, &out, &result);
	*ret = (struct snap_detokenised){
		.kind = SNAP_TOKEN_WHOLE,
		.has_token = true,
		.token = token,
		.is_ambiguous = found.num_equal > 1,
		.num_errors = result.num_errors,
		.num_left_over = result.num_left_over,
		.is_cut = out.is_cut,
	};
	if (found.num_equal > 1 && keep_others(d, &found, arguments, arena, ret, err) < 0)
		return -1;
	struct snap_bytes text = snap_token_text_bytes(&out);
	(void)replace_all(d, 0, &text, ret);
	return keep(d, text, arena, ret, err) < 0 ? -1 : 1;
}

/* The message in base64 of which all of the text consists, if it has a token; else absent. */
static struct snap_bytes whole_base64(struct snap_bytes text)
{
	if (text.len < 1 || text.data[0] != '$')
		return snap_bytes(NULL, 0);
	text = snap_bytes(text.data + 1, text.len - 1);
	return snap_base64_span(text) == text.len && snap_base64_decoded_len(text) >= TOKEN_LEN
		       ? text
		       : snap_bytes(NULL, 0);
}

/* Nothing is known of it. */
static int unknown(struct snap_detokeniser *d, struct snap_bytes field, struct snap_arena *arena,
	struct snap_detokenised *ret, struct snap_error *err)
{
	size_t len = 1 + snap_base64_encoded_len(field.len);
	char *text = snap_arena_alloc(arena, len);
	if (!text)
		return snap_error_no_memory(err);
	text[0] = '$';
	snap_base64_encode(field, text + 1);
	d->kept += len;
	*ret = (struct snap_detokenised){.kind = SNAP_TOKEN_UNKNOWN, .text = snap_bytes(text, len)};
	if (field.len >= TOKEN_LEN) {
		ret->has_token = true;
		ret->token = snap_token_read(field);
	}
	return 0;
}

/* A text, which may have tokens in it, or be one. */
static int text(struct snap_detokeniser *d, struct snap_bytes field, struct snap_arena *arena,
	struct snap_detokenised *ret, struct snap_error *err)
{
	struct snap_bytes base64 = whole_base64(field), result = field;
	*ret = (struct snap_detokenised){.kind = SNAP_TOKEN_NONE, .text = field};
	if (base64.data) {
		size_t len = snap_base64_decoded_len(base64);
		uint8_t *message = snap_arena_alloc(arena, len);
		if (!message)
			return snap_error_no_memory(err);
		snap_base64_decode(base64, message);
		d->kept += len;
		int r = whole(d, snap_bytes(message, len), false, arena, ret, err);
		if (r != 0 || d->only_known)
			return r < 0 ? -1 : 0;
		ret->kind = SNAP_TOKEN_UNKNOWN;
		ret->has_token = true;
		ret->token = snap_token_read(snap_bytes(message, len));
		return 0;
	}
	if (!d->tokens || replace_all(d, -1, &result, ret) < 0)
		return 0;
	ret->kind = SNAP_TOKEN_NESTED;
	return keep(d, result, arena, ret, err);
}

int snap_detokenise(struct snap_detokeniser *detokeniser, struct snap_bytes field,
	struct snap_arena *arena, struct snap_detokenised *ret, struct snap_error *err)
{
	struct snap_detokeniser *d = detokeniser;
	*ret = (struct snap_detokenised){.kind = SNAP_TOKEN_NONE, .text = field};
	if (field.len == 0)
		return 0;
	if (d->work > SNAP_TOKENS_MAX_WORK || d->kept > SNAP_TOKENS_MAX_KEPT) {
		ret->is_left = true;
		return 0;
	}
	d->work += field.len;
	bool is_text = is_plain(field);
	if (field.len >= TOKEN_LEN && d->tokens) {
		int r = whole(d, field, is_text, arena, ret, err);
		if (r != 0)
			return r < 0 ? -1 : 0;
	}
	if (is_text)
		return text(d, field, arena, ret, err);
	return d->only_known ? 0 : unknown(d, field, arena, ret, err);
}
