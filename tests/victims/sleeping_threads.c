/*
 * argv[1] threads (default 4) sleep in a known chain of calls; with a second argument "crash" one
 * more thread then crashes. Prints "ready" when all sleep.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_int num_waiting;
static volatile int *volatile nothing;

__attribute__((noinline)) int sleep_deep(int x)
{
	atomic_fetch_add(&num_waiting, 1);
	for (;;)
		pause();
	return x;
}

__attribute__((noinline)) int sleep_middle(int x)
{
	return sleep_deep(x + 1) + x;
}

static void *sleeper(void *arg)
{
	return sleep_middle(1) ? arg : NULL;
}

__attribute__((noinline)) int crash_deep(int x)
{
	return *nothing + x;
}

static void *crasher(void *arg)
{
	/* Until the main thread sleeps, too. */
	usleep(50000);
	return crash_deep(2) ? arg : NULL;
}

int main(int argc, char **argv)
{
	int num = argc > 1 ? atoi(argv[1]) : 4;
	pthread_t thread;
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	/* The least that every machine allows (aarch64: 128 KiB). */
	pthread_attr_setstacksize(&attr, 128 << 10);
	for (int i = 0; i < num; i++)
		if (pthread_create(&thread, &attr, sleeper, NULL))
			return 1;
	while (atomic_load(&num_waiting) < num)
		usleep(1000);
	usleep(50000);
	puts("ready");
	fflush(stdout);
	if (argc > 2 && !strcmp(argv[2], "crash"))
		pthread_create(&thread, NULL, crasher, NULL);
	return sleep_middle(num) + 1;
}
