/* analyze/report/columns: how wide text is, where it is cut and broken. */
#include "analyze/report/columns.h"
#include "analyze/report/fold.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

static void test_columns_of_characters(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t columns;
	} cases[] = {
		{"", 0},
		{"abc", 3},
		{"h\xc3\xa9", 2},		 /* é */
		{"e\xcc\x81", 1},		 /* e and a combining acute */
		{"\xe6\xbc\xa2\xe5\xad\x97", 4}, /* two ideographs */
		{"\xf0\x9f\x92\xa5!", 3},	 /* an emoji */
		{"\xef\xbd\xa1", 1},		 /* a halfwidth form */
		{"\xef\xbc\x81", 2},		 /* a fullwidth one */
		{"\033[1;31mab\033[0m", 2},
		{"\033[ab", 4}, /* no colour */
		{"\xff\xfe", 2},
		{"\xe6\xbc", 2},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (snap_columns(cases[i].text) != cases[i].columns)
			fail_msg("case %zu: %zu", i, snap_columns(cases[i].text));
}

static void test_columns_cut(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t columns;
		const char *end, *begin;
	} cases[] = {
		{"abcdef", 6, "abcdef", "abcdef"},
		{"abcdefg", 6, "abc...", "...efg"},
		{"", 4, "", ""},
		/* A wide character is not halved. */
		{"\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2", 6, "\xe6\xbc\xa2...",
			"...\xe6\xbc\xa2"},
		/* A mark goes with its letter. */
		{"abcde\xcc\x81"
		 "fgh",
			6, "abc...", "...fgh"},
		{"abcdefe\xcc\x81gh", 6, "abc...", "...e\xcc\x81gh"},
		{"abcdefgh\xcc\x81i", 5, "ab...", "...h\xcc\x81i"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *out = malloc(strlen(cases[i].text) + 1);
		snap_cut_end(cases[i].text, cases[i].columns, out);
		assert_string_equal(out, cases[i].end);
		snap_cut_begin(cases[i].text, cases[i].columns, out);
		assert_string_equal(out, cases[i].begin);
		free(out);
	}
}

static void expect(const char *text, const struct snap_wrap *wrap, const char *wanted)
{
	char *got = NULL;
	size_t size, num = 0;
	FILE *out = open_memstream(&got, &size);
	size_t lines = snap_wrap_print(out, text, wrap);
	fclose(out);
	for (const char *p = got; *p; p++)
		num += *p == '\n';
	assert_string_equal(got, wanted);
	assert_int_equal(lines, num);
	free(got);
}

static void test_columns_wrap(void **state)
{
	(void)state;
	struct snap_wrap wrap = {.columns = 20, .max_lines = 9, .before = "", .after = ""};
	expect("", &wrap, "\n");
	expect("short", &wrap, "short\n");
	expect("exactly twenty bytes", &wrap, "exactly twenty bytes\n");
	expect("exactly twenty bytes and", &wrap, "exactly twenty bytes\nand\n");
	expect("one more than twenty.", &wrap, "one more than\ntwenty.\n");
	expect("two  spaces  in  the  middle", &wrap, "two  spaces  in  the\nmiddle\n");
	expect("0123456789012345678901234567890", &wrap, "01234567890123456789\n01234567890\n");
	expect("  - own indent 0123456789 0123", &wrap, "  - own indent\n0123456789 0123\n");
	wrap.indent = 4;
	expect("  - own indent 0123456789 0123", &wrap, "  - own indent\n    0123456789 0123\n");
	expect("  0123456789012345678901234567890", &wrap,
		"  012345678901234567\n    8901234567890\n");
	wrap.max_lines = 2;
	expect("one two three four five six seven eight nine ten", &wrap,
		"one two three four\n    five six seve...\n");
	expect("one two three four five six", &wrap, "one two three four\n    five six\n");
	wrap.before = "<";
	wrap.after = ">";
	expect("one two three four five six", &wrap, "<one two three four>\n    <five six>\n");
}

static void test_columns_wrap_wide(void **state)
{
	(void)state;
	const struct snap_wrap wrap = {.columns = 20, .max_lines = 9, .before = "", .after = ""};
	char text[3 * 25 + 1] = "";
	for (size_t i = 0; i < 25; i++)
		strcat(text, "\xe6\xbc\xa2");
	char wanted[sizeof(text) + 8] = "";
	for (size_t i = 0; i < 25; i++) {
		strcat(wanted, "\xe6\xbc\xa2");
		if (i == 9 || i == 19 || i == 24)
			strcat(wanted, "\n");
	}
	expect(text, &wrap, wanted);
}

static void expect_folded(const char *text, size_t columns, const char *wanted)
{
	char *got = NULL;
	size_t len = 0;
	FILE *to = open_memstream(&got, &len);
	FILE *out = snap_fold_open(to, columns);
	assert_non_null(out);
	(void)fputs(text, out);
	assert_int_equal(0, fclose(out));
	assert_int_equal(0, fclose(to));
	assert_string_equal(wanted, got);
	free(got);
}

static void test_fold_lines(void **state)
{
	(void)state;
	expect_folded("", 20, "");
	expect_folded("\n\nshort\n", 20, "\n\nshort\n");
	expect_folded("exactly twenty wide.\n", 20, "exactly twenty wide.\n");
	expect_folded("no newline", 20, "no newline");
	expect_folded("some words that are more than a line", 20,
		"some words that are\n  more than a line");
	/* Below what it belongs to. */
	expect_folded("  #0  function (a=1, b=2)\n", 20, "  #0  function (a=1,\n      b=2)\n");
	expect_folded("  Name  a value of so many words\n", 26,
		"  Name  a value of so many\n        words\n");
	expect_folded("  - a note that is long\n", 20, "  - a note that is\n    long\n");
	/* The gap between two parts rather than inside of one. */
	expect_folded("  #0  function_x  in a b.c\n", 20, "  #0  function_x\n      in a b.c\n");
	/* What can't be broken, in front, in the middle, at the end. */
	expect_folded("/a/path/that/is/longer/than/that and more\n", 20,
		"/a/path/that/is/longer/than/that\n  and more\n");
	expect_folded("  #0  /a/path/that/is/longer/than/that  x\n", 20,
		"  #0  /a/path/that/is/longer/than/that\n      x\n");
	expect_folded("see /a/path/that/is/longer/than/that\n", 20,
		"see\n  /a/path/that/is/longer/than/that\n");
	/* Two columns each; none of a colour or a mark. */
	expect_folded("\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2 "
		      "\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2 x y\n",
		20,
		"\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2 "
		"\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2 x\n  y\n");
	expect_folded("\033[1;31mexactly\033[0m tweo\xcc\x88nty wide.\n", 20,
		"\033[1;31mexactly\033[0m tweo\xcc\x88nty\n  wide.\n");
	expect_folded("  #0  \033[1mfunction\033[0m (a=1, b=2)\n", 20,
		"  #0  \033[1mfunction\033[0m (a=1,\n      b=2)\n");
}

/* Broken after so many bytes, and no growth. */
static void test_fold_endless_line(void **state)
{
	(void)state;
	FILE *to = fopen("/dev/null", "w");
	FILE *out = snap_fold_open(to, 20);
	assert_non_null(out);
	for (size_t i = 0; i < 300000; i++)
		(void)fputc(i % 7 ? 'x' : ' ', out);
	assert_int_equal(0, fclose(out));
	assert_int_equal(0, fclose(to));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_columns_of_characters),
		cmocka_unit_test(test_columns_cut),
		cmocka_unit_test(test_columns_wrap),
		cmocka_unit_test(test_columns_wrap_wide),
		cmocka_unit_test(test_fold_lines),
		cmocka_unit_test(test_fold_endless_line),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
