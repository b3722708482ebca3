/* Recurses through three functions until the stack is full. */
#include "freestanding.h"

static NOINLINE int one(int x);

static NOINLINE int three(int x)
{
	volatile char room[1000];

	room[0] = (char)x;
	return one(x + room[0]) + room[0];
}

static NOINLINE int two(int x)
{
	volatile char room[60];

	room[0] = (char)x;
	return three(x + room[0]) + room[0];
}

static NOINLINE int one(int x)
{
	volatile int here = x;

	return two(x + here) + here;
}

int victim_main(int argc, char **argv)
{
	(void)argv;
	return one(argc) + 1;
}
