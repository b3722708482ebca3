/* Crashes 600 calls deep, with the stack far from full. */
#include <stddef.h>

static volatile int *volatile nothing;

__attribute__((noinline)) int descend(volatile int *above, int left)
{
	volatile int local[8];

	local[0] = *above + left;
	if (!left)
		return *nothing;
	return descend(local, left - 1) + local[0];
}

int main(int argc, char **argv)
{
	volatile int first = argc;

	(void)argv;
	return descend(&first, 600) + 1;
}
