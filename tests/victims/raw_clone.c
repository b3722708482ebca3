/* A thread made by clone() itself, unknown to the C library, crashes. */
#define _GNU_SOURCE
#include <sched.h>
#include <unistd.h>

static volatile int *volatile nothing;
static _Alignas(16) char stack[65536];

__attribute__((noinline)) int crashes(int x)
{
	return *nothing + x;
}

static int body(void *arg)
{
	return crashes(arg != NULL) + 1;
}

int main(void)
{
	if (clone(body, stack + sizeof(stack),
		    CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			    CLONE_SYSVSEM,
		    stack) < 0)
		return 1;
	for (;;)
		pause();
}
