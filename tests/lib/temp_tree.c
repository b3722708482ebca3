#include "tests/lib/temp_tree.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char top[] = "/tmp/snap-test-XXXXXX";

int make_top(void **state)
{
	(void)state;
	return mkdtemp(top) ? 0 : -1;
}

int remove_top(void **state)
{
	(void)state;
	remove_tree(top);
	return 0;
}

const char *in_top(const char *format, ...)
{
	static char paths[4][512];
	static unsigned int next;
	char *path = paths[next++ % 4];
	int n = snprintf(path, sizeof(paths[0]), "%s/", top);
	va_list args;
	va_start(args, format);
	(void)vsnprintf(path + n, sizeof(paths[0]) - (size_t)n, format, args);
	va_end(args);
	return path;
}

void put_file(const char *name, const char *text)
{
	FILE *f = fopen(in_top("%s", name), "w");
	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

void remove_tree(const char *path)
{
	DIR *list = opendir(path);
	const struct dirent *entry;
	while (list && (entry = readdir(list))) {
		char name[1024];
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		(void)snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		if (unlink(name) < 0)
			remove_tree(name);
	}
	if (list)
		(void)closedir(list);
	(void)rmdir(path);
}
