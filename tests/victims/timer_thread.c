/* Crashes in the thread that the C library starts for a timer (SIGEV_THREAD). */
#include <signal.h>
#include <time.h>
#include <unistd.h>

static volatile int *volatile nothing;

static void on_timer(union sigval value)
{
	*nothing = value.sival_int;
}

int main(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_THREAD, .sigev_notify_function = on_timer};
	struct itimerspec soon = {.it_value = {0, 20000000}};
	timer_t timer;

	if (timer_create(CLOCK_MONOTONIC, &event, &timer))
		return 1;
	timer_settime(timer, 0, &soon, NULL);
	for (;;)
		pause();
}
