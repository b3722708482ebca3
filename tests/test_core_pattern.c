/* capture/core_pattern: what the kernel makes of a pattern. cli_chain.sh holds it against a kernel.
 */
#include "capture/core_pattern.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static struct snap_core_words words;

static struct snap_core_facts facts(void)
{
	return (struct snap_core_facts){
		.ns_pid = 11,
		.pid = 1011,
		.ns_tid = 12,
		.tid = 1012,
		.signo = 6,
		.time_s = 1795397812,
		.dumpable = 1,
		.uid = 1000,
		.gid = 1001,
		.rlimit_core = UINT64_MAX,
		.cpu = 3,
		.pidfd = 3,
		.hostname = snap_bytes_str("box/1"),
		.comm = snap_bytes_str("a b"),
		.exe = snap_bytes_str("/opt/x y/prog"),
	};
}

/* The words with '|' between them. */
static void assert_words(const char *pattern, const struct snap_core_facts *f, const char *wanted)
{
	char joined[1024] = "";
	assert_int_equal(snap_core_pattern_expand(pattern, f, &words), 0);
	assert_null(words.argv[words.num]);
	for (size_t i = 0; i < words.num; i++) {
		strcat(joined, i > 0 ? "|" : "");
		strcat(joined, words.argv[i]);
	}
	assert_string_equal(joined, wanted);
}

static void test_kinds(void **state)
{
	(void)state;
	assert_int_equal(snap_core_pattern_kind(""), SNAP_CORE_PATTERN_FILE);
	assert_int_equal(snap_core_pattern_kind("core"), SNAP_CORE_PATTERN_FILE);
	assert_int_equal(snap_core_pattern_kind("|/bin/cat"), SNAP_CORE_PATTERN_PIPE);
	assert_int_equal(snap_core_pattern_kind("@@/run/x"), SNAP_CORE_PATTERN_SOCKET);
}

static void test_program(void **state)
{
	(void)state;
	struct snap_bytes program = snap_core_pattern_program("| /usr/bin/x --a %P");
	assert_true(snap_bytes_equal_str(program, "/usr/bin/x"));
	assert_true(snap_bytes_equal_str(snap_core_pattern_program("|/x"), "/x"));
	assert_int_equal(snap_core_pattern_program("|").len, 0);
	assert_null(snap_core_pattern_program("/x").data);
}

static void test_every_specifier(void **state)
{
	(void)state;
	struct snap_core_facts f = facts();
	assert_words("|/h %p %P %i %I %s %t %d %u %g %c %C %F", &f,
		"/h|11|1011|12|1012|6|1795397812|1|1000|1001|18446744073709551615|3|3");
	assert_words("|/h %h %e %f %E %%", &f, "/h|box!1|a b|prog|!opt!x y!prog|%");
}

static void test_split_before_expansion(void **state)
{
	(void)state;
	struct snap_core_facts f = facts();
	assert_words("| /h  --name=%e,%p\t-x \xa0y ", &f, "/h|--name=a b,11|-x|y");
	assert_words("|/%f/h", &f, "/prog/h");
	f.comm = snap_bytes_str("; rm -rf $(x) 'q' %p\n");
	assert_words("|/h %e", &f, "/h|; rm -rf $(x) 'q' %p\n");
}

static void test_odd_ends_and_unknown_specifiers(void **state)
{
	(void)state;
	struct snap_core_facts f = facts();
	assert_words("|/h %", &f, "/h|");
	assert_words("|/h x%", &f, "/h|x");
	assert_words("|/h %Q a%Qb", &f, "/h||ab");
	assert_words("|/h %%%%p", &f, "/h|%%p");
	f.pidfd = -1;
	assert_words("|/h %F %e", &f, "/h||a b");
	assert_int_equal(snap_core_pattern_expand("core.%p", &f, &words), -EINVAL);
	assert_int_equal(snap_core_pattern_expand("@@/run/x", &f, &words), -EINVAL);
	assert_int_equal(snap_core_pattern_expand("", &f, &words), -EINVAL);
	assert_int_equal(snap_core_pattern_expand("|", &f, &words), -EINVAL);
	assert_int_equal(snap_core_pattern_expand("|  ", &f, &words), -EINVAL);
}

/* Strings that could lead a handler out of its directory if it made a file of that name. */
static void test_names_of_files(void **state)
{
	(void)state;
	struct snap_core_facts f = facts();
	f.comm = snap_bytes_str("..");
	f.exe = snap_bytes_str("/opt/.");
	f.hostname = snap_bytes_str("");
	assert_words("|/h %e %f %h", &f, "/h|!.|!|!");
	f.comm = snap_bytes_str("../../etc/x");
	assert_words("|/h %e", &f, "/h|..!..!etc!x");
	f.comm = snap_bytes("a\0b", 3);
	assert_words("|/h %e", &f, "/h|a!b");
	f.comm = snap_bytes_str("me/too");
	f.exe = snap_bytes(NULL, 0);
	assert_words("|/h %E %f", &f, "/h|me!too (path unknown)|me!too (path unknown)");
}

static void test_what_does_not_fit(void **state)
{
	(void)state;
	static char path[4096];
	char pattern[SNAP_CORE_PATTERN_SIZE] = "|/h ";
	struct snap_core_facts f = facts();
	memset(path, 'x', sizeof(path));
	f.exe = snap_bytes(path, sizeof(path));
	for (int i = 0; i < 7; i++)
		strcat(pattern, "%E");
	assert_int_equal(snap_core_pattern_expand(pattern, &f, &words), 0);
	assert_int_equal(strlen(words.argv[1]), 7 * sizeof(path));
	strcat(pattern, "%E");
	assert_int_equal(snap_core_pattern_expand(pattern, &f, &words), -E2BIG);

	/* As many words as a pattern can have. */
	char *p = pattern;
	*p++ = '|';
	for (int i = 0; i < 63; i++)
		p += sprintf(p, "%s", "a ");
	*p = '\0';
	assert_int_equal(strlen(pattern), SNAP_CORE_PATTERN_SIZE - 1);
	assert_int_equal(snap_core_pattern_expand(pattern, &f, &words), 0);
	assert_int_equal(words.num, 63);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_program),
		cmocka_unit_test(test_every_specifier),
		cmocka_unit_test(test_split_before_expansion),
		cmocka_unit_test(test_odd_ends_and_unknown_specifiers),
		cmocka_unit_test(test_names_of_files),
		cmocka_unit_test(test_what_does_not_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
