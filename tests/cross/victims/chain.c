/*
 * A plain chain, built in several ways: with frame pointers and no call frame information, with
 * neither, and with return addresses signed.
 */
#include "freestanding.h"

static NOINLINE int fourth(int x)
{
	volatile int here = x;

	return nothing[here] + here;
}

static NOINLINE int third(int x)
{
	volatile char room[200];

	room[1] = (char)x;
	return fourth(x + room[1]) + room[1];
}

static NOINLINE int second(int x)
{
	int kept = x * 7;

	kept += third(x);
	return third(kept) + kept;
}

static NOINLINE int first(int x)
{
	return second(x + 1) + 1;
}

int victim_main(int argc, char **argv)
{
	(void)argv;
	return first(argc) + 1;
}
