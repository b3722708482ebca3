/* Crashes in a leaf function: it has no frame, its return address is where the call left it. */
#include "freestanding.h"

static NOINLINE int leaf(const int *from, int x)
{
	return from[x] + x;
}

static NOINLINE int middle(int x)
{
	return leaf((const int *)nothing, x) + leaf((const int *)nothing, x + 1);
}

int victim_main(int argc, char **argv)
{
	(void)argv;
	return middle(argc) + 1;
}
