/* Calls abort(). */
#include <stdlib.h>

__attribute__((noinline)) int give_up(int reason)
{
	if (reason > 0)
		abort();
	return reason;
}

int main(int argc, char **argv)
{
	(void)argv;
	return give_up(argc) + 1;
}
