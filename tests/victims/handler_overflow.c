/* The handler of a stack overflow, on an alternate stack, aborts. */
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

static void on_fault(int sig)
{
	if (sig == SIGSEGV)
		abort();
}

__attribute__((noinline)) int recurse(volatile int *above, int depth)
{
	volatile int local[64];

	local[0] = *above + depth;
	return recurse(local, depth + 1) + local[0];
}

int main(int argc, char **argv)
{
	static char alternate[65536];
	stack_t stack = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
	struct sigaction action = {.sa_handler = on_fault, .sa_flags = SA_ONSTACK};
	struct rlimit limit = {256 << 10, 256 << 10}, now;
	volatile int first = argc;

	if (getrlimit(RLIMIT_STACK, &now) == 0 && now.rlim_cur != limit.rlim_cur) {
		if (setrlimit(RLIMIT_STACK, &limit))
			return 1;
		execv("/proc/self/exe", argv);
		return 1;
	}
	sigaltstack(&stack, NULL);
	sigaction(SIGSEGV, &action, NULL);
	return recurse(&first, 0) + 1;
}
