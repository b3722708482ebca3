/* The library of plugin_main.c, loaded by dlopen(). */
#include <stdlib.h>

int plugin_call(int (*callback)(int), int x);

static volatile int *volatile nothing;

__attribute__((constructor)) static void loaded(void)
{
	if (getenv("PLUGIN_CRASHES"))
		*nothing = 1;
}

__attribute__((noinline)) int plugin_call(int (*callback)(int), int x)
{
	return callback(x) + 1;
}
