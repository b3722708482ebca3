/* Optimised, two of its functions leave by a jump: only the call sites' debug information has them.
 */
#include <stddef.h>

static volatile int *volatile nothing;

__attribute__((noinline)) int crashes(int x)
{
	return *nothing + x;
}

__attribute__((noinline)) int second(int x)
{
	return crashes(x + 2);
}

__attribute__((noinline)) int first(int x)
{
	return second(x + 1);
}

int main(int argc, char **argv)
{
	(void)argv;
	return first(argc) + 1;
}
