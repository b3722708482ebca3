/* Crashes in the part of a function that is only run on errors, which gcc -O2 puts elsewhere. */
#include <stdio.h>

static volatile int *volatile nothing;

__attribute__((cold, noinline)) void complain(int x)
{
	fprintf(stderr, "%d is too much\n", x);
}

__attribute__((noinline)) int work(int x)
{
	volatile int local = x;

	if (x > 0) {
		complain(local);
		return *nothing + local;
	}
	return local * 2;
}

int main(int argc, char **argv)
{
	(void)argv;
	return work(argc) + 1;
}
