/*
 * Threads wait in signal handlers on alternate stacks: one in memory of its own, one in a frame
 * above the interrupted ones, and one in a handler that interrupted another on the next stack. In
 * another handler the main thread says "ready" and waits, too, or crashes, if argv[1] is "crash".
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* linux/signal.h, which cannot be included together with signal.h. */
#ifndef SS_AUTODISARM
#define SS_AUTODISARM (1u << 31)
#endif

#define STACK_BYTES 32768

static volatile int *volatile nothing;
static int ends[2];
static volatile int all_wait;
static char stacks[4][STACK_BYTES];

static void use_stack(char *start)
{
	stack_t stack = {.ss_sp = start, .ss_size = STACK_BYTES, .ss_flags = (int)SS_AUTODISARM};

	sigaltstack(&stack, NULL);
}

__attribute__((noinline)) static int waits(char byte)
{
	if (all_wait) {
		puts("ready");
		fflush(stdout);
	} else if (write(ends[1], &byte, 1) != 1) {
		return 1;
	}
	for (;;)
		pause();
}

static void on_usr1(int sig)
{
	waits((char)sig);
}

static void on_usr2(int sig, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	use_stack(stacks[2]);
	raise(SIGUSR1);
	waits((char)sig);
}

static void on_segv(int sig)
{
	*nothing = sig;
}

__attribute__((noinline)) int descends(int depth, int sig)
{
	volatile int local[16];

	local[0] = depth;
	if (depth == 0)
		raise(sig);
	else
		local[1] = descends(depth - 1, sig);
	return local[0] + local[1];
}

static void *elsewhere(void *arg)
{
	use_stack(stacks[0]);
	return descends(10, SIGUSR1) ? arg : NULL;
}

static void *in_frame(void *arg)
{
	char stack[STACK_BYTES];

	use_stack(stack);
	return descends(20, SIGUSR1) + stack[0] ? arg : NULL;
}

static void *twice(void *arg)
{
	use_stack(stacks[1]);
	return descends(30, SIGUSR2) ? arg : NULL;
}

int main(int argc, char **argv)
{
	static void *(*const begins[])(void *) = {elsewhere, in_frame, twice};
	struct sigaction action = {.sa_handler = on_usr1, .sa_flags = SA_ONSTACK};
	pthread_t thread;
	char byte;

	if (pipe(ends))
		return 1;
	sigaction(SIGUSR1, &action, NULL);
	action.sa_handler = on_segv;
	action.sa_flags |= SA_RESETHAND | SA_NODEFER;
	sigaction(SIGSEGV, &action, NULL);
	action = (struct sigaction){.sa_sigaction = on_usr2, .sa_flags = SA_ONSTACK | SA_SIGINFO};
	sigaction(SIGUSR2, &action, NULL);
	for (int i = 0; i < 3; i++)
		if (pthread_create(&thread, NULL, begins[i], NULL))
			return 1;
	for (int i = 0; i < 3; i++)
		if (read(ends[0], &byte, 1) != 1)
			return 1;
	usleep(200000);
	use_stack(stacks[3]);
	all_wait = 1;
	return descends(5, argc > 1 && strcmp(argv[1], "crash") == 0 ? SIGSEGV : SIGUSR1);
}
