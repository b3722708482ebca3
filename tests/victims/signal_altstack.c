/* The handler of a first fault crashes again, on an alternate signal stack. */
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>

static volatile int *volatile nothing;

static void on_fault(int sig)
{
	/* The handled signal is blocked now: another one ends the process. */
	if (sig == SIGSEGV)
		abort();
}

__attribute__((noinline)) int faults(int x)
{
	return *nothing + x;
}

int main(int argc, char **argv)
{
	static char alternate[65536];
	stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
	struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK};

	(void)argv;
	sigaltstack(&stack, NULL);
	sigaction(SIGSEGV, &action, NULL);
	return faults(argc) + 1;
}
