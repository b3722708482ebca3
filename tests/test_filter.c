/* capture/filter: which crashes are wanted. */
#include "capture/filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static void test_patterns(void **state)
{
	(void)state;
	static const struct {
		const char *pattern, *text;
		bool matches;
	} cases[] = {
		{"", "", true},
		{"", "a", false},
		{"a", "", false},
		{"sensord", "sensord", true},
		{"sensord", "sensord2", false},
		{"sensor", "sensord", false},
		{"*", "", true},
		{"*", "any/thing", true},
		{"**", "x", true},
		{"/usr/*/d", "/usr/bin/x/d", true},
		{"/usr/*/d", "/usr/d", false},
		{"*a*b", "xaxbxb", true},
		{"*a*b", "xaxbx", false},
		{"a?c", "abc", true},
		{"a?c", "ac", false},
		{"a?", "a\xff", true},
		{"[abc]x", "bx", true},
		{"[abc]x", "dx", false},
		{"[a-c]x", "bx", true},
		{"[!a-c]x", "bx", false},
		{"[!a-c]x", "dx", true},
		{"[^a-c]x", "dx", true},
		{"[]a]", "]", true},
		{"[!]a]", "]", false},
		{"[a-]", "-", true},
		{"[-a]", "-", true},
		{"[\\]]", "]", true},
		{"[a", "[a", true},
		{"[a", "a", false},
		{"*[", "x[", true},
		{"*[!", "x[!", true},
		{"\\*", "*", true},
		{"\\*", "x", false},
		{"a\\", "a\\", true},
		{"*.so", "lib.so", true},
		{"*.so", "lib.so.1", false},
		{"x*[0-9]", "x123", true},
		{"[\x80-\xff]", "\xc3", true},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (snap_filter_match(cases[i].pattern, snap_bytes_str(cases[i].text)) !=
			cases[i].matches)
			fail_msg("'%s' and '%s'", cases[i].pattern, cases[i].text);
	assert_true(snap_filter_match("a*c", snap_bytes("a\0b\nc", 5)));
}

/* All patterns of five characters of a small alphabet, as the C library sees them. */
static void test_patterns_as_the_c_library_has_them(void **state)
{
	(void)state;
	static const char alphabet[] = "ab*?[]!-";
	static const char *const texts[] = {
		"", "a", "b", "ab", "ba", "aab", "abab", "[", "-", "a]"};
	char pattern[6] = "";
	const size_t n = sizeof(alphabet) - 1;
	for (size_t i = 0; i < n * n * n * n * n; i++) {
		for (size_t k = 0, rest = i; k < 5; k++, rest /= n)
			pattern[k] = alphabet[rest % n];
		/* Backward ranges and those that begin or end with ']' are nobody's intent. */
		if (strchr(pattern, '-') || strstr(pattern, "[!]") || strstr(pattern, "[]"))
			continue;
		for (size_t k = 0; k < sizeof(texts) / sizeof(texts[0]); k++)
			if (snap_filter_match(pattern, snap_bytes_str(texts[k])) !=
				(fnmatch(pattern, texts[k], 0) == 0))
				fail_msg("'%s' and '%s'", pattern, texts[k]);
	}
}

static void test_hostile_path_takes_no_time(void **state)
{
	(void)state;
	char path[4096];
	memset(path, 'a', sizeof(path));
	path[0] = '/';
	clock_t start = clock();
	assert_false(snap_filter_match(
		"*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", snap_bytes(path, sizeof(path))));
	assert_true((clock() - start) / CLOCKS_PER_SEC < 2);
}

#define ANYBODY -1
struct rule {
	const char *pattern;
	int uid;
};

static struct snap_config_rules make(const struct rule *rules, size_t num)
{
	struct snap_config_rules made = {0};
	for (size_t i = 0; i < num && rules[i].pattern; i++) {
		struct snap_config_rule *rule = &made.rules[made.num++];
		(void)snprintf(rule->pattern, sizeof(rule->pattern), "%s", rules[i].pattern);
		rule->has_uid = rules[i].uid != ANYBODY;
		rule->uid = (uint32_t)rules[i].uid;
	}
	return made;
}

static void test_rules(void **state)
{
	(void)state;
	static const struct {
		struct rule ignore[2], only[2];
		const char *exe;
		uint32_t uid;
		bool wanted;
	} cases[] = {
		{{{0}}, {{0}}, "/bin/x", 0, true},
		{{{"x", ANYBODY}}, {{0}}, "/bin/x", 0, false},
		{{{"x", ANYBODY}}, {{0}}, "x", 0, false},
		{{{"x", ANYBODY}}, {{0}}, "/x/y", 0, true},
		{{{"/bin/x", ANYBODY}}, {{0}}, "/bin/x", 0, false},
		{{{"/bin/x", ANYBODY}}, {{0}}, "x", 0, true},
		{{{"/bin/*", ANYBODY}}, {{0}}, "/sbin/x", 0, true},
		{{{"x", 7}}, {{0}}, "/bin/x", 7, false},
		{{{"x", 7}}, {{0}}, "/bin/x", 8, true},
		{{{"x", 7}}, {{0}}, "/bin/y", 7, true},
		{{{"", 7}}, {{0}}, "/bin/y", 7, false},
		{{{"", 7}}, {{0}}, "", 7, false},
		{{{"a", ANYBODY}, {"b", ANYBODY}}, {{0}}, "/b", 0, false},
		{{{0}}, {{"x", ANYBODY}}, "/bin/x", 0, true},
		{{{0}}, {{"x", ANYBODY}}, "/bin/y", 0, false},
		{{{0}}, {{"", 0}, {"y", ANYBODY}}, "/bin/y", 7, true},
		{{{0}}, {{"", 0}, {"y", ANYBODY}}, "/bin/z", 7, false},
		{{{"x", ANYBODY}}, {{"/bin/*", ANYBODY}}, "/bin/x", 0, false},
		{{{"x", ANYBODY}}, {{"/bin/*", ANYBODY}}, "/bin/y", 0, true},
		{{{"", 0}}, {{0}}, "/bin/x", UINT32_MAX, true},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct snap_config_rules ignore = make(cases[i].ignore, 2);
		struct snap_config_rules only = make(cases[i].only, 2);
		if (snap_filter_wants(&ignore, &only, snap_bytes_str(cases[i].exe), cases[i].uid) !=
			cases[i].wanted)
			fail_msg("row %zu", i);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_patterns_as_the_c_library_has_them),
		cmocka_unit_test(test_hostile_path_takes_no_time),
		cmocka_unit_test(test_rules),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
