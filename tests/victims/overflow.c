/* Overflows the stack: three functions calling each other, huge frames, or in a small thread. */
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

int ping(volatile int *above, int depth);
int pong(volatile int *above, int depth);
int pang(volatile int *above, int depth);
int huge(volatile int *above, int depth);

__attribute__((noinline)) int ping(volatile int *above, int depth)
{
	volatile int local[16];

	local[0] = *above + depth;
	return pong(local, depth + 1) + local[0];
}

__attribute__((noinline)) int pong(volatile int *above, int depth)
{
	volatile int local[24];

	local[0] = *above - depth;
	return pang(local, depth + 1) + local[0];
}

__attribute__((noinline)) int pang(volatile int *above, int depth)
{
	volatile int local[32];

	local[0] = *above ^ depth;
	return ping(local, depth + 1) + local[0];
}

__attribute__((noinline)) int huge(volatile int *above, int depth)
{
	volatile int local[5000];

	local[0] = *above + depth;
	return huge(local, depth + 1) + local[0];
}

static void *worker(void *arg)
{
	volatile int first = 1;

	return ping(&first, 0) ? arg : NULL;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "mutual";
	struct rlimit limit = {256 << 10, 256 << 10}, now;
	volatile int first = argc;

	/* Mappings are laid out at exec: start anew with the limit. */
	if (getrlimit(RLIMIT_STACK, &now) == 0 && now.rlim_cur != limit.rlim_cur) {
		if (setrlimit(RLIMIT_STACK, &limit))
			return 1;
		execv("/proc/self/exe", argv);
		return 1;
	}
	if (!strcmp(what, "huge"))
		return huge(&first, 0) + 1;
	if (!strcmp(what, "thread")) {
		pthread_attr_t attr;
		pthread_t thread;

		pthread_attr_init(&attr);
		pthread_attr_setstacksize(&attr, 128 << 10);
		if (pthread_create(&thread, &attr, worker, NULL))
			return 1;
		pthread_join(thread, NULL);
		return 1;
	}
	return ping(&first, 0) + 1;
}
