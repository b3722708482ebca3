/* The library half of lazy_main.c: an indirect function whose resolver crashes. */
#include <stddef.h>

int lazy_indirect(int x);
static volatile int *volatile nothing;

static int implementation(int x)
{
	return x + 1;
}

static int (*resolve(void))(int)
{
	return *nothing ? implementation : NULL;
}

int lazy_indirect(int x) __attribute__((ifunc("resolve")));
