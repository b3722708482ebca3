#include "tests/lib/temp_tree.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

char top[] = "/tmp/snap-test-XXXXXX";

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
