/* Crashes in a signal handler that interrupted a function in the middle. */
#include <signal.h>
#include <stddef.h>
#include <time.h>

static volatile int *volatile nothing;

__attribute__((noinline)) int handler_detail(int sig)
{
	return *nothing + sig;
}

static void on_signal(int sig)
{
	*nothing = handler_detail(sig) + 1;
}

__attribute__((noinline)) int interrupted(int x)
{
	volatile int count = x;

	for (;;)
		count++;
	return count;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};
	timer_t timer;
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR1};

	(void)argv;
	sigaction(SIGUSR1, &action, NULL);
	if (timer_create(0, &event, &timer))
		return 1;
	timer_settime(timer, 0, &(struct itimerspec){.it_value = {0, 20000000}}, NULL);
	return interrupted(argc) + 1;
}
