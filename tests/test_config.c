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
	assert_string_equal(config.app_socket, "/run/snapcrash/app.sock");
	assert_string_equal(config.coredump_socket, "");
	assert_string_equal(config.client, "");
	assert_int_equal(config.max_bytes, 512 << 20);
	assert_int_equal(config.rate_interval_s, 30);
	assert_false(config.owner_access);
	assert_int_equal(config.memory, SNAP_CONFIG_MEMORY_STACKS);
	assert_int_equal(config.log, SNAP_CONFIG_LOG_AUTO);
	assert_int_equal(config.ignore.num, 0);
	assert_int_equal(config.only.num, 0);
	assert_int_equal(config.software_build_uuid_len, 0);
}

static void test_every_key_takes_its_default(void **state)
{
	(void)state;
	static char text[SNAP_CONFIG_MAX_FILE];
	struct snap_config defaults;
	const char *key, *value;
	size_t len = 0, num_keys = 0;
	assert_int_equal(read_text(""), 0);
	defaults = config;
	for (; snap_config_key(num_keys, &key, &value); num_keys++)
		if (value[0] != '\0')
			len += (size_t)snprintf(
				text + len, sizeof(text) - len, "%s = %s\n", key, value);
	assert_true(num_keys > 30);
	assert_int_equal(read_text(text), 0);
	assert_memory_equal(&config, &defaults, sizeof(config));
}

static void test_numbers_and_their_units(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		uint64_t bytes;
	} sizes[] = {
		{"0", 0},
		{"17", 17},
		{"3K", 3072},
		{"2M", 2097152},
		{"1G", 1073741824},
	};
	static const struct {
		const char *text;
		uint64_t seconds;
	} times[] = {{"1", 1}, {"90s", 90}, {"2m", 120}, {"3h", 10800}, {"1d", 86400}};
	char line[64];
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		(void)snprintf(line, sizeof(line), "max_bytes = %s\n", sizes[i].text);
		assert_int_equal(read_text(line), 0);
		assert_int_equal(config.max_bytes, sizes[i].bytes);
	}
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		(void)snprintf(line, sizeof(line), "rate_interval = %s\n", times[i].text);
		assert_int_equal(read_text(line), 0);
		assert_int_equal(config.rate_interval_s, times[i].seconds);
	}
}

static void test_other_kinds_of_values(void **state)
{
	(void)state;
	assert_int_equal(read_text("owner_access = yes\nmemory = indirect\nlog = stderr\n"
				   "coredump_socket = /c.sock\napp_socket = none\n"
				   "project = a b  c # d\nhook = /bin/cp -a  x\n"
				   "software_build_uuid = 0a1B-ff00\n"),
		0);
	assert_true(config.owner_access);
	assert_int_equal(config.memory, SNAP_CONFIG_MEMORY_INDIRECT);
	assert_int_equal(config.log, SNAP_CONFIG_LOG_STDERR);
	assert_string_equal(config.coredump_socket, "/c.sock");
	assert_string_equal(config.app_socket, "");
	assert_string_equal(config.project, "a b  c");
	assert_string_equal(config.hook, "/bin/cp -a  x");
	assert_int_equal(config.software_build_uuid_len, 4);
	assert_memory_equal(config.software_build_uuid, "\x0a\x1b\xff\x00", 4);
}

static void test_rules_add_up(void **state)
{
	(void)state;
	static char text[SNAP_CONFIG_MAX_RULES * 16 + 64];
	assert_int_equal(read_text("ignore = /usr/bin/my tool*\nignore = cc1 uid=1000\n"
				   "ignore = uid=0\nonly = uid=x\n"),
		0);
	assert_int_equal(config.ignore.num, 3);
	assert_string_equal(config.ignore.rules[0].pattern, "/usr/bin/my tool*");
	assert_false(config.ignore.rules[0].has_uid);
	assert_string_equal(config.ignore.rules[1].pattern, "cc1");
	assert_true(config.ignore.rules[1].has_uid);
	assert_int_equal(config.ignore.rules[1].uid, 1000);
	assert_string_equal(config.ignore.rules[2].pattern, "");
	assert_true(config.ignore.rules[2].has_uid);
	assert_int_equal(config.ignore.rules[2].uid, 0);
	/* What looks nearly like a uid is a name. */
	assert_int_equal(config.only.num, 1);
	assert_string_equal(config.only.rules[0].pattern, "uid=x");

	for (size_t i = 0; i <= SNAP_CONFIG_MAX_RULES; i++)
		strcat(text, "only = x\n");
	assert_int_equal(read_text(text), -1);
	assert_fault(":33: too many such lines, the first left out is 'x'");
	assert_int_equal(config.only.num, SNAP_CONFIG_MAX_RULES);
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
		{"max_files = -1\n", ":1: not a number: '-1'"},
		{"max_files = 0\n", ":1: too small: '0'"},
		{"max_files = 100001\n", ":1: too large: '100001'"},
		{"max_files = 1K\n", ":1: not a number: '1K'"},
		{"max_bytes = 1KB\n", ":1: not a number of bytes (as in 512K, 16M, 1G): '1KB'"},
		{"max_bytes = 18446744073709551616\n",
			":1: not a number of bytes (as in 512K, 16M, 1G): '18446744073709551616'"},
		{"max_bytes = 18446744073709551615K\n",
			":1: not a number of bytes (as in 512K, 16M, 1G): "
			"'18446744073709551615K'"},
		{"dump_time = 10x\n", ":1: not a time (as in 10s, 5m, 1h, 2d): '10x'"},
		{"dump_time = s\n", ":1: not a time (as in 10s, 5m, 1h, 2d): 's'"},
		{"owner_access = true\n", ":1: neither yes nor no: 'true'"},
		{"memory = all\n", ":1: neither stacks nor indirect: 'all'"},
		{"log = x\n", ":1: none of auto, journal, syslog, stderr: 'x'"},
		{"software_build_uuid = abc\n", ":1: an odd number of hex digits: 'abc'"},
		{"software_build_uuid = xy\n", ":1: not hex digits, or too many: 'xy'"},
		{"hook = cp\n", ":1: not an absolute path: 'cp'"},
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

static void test_automatic_numbers(void **state)
{
	(void)state;
	assert_int_equal(read_text(""), 0);
	assert_true(config.min_free_bytes == SNAP_CONFIG_AUTO);
	assert_true(config.min_free_inodes == SNAP_CONFIG_AUTO);
	assert_int_equal(read_text("min_free = 1K\nmin_free_inodes = 0\n"), 0);
	assert_int_equal(config.min_free_bytes, 1024);
	assert_int_equal(config.min_free_inodes, 0);
	assert_int_equal(read_text("min_free = 1\nmin_free = auto\n"), 0);
	assert_true(config.min_free_bytes == SNAP_CONFIG_AUTO);
	assert_int_equal(read_text("max_bytes = auto\n"), -1);
	assert_fault(":1: not a number of bytes (as in 512K, 16M, 1G): 'auto'");
	assert_int_equal(read_text("min_free_inodes = 1K\n"), -1);
	assert_fault(":1: not a number: '1K'");
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
		cmocka_unit_test(test_every_key_takes_its_default),
		cmocka_unit_test(test_numbers_and_their_units),
		cmocka_unit_test(test_other_kinds_of_values),
		cmocka_unit_test(test_rules_add_up),
		cmocka_unit_test(test_keys_blanks_and_comments),
		cmocka_unit_test(test_last_line_may_lack_its_newline_and_wins),
		cmocka_unit_test(test_faults_name_the_line_and_keep_the_default),
		cmocka_unit_test(test_good_lines_beside_a_bad_one_count),
		cmocka_unit_test(test_automatic_numbers),
		cmocka_unit_test(test_overlong_line),
		cmocka_unit_test(test_overlong_socket),
		cmocka_unit_test(test_nul_byte),
		cmocka_unit_test(test_file_too_long),
		cmocka_unit_test(test_missing_named_file),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
