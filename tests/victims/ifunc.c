/* Crashes in the resolver of an indirect function, which ld.so runs before main. */
#include <stddef.h>

static volatile int *volatile nothing;

static int implementation(int x)
{
	return x + 1;
}

static int (*resolve(void))(int)
{
	return *nothing ? implementation : NULL;
}

int indirect(int x) __attribute__((ifunc("resolve")));

int main(int argc, char **argv)
{
	(void)argv;
	return indirect(argc) + 1;
}
