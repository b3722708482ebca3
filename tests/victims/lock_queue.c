/* argv[1] threads queue for one mutex; its owner crashes. */
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static volatile int *volatile nothing;
static volatile int started;

__attribute__((noinline)) int takes(int x)
{
	return pthread_mutex_lock(&mutex) + x;
}

static void *worker(void *arg)
{
	__atomic_add_fetch(&started, 1, __ATOMIC_SEQ_CST);
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
	int num = argc > 1 ? atoi(argv[1]) : 4;
	for (int i = num; i; i--)
		if (pthread_create(&thread, &attr, worker, NULL))
			return 1;
	while (started < num)
		usleep(1000);
	usleep(200000); /* a busy machine takes its time until all of them wait */
	return owner(argc) + 1;
}
