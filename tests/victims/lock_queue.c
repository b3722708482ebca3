/* argv[1] threads queue for one mutex; its owner crashes. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile int *volatile nothing;

__attribute__((noinline)) int takes(int x)
{
	return pthread_mutex_lock(&mutex) + x;
}

static void *worker(void *arg)
{
	return takes(1) ? arg : NULL;
}

__attribute__((noinline)) int owner(int x)
{
	return *nothing + x;
}

int main(int argc, char **argv)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 64 << 10);
	pthread_mutex_lock(&mutex);
	for (int i = argc > 1 ? atoi(argv[1]) : 4; i; i--)
		if (pthread_create(&thread, &attr, worker, NULL))
			return 1;
	usleep(50000);
	return owner(argc) + 1;
}
