/* A call that never returns is a function's last instruction: its return address is in the next. */
#include <stdlib.h>

/* Nothing pads the functions (-falign-functions=1). */
__attribute__((noreturn, noinline)) void dies(int x)
{
	if (x)
		abort();
	exit(1);
}

__attribute__((noreturn, noinline)) void last_call(int x)
{
	dies(x);
}

__attribute__((noinline)) int follows(int x)
{
	return x + 1;
}

__attribute__((noreturn, noinline)) void last_call_too(int x)
{
	last_call(follows(x));
}

__attribute__((noinline)) int follows_too(int x)
{
	return x + 2;
}

int main(int argc, char **argv)
{
	(void)argv;
	last_call_too(follows_too(argc));
}
