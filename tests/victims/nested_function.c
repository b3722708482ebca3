/* GNU C: a nested function is called through a trampoline on the stack. */
#include <stddef.h>

static volatile int *volatile nothing;

__attribute__((noinline)) int calls(int (*function)(int), int x)
{
	return function(x) + 1;
}

__attribute__((noinline)) int outer(int x)
{
	volatile int total = x;
	int nested(int y)
	{
		total += y;
		return *nothing + total;
	}

	return calls(nested, x) + total;
}

int main(int argc, char **argv)
{
	(void)argv;
	return outer(argc) + 1;
}
