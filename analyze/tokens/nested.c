#include "analyze/tokens/nested.h"

#include "analyze/tokens/base64.h"
#include "analyze/tokens/candidates.h"

/* Longer messages than a device can send are none: this is what the text that they are in may have.
 */
#define MAX_MESSAGE (SNAP_TOKENS_MAX_TEXT / 4 * 3)
#define MAX_DOMAIN  128

/* What stands at a "$". */
struct token {
	size_t len; /* of its text, "$" too */
	bool has_domain;
	char domain[MAX_DOMAIN]; /* without white space */
	size_t domain_len;
	bool is_number;
	uint32_t number;
	struct snap_bytes base64;
};

static bool is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_in_name(uint8_t c, bool is_first)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || c == '_' || c == ':' ||
	       (!is_first && c >= '0' && c <= '9');
}

/* "{name}" at off. Returns where it ends, off if there is none. */
static size_t parse_domain(struct snap_bytes text, size_t off, struct token *token)
{
	if (off >= text.len || text.data[off] != '{')
		return off;
	token->domain_len = 0;
	for (size_t i = off + 1; i < text.len; i++) {
		uint8_t c = text.data[i];
		if (c == '}') {
			token->has_domain = true;
			return i + 1;
		}
		if (is_space(c))
			continue;
		if (!is_in_name(c, token->domain_len == 0) || token->domain_len == MAX_DOMAIN)
			break;
		token->domain[token->domain_len++] = (char)c;
	}
	return off;
}

static int digit_of(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* Exactly so many digits as the largest number of 32 bits has. */
static size_t parse_number(
	struct snap_bytes text, size_t off, unsigned int base, struct token *token)
{
	size_t num_digits = base == 8 ? 11 : base == 10 ? 10 : 8;
	uint64_t value = 0;
	if (text.len - off < num_digits)
		return off;
	for (size_t i = 0; i < num_digits; i++) {
		int digit = digit_of(text.data[off + i]);
		if (digit >= (int)base)
			return off;
		value = value * base + (unsigned int)digit;
	}
	if (value > UINT32_MAX)
		return off;
	token->is_number = true;
	token->number = (uint32_t)value;
	return off + num_digits;
}

/* "8#", "10#", "16#", "64#" or "#" at off: *ret_base is 64 without. */
static size_t parse_base(struct snap_bytes text, size_t off, unsigned int *ret_base)
{
	static const struct {
		const char *text;
		unsigned int base;
	} bases[] = {{"#", 16}, {"8#", 8}, {"10#", 10}, {"16#", 16}, {"64#", 64}};
	*ret_base = 64;
	for (size_t i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		size_t len = strlen(bases[i].text);
		if (text.len - off >= len && memcmp(text.data + off, bases[i].text, len) == 0) {
			*ret_base = bases[i].base;
			return off + len;
		}
	}
	return off;
}

/* What text, which begins with "$", has there. False: nothing. */
static bool parse(struct snap_bytes text, struct token *token)
{
	unsigned int base;
	token->has_domain = token->is_number = false;
	size_t off = parse_base(text, parse_domain(text, 1, token), &base), begin = off;
	if (base == 64) {
		size_t len = snap_base64_span(snap_bytes(text.data + off, text.len - off));
		token->base64 = snap_bytes(text.data + off, len);
		off += len;
	} else {
		off = parse_number(text, off, base, token);
	}
	token->len = off;
	return off > begin;
}

/*
 * In its domain, which without one is "". Projects name domains in their format strings or they
 * don't, and older tools knew none: so a token of all its 32 bits without one may be of any.
 */
static void find(struct snap_nested *nested, const struct token *token, uint32_t number,
	struct snap_bytes arguments, bool is_whole, struct snap_candidates_found *ret)
{
	const struct snap_bytes any = {0};
	struct snap_bytes domain =
		snap_bytes(token->domain, token->has_domain ? token->domain_len : 0);
	*nested->work += snap_candidates_find(
		nested->tokens, number, domain, arguments, nested->word_bits, ret);
	if (ret->num == 0 && is_whole && !token->has_domain)
		*nested->work += snap_candidates_find(
			nested->tokens, number, any, arguments, nested->word_bits, ret);
}

/* A number has no arguments, and the string is meant as it is. */
static bool put_number(
	struct snap_nested *nested, const struct token *token, struct snap_token_text *out)
{
	struct snap_candidates_found found;
	find(nested, token, token->number, snap_bytes(NULL, 0), true, &found);
	if (found.num == 0)
		return false;
	/* None is likelier for what its conversions would take. */
	const struct snap_token_entry *best = found.list[0].entry;
	for (size_t i = 1; i < found.num; i++)
		if (found.list[i].entry->removed > best->removed)
			best = found.list[i].entry;
	nested->is_ambiguous |= found.num > 1;
	snap_token_text_put(out, best->string);
	return true;
}

static bool put_message(
	struct snap_nested *nested, const struct token *token, struct snap_token_text *out)
{
	uint8_t message[MAX_MESSAGE];
	struct snap_candidates_found found;
	size_t len = snap_base64_decoded_len(token->base64);
	if (len == 0 || len > sizeof(message))
		return false;
	snap_base64_decode(token->base64, message);
	uint32_t number = snap_token_read(snap_bytes(message, len));
	struct snap_bytes arguments =
		snap_bytes(message + (len < 4 ? len : 4), len < 4 ? 0 : len - 4);
	find(nested, token, number, arguments, len >= 4, &found);
	if (found.num == 0)
		return false;
	struct snap_format_result result;
	snap_token_format(found.list[0].entry->string, arguments, nested->word_bits, out, &result);
	nested->is_ambiguous |= found.num_equal > 1;
	nested->num_errors += result.num_errors;
	nested->num_left_over += result.num_left_over;
	return true;
}

bool snap_nested_replace(
	struct snap_nested *nested, struct snap_bytes text, struct snap_token_text *out)
{
	bool is_replaced = false;
	for (size_t off = 0; off < text.len && !out->is_cut;) {
		struct snap_bytes rest = snap_bytes(text.data + off, text.len - off);
		const uint8_t *dollar = memchr(rest.data, '$', rest.len);
		size_t len = dollar ? (size_t)(dollar - rest.data) : rest.len;
		struct token token;
		snap_token_text_put(out, snap_bytes(rest.data, len));
		off += len;
		if (off == text.len)
			break;
		rest = snap_bytes(text.data + off, text.len - off);
		if (*nested->work <= SNAP_TOKENS_MAX_WORK && parse(rest, &token) &&
			(token.is_number ? put_number(nested, &token, out)
					 : put_message(nested, &token, out))) {
			is_replaced = true;
			off += token.len;
		} else {
			snap_token_text_put(out, snap_bytes(rest.data, 1));
			off++;
		}
		*nested->work += len + 1;
	}
	return is_replaced;
}
