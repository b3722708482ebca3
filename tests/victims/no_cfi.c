/* Compiled code with no CFI at all, or in .debug_frame alone: the compiler's options decide. */
#include <stddef.h>

static volatile int *volatile nothing;

__attribute__((noinline)) int inner(int x)
{
	return *nothing + x;
}

__attribute__((noinline)) int middle(int x)
{
	volatile int local[2] = {x, x};

	return inner(x) + local[1];
}

__attribute__((noinline)) int outer(int x)
{
	volatile int local[6] = {x, x, x, x, x, x};

	return middle(x) + local[5];
}

int main(int argc, char **argv)
{
	(void)argv;
	return outer(argc) + 1;
}
