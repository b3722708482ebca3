/* Recurses until the main thread's stack is full. */
#include <sys/resource.h>
#include <unistd.h>

__attribute__((noinline)) int recurse(volatile int *above, int depth)
{
	volatile int local[16];

	local[0] = *above + depth;
	return recurse(local, depth + 1) + local[0];
}

int main(int argc, char **argv)
{
	volatile int first = argc;
	/* Whatever the caller's limit is (perhaps none at all): the same depth everywhere. The
	 * limit in force counts for growth, but mappings are laid out at exec: start anew. */
	struct rlimit limit = {192 << 10, 192 << 10}, now;

	if (getrlimit(RLIMIT_STACK, &now) == 0 && now.rlim_cur != limit.rlim_cur) {
		if (setrlimit(RLIMIT_STACK, &limit))
			return 1;
		execv("/proc/self/exe", argv);
		return 1;
	}
	return recurse(&first, 0) + 1;
}
