/* Crashes in a coroutine of makecontext(): its stack ends where the coroutine began. */
#include <ucontext.h>

static volatile int *volatile nothing;
static ucontext_t outside, inside;

__attribute__((noinline)) int step(int x)
{
	return *nothing + x;
}

static void body(int x)
{
	swapcontext(&inside, &outside);
	*nothing = step(x) + 1;
}

__attribute__((noinline)) int resume(int x)
{
	return swapcontext(&outside, &inside) + x;
}

int main(int argc, char **argv)
{
	static char stack[65536];

	(void)argv;
	getcontext(&inside);
	inside.uc_stack.ss_sp = stack;
	inside.uc_stack.ss_size = sizeof(stack);
	inside.uc_link = &outside;
	makecontext(&inside, (void (*)(void))body, 1, argc);
	return resume(1) + resume(2) + 1;
}
