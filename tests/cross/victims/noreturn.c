/*
 * Ends in calls that never return: the return addresses point past the ends of the functions. The
 * last one kills itself, as abort does.
 */
#include "freestanding.h"

#define SIGABRT 6

static NOINLINE __attribute__((noreturn)) void give_up(int why)
{
	system_call(__NR_tgkill, system_call(__NR_getpid, 0, 0, 0, 0),
		system_call(__NR_gettid, 0, 0, 0, 0), SIGABRT, 0);
	for (;;)
		system_call(__NR_exit, why, 0, 0, 0);
}

static NOINLINE __attribute__((noreturn)) void fatal(int why)
{
	give_up(why + 1);
}

static NOINLINE void check(int x)
{
	if (x)
		fatal(x);
}

int victim_main(int argc, char **argv)
{
	(void)argv;
	check(argc);
	return 0;
}
