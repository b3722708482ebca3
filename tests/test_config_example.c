/*
 * packaging/snapcrash.conf and docs/capture.rst: they name every key of the configuration with its
 * default, and none that there is not. Run from the top of the tree.
 */
#include "capture/config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXAMPLE "packaging/snapcrash.conf"
#define DOCS	"docs/capture.rst"

static char *read_text(const char *path)
{
	FILE *f = fopen(path, "re");
	if (!f)
		return NULL;
	char *text = calloc(1, 1 << 20);
	assert_non_null(text);
	assert_true(fread(text, 1, (1 << 20) - 1, f) > 0);
	assert_int_equal(fclose(f), 0);
	return text;
}

/* Whether the file has a line of exactly this text, or one that begins with it. */
static bool has_line(const char *text, const char *line, bool whole)
{
	size_t len = strlen(line);
	for (const char *p = text; (p = strstr(p, line)); p++)
		if ((p == text || p[-1] == '\n') && (!whole || p[len] == '\n'))
			return true;
	return false;
}

static bool is_key(const char *name, size_t len)
{
	const char *key, *value;
	for (size_t i = 0; snap_config_key(i, &key, &value); i++)
		if (strlen(key) == len && strncmp(key, name, len) == 0)
			return true;
	return false;
}

static void test_every_key_is_there(void **state)
{
	char *text = *state;
	const char *key, *value;
	for (size_t i = 0; snap_config_key(i, &key, &value); i++) {
		char line[256];
		bool has_default = *value != '\0';
		(void)snprintf(
			line, sizeof(line), has_default ? "#%s = %s" : "# e.g. %s = ", key, value);
		if (!has_line(text, line, has_default))
			fail_msg(EXAMPLE ": there is no line '%s'", line);
	}
}

static void test_no_other_key_is_there(void **state)
{
	for (const char *p = *state; *p;) {
		size_t len = strcspn(p, "\n");
		const char *key = strncmp(p, "# e.g. ", 7) == 0 ? p + 7 : p + 1;
		size_t key_len = strspn(key, "abcdefghijklmnopqrstuvwxyz_");
		bool is_example = key != p + 1 || (key_len > 0 && strncmp(p, "# ", 2) != 0);
		if (len > 0 && p[0] != '#')
			fail_msg(EXAMPLE ": not a comment: '%.*s'", (int)len, p);
		if (is_example && !is_key(key, key_len))
			fail_msg(EXAMPLE ": there is no such key: '%.*s'", (int)len, p);
		p += len + (p[len] == '\n');
	}
}

/* What it says is what holds without it; and its examples are ones that can be taken. */
static void test_it_is_valid(void **state)
{
	static struct snap_config defaults, config;
	struct snap_error err = SNAP_ERROR_INIT;
	char path[] = "/tmp/snap-test-example-XXXXXX";
	const char *example = *state;
	for (int examples = 0; examples < 2; examples++) {
		const char *lead_in = examples ? "\n# e.g. " : "\n#";
		char *text = strdup(example);
		assert_non_null(text);
		for (char *p = text; (p = strstr(p, lead_in)); p++) {
			bool is_comment = !examples && (p[2] == ' ' || p[2] == '\n');
			if (!is_comment)
				memset(p + 1, ' ', strlen(lead_in) - 1);
		}
		int fd = examples ? open(path, O_WRONLY | O_TRUNC | O_CLOEXEC) : mkstemp(path);
		assert_true(fd >= 0);
		assert_int_equal(write(fd, text, strlen(text)), strlen(text));
		assert_int_equal(close(fd), 0);
		free(text);

		memset(&config, 0, sizeof(config));
		if (snap_config_read(path, &config, &err) < 0)
			fail_msg("%s", err.text);
		if (examples)
			continue;
		memset(&defaults, 0, sizeof(defaults));
		assert_int_equal(snap_config_read("/dev/null", &defaults, &err), 0);
		assert_memory_equal(&config, &defaults, sizeof(config));
	}
	assert_int_equal(unlink(path), 0);
}

static void test_docs_name_every_key(void **state)
{
	(void)state;
	const char *key, *value;
	char *text = read_text(DOCS);
	if (!text)
		skip();
	for (size_t i = 0; snap_config_key(i, &key, &value); i++) {
		char word[256];
		(void)snprintf(word, sizeof(word), "``%s``", key);
		if (!strstr(text, word))
			fail_msg(DOCS ": nothing of %s", word);
		(void)snprintf(word, sizeof(word), "``%s``", value);
		if (*value != '\0' && !strstr(text, word))
			fail_msg(DOCS ": nothing of %s, the default of %s", word, key);
	}
	free(text);
}

static int setup(void **state)
{
	*state = read_text(EXAMPLE);
	if (!*state)
		print_error("there is no " EXAMPLE " here: run it from the top of the tree\n");
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	free(*state);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_key_is_there),
		cmocka_unit_test(test_no_other_key_is_there),
		cmocka_unit_test(test_it_is_valid),
		cmocka_unit_test(test_docs_name_every_key),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
