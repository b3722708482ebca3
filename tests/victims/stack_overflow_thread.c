/* Recurses until a thread's stack runs into its guard page. */
#include <pthread.h>
#include <unistd.h>

__attribute__((noinline)) int recurse(volatile int *above, int depth)
{
	volatile int local[16];

	local[0] = *above + depth;
	return recurse(local, depth + 1) + local[0];
}

static void *worker(void *arg)
{
	volatile int first = 1;

	/* Until the main thread has left clone3, behind whose system call no unwind information is. */
	usleep(50000);
	return recurse(&first, 0) ? arg : NULL;
}

int main(void)
{
	pthread_t thread;
	pthread_attr_t attr;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 192 << 10);
	pthread_create(&thread, &attr, worker, NULL);
	return pthread_join(thread, NULL) + 1;
}
