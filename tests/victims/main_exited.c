/* The main thread has gone by pthread_exit when another one crashes: /proc/PID/maps is empty. */
#include <pthread.h>
#include <stddef.h>
#include <unistd.h>

static volatile int *volatile nothing;

__attribute__((noinline)) int late_crash(int x)
{
	return *nothing + x;
}

static void *worker(void *arg)
{
	/* Long enough for the main thread to be a zombie. */
	usleep(100000);
	return late_crash(3) ? arg : NULL;
}

int main(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, worker, NULL);
	pthread_exit(NULL);
}
