#include "analyze/tokens/database_csv.h"

#include "analyze/user_text.h"

#define MAX_FIELDS 4

/* What is being read, and the copy of it without quotes, which has at least as much room. */
struct reader {
	struct snap_bytes text;
	size_t off;
	size_t line; /* of off, from 1 */
	uint8_t *out;
	size_t out_len;
};

static bool is_end_of_line(const struct reader *r)
{
	return r->off == r->text.len || r->text.data[r->off] == '\n' ||
	       (r->text.data[r->off] == '\r' && r->off + 1 < r->text.len &&
		       r->text.data[r->off + 1] == '\n');
}

static void skip_end_of_line(struct reader *r)
{
	if (r->off < r->text.len && r->text.data[r->off] == '\r')
		r->off++;
	if (r->off < r->text.len) {
		r->off++;
		r->line++;
	}
}

/* From behind the opening quote to behind the closing one. What is wrong, or NULL. */
static const char *read_quoted(struct reader *r)
{
	for (;;) {
		if (r->off == r->text.len)
			return "a quoted field has no end";
		uint8_t c = r->text.data[r->off++];
		if (c == '"') {
			if (r->off == r->text.len || r->text.data[r->off] != '"')
				break;
			r->off++;
		} else if (c == '\n') {
			r->line++;
		}
		r->out[r->out_len++] = c;
	}
	if (!is_end_of_line(r) && r->text.data[r->off] != ',')
		return "something stands between a quoted field and the comma behind it";
	return NULL;
}

/* The next field, without the comma behind it. */
static const char *read_field(struct reader *r, struct snap_bytes *ret)
{
	const char *wrong = NULL;
	size_t begin = r->out_len;
	if (!is_end_of_line(r) && r->text.data[r->off] == '"') {
		r->off++;
		wrong = read_quoted(r);
	} else {
		while (!is_end_of_line(r) && r->text.data[r->off] != ',')
			r->out[r->out_len++] = r->text.data[r->off++];
	}
	*ret = snap_bytes(r->out + begin, r->out_len - begin);
	return wrong;
}

/* The fields of one line; *ret_num is MAX_FIELDS + 1 if there are more. */
static const char *read_fields(
	struct reader *r, struct snap_bytes fields[MAX_FIELDS], size_t *ret_num)
{
	size_t num = 0;
	for (;;) {
		struct snap_bytes field;
		const char *wrong = read_field(r, &field);
		if (wrong)
			return wrong;
		if (num < MAX_FIELDS)
			fields[num] = field;
		num += num <= MAX_FIELDS;
		if (is_end_of_line(r))
			break;
		r->off++; /* the comma */
	}
	skip_end_of_line(r);
	*ret_num = num;
	return NULL;
}

static bool is_blank(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct snap_bytes trim(struct snap_bytes text)
{
	while (text.len > 0 && is_blank(text.data[0]))
		text = snap_bytes(text.data + 1, text.len - 1);
	while (text.len > 0 && is_blank(text.data[text.len - 1]))
		text.len--;
	return text;
}

static bool read_token(struct snap_bytes text, uint32_t *ret)
{
	uint32_t value = 0;
	text = trim(text);
	if (text.len > 2 && text.data[0] == '0' && (text.data[1] | 0x20) == 'x')
		text = snap_bytes(text.data + 2, text.len - 2);
	if (text.len == 0 || text.len > 8)
		return false;
	for (size_t i = 0; i < text.len; i++) {
		uint8_t c = text.data[i], lower = c | 0x20;
		if (c >= '0' && c <= '9')
			value = value << 4 | (c - '0');
		else if (lower >= 'a' && lower <= 'f')
			value = value << 4 | (lower - 'a' + 10);
		else
			return false;
	}
	*ret = value;
	return true;
}

/* YYYY-MM-DD, perhaps with a time behind it, or blanks. */
static bool read_date(struct snap_bytes text, uint32_t *ret)
{
	enum { LEN = 10 };
	uint32_t value = 0;
	text = trim(text);
	if (text.len == 0) {
		*ret = SNAP_TOKEN_PRESENT;
		return true;
	}
	if (text.len < LEN || (text.len > LEN && text.data[LEN] != 'T' && text.data[LEN] != ' '))
		return false;
	for (size_t i = 0; i < LEN; i++) {
		uint8_t c = text.data[i];
		if (i == 4 || i == 7) {
			if (c != '-')
				return false;
		} else if (c >= '0' && c <= '9') {
			value = 10 * value + (c - '0');
		} else {
			return false;
		}
	}
	uint32_t month = value / 100 % 100, day = value % 100;
	*ret = value;
	return month >= 1 && month <= 12 && day >= 1 && day <= 31;
}

/* A domain means the same with and without white space. In place. */
static struct snap_bytes squeeze(struct reader *r, struct snap_bytes domain)
{
	uint8_t *begin = r->out + (domain.data - r->out);
	size_t len = 0;
	for (size_t i = 0; i < domain.len; i++)
		if (!is_blank(domain.data[i]))
			begin[len++] = domain.data[i];
	return snap_bytes(begin, len);
}

int snap_tokens_add_csv(struct snap_tokens *tokens, struct snap_bytes text, const char *name,
	struct snap_error *err)
{
	struct reader r = {.text = text, .line = 1};
	if (text.len >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
		r.off = 3;
	r.out = snap_tokens_alloc(tokens, text.len, err);
	if (!r.out)
		return -1;
	while (r.off < text.len) {
		struct snap_bytes fields[MAX_FIELDS];
		struct snap_token_entry entry = {0};
		size_t line = r.line, num = 0;
		const char *wrong = read_fields(&r, fields, &num);
		if (!wrong && num == 1 && trim(fields[0]).len == 0)
			continue;
		if (wrong)
			;
		else if (!read_token(fields[0], &entry.token))
			wrong = "it does not begin with a token, 8 hexadecimal digits";
		else if (num < 3 || num > MAX_FIELDS)
			wrong = "not a token, a date, perhaps a domain, and a string";
		else if (!read_date(fields[1], &entry.removed))
			wrong = "no date of removal, YYYY-MM-DD or blanks";
		else if (memchr(fields[num - 1].len ? fields[num - 1].data : r.out, '\0',
				 fields[num - 1].len))
			wrong = "there is a NUL in the string";
		if (wrong)
			return snap_user_text_fault(name, line, wrong, err);
		if (num == MAX_FIELDS)
			entry.domain = squeeze(&r, fields[2]);
		entry.string = fields[num - 1];
		if (snap_tokens_add(tokens, &entry, err) < 0)
			return -1;
	}
	return 0;
}
