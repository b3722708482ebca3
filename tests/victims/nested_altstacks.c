/* The handler of a fault, on an alternate stack, is interrupted by one on another: that crashes. */
#include <signal.h>
#include <stddef.h>

/* linux/signal.h, which cannot be included together with signal.h. */
#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif

static volatile int *volatile nothing;
static char stacks[2][65536];

static void take_stack(int i)
{
	/* Disarmed while in use: only so may a handler set the next. */
	stack_t stack = {
		.ss_sp = stacks[i], .ss_size = sizeof(stacks[i]), .ss_flags = (int)SS_AUTODISARM};

	sigaltstack(&stack, NULL);
}

static void on_usr1(int sig)
{
	/* SIGSEGV is blocked: this one ends the process. */
	*nothing = sig;
}

static void on_fault(int sig)
{
	take_stack(1);
	raise(SIGUSR1);
	*nothing = sig;
}

__attribute__((noinline)) int faults(int x)
{
	return *nothing + x;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK};

	(void)argv;
	take_stack(0);
	sigaction(SIGSEGV, &action, NULL);
	action.sa_handler = on_usr1;
	sigaction(SIGUSR1, &action, NULL);
	return faults(argc) + 1;
}
