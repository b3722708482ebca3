/*
 * A chain of twelve functions of several frame sizes, one of variable size, then a read through
 * null.
 */
#include "freestanding.h"

#define LINK(name, next, bytes)                                                                    \
	static NOINLINE int name(int x)                                                            \
	{                                                                                          \
		volatile char room[bytes];                                                         \
                                                                                                   \
		room[x & 3] = (char)x;                                                             \
		return next(x + room[x & 3]) + room[0];                                            \
	}

static NOINLINE int level12(int x)
{
	return *nothing + x;
}

LINK(level11, level12, 8)
LINK(level10, level11, 300)
LINK(level9, level10, 5000)

static NOINLINE int level8(int x)
{
	volatile char *room = __builtin_alloca((unsigned int)x & 63);

	room[0] = 1;
	return level9(x) + room[0];
}

LINK(level7, level8, 16)
LINK(level6, level7, 4)
LINK(level5, level6, 64)
LINK(level4, level5, 5)
LINK(level3, level4, 1024)

/* Keeps much in registers that its callees must save. */
static NOINLINE int level2(int x)
{
	int a = x * 3, b = x * 5, c = x * 7, d = x * 11, e = x * 13;

	a += level3(x);
	b += level3(a);
	c += level3(b);
	return a + b + c + d + e;
}

static NOINLINE int level1(int x)
{
	return level2(x + 32) + 1;
}

int victim_main(int argc, char **argv)
{
	(void)argv;
	return level1(argc) + 1;
}
