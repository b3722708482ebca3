/* Checks that the compiler makes (-fsanitize-trap), and that fail: which one is the argument. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

static volatile int zero, maximum = INT_MAX;
static int array[4];

__attribute__((noinline)) int adds(void)
{
	return maximum + 1 + zero;
}

__attribute__((noinline)) int indexes(void)
{
	return array[4 + zero];
}

__attribute__((noinline)) int shifts(void)
{
	return 1 << (40 + zero);
}

__attribute__((noinline)) int traps(void)
{
	if (!zero)
		__builtin_trap();
	return zero;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "add"))
		return adds() + 1;
	if (argc > 1 && !strcmp(argv[1], "index"))
		return indexes() + 1;
	if (argc > 1 && !strcmp(argv[1], "shift"))
		return shifts() + 1;
	return argc > 1 && !strcmp(argv[1], "trap") && traps();
}
