/* analyze/dwarf/cursor: every width in both byte orders, LEB128 at its limits, and no byte beyond
 * the end. */
#include "analyze/dwarf/cursor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

static const uint8_t digits[] = {0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88};

static void test_cursor_numbers(void **state)
{
	(void)state;
	static const uint64_t little[] = {0, 0x81, 0x8281, 0x838281, 0x84838281, 0x8584838281,
		0x868584838281, 0x87868584838281, 0x8887868584838281};
	static const uint64_t big[] = {0, 0x81, 0x8182, 0x818283, 0x81828384, 0x8182838485,
		0x818283848586, 0x81828384858687, 0x8182838485868788};
	for (unsigned int len = 0; len <= 8; len++) {
		struct snap_cursor c = snap_cursor(snap_bytes(digits, 8), 0, false);
		assert_true(snap_cursor_unsigned(&c, len) == little[len]);
		assert_int_equal(snap_cursor_left(&c), 8 - len);
		c = snap_cursor(snap_bytes(digits, 8), 0, true);
		assert_true(snap_cursor_unsigned(&c, len) == big[len]);
		assert_false(c.failed);
		/* One byte too few. */
		if (len == 0)
			continue;
		c = snap_cursor(snap_bytes(digits, len - 1), 0, false);
		uint64_t v = snap_cursor_unsigned(&c, len);
		assert_true(c.failed);
		assert_int_equal(snap_cursor_left(&c), 0);
		assert_true(v == 0 || (len != 1 && len != 2 && len != 4 && len != 8));
	}
}

static void test_cursor_begins_within_the_bytes(void **state)
{
	(void)state;
	static const uint64_t offs[] = {9, UINT32_MAX, UINT64_MAX, UINT64_C(1) << 63};
	struct snap_cursor c = snap_cursor(snap_bytes(digits, 8), 8, false);
	assert_false(c.failed);
	assert_int_equal(snap_cursor_u8(&c), 0);
	assert_true(c.failed);
	for (size_t i = 0; i < ARRAY_LEN(offs); i++) {
		c = snap_cursor(snap_bytes(digits, 8), offs[i], false);
		assert_true(c.failed);
		assert_int_equal(snap_cursor_left(&c), 0);
	}
	c = snap_cursor(snap_bytes(digits, 8), 1, false);
	snap_cursor_skip(&c, 7);
	assert_false(c.failed);
	c = snap_cursor(snap_bytes(digits, 8), 1, false);
	snap_cursor_skip(&c, UINT64_MAX);
	assert_true(c.failed);
	c = snap_cursor(snap_bytes(digits, 8), 1, false);
	snap_cursor_skip(&c, 8);
	assert_true(c.failed);
}

static void test_cursor_leb128(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t len;
		uint64_t u;
		int64_t s;
	} cases[] = {
		{"\x00", 1, 0, 0},
		{"\x3f", 1, 63, 63},
		{"\x40", 1, 64, -64},
		{"\x7f", 1, 127, -1},
		{"\x80\x01", 2, 128, 128},
		{"\x80\x7f", 2, 16256, -128},
		{"\xe5\x8e\x26", 3, 624485, 624485},
		{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, UINT64_MAX, -1},
		{"\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 9, INT64_MAX, -1},
		{"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x00", 10, INT64_MAX, INT64_MAX},
		{"\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f", 10, UINT64_C(1) << 63, INT64_MIN},
		/* Longer than it needs to be; bits beyond the 64th are dropped. */
		{"\x81\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00", 12, 1, 1},
		{"\x81\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x7f", 12, 1, 1},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct snap_bytes bytes = snap_bytes(cases[i].bytes, cases[i].len);
		struct snap_cursor c = snap_cursor(bytes, 0, i % 2);
		uint64_t u = snap_cursor_uleb(&c);
		if (u != cases[i].u || c.failed || snap_cursor_left(&c) != 0)
			fail_msg("case %zu: %llu", i, (unsigned long long)u);
		c = snap_cursor(bytes, 0, false);
		int64_t s = snap_cursor_sleb(&c);
		if (s != cases[i].s || c.failed || snap_cursor_left(&c) != 0)
			fail_msg("case %zu: %lld", i, (long long)s);
		for (bytes.len = 0; bytes.len < cases[i].len; bytes.len++) {
			c = snap_cursor(bytes, 0, false);
			assert_true(snap_cursor_uleb(&c) == 0 && c.failed);
			c = snap_cursor(bytes, 0, false);
			assert_true(snap_cursor_sleb(&c) == 0 && c.failed);
		}
	}
}

static void test_cursor_strings(void **state)
{
	(void)state;
	struct snap_cursor c = snap_cursor(snap_bytes("ab\0\0cd", 6), 0, false);
	assert_string_equal(snap_cursor_string(&c), "ab");
	assert_string_equal(snap_cursor_string(&c), "");
	assert_null(snap_cursor_string(&c));
	assert_true(c.failed);
	assert_null(snap_cursor_string(&c));
	/* No bytes at all. */
	c = snap_cursor(snap_bytes(NULL, 0), 0, false);
	assert_null(snap_cursor_string(&c));
	assert_true(c.failed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cursor_numbers),
		cmocka_unit_test(test_cursor_begins_within_the_bytes),
		cmocka_unit_test(test_cursor_leb128),
		cmocka_unit_test(test_cursor_strings),
	};
	return cmocka_run_group_tests_name("dwarf_cursor", tests, NULL, NULL);
}
