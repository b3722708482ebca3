/* Three signal handlers interrupt each other on one stack; the innermost crashes. */
#include <signal.h>
#include <stddef.h>

static volatile int *volatile nothing;

static void third(int sig)
{
	*nothing = sig;
}

static void second(int sig)
{
	raise(SIGALRM);
	*nothing = sig;
}

static void first(int sig)
{
	raise(SIGUSR2);
	*nothing = sig;
}

__attribute__((noinline)) int begins(int x)
{
	return raise(SIGUSR1) + x;
}

int main(int argc, char **argv)
{
	(void)argv;
	signal(SIGUSR1, first);
	signal(SIGUSR2, second);
	signal(SIGALRM, third);
	return begins(argc) + 1;
}
