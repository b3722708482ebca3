/* Crashes after a longjmp() out of three calls. */
#include <setjmp.h>

static volatile int *volatile nothing;
static jmp_buf back;

__attribute__((noinline)) int jumps(int left)
{
	if (!left)
		longjmp(back, 1);
	return jumps(left - 1) + 1;
}

__attribute__((noinline)) int crashes(int x)
{
	return *nothing + x;
}

__attribute__((noinline)) int returns_twice(int x)
{
	if (setjmp(back))
		return crashes(x) + 1;
	return jumps(3) + 1;
}

int main(int argc, char **argv)
{
	(void)argv;
	return returns_twice(argc) + 1;
}
