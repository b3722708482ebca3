/* Two threads that never sleep, to be captured alive; counts in shared memory prove progress. */
#include <pthread.h>
#include <stdio.h>

static volatile unsigned long counts[2];

__attribute__((noinline)) unsigned long spin(volatile unsigned long *count)
{
	for (;;)
		++*count;
	return *count;
}

static void *worker(void *arg)
{
	return spin(&counts[1]) ? arg : NULL;
}

int main(void)
{
	pthread_t thread;

	puts("ready");
	fflush(stdout);
	pthread_create(&thread, NULL, worker, NULL);
	return (int)spin(&counts[0]);
}
