/* common/escape: what is valid UTF-8 and what is not, what a terminal never gets to see, and that
 * a cut result ends between two characters. */
#include "common/escape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
/* A literal with its length, for it may hold NULs. */
#define BYTES(literal) snap_bytes(literal, sizeof(literal) - 1)

static void assert_escaped(struct snap_bytes in, enum snap_escape how, const char *expected)
{
	char out[256];
	memset(out, 0x55, sizeof(out));
	assert_int_equal(snap_escape(in, how, out, sizeof(out)), strlen(expected));
	assert_string_equal(out, expected);
	assert_int_equal(snap_escape_unneeded(in, how),
		strlen(expected) == in.len && memcmp(expected, in.data, in.len) == 0);
}

static void assert_both(struct snap_bytes in, const char *expected)
{
	assert_escaped(in, SNAP_ESCAPE_INVALID, expected);
	assert_escaped(in, SNAP_ESCAPE_TERMINAL, expected);
}

static void test_escape_valid_text_stays(void **state)
{
	(void)state;
	assert_both(BYTES(""), "");
	assert_both(BYTES("plain ~ text\\x41"), "plain ~ text\\x41");
	assert_both(BYTES("gr\xc3\xbc\xc3\x9f"), "gr\xc3\xbc\xc3\x9f");
	assert_both(BYTES("\xe2\x82\xac\xed\x9f\xbf\xee\x80\x80"),
		"\xe2\x82\xac\xed\x9f\xbf\xee\x80\x80");
	assert_both(BYTES("\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"), "\xf0\x90\x80\x80\xf4\x8f\xbf\xbf");
}

static void test_escape_absent_bytes_are_an_empty_string(void **state)
{
	(void)state;
	char out[2] = "x";
	assert_int_equal(
		snap_escape(snap_bytes(NULL, 0), SNAP_ESCAPE_INVALID, out, sizeof(out)), 0);
	assert_string_equal(out, "");
	assert_true(snap_escape_unneeded(snap_bytes(NULL, 0), SNAP_ESCAPE_TERMINAL));
}

static void test_escape_invalid_utf8(void **state)
{
	(void)state;
	assert_both(BYTES("a\0b"), "a\\x00b");
	assert_both(BYTES("\x80\xbf"), "\\x80\\xbf");
	/* overlong: '/' in two, three, four bytes; U+07FF in three; U+FFFF in four */
	assert_both(BYTES("\xc0\xaf"), "\\xc0\\xaf");
	assert_both(BYTES("\xc1\xbf"), "\\xc1\\xbf");
	assert_both(BYTES("\xe0\x80\xaf"), "\\xe0\\x80\\xaf");
	assert_both(BYTES("\xe0\x9f\xbf"), "\\xe0\\x9f\\xbf");
	assert_both(BYTES("\xf0\x80\x80\xaf"), "\\xf0\\x80\\x80\\xaf");
	assert_both(BYTES("\xf0\x8f\xbf\xbf"), "\\xf0\\x8f\\xbf\\xbf");
	/* surrogates */
	assert_both(BYTES("\xed\xa0\x80"), "\\xed\\xa0\\x80");
	assert_both(BYTES("\xed\xbf\xbf"), "\\xed\\xbf\\xbf");
	/* above U+10FFFF */
	assert_both(BYTES("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");
	assert_both(BYTES("\xf5\x80\x80\x80"), "\\xf5\\x80\\x80\\x80");
	assert_both(BYTES("\xfe\xff"), "\\xfe\\xff");
	/* cut by the end, and by another character */
	assert_both(BYTES("\xe2\x82"), "\\xe2\\x82");
	assert_both(BYTES("\xf0\x9f\x98"), "\\xf0\\x9f\\x98");
	assert_both(BYTES("\xe2\x82z"), "\\xe2\\x82z");
	assert_both(BYTES("\xc3\xc3\xbc"), "\\xc3\xc3\xbc");
}

static size_t encode(uint32_t code, uint8_t out[4])
{
	if (code < 0x80) {
		out[0] = (uint8_t)code;
		return 1;
	}
	size_t len = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
	for (size_t i = len; i-- > 1; code >>= 6)
		out[i] = (uint8_t)(0x80 | (code & 0x3f));
	out[0] = (uint8_t)(0xf00u >> len | code);
	return len;
}

static void test_escape_every_code_point(void **state)
{
	(void)state;
	for (uint32_t code = 0; code < 0x110000; code++) {
		uint8_t in[4];
		char out[32];
		size_t len = encode(code, in);
		bool valid = code != 0 && (code < 0xd800 || code > 0xdfff);
		size_t out_len =
			snap_escape(snap_bytes(in, len), SNAP_ESCAPE_INVALID, out, sizeof(out));
		if (out_len != (valid ? len : 4 * len))
			fail_msg("U+%04X", code);
		if (valid && memcmp(in, out, len) != 0)
			fail_msg("U+%04X changed", code);
	}
}

static void test_utf8_encode_every_code(void **state)
{
	(void)state;
	uint8_t ret[4];
	for (uint32_t code = 0; code < 0x110000; code++) {
		uint8_t expected[4];
		size_t len = code >= 0xd800 && code <= 0xdfff ? 0 : encode(code, expected);
		if (snap_utf8_encode(code, ret) != len || (len && memcmp(ret, expected, len) != 0))
			fail_msg("U+%04X", code);
	}
	assert_int_equal(snap_utf8_encode(0x110000, ret), 0);
	assert_int_equal(snap_utf8_encode(UINT32_MAX, ret), 0);
	assert_memory_equal(ret, "\xf4\x8f\xbf\xbf", 4);
}

/* The table of RFC 3629, section 4: whether the first two bytes may begin a character, of which
 * length. The others are 80 to BF. */
static size_t begins_character(uint8_t first, uint8_t second)
{
	if (second < 0x80 || second > 0xbf || first < 0xc2 || first > 0xf4)
		return 0;
	if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) ||
		(first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f))
		return 0;
	return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

static void test_escape_every_pair_of_first_bytes(void **state)
{
	(void)state;
	for (unsigned int first = 0x80; first < 0x100; first++) {
		for (unsigned int second = 0; second < 0x100; second++) {
			const uint8_t in[] = {(uint8_t)first, (uint8_t)second, 0x80, 0xbf};
			size_t len = begins_character((uint8_t)first, (uint8_t)second);
			/* With all its bytes, and without the last. */
			if (len > 0)
				assert_true(snap_escape_unneeded(
					snap_bytes(in, len), SNAP_ESCAPE_INVALID));
			for (size_t cut = 2; cut <= sizeof(in); cut++)
				if (cut != len && snap_escape_unneeded(
							  snap_bytes(in, cut), SNAP_ESCAPE_INVALID))
					fail_msg("%02x %02x, %zu bytes", first, second, cut);
		}
	}
}

static void test_escape_controls_are_for_files_not_for_terminals(void **state)
{
	(void)state;
	static const struct {
		const char *in, *terminal;
	} cases[] = {
		{"\x1b[2J", "\\x1b[2J"},
		{"a\nb\tc\r", "a\\x0ab\\x09c\\x0d"},
		{"\x01\x1f\x7f", "\\x01\\x1f\\x7f"},
		{"\xc2\x80\xc2\x9b\xc2\x9f\xc2\xa0", "\\xc2\\x80\\xc2\\x9b\\xc2\\x9f\xc2\xa0"},
		/* U+2028, U+2029; U+2027 and U+202F are harmless */
		{"\xe2\x80\xa7\xe2\x80\xa8\xe2\x80\xa9",
			"\xe2\x80\xa7\\xe2\\x80\\xa8\\xe2\\x80\\xa9"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct snap_bytes in = snap_bytes_str(cases[i].in);
		assert_escaped(in, SNAP_ESCAPE_INVALID, cases[i].in);
		assert_escaped(in, SNAP_ESCAPE_TERMINAL, cases[i].terminal);
	}
	for (uint32_t code = 1; code < 0xa0; code++) {
		uint8_t in[4];
		struct snap_bytes bytes = snap_bytes(in, encode(code, in));
		assert_int_equal(snap_escape_unneeded(bytes, SNAP_ESCAPE_TERMINAL),
			code >= 0x20 && (code < 0x7f || code > 0x9f));
	}
}

static void test_escape_bidirectional_controls(void **state)
{
	(void)state;
	/* Unicode, Bidi_Control; U+FEFF and the tags deceive likewise. */
	static const uint32_t controls[] = {0x61c, 0x200e, 0x200f, 0x202a, 0x202b, 0x202c, 0x202d,
		0x202e, 0x2066, 0x2067, 0x2068, 0x2069, 0xfeff, 0xe0001, 0xe007f};
	for (size_t i = 0; i < ARRAY_LEN(controls); i++) {
		uint8_t in[4];
		char expected[17] = "", out[17];
		size_t len = encode(controls[i], in);
		for (size_t j = 0; j < len; j++)
			(void)snprintf(expected + 4 * j, 5, "\\x%02x", in[j]);
		assert_true(snap_escape_unneeded(snap_bytes(in, len), SNAP_ESCAPE_INVALID));
		assert_int_equal(
			snap_escape(snap_bytes(in, len), SNAP_ESCAPE_TERMINAL, out, sizeof(out)),
			4 * len);
		assert_string_equal(out, expected);
	}
}

/* pieces: what may not be divided, in order. For every size the result is as many whole pieces as
 * fit before the first that does not. */
static void assert_cut_between(
	struct snap_bytes in, enum snap_escape how, const char *const *pieces, size_t num_pieces)
{
	size_t total = 0;
	for (size_t i = 0; i < num_pieces; i++)
		total += strlen(pieces[i]);
	for (size_t size = 0; size <= total + 3; size++) {
		char expected[128] = "";
		for (size_t i = 0; i < num_pieces; i++) {
			if (strlen(expected) + strlen(pieces[i]) >= size)
				break;
			strcat(expected, pieces[i]);
		}
		/* Of its exact size, so that a sanitizer sees a byte too far. */
		char *out = malloc(size + 1);
		assert_non_null(out);
		memset(out, 0x55, size + 1);
		assert_int_equal(snap_escape(in, how, out, size), total);
		if (size > 0)
			assert_string_equal(out, expected);
		assert_int_equal(out[size], 0x55);
		free(out);
	}
}

static void test_escape_is_cut_between_characters(void **state)
{
	(void)state;
	static const char *const terminal[] = {
		"a", "\xc3\xa9", "\\xff", "\xf0\x9f\x98\x80", "\\xe2\\x80\\xae", "\\x0a", "b"};
	static const char *const invalid[] = {
		"a", "\xc3\xa9", "\\xff", "\xf0\x9f\x98\x80", "\xe2\x80\xae", "\n", "b"};
	struct snap_bytes in = BYTES("a\xc3\xa9\xff\xf0\x9f\x98\x80\xe2\x80\xae\nb");
	assert_cut_between(in, SNAP_ESCAPE_TERMINAL, terminal, ARRAY_LEN(terminal));
	assert_cut_between(in, SNAP_ESCAPE_INVALID, invalid, ARRAY_LEN(invalid));
}

static void test_escape_without_room_gives_the_length(void **state)
{
	(void)state;
	assert_int_equal(snap_escape(BYTES("a\xff"), SNAP_ESCAPE_INVALID, NULL, 0), 5);
}

static void test_escape_result_is_always_fit_for_a_file(void **state)
{
	(void)state;
	srandom(2);
	for (int round = 0; round < 20000; round++) {
		uint8_t in[24];
		char out[97];
		size_t len = (size_t)random() % (sizeof(in) + 1);
		for (size_t i = 0; i < len; i++)
			in[i] = (uint8_t)random() | (random() & 1 ? 0x80 : 0);
		size_t size = (size_t)random() % sizeof(out) + 1;
		enum snap_escape how = random() & 1 ? SNAP_ESCAPE_TERMINAL : SNAP_ESCAPE_INVALID;
		size_t whole = snap_escape(snap_bytes(in, len), how, out, size);
		assert_true(strlen(out) < size && strlen(out) <= whole);
		assert_true(snap_escape_unneeded(snap_bytes_str(out), how));
	}
}

static void test_hex(void **state)
{
	(void)state;
	char out[9];
	snap_hex(BYTES("\x00\x9a\xff\x10"), out);
	assert_string_equal(out, "009aff10");
	snap_hex(snap_bytes(NULL, 0), out);
	assert_string_equal(out, "");
}

/* Whatever byte stands wherever in plain text: the quick look says what the escaping does. */
static void test_escape_unneeded_is_what_escaping_finds(void **state)
{
	(void)state;
	for (size_t len = 1; len <= 24; len++)
		for (size_t at = 0; at < len; at++)
			for (unsigned int byte = 0; byte < 256; byte++) {
				char text[25], escaped[128];
				memset(text, 'a' + (int)at % 26, sizeof(text));
				text[at] = (char)byte;
				struct snap_bytes in = snap_bytes(text, len);
				for (int how = 0; how < 2; how++) {
					size_t n = snap_escape(in, (enum snap_escape)how, escaped,
						sizeof(escaped));
					bool same = n == len && memcmp(escaped, text, len) == 0;
					assert_int_equal(
						snap_escape_unneeded(in, (enum snap_escape)how),
						same);
				}
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_escape_valid_text_stays),
		cmocka_unit_test(test_escape_absent_bytes_are_an_empty_string),
		cmocka_unit_test(test_escape_invalid_utf8),
		cmocka_unit_test(test_escape_every_code_point),
		cmocka_unit_test(test_utf8_encode_every_code),
		cmocka_unit_test(test_escape_every_pair_of_first_bytes),
		cmocka_unit_test(test_escape_controls_are_for_files_not_for_terminals),
		cmocka_unit_test(test_escape_bidirectional_controls),
		cmocka_unit_test(test_escape_is_cut_between_characters),
		cmocka_unit_test(test_escape_without_room_gives_the_length),
		cmocka_unit_test(test_escape_result_is_always_fit_for_a_file),
		cmocka_unit_test(test_hex),
		cmocka_unit_test(test_escape_unneeded_is_what_escaping_finds),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
