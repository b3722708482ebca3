/* A handler on the same stack has interrupted a leaf that uses the red zone, and aborts. */
#include <signal.h>
#include <stdlib.h>

static volatile int *volatile nothing;

static void on_fault(int sig)
{
	if (sig == SIGSEGV)
		abort();
}

__attribute__((noinline)) int leaf(int x)
{
	volatile int local[16];

	for (int i = 0; i < 16; i++)
		local[i] = x + i;
	return *nothing + local[x];
}

int main(int argc, char **argv)
{
	(void)argv;
	signal(SIGSEGV, on_fault);
	return leaf(argc) + 1;
}
