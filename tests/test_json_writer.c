/* analyze/report/json_writer: every kind of value is what jansson prints of the same data, compact
 * and indented, DEL and C1 excepted; what is no UTF-8 is told as text; that nothing could be
 * written shows at the end. */
#include "analyze/report/json_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include "common/escape.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
/* A literal with its length, for it may hold NULs. */
#define BYTES(literal) snap_bytes(literal, sizeof(literal) - 1)

static struct {
	struct snap_json json;
	struct snap_out out;
	FILE *file;
	char *text;
	size_t len;
} writer;

static struct snap_json *begin(bool pretty)
{
	writer.file = open_memstream(&writer.text, &writer.len);
	assert_non_null(writer.file);
	snap_out_init(&writer.out, writer.file);
	snap_json_init(&writer.json, &writer.out, pretty);
	return &writer.json;
}

/* What was written since begin(), which the caller frees. */
static char *end(void)
{
	snap_out_flush(&writer.out);
	assert_int_equal(fclose(writer.file), 0);
	assert_int_equal(strlen(writer.text), writer.len);
	return writer.text;
}

static void end_equal(const char *expected)
{
	char *text = end();
	assert_string_equal(text, expected);
	free(text);
}

/* ---------------------------------------------------------------- exact words */

/* One of each kind, as member and as item. */
static void put_all(struct snap_json *json)
{
	snap_json_begin_object(json, NULL);
	snap_json_put_null(json, "null");
	snap_json_put_bool(json, "true", true);
	snap_json_put_signed(json, "signed", -7);
	snap_json_put_number(json, "number", 7);
	snap_json_put_hex(json, "hex", 0xBEEF);
	snap_json_put_hex_bytes(json, "bytes", BYTES("\xab\x01"));
	snap_json_put_string(json, "string", "s");
	snap_json_put_string(json, "no string", NULL);
	snap_json_put_key(json, BYTES("k\"\xff"));
	snap_json_put_text(json, NULL, BYTES("t"));
	snap_json_put_key(json, BYTES("k"));
	snap_json_begin_object(json, NULL);
	snap_json_end_object(json);
	snap_json_begin_array(json, "items");
	snap_json_put_bool(json, NULL, false);
	snap_json_begin_array(json, NULL);
	snap_json_end_array(json);
	snap_json_begin_object(json, NULL);
	snap_json_put_number(json, "n", 0);
	snap_json_end_object(json);
	snap_json_end_array(json);
	snap_json_end_object(json);
}

static void test_json_writer_forms(void **state)
{
	(void)state;
	put_all(begin(false));
	end_equal("{\"null\":null,\"true\":true,\"signed\":-7,\"number\":7,\"hex\":\"0xbeef\","
		  "\"bytes\":\"ab01\",\"string\":\"s\",\"no string\":null,\"k\\\"\\\\xff\":\"t\","
		  "\"k\":{},\"items\":[false,[],{\"n\":0}]}");
	put_all(begin(true));
	end_equal("{\n  \"null\": null,\n  \"true\": true,\n  \"signed\": -7,\n  \"number\": 7,\n"
		  "  \"hex\": \"0xbeef\",\n  \"bytes\": \"ab01\",\n  \"string\": \"s\",\n"
		  "  \"no string\": null,\n  \"k\\\"\\\\xff\": \"t\",\n  \"k\": {},\n"
		  "  \"items\": [\n    false,\n    [],\n    {\n      \"n\": 0\n    }\n  ]\n}");
}

static void test_json_writer_lines(void **state)
{
	(void)state;
	for (int pretty = 0; pretty < 2; pretty++) {
		struct snap_json *json = begin(pretty);
		snap_json_begin_array(json, NULL);
		snap_json_end_array(json);
		snap_json_end_line(json);
		snap_json_put_number(json, NULL, 1);
		snap_json_end_line(json);
		snap_json_put_null(json, NULL);
		snap_json_end_line(json);
		end_equal("[]\n1\nnull\n");
	}
}

static void test_json_writer_numbers(void **state)
{
	(void)state;
	struct snap_json *json = begin(false);
	snap_json_begin_array(json, NULL);
	snap_json_put_number(json, NULL, 0);
	snap_json_put_number(json, NULL, 1234567890);
	snap_json_put_number(json, NULL, INT64_MAX);
	snap_json_put_number(json, NULL, (uint64_t)INT64_MAX + 1);
	snap_json_put_number(json, NULL, UINT64_MAX);
	snap_json_put_signed(json, NULL, 0);
	snap_json_put_signed(json, NULL, INT64_MAX);
	snap_json_put_signed(json, NULL, INT64_MIN);
	snap_json_end_array(json);
	end_equal("[0,1234567890,9223372036854775807,null,null,0,9223372036854775807,"
		  "-9223372036854775808]");
}

static void test_json_writer_hex(void **state)
{
	(void)state;
	/* All numbers of digits, and the values on both sides of each. */
	for (unsigned int bit = 0; bit < 64; bit++)
		for (uint64_t more = 0; more < 2; more++) {
			uint64_t value = (UINT64_C(1) << bit) - more;
			char expected[24];
			(void)snprintf(expected, sizeof(expected), "\"0x%llx\"",
				(unsigned long long)value);
			snap_json_put_hex(begin(false), NULL, value);
			end_equal(expected);
		}
	snap_json_put_hex(begin(false), NULL, UINT64_MAX);
	end_equal("\"0xffffffffffffffff\"");
}

static void test_json_writer_hex_bytes(void **state)
{
	(void)state;
	uint8_t bytes[1000];
	char expected[2 * sizeof(bytes) + 3];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	/* Around what is reserved at once. */
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		snap_hex(snap_bytes(bytes, len), expected + 1);
		expected[0] = '"';
		(void)strcat(expected, "\"");
		snap_json_put_hex_bytes(begin(false), NULL, snap_bytes(bytes, len));
		end_equal(expected);
	}
}

static void put_text(struct snap_bytes text, const char *expected)
{
	snap_json_put_text(begin(false), NULL, text);
	end_equal(expected);
}

static void test_json_writer_escapes(void **state)
{
	(void)state;
	put_text(snap_bytes(NULL, 0), "null");
	put_text(BYTES(""), "\"\"");
	put_text(BYTES("a/b'\"\\c"), "\"a/b'\\\"\\\\c\"");
	put_text(BYTES("\b\f\n\r\t\x01\x1b\x1f "), "\"\\b\\f\\n\\r\\t\\u0001\\u001B\\u001F \"");
	/* A terminal may act on them: DEL, and C1 (here CSI), but not what follows these. */
	put_text(BYTES("\x7f\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0"),
		"\"\\u007f\\u0080\\u009b\\u009f\xc2\xa0\"");
	/* Nor what makes it show another text than is there: directions, nothing at all, tags. */
	put_text(BYTES("\xe2\x80\xaegpj.exe\xe2\x81\xa6\xe2\x80\x8b\xef\xbb\xbf"),
		"\"\\u202egpj.exe\\u2066\\u200b\\ufeff\"");
	put_text(BYTES("\xf3\xa0\x81\x81"), "\"\\udb40\\udc41\"");
	put_text(BYTES("\xe2\x82\xac\xf0\x9f\x92\xa5"), "\"\xe2\x82\xac\xf0\x9f\x92\xa5\"");
	/* No UTF-8: a NUL, a byte alone, overlong, surrogate, cut. What looks the same is not. */
	put_text(BYTES("a\0b"), "\"a\\\\x00b\"");
	put_text(BYTES("\xff\x80 \xc0\xaf \xed\xa0\x80 \xe2\x82"),
		"\"\\\\xff\\\\x80 \\\\xc0\\\\xaf \\\\xed\\\\xa0\\\\x80 \\\\xe2\\\\x82\"");
}

static void test_json_writer_escapes_anywhere(void **state)
{
	(void)state;
	/* Each byte at each place among plain ones, alone and in front of another. */
	char text[20], expected[64], valid[16];
	for (unsigned int byte = 0; byte < 256; byte++)
		for (size_t at = 0; at < sizeof(text); at++) {
			memset(text, 'p', sizeof(text));
			text[at] = (char)byte;
			(void)snap_escape(snap_bytes(&text[at], 1), SNAP_ESCAPE_INVALID, valid,
				sizeof(valid));
			json_t *value = json_string(valid);
			char *dumped = json_dumps(value, JSON_ENCODE_ANY);
			assert_non_null(dumped);
			(void)snprintf(expected, sizeof(expected), "\"%.*s%.*s%.*s\"", (int)at,
				"pppppppppppppppppppp", byte == 0x7f ? 6 : (int)strlen(dumped) - 2,
				byte == 0x7f ? "\\u007f" : dumped + 1, (int)(sizeof(text) - at - 1),
				"pppppppppppppppppppp");
			put_text(snap_bytes(text, sizeof(text)), expected);
			free(dumped);
			json_decref(value);
		}
}

static void test_json_writer_longer_than_the_buffer(void **state)
{
	(void)state;
	size_t size = sizeof(writer.out.data);
	char *text = malloc(2 * size + 4);
	assert_non_null(text);
	for (size_t len = size - 4; len < 2 * size; len += len == size + 1 ? size - 4 : 1) {
		memset(text, 'x', len + 2);
		text[0] = text[len + 1] = '"';
		text[len + 2] = '\0';
		snap_json_put_text(begin(false), NULL, snap_bytes(text + 1, len));
		end_equal(text);
	}
	free(text);
}

static void test_json_writer_parts(void **state)
{
	(void)state;
	struct snap_json *json = begin(false);
	snap_json_begin_array(json, NULL);
	snap_json_begin_string(json, NULL);
	snap_json_end_string(json);
	snap_json_begin_string(json, NULL);
	snap_json_put_part(json, BYTES("a\n"));
	snap_json_put_part(json, BYTES(""));
	snap_json_put_part(json, BYTES("\"b"));
	snap_json_end_string(json);
	snap_json_end_array(json);
	end_equal("[\"\",\"a\\n\\\"b\"]");
}

static void test_json_writer_deep(void **state)
{
	(void)state;
	/* Deeper than the spaces that are written at once. */
	enum { DEPTH = 40 };
	for (int pretty = 0; pretty < 2; pretty++) {
		struct snap_json *json = begin(pretty);
		json_t *value = json_integer(1);
		for (int i = 0; i < DEPTH; i++)
			snap_json_begin_array(json, NULL);
		snap_json_put_number(json, NULL, 1);
		for (int i = 0; i < DEPTH; i++) {
			snap_json_end_array(json);
			value = json_pack("[o]", value);
		}
		char *expected = json_dumps(value, pretty ? JSON_INDENT(2) : JSON_COMPACT);
		end_equal(expected);
		free(expected);
		json_decref(value);
	}
}

static void test_json_writer_cannot_write(void **state)
{
	(void)state;
	FILE *full = fopen("/dev/full", "w");
	assert_non_null(full);
	struct snap_json json;
	snap_out_init(&writer.out, full);
	snap_json_init(&json, &writer.out, false);
	snap_json_begin_array(&json, NULL);
	for (int i = 0; i < 100000; i++)
		snap_json_put_number(&json, NULL, 1);
	snap_json_end_array(&json);
	snap_out_flush(&writer.out);
	assert_true(ferror(full));
	(void)fclose(full);
}

/* ---------------------------------------------------------------- random data */

static uint32_t next_random(uint32_t below)
{
	static uint64_t x = 20240601;
	x = x * UINT64_C(6364136223846793005) + 1442695040888963407;
	return (uint32_t)(x >> 33) % below;
}

/* Bytes of all sorts, or only such as occur in names; some longer than the buffer. */
static struct snap_bytes random_bytes(void)
{
	static uint8_t bytes[40000];
	static const char *const pieces[] = {"\"", "\\", "\xc3\xbc", "\xe2\x82\xac",
		"\xf0\x9f\x92\xa5", "\xc2\x85", "\xc2", "\xed\xa0\x80", "\x7f", "\n", "name",
		"/usr/lib/", "std::vector<int>"};
	size_t len = next_random(200) == 0 ? next_random(sizeof(bytes) - 20) : next_random(40);
	bool any = next_random(4) == 0;
	size_t at = 0;
	while (at < len) {
		if (any) {
			bytes[at++] = (uint8_t)next_random(256);
			continue;
		}
		const char *piece = pieces[next_random(ARRAY_LEN(pieces))];
		memcpy(bytes + at, piece, strlen(piece));
		at += strlen(piece);
	}
	return snap_bytes(bytes, at);
}

static json_t *valid_string(struct snap_bytes bytes)
{
	size_t len = snap_escape(bytes, SNAP_ESCAPE_INVALID, NULL, 0);
	char *valid = malloc(len + 1);
	assert_non_null(valid);
	(void)snap_escape(bytes, SNAP_ESCAPE_INVALID, valid, len + 1);
	json_t *value = json_stringn(valid, len);
	assert_non_null(value);
	free(valid);
	return value;
}

/* Writes a random value, and returns the same as jansson holds it. */
static json_t *put_random(struct snap_json *json, const char *key, unsigned int depth)
{
	char name[16];
	uint64_t number = ((uint64_t)next_random(UINT32_MAX) << 32 | next_random(UINT32_MAX)) >>
			  next_random(64);
	struct snap_bytes bytes;
	json_t *value;
	switch (next_random(depth < 6 ? 10 : 6)) {
	case 0:
		snap_json_put_null(json, key);
		return json_null();
	case 1:
		snap_json_put_bool(json, key, number & 1);
		return json_boolean(number & 1);
	case 2:
		snap_json_put_number(json, key, number);
		return number <= INT64_MAX ? json_integer((json_int_t)number) : json_null();
	case 3:
		snap_json_put_signed(json, key, (int64_t)number);
		return json_integer((json_int_t)number);
	case 4:
	case 5:
		bytes = random_bytes();
		snap_json_put_text(json, key, bytes);
		return valid_string(bytes);
	case 6:
	case 7:
		value = json_array();
		snap_json_begin_array(json, key);
		for (uint32_t left = next_random(8); left > 0; left--)
			json_array_append_new(value, put_random(json, NULL, depth + 1));
		snap_json_end_array(json);
		return value;
	default:
		value = json_object();
		snap_json_begin_object(json, key);
		for (uint32_t left = next_random(8); left > 0; left--) {
			(void)snprintf(name, sizeof(name), "member %u", left);
			if (left % 2) {
				snap_json_put_key(json, snap_bytes_str(name));
				json_object_set_new(value, name, put_random(json, NULL, depth + 1));
			} else {
				json_object_set_new(value, name, put_random(json, name, depth + 1));
			}
		}
		snap_json_end_object(json);
		return value;
	}
}

/* The dump with all escaped that a terminal must not see; of these, random bytes make only some of
 * two bytes and, rarely, of three. */
static char *escape_dump(const char *dump)
{
	char *escaped = malloc(6 * strlen(dump) + 1), *to = escaped;
	assert_non_null(escaped);
	for (const unsigned char *p = (const unsigned char *)dump; *p; p++) {
		uint32_t code = 0;
		size_t len = snap_utf8_character(snap_bytes_str((const char *)p), &code);
		assert_in_range(len, 1, 4);
		if (*p >= 0x7f && code <= 0xffff && snap_character_is_unsafe(code)) {
			to += sprintf(to, "\\u%04x", code);
		} else {
			memcpy(to, p, len);
			to += len;
		}
		p += len - 1;
	}
	*to = '\0';
	return escaped;
}

static void test_json_writer_random(void **state)
{
	(void)state;
	for (int round = 0; round < 4000; round++) {
		bool pretty = round % 2;
		struct snap_json *json = begin(pretty);
		json_t *value = put_random(json, NULL, 0);
		assert_non_null(value);
		char *dump = json_dumps(
			value, JSON_ENCODE_ANY | (pretty ? JSON_INDENT(2) : JSON_COMPACT));
		assert_non_null(dump);
		char *expected = escape_dump(dump);
		end_equal(expected);
		free(expected);
		free(dump);
		json_decref(value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json_writer_forms),
		cmocka_unit_test(test_json_writer_lines),
		cmocka_unit_test(test_json_writer_numbers),
		cmocka_unit_test(test_json_writer_hex),
		cmocka_unit_test(test_json_writer_hex_bytes),
		cmocka_unit_test(test_json_writer_escapes),
		cmocka_unit_test(test_json_writer_escapes_anywhere),
		cmocka_unit_test(test_json_writer_longer_than_the_buffer),
		cmocka_unit_test(test_json_writer_parts),
		cmocka_unit_test(test_json_writer_deep),
		cmocka_unit_test(test_json_writer_cannot_write),
		cmocka_unit_test(test_json_writer_random),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
