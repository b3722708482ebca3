/* Crashes before main or after it: in a constructor, a destructor, an atexit handler. */
#include <stdlib.h>
#include <string.h>

static volatile int *volatile nothing;
static const char *what = "";

__attribute__((noinline)) int crashes(int x)
{
	return *nothing + x;
}

__attribute__((constructor)) static void before_main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "constructor"))
		*nothing = crashes(argc) + 1;
}

__attribute__((destructor)) static void after_main(void)
{
	if (!strcmp(what, "destructor"))
		*nothing = crashes(1) + 1;
}

static void at_exit(void)
{
	*nothing = crashes(1) + 1;
}

__attribute__((noinline)) int leaves(int x)
{
	exit(x);
}

int main(int argc, char **argv)
{
	if (argc > 1)
		what = argv[1];
	if (!strcmp(what, "atexit"))
		atexit(at_exit);
	return leaves(argc) + 1;
}
