/* analyze/tokens/format, conversion, arguments: every conversion against what printf prints of the
 * same value, arguments at their limits, and what is shown of those that are missing or broken. */
#include "analyze/tokens/format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyze/tokens/arguments.h"
#include "analyze/tokens/conversion.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
/* A literal with its length, for it may hold NULs. */
#define BYTES(literal) snap_bytes(literal, sizeof(literal) - 1)

/* ---------------------------------------------------------------- arguments as a device sends them */

struct message {
	uint8_t data[512];
	size_t len;
};

static void put_integer(struct message *m, int64_t value)
{
	uint64_t rest = ((uint64_t)value << 1) ^ (uint64_t)(value < 0 ? -1 : 0);
	do {
		m->data[m->len++] = (uint8_t)((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
		rest >>= 7;
	} while (rest > 0);
}

static void put_real(struct message *m, float value)
{
	memcpy(m->data + m->len, &value, sizeof(value)); /* little-endian, as all that run this */
	m->len += sizeof(value);
}

static void put_string(struct message *m, const char *s, bool is_cut)
{
	size_t len = strlen(s);
	m->data[m->len++] = (uint8_t)(len | (is_cut ? 0x80 : 0));
	memcpy(m->data + m->len, s, len);
	m->len += len;
}

static uint8_t printed[4096];
static struct snap_format_result result;

/* What becomes of format and arguments, NUL-terminated. */
static const char *print(const char *format, struct snap_bytes arguments, unsigned int word_bits)
{
	/* Neither ends with a NUL, and a read behind it is seen by sanitizers. */
	char *f = malloc(strlen(format) + 1);
	uint8_t *a = malloc(arguments.len + 1);
	struct snap_token_text out = {.data = printed, .size = sizeof(printed) - 1};
	struct snap_format_result dry;
	assert_non_null(f);
	assert_non_null(a);
	memcpy(f, format, strlen(format));
	if (arguments.len > 0)
		memcpy(a, arguments.data, arguments.len);
	f = realloc(f, strlen(format) ? strlen(format) : 1);
	a = realloc(a, arguments.len ? arguments.len : 1);
	snap_token_format(snap_bytes(f, strlen(format)), snap_bytes(a, arguments.len), word_bits,
		&out, &result);
	snap_token_format(snap_bytes(f, strlen(format)), snap_bytes(a, arguments.len), word_bits,
		NULL, &dry);
	/* A string that is not printed is judged like one that is, but for characters. */
	assert_int_equal(dry.num_left_over, result.num_left_over);
	assert_int_equal(dry.num_errors, result.num_errors);
	assert_int_equal(dry.num_conversions, result.num_conversions);
	printed[out.len] = '\0';
	free(f);
	free(a);
	return (const char *)printed;
}

static struct snap_bytes bytes_of(const struct message *m)
{
	return snap_bytes(m->data, m->len);
}

static void assert_right(void)
{
	assert_int_equal(result.num_errors, 0);
	assert_int_equal(result.num_left_over, 0);
}

static void assert_integer(
	const char *format, int64_t value, unsigned int word_bits, const char *expected)
{
	struct message m = {0};
	put_integer(&m, value);
	assert_string_equal(print(format, bytes_of(&m), word_bits), expected);
	assert_right();
}

/* ---------------------------------------------------------------- integers */

static void test_tokens_format_integers_at_their_limits(void **state)
{
	(void)state;
	static const struct {
		const char *format;
		int64_t value;
		const char *expected32, *expected64;
	} cases[] = {
		{"%d", 0, "0", "0"},
		{"%d", -1, "-1", "-1"},
		{"%d", INT32_MAX, "2147483647", "2147483647"},
		{"%d", INT32_MIN, "-2147483648", "-2147483648"},
		{"%i", -64, "-64", "-64"},
		{"%i", 63, "63", "63"},
		{"%lld", INT64_MIN, "-9223372036854775808", "-9223372036854775808"},
		{"%lld", INT64_MAX, "9223372036854775807", "9223372036854775807"},
		{"%jd", INT64_MIN, "-9223372036854775808", "-9223372036854775808"},
		{"%ld", -5, "-5", "-5"},
		{"%hhd", 200, "-56", "-56"},
		{"%hhd", -1, "-1", "-1"},
		{"%hd", 0x18000, "-32768", "-32768"},
		/* What was sent with a sign is without one. */
		{"%u", -1, "4294967295", "4294967295"},
		{"%u", INT32_MIN, "2147483648", "2147483648"},
		{"%u", 5, "5", "5"},
		{"%lu", -1, "4294967295", "18446744073709551615"},
		{"%zu", -1, "4294967295", "18446744073709551615"},
		{"%tx", -1, "ffffffff", "ffffffffffffffff"},
		{"%llu", -1, "18446744073709551615", "18446744073709551615"},
		{"%ju", -2, "18446744073709551614", "18446744073709551614"},
		{"%hhu", -1, "255", "255"},
		{"%hu", -1, "65535", "65535"},
		{"%hhx", -128, "80", "80"},
		{"%Lu", -1, "4294967295", "4294967295"},
		{"%x", -1, "ffffffff", "ffffffff"},
		{"%X", 0xabc, "ABC", "ABC"},
		{"%o", 8, "10", "10"},
		{"%o", -1, "37777777777", "37777777777"},
		{"%llo", -1, "1777777777777777777777", "1777777777777777777777"},
		{"%p", 0x20001234, "0x20001234", "0x0000000020001234"},
		{"%p", (int32_t)0xe000ed00, "0xe000ed00", "0xffffffffe000ed00"},
		{"%p", 0, "0x00000000", "0x0000000000000000"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_integer(cases[i].format, cases[i].value, 32, cases[i].expected32);
		assert_integer(cases[i].format, cases[i].value, 64, cases[i].expected64);
	}
}

/* Against the C library, every flag with every other. */
static void test_tokens_format_flags_as_printf(void **state)
{
	(void)state;
	static const char *const numbers[] = {"", "1", "7", "12"};
	static const char *const precisions[] = {"", ".", ".0", ".1", ".5", ".11"};
	static const char types[] = "diuoxX", reals[] = "fFeEgGaA";
	static const int64_t integers[] = {0, 1, -1, 42, -123456, INT32_MAX, INT32_MIN};
	static const float values[] = {0.0f, -0.0f, 1.5f, -2.25f, 1e10f, 3.4e38f, 1e-7f, INFINITY,
		-INFINITY, NAN, 0.1f, 123456.789f};
	char format[64], expected[2048];
	for (unsigned int flags = 0; flags < 32; flags++)
		for (size_t n = 0; n < ARRAY_LEN(numbers) * ARRAY_LEN(precisions); n++) {
			const char *width = numbers[n % ARRAY_LEN(numbers)];
			const char *precision = precisions[n / ARRAY_LEN(numbers)];
			char head[32];
			(void)snprintf(head, sizeof(head), "%%%s%s%s%s%s%s%s", flags & 1 ? "-" : "",
				flags & 2 ? "+" : "", flags & 4 ? " " : "", flags & 8 ? "#" : "",
				flags & 16 ? "0" : "", width, precision);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			for (const char *t = types; *t; t++)
				for (size_t i = 0; i < ARRAY_LEN(integers); i++) {
					(void)snprintf(format, sizeof(format), "%s%c", head, *t);
					(void)snprintf(expected, sizeof(expected), format,
						(int)integers[i]);
					assert_integer(format, integers[i], 32, expected);
				}
			for (const char *t = reals; *t; t++)
				for (size_t i = 0; i < ARRAY_LEN(values); i++) {
					struct message m = {0};
					put_real(&m, values[i]);
					(void)snprintf(format, sizeof(format), "%s%c", head, *t);
					(void)snprintf(expected, sizeof(expected), format,
						(double)values[i]);
					assert_string_equal(
						print(format, bytes_of(&m), 32), expected);
					assert_right();
				}
#pragma GCC diagnostic pop
		}
}

static void test_tokens_format_star(void **state)
{
	(void)state;
	struct message m = {0};
	put_integer(&m, 6);
	put_integer(&m, -42);
	put_integer(&m, -6);
	put_integer(&m, 42);
	put_integer(&m, 8);
	put_integer(&m, 3);
	put_integer(&m, 5);
	put_integer(&m, -1); /* a precision: none */
	put_integer(&m, 7);
	assert_string_equal(print("[%*d][%*d][%*.*d][%.*d]", bytes_of(&m), 32),
		"[   -42][42    ][     005][7]");
	assert_right();
	assert_int_equal(result.num_conversions, 4);

	m.len = 0;
	put_integer(&m, 8);
	put_integer(&m, 2);
	put_real(&m, 3.14159f);
	put_integer(&m, 4);
	put_string(&m, "abcdef", false);
	assert_string_equal(print("%*.*f|%.*s", bytes_of(&m), 32), "    3.14|abcd");
	assert_right();

	/* More than anyone prints. */
	m.len = 0;
	put_integer(&m, INT32_MAX);
	put_integer(&m, 1);
	assert_string_equal(print("%*d", bytes_of(&m), 32), "<[%*d ERROR (1)]>");
	assert_int_equal(result.num_errors, 1);
	m.len = 0;
	put_integer(&m, INT64_MIN);
	put_integer(&m, 1);
	assert_string_equal(print("%*d", bytes_of(&m), 32), "<[%*d ERROR (1)]>");
	m.len = 0;
	put_integer(&m, 1);
	assert_string_equal(print("%999999999999d", bytes_of(&m), 32), "<[%999999999999d ERROR (1)]>");
	assert_string_equal(print("%.2000x", bytes_of(&m), 32), "<[%.2000x ERROR (1)]>");
	assert_int_equal(strlen(print("%1024d", bytes_of(&m), 32)), 1024);
	assert_string_equal(print("%*d", bytes_of(&m), 32), "<[%*d MISSING]>");
	assert_string_equal(print("%*.*s", snap_bytes(NULL, 0), 32), "<[%*.*s MISSING]>");
}

/* ---------------------------------------------------------------- characters, strings */

static void test_tokens_format_characters(void **state)
{
	(void)state;
	assert_integer("%c", 'A', 32, "A");
	assert_integer("[%3c]", 'A', 32, "[  A]");
	assert_integer("[%-3c]", 'A', 32, "[A  ]");
	assert_integer("%c", 0xe4, 32, "\xc3\xa4");
	assert_integer("[%3c]", 0x20ac, 32, "[  \xe2\x82\xac]");
	assert_integer("%lc", 0x1f600, 32, "\xf0\x9f\x98\x80");
	assert_integer("%c", -1, 32, "\xff");
	struct message m = {0};
	put_integer(&m, 0x110000);
	assert_string_equal(print("%c", bytes_of(&m), 32), "<[%c ERROR (1114112)]>");
	m.len = 0;
	put_integer(&m, 0xd800);
	put_integer(&m, 7);
	assert_string_equal(
		print("%c %d", bytes_of(&m), 32), "<[%c ERROR (55296)]> <[%d SKIPPED (7)]>");
	assert_int_equal(result.num_errors, 2);
	m.len = 0;
	put_integer(&m, 0);
	(void)print("%c", bytes_of(&m), 32);
	assert_memory_equal(printed, "\0\0", 2);
	assert_right();
}

static void test_tokens_format_strings(void **state)
{
	(void)state;
	struct message m = {0};
	put_string(&m, "", false);
	put_string(&m, "hi", false);
	put_string(&m, "hello", true);
	assert_string_equal(print("[%s][%5s][%s]", bytes_of(&m), 32), "[][   hi][hello[...]]");
	assert_right();
	m.len = 0;
	put_string(&m, "", true);
	put_string(&m, "ab", true);
	put_string(&m, "ab", true);
	put_string(&m, "ab", true);
	assert_string_equal(print("[%s][%8s][%-8s][%.2s]", bytes_of(&m), 32),
		"[[...]][ ab[...]][ab[...] ][ab]");
	assert_right();
	/* As long as one can be. */
	m.len = 0;
	char longest[128];
	memset(longest, 'x', 127);
	longest[127] = '\0';
	put_string(&m, longest, false);
	assert_string_equal(print("%s", bytes_of(&m), 32), longest);
	/* Characters, not bytes. */
	m.len = 0;
	put_string(&m, "\xc3\xa4\xc3\xb6\xc3\xbc", false);
	put_string(&m, "\xc3\xa4\xc3\xb6\xc3\xbc", false);
	assert_string_equal(print("[%5s][%.2s]", bytes_of(&m), 32),
		"[  \xc3\xa4\xc3\xb6\xc3\xbc][\xc3\xa4\xc3\xb6]");
	assert_right();
	/* The message ends within it; it is none. */
	assert_string_equal(print("%s %u", BYTES("\x05tru"), 32), "<[%s ERROR (tru)]> <[%u SKIPPED]>");
	assert_string_equal(print("%s", BYTES("\x05"), 32), "<[%s ERROR]>");
	assert_string_equal(print("%s", BYTES("\x02\xff\xfe"), 32), "<[%s ERROR (\xff\xfe)]>");
	assert_int_equal(result.num_errors, 1);
	assert_string_equal(print("%s", BYTES(""), 32), "<[%s MISSING]>");
}

/* ---------------------------------------------------------------- what is wrong */

static void test_tokens_format_faults(void **state)
{
	(void)state;
	assert_string_equal(print("%d", BYTES(""), 32), "<[%d MISSING]>");
	assert_int_equal(result.num_errors, 1);
	assert_string_equal(print("%d and %s", BYTES("\x02"), 32), "1 and <[%s MISSING]>");
	/* A varint without end, at the end and too long; one of more than 64 bits. */
	assert_string_equal(print("%d", BYTES("\x80"), 32), "<[%d ERROR]>");
	assert_int_equal(result.num_left_over, 0);
	assert_string_equal(print("%d %d", BYTES("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x02"), 32),
		"<[%d ERROR]> <[%d SKIPPED (1)]>");
	assert_string_equal(
		print("%d", BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x03"), 32), "<[%d ERROR]>");
	assert_string_equal(print("%lld", BYTES("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"), 32),
		"-9223372036854775808");
	assert_right();
	/* A float that is cut. */
	assert_string_equal(print("%f", BYTES("\x01\x02\x03"), 32), "<[%f ERROR]>");
	assert_string_equal(print("%f", BYTES(""), 32), "<[%f MISSING]>");
	assert_string_equal(print("%d %f", BYTES("\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80"
						 "\x00\x00\xc0\x3f"), 32),
		"<[%d ERROR]> <[%f SKIPPED (1.5)]>");
	/* Left over. */
	assert_string_equal(print("%d", BYTES("\x02\x04\x06"), 32), "1");
	assert_int_equal(result.num_errors, 0);
	assert_int_equal(result.num_left_over, 2);
	assert_string_equal(print("none", BYTES("abc"), 32), "none");
	assert_int_equal(result.num_left_over, 3);
	assert_string_equal(print("%n", BYTES("\x02"), 32), "<[%n ERROR]>");
	assert_int_equal(result.num_left_over, 1);
}

static void test_tokens_format_text(void **state)
{
	(void)state;
	assert_string_equal(print("", BYTES(""), 32), "");
	assert_int_equal(result.num_conversions, 0);
	assert_string_equal(print("100%% %", BYTES(""), 32), "100% %");
	assert_right();
	assert_int_equal(result.num_conversions, 1);
	assert_string_equal(print("%5", BYTES(""), 32), "%5");
	assert_string_equal(print("%ll", BYTES(""), 32), "%ll");
	assert_string_equal(print("%k %", BYTES(""), 32), "%k %");
	assert_string_equal(print("%.", BYTES(""), 32), "%.");
	assert_string_equal(print("%-+ #0", BYTES(""), 32), "%-+ #0");
	/* "%%" goes on after what went wrong. */
	assert_string_equal(print("%d%%", BYTES(""), 32), "<[%d MISSING]>%");
	assert_int_equal(result.num_errors, 1);
	/* A NUL is no conversion. */
	struct snap_token_text out = {.data = printed, .size = sizeof(printed)};
	snap_token_format(snap_bytes("%\0d", 3), BYTES(""), 32, &out, &result);
	assert_int_equal(out.len, 3);
	assert_int_equal(result.num_conversions, 0);
}

/* What does not fit is left out, and remembered. */
static void test_tokens_format_bounded(void **state)
{
	(void)state;
	uint8_t small[8];
	for (size_t size = 0; size <= sizeof(small); size++) {
		struct snap_token_text out = {.data = small, .size = size};
		memset(small, 0x55, sizeof(small));
		snap_token_format(BYTES("ab%9d"), BYTES("\x02"), 32, &out, &result);
		assert_int_equal(out.len, size);
		assert_true(out.is_cut);
		assert_memory_equal(small, "ab      ", size);
		for (size_t i = size; i < sizeof(small); i++)
			assert_int_equal(small[i], 0x55);
	}
	struct snap_token_text exact = {.data = small, .size = 3};
	snap_token_format(BYTES("ab%d"), BYTES("\x02"), 32, &exact, &result);
	assert_false(exact.is_cut);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens_format_integers_at_their_limits),
		cmocka_unit_test(test_tokens_format_flags_as_printf),
		cmocka_unit_test(test_tokens_format_star),
		cmocka_unit_test(test_tokens_format_characters),
		cmocka_unit_test(test_tokens_format_strings),
		cmocka_unit_test(test_tokens_format_faults),
		cmocka_unit_test(test_tokens_format_text),
		cmocka_unit_test(test_tokens_format_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
