/* A thread whose stack the program has allocated itself crashes. */
#include <pthread.h>
#include <stdlib.h>

static volatile int *volatile nothing;

__attribute__((noinline)) int crashes(int x)
{
	return *nothing + x;
}

static void *worker(void *arg)
{
	return crashes(1) ? arg : NULL;
}

int main(void)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstack(&attr, aligned_alloc(4096, 256 << 10), 256 << 10);
	if (pthread_create(&thread, &attr, worker, NULL))
		return 1;
	pthread_join(thread, NULL);
	return 1;
}
