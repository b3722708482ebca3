/* capture/config: what is taken from a configuration file, and what is refused with which words. */
#include "capture/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[] = "/tmp/snap-test-config-XXXXXX";
static struct snap_config config;
static struct snap_error err;

/* The file's content; returns what reading it returns. */
static int read_config(const void *content, size_t len)
{
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(content, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	memset(&config, 0xa5, sizeof(config));
	err = (struct snap_error)SNAP_ERROR_INIT;
	return snap_config_read(path, &config, &err);
}

static int read_text(const char *text)
{
	return read_config(text, strlen(text));
}

/* The words after "FILE:". */
static void assert_fault(const char *expected)
{
	assert_int_equal(err.code, SNAP_ERROR_USAGE);
	assert_memory_equal(err.text, path, strlen(path));
	assert_string_equal(err.text + strlen(path), expected);
}

static void test_empty_file_gives_defaults(void **state)
{
	(void)state;
	assert_int_equal(read_text(""), 0);
	assert_string_equal(config.spool, "/var/lib/snapcrash");
	assert_string_equal(config.socket, "/run/snapcrash/server.sock");
}

static void test_keys_blanks_and_comments(void **state)
{
	(void)state;
	assert_int_equal(read_text("# a comment\n\n \t\nspool = /a b/c#d  # why\n"
				   "\tsocket=/s.sock\r\n#spool = /no\n"),
		0);
	assert_string_equal(config.spool, "/a b/c#d");
	assert_string_equal(config.socket, "/s.sock");
}

static void test_last_line_may_lack_its_newline_and_wins(void **state)
{
	(void)state;
	assert_int_equal(read_text("spool = /one\nspool = /two"), 0);
	assert_string_equal(config.spool, "/two");
}

static void test_faults_name_the_line_and_keep_the_default(void **state)
{
	(void)state;
	static const struct {
		const char *text, *fault;
	} cases[] = {
		{"\nspol = /x\n", ":2: unknown key 'spol'"},
		{"spool\n", ":1: no '=' in 'spool'"},
		{"spool =\n", ":1: no value for 'spool'"},
		{"spool = # x\n", ":1: no value for 'spool'"},
		{"spool = var\n", ":1: not an absolute path: 'var'"},
		{"= /x\n", ":1: unknown key ''"},
		{"a\x1b[2J = /x", ":1: unknown key 'a\\x1b[2J'"},
	};
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(read_text(cases[i].text), -1);
		assert_fault(cases[i].fault);
		assert_string_equal(config.spool, "/var/lib/snapcrash");
	}
}

static void test_good_lines_beside_a_bad_one_count(void **state)
{
	(void)state;
	assert_int_equal(read_text("nonsense\nspool = /good\nworse\n"), -1);
	assert_fault(":1: no '=' in 'nonsense'");
	assert_string_equal(config.spool, "/good");
}

static void test_overlong_line(void **state)
{
	(void)state;
	static char text[SNAP_CONFIG_MAX_LINE + 64];
	/* As long as may be: too long a path, but a line. */
	memset(text, 'x', sizeof(text));
	memcpy(text, "spool = /", 9);
	text[SNAP_CONFIG_MAX_LINE] = '\n';
	assert_int_equal(read_config(text, SNAP_CONFIG_MAX_LINE + 1), 0);
	text[SNAP_CONFIG_MAX_LINE] = 'x';
	text[SNAP_CONFIG_MAX_LINE + 1] = '\n';
	assert_int_equal(read_config(text, SNAP_CONFIG_MAX_LINE + 2), -1);
	assert_fault(":1: the line is too long");
	assert_int_equal(read_config(text, SNAP_CONFIG_MAX_LINE + 1), -1);
	assert_fault(":1: the line is too long");
}

static void test_overlong_socket(void **state)
{
	(void)state;
	char text[160] = "socket = /";
	memset(text + 10, 'y', 107);
	assert_int_equal(read_text(text), -1);
	assert_non_null(strstr(err.text, ":1: path too long: '/yyy"));
	assert_string_equal(config.socket, "/run/snapcrash/server.sock");
	text[10 + 106] = '\0';
	assert_int_equal(read_text(text), 0);
	assert_int_equal(strlen(config.socket), 107);
}

static void test_nul_byte(void **state)
{
	(void)state;
	assert_int_equal(read_config("spool = /a\0b\n", 13), -1);
	assert_fault(":1: a NUL byte");
}

static void test_file_too_long(void **state)
{
	(void)state;
	char *text = malloc(SNAP_CONFIG_MAX_FILE + 1);
	assert_non_null(text);
	memset(text, '\n', SNAP_CONFIG_MAX_FILE + 1);
	assert_int_equal(read_config(text, SNAP_CONFIG_MAX_FILE), 0);
	assert_int_equal(read_config(text, SNAP_CONFIG_MAX_FILE + 1), -1);
	assert_non_null(strstr(err.text, "the file is too long"));
	free(text);
}

static void test_missing_named_file(void **state)
{
	(void)state;
	assert_int_equal(snap_config_read("/nonexistent/snap.conf", &config, &err), -1);
	assert_string_equal(
		err.text, "cannot open '/nonexistent/snap.conf': No such file or directory");
	assert_string_equal(config.spool, "/var/lib/snapcrash");
}

static int setup(void **state)
{
	(void)state;
	int fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty_file_gives_defaults),
		cmocka_unit_test(test_keys_blanks_and_comments),
		cmocka_unit_test(test_last_line_may_lack_its_newline_and_wins),
		cmocka_unit_test(test_faults_name_the_line_and_keep_the_default),
		cmocka_unit_test(test_good_lines_beside_a_bad_one_count),
		cmocka_unit_test(test_overlong_line),
		cmocka_unit_test(test_overlong_socket),
		cmocka_unit_test(test_nul_byte),
		cmocka_unit_test(test_file_too_long),
		cmocka_unit_test(test_missing_named_file),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
