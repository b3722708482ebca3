/* Crashes in a leaf whose locals lie below the stack pointer. */
#include <stddef.h>

static volatile int *volatile nothing;

__attribute__((noinline)) int leaf(int x)
{
	volatile int local[16];

	for (int i = 0; i < 16; i++)
		local[i] = x + i;
	return *nothing + local[x];
}

__attribute__((noinline)) int calls(int x)
{
	return leaf(x) + 1;
}

int main(int argc, char **argv)
{
	(void)argv;
	return calls(argc) + 1;
}
