/* A signal handler has interrupted a system call, and crashes. */
#include <signal.h>
#include <stddef.h>
#include <sys/time.h>
#include <time.h>

static volatile int *volatile nothing;

static void on_alarm(int sig)
{
	*nothing = sig;
}

__attribute__((noinline)) int sleeps(int seconds)
{
	struct timespec time = {.tv_sec = seconds};

	return nanosleep(&time, NULL) + 1;
}

int main(int argc, char **argv)
{
	struct itimerval soon = {.it_value = {0, 20000}};

	(void)argv;
	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &soon, NULL);
	return sleeps(argc * 100) + 1;
}
