/* Calls a null function pointer. */
#include "freestanding.h"

static int (*volatile callback)(int);

static NOINLINE int caller(int x)
{
	volatile int before = x;

	return callback(x + before) + before;
}

static NOINLINE int outer(int x)
{
	return caller(x + 1) + 2;
}

int victim_main(int argc, char **argv)
{
	(void)argv;
	return outer(argc) + 1;
}
