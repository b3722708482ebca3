/* Crashes around a library loaded by dlopen(): in its constructor, below it, after it was closed.
 */
#include <dlfcn.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile int *volatile nothing;

__attribute__((noinline)) int callback(int x)
{
	return *nothing + x;
}

__attribute__((noinline)) void *loads(void)
{
	char path[PATH_MAX] = "";
	char file[PATH_MAX + 16];

	if (readlink("/proc/self/exe", path, sizeof(path) - 1) < 0)
		return NULL;
	snprintf(file, sizeof(file), "%s/libplugin.so", dirname(path));
	return dlopen(file, RTLD_NOW);
}

__attribute__((noinline)) int uses(int (*call)(int (*)(int), int), int x)
{
	return call(callback, x) + 1;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";
	void *library;
	int (*call)(int (*)(int), int);

	if (!strcmp(what, "constructor"))
		setenv("PLUGIN_CRASHES", "1", 1);
	library = loads();
	if (!library)
		return 1;
	*(void **)&call = dlsym(library, "plugin_call");
	if (!strcmp(what, "closed"))
		dlclose(library);
	return uses(call, argc) + 1;
}
