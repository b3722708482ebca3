/* Optimised, either of two functions may have jumped to the one that crashes. */
#include <stddef.h>

static volatile int *volatile nothing;

__attribute__((noinline)) int crashes(int x)
{
	return *nothing + x;
}

__attribute__((noinline)) int left(int x)
{
	return crashes(x + 2);
}

__attribute__((noinline)) int right(int x)
{
	return crashes(x - 2);
}

__attribute__((noinline)) int first(int x)
{
	return x > 1 ? left(x + 1) : right(x - 1);
}

int main(int argc, char **argv)
{
	(void)argv;
	return first(argc) + 1;
}
