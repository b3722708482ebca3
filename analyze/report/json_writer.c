#include "analyze/report/json_writer.h"

#include "common/escape.h"

#define INDENT 2

static void new_line(struct snap_json *json)
{
	static const char spaces[] = "                                ";
	snap_out_put_char(json->out, '\n');
	for (size_t left = (size_t)json->depth * INDENT, len; left > 0; left -= len) {
		len = left < sizeof(spaces) - 1 ? left : sizeof(spaces) - 1;
		snap_out_put(json->out, spaces, len);
	}
}

static void begin_item(struct snap_json *json)
{
	if (!json->first)
		snap_out_put_char(json->out, ',');
	json->first = false;
	if (json->pretty && json->depth > 0)
		new_line(json);
}

/* What stands in front of a value. */
static void begin_value(struct snap_json *json, const char *key)
{
	if (json->after_key) {
		json->after_key = false;
		return;
	}
	begin_item(json);
	if (!key)
		return;
	size_t len = strlen(key);
	char *p = snap_out_reserve(json->out, len + 4);
	p[0] = '"';
	memcpy(p + 1, key, len);
	memcpy(p + 1 + len, "\": ", 3);
	json->out->len += len + (json->pretty ? 4 : 3);
}

void snap_json_init(struct snap_json *json, struct snap_out *out, bool pretty)
{
	*json = (struct snap_json){.out = out, .pretty = pretty, .first = true};
}

void snap_json_end_line(struct snap_json *json)
{
	snap_out_put_char(json->out, '\n');
	json->first = true;
}

/* ---------------------------------------------------------------- objects and arrays */

static void begin_level(struct snap_json *json, const char *key, char bracket)
{
	begin_value(json, key);
	snap_out_put_char(json->out, bracket);
	json->depth++;
	json->first = true;
}

static void end_level(struct snap_json *json, char bracket)
{
	json->depth--;
	if (json->pretty && !json->first)
		new_line(json);
	snap_out_put_char(json->out, bracket);
	json->first = false;
}

void snap_json_begin_object(struct snap_json *json, const char *key)
{
	begin_level(json, key, '{');
}

void snap_json_end_object(struct snap_json *json)
{
	end_level(json, '}');
}

void snap_json_begin_array(struct snap_json *json, const char *key)
{
	begin_level(json, key, '[');
}

void snap_json_end_array(struct snap_json *json)
{
	end_level(json, ']');
}

/* ---------------------------------------------------------------- values */

void snap_json_put_null(struct snap_json *json, const char *key)
{
	begin_value(json, key);
	snap_out_put_str(json->out, "null");
}

void snap_json_put_bool(struct snap_json *json, const char *key, bool value)
{
	begin_value(json, key);
	snap_out_put_str(json->out, value ? "true" : "false");
}

void snap_json_put_signed(struct snap_json *json, const char *key, int64_t value)
{
	begin_value(json, key);
	if (value < 0)
		snap_out_put_char(json->out, '-');
	snap_out_put_decimal(json->out, value < 0 ? -(uint64_t)value : (uint64_t)value);
}

void snap_json_put_real(struct snap_json *json, const char *key, double value)
{
	begin_value(json, key);
	char *room = snap_out_reserve(json->out, 32);
	int len = snprintf(room, 32, "%.3f", value);
	json->out->len += len > 0 && len < 32 ? (size_t)len : 0;
}

void snap_json_put_digits(struct snap_json *json, const char *key, const char *digits)
{
	begin_value(json, key);
	snap_out_put_str(json->out, digits);
}

void snap_json_put_number(struct snap_json *json, const char *key, uint64_t value)
{
	begin_value(json, key);
	if (value <= INT64_MAX)
		snap_out_put_decimal(json->out, value);
	else
		snap_out_put_str(json->out, "null");
}

void snap_json_put_hex(struct snap_json *json, const char *key, uint64_t value)
{
	begin_value(json, key);
	snap_out_put_char(json->out, '"');
	snap_out_put_hex(json->out, value);
	snap_out_put_char(json->out, '"');
}

void snap_json_put_hex_bytes(struct snap_json *json, const char *key, struct snap_bytes bytes)
{
	begin_value(json, key);
	snap_out_put_char(json->out, '"');
	for (size_t done = 0, len; done < bytes.len; done += len) {
		size_t most = (SNAP_OUT_RESERVE_MAX - 1) / 2;
		len = bytes.len - done < most ? bytes.len - done : most;
		snap_hex(snap_bytes(bytes.data + done, len),
			snap_out_reserve(json->out, 2 * len + 1));
		json->out->len += 2 * len;
	}
	snap_out_put_char(json->out, '"');
}

/* ---------------------------------------------------------------- strings */

/* Bytes that are below n, 1 <= n <= 128, and those that are c, have their highest bit set; so may
 * bytes behind one of these. */
static inline uint64_t has_less(uint64_t word, uint8_t n)
{
	uint64_t ones = UINT64_MAX / 255;
	return (word - ones * n) & ~word & ones * 128;
}

static inline uint64_t has_byte(uint64_t word, uint8_t c)
{
	return has_less(word ^ UINT64_MAX / 255 * c, 1);
}

static inline bool is_plain_word(const uint8_t *p)
{
	uint64_t word;
	memcpy(&word, p, 8);
	return ((word & UINT64_MAX / 255 * 128) | has_less(word, 0x20) | has_byte(word, '"') |
		       has_byte(word, '\\') | has_byte(word, 0x7f)) == 0;
}

static inline bool is_plain(uint8_t byte)
{
	return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

/* How much of text JSON has as it is: ASCII but for controls, quotes and backslashes. */
static size_t plain_len(struct snap_bytes text)
{
	size_t i = 0;
	while (i + 8 <= text.len && is_plain_word(text.data + i))
		i += 8;
	while (i < text.len && is_plain(text.data[i]))
		i++;
	return i;
}

/* RFC 8259, section 7: of UTF-16, which has two for characters beyond U+FFFF. */
static void put_unicode_escape(struct snap_out *out, uint32_t code, const char *digits)
{
	if (code > 0xffff) {
		put_unicode_escape(out, 0xd800 + ((code - 0x10000) >> 10), digits);
		code = 0xdc00 + ((code - 0x10000) & 0x3ff);
	}
	const char escaped[] = {'\\', 'u', digits[code >> 12], digits[code >> 8 & 15],
		digits[code >> 4 & 15], digits[code & 15]};
	snap_out_put(out, escaped, sizeof(escaped));
}

/* The first character of text, which is not empty. Returns how many bytes it has. */
static size_t put_character(struct snap_out *out, struct snap_bytes text)
{
	static const char named[] = "\b\f\n\r\t\"\\", names[] = "bfnrt\"\\";
	uint32_t code;
	size_t len = snap_utf8_character(text, &code);
	const char *name = len == 1 ? strchr(named, (int)code) : NULL;
	if (len == 0) {
		char digits[3];
		snap_hex(snap_bytes(text.data, 1), digits);
		snap_out_put_str(out, "\\\\x");
		snap_out_put(out, digits, 2);
		return 1;
	}
	if (name) {
		snap_out_put_char(out, '\\');
		snap_out_put_char(out, names[name - named]);
	} else if (code < 0x20) {
		put_unicode_escape(out, code, "0123456789ABCDEF"); /* as jansson does */
	} else if (snap_character_is_unsafe(code)) {
		put_unicode_escape(out, code, "0123456789abcdef");
	} else {
		snap_out_put(out, (const char *)text.data, len);
	}
	return len;
}

void snap_json_put_part(struct snap_json *json, struct snap_bytes part)
{
	while (part.len > 0) {
		size_t len = plain_len(part);
		if (len > 0)
			snap_out_put(json->out, (const char *)part.data, len);
		else
			len = put_character(json->out, part);
		part.data += len;
		part.len -= len;
	}
}

void snap_json_begin_string(struct snap_json *json, const char *key)
{
	begin_value(json, key);
	snap_out_put_char(json->out, '"');
}

void snap_json_end_string(struct snap_json *json)
{
	snap_out_put_char(json->out, '"');
}

void snap_json_put_text(struct snap_json *json, const char *key, struct snap_bytes text)
{
	if (!text.data) {
		snap_json_put_null(json, key);
		return;
	}
	snap_json_begin_string(json, key);
	snap_json_put_part(json, text);
	snap_json_end_string(json);
}

void snap_json_put_string(struct snap_json *json, const char *key, const char *text)
{
	snap_json_put_text(json, key, snap_bytes_str(text));
}

void snap_json_put_key(struct snap_json *json, struct snap_bytes key)
{
	begin_item(json);
	snap_out_put_char(json->out, '"');
	snap_json_put_part(json, key);
	snap_out_put(json->out, "\": ", json->pretty ? 3 : 2);
	json->after_key = true;
}
