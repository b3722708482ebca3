/* The handler of a fault commits the same fault, which is blocked: the kernel ends the process. */
#include <signal.h>
#include <stddef.h>

static volatile int *volatile nothing;

static void on_fault(int sig)
{
	*nothing = sig;
}

__attribute__((noinline)) int faults(int x)
{
	return *nothing + x;
}

int main(int argc, char **argv)
{
	(void)argv;
	signal(SIGSEGV, on_fault);
	return faults(argc) + 1;
}
