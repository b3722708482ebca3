#include <ctype.h>
#include <string.h>

#include "analyze/input/text_trace.h"

/* A log's words before a line: a time, a host, a program and its number. */
#define MAX_PREFIX 120

bool snap_text_line(
	const struct snap_text *text, struct snap_text_place *at, struct snap_bytes *ret)
{
	struct snap_bytes rest = snap_text_from(text->all, at->off);
	if (rest.len == 0)
		return false;
	const uint8_t *end = memchr(rest.data, '\n', rest.len);
	size_t len = end ? (size_t)(end - rest.data) : rest.len;
	*ret = snap_text_first(rest, len < SNAP_TEXT_MAX_LINE ? len : SNAP_TEXT_MAX_LINE);
	at->off += end ? len + 1 : len;
	at->line++;
	return true;
}

/* ---------------------------------------------------------------- bytes */

bool snap_text_begins(struct snap_bytes bytes, const char *with)
{
	size_t len = strlen(with);
	return bytes.len >= len && memcmp(bytes.data, with, len) == 0;
}

bool snap_text_ends(struct snap_bytes bytes, const char *with)
{
	size_t len = strlen(with);
	return bytes.len >= len && memcmp(bytes.data + bytes.len - len, with, len) == 0;
}

struct snap_bytes snap_text_from(struct snap_bytes bytes, size_t off)
{
	if (off > bytes.len)
		off = bytes.len;
	return snap_bytes(bytes.data + off, bytes.len - off);
}

struct snap_bytes snap_text_first(struct snap_bytes bytes, size_t len)
{
	return snap_bytes(bytes.data, len < bytes.len ? len : bytes.len);
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

struct snap_bytes snap_text_trim(struct snap_bytes bytes)
{
	while (bytes.len > 0 && is_space(bytes.data[0]))
		bytes = snap_text_from(bytes, 1);
	while (bytes.len > 0 && is_space(bytes.data[bytes.len - 1]))
		bytes.len--;
	return bytes;
}

size_t snap_text_find(struct snap_bytes bytes, const char *what)
{
	const uint8_t *at =
		bytes.len > 0 ? memmem(bytes.data, bytes.len, what, strlen(what)) : NULL;
	return at ? (size_t)(at - bytes.data) : bytes.len;
}

struct snap_bytes snap_text_behind(struct snap_bytes bytes, const char *words)
{
	size_t at = snap_text_find(bytes, words);
	return at < bytes.len ? snap_text_from(bytes, at + strlen(words)) : snap_bytes(NULL, 0);
}

size_t snap_text_last_bracket(struct snap_bytes bytes, char open, char close)
{
	if (bytes.len == 0 || bytes.data[bytes.len - 1] != (uint8_t)close)
		return bytes.len;
	const uint8_t *at = memrchr(bytes.data, open, bytes.len);
	return at ? (size_t)(at - bytes.data) : bytes.len;
}

bool snap_text_take_offset(struct snap_bytes *name, uint64_t *ret)
{
	const uint8_t *plus = name->len > 0 ? memrchr(name->data, '+', name->len) : NULL;
	if (!plus)
		return false;
	size_t at = (size_t)(plus - name->data);
	struct snap_bytes rest = snap_text_trim(snap_text_from(*name, at + 1));
	if (!snap_text_hex(&rest, ret) || rest.len > 0)
		return false;
	*name = snap_text_trim(snap_text_first(*name, at));
	return true;
}

bool snap_text_number(struct snap_bytes *bytes, uint64_t *ret)
{
	uint64_t value = 0;
	size_t len = 0;
	for (; len < bytes->len && isdigit(bytes->data[len]); len++)
		if (__builtin_mul_overflow(value, UINT64_C(10), &value) ||
			__builtin_add_overflow(value, bytes->data[len] - '0', &value))
			return false;
	if (len == 0)
		return false;
	*bytes = snap_text_from(*bytes, len);
	*ret = value;
	return true;
}

bool snap_text_hex(struct snap_bytes *bytes, uint64_t *ret)
{
	uint64_t value = 0;
	size_t len = 2;
	if (!snap_text_begins(*bytes, "0x"))
		return false;
	for (; len < bytes->len && isxdigit(bytes->data[len]); len++) {
		uint8_t c = bytes->data[len];
		if (value >> 60)
			return false;
		value = value << 4 | (uint64_t)(isdigit(c) ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	if (len == 2)
		return false;
	*bytes = snap_text_from(*bytes, len);
	*ret = value;
	return true;
}

/* ---------------------------------------------------------------- what stands before */

/* "12:34" */
static bool has_time(struct snap_bytes bytes)
{
	for (size_t i = 2; i + 2 < bytes.len; i++)
		if (bytes.data[i] == ':' && isdigit(bytes.data[i - 1]) &&
			isdigit(bytes.data[i - 2]) && isdigit(bytes.data[i + 1]) &&
			isdigit(bytes.data[i + 2]))
			return true;
	return false;
}

static size_t quote_len(struct snap_bytes line)
{
	size_t len = 0;
	while (len < line.len && (is_space(line.data[len]) || line.data[len] == '>' ||
					 line.data[len] == '|'))
		len++;
	return len;
}

/* Whether a log has that before its lines. */
static bool is_prefix(struct snap_bytes prefix)
{
	if (prefix.len > MAX_PREFIX)
		return false;
	if (quote_len(prefix) == prefix.len)
		return true;
	return is_space(prefix.data[prefix.len - 1]) &&
	       (has_time(prefix) || memchr(":]|", prefix.data[prefix.len - 2], 3));
}

struct snap_bytes snap_text_unquote(struct snap_bytes line)
{
	line = snap_text_from(line, quote_len(line));
	struct snap_bytes head = snap_text_first(line, 32);
	if (!has_time(head))
		return snap_text_trim(line);
	/* A date and a time, a bracket or two around them: no letters but these. */
	size_t at = 0;
	while (at < line.len && at < MAX_PREFIX &&
		(isdigit(line.data[at]) || memchr("TZ:.,+-[] \t|", line.data[at], 12)))
		at++;
	while (at > 0 && !is_space(line.data[at - 1]))
		at--;
	return snap_text_trim(snap_text_from(line, at));
}

bool snap_text_frame_number(struct snap_bytes line, uint64_t *ret_number, struct snap_bytes *ret)
{
	struct snap_bytes head = snap_text_first(line, MAX_PREFIX + 1);
	const uint8_t *mark = head.len > 0 ? memchr(head.data, '#', head.len) : NULL;
	while (mark) {
		size_t at = (size_t)(mark - line.data);
		struct snap_bytes rest = snap_text_from(line, at + 1);
		if (is_prefix(snap_text_first(line, at)) && snap_text_number(&rest, ret_number) &&
			rest.len > 0 && is_space(rest.data[0])) {
			*ret = snap_text_trim(rest);
			return true;
		}
		mark = memchr(mark + 1, '#', head.len - at - 1);
	}
	return false;
}
