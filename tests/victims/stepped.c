/* Is killed by the trap flag argv[1] instructions after it was set: prologues, epilogues, libc. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static volatile int left;

static void on_trap(int sig)
{
	if (--left <= 0)
		signal(sig, SIG_DFL);
}

__attribute__((noinline)) int leaf(const int *items, int num)
{
	volatile int sum = 0;

	for (int i = 0; i < num; i++)
		sum += items[i];
	return sum;
}

__attribute__((noinline)) int outer(int x, int y, int z)
{
	int items[4] = {x, y, z, x ^ y};
	int a = leaf(items, 2);
	int b = leaf(items + a % 2, 2);
	char text[64];

	memset(text, a & 0x7f, sizeof(text));
	text[63] = 0;
	return a * x + b * y + z + (int)strlen(text);
}

__attribute__((noinline)) int steps(int x)
{
	/* The trap flag; pushed below the red zone. */
	__asm__ volatile("sub $128, %%rsp\n\t"
			 "pushfq\n\t"
			 "orl $0x100, (%%rsp)\n\t"
			 "popfq\n\t"
			 "lea 128(%%rsp), %%rsp"
			 :
			 :
			 : "cc", "memory");
	return outer(x, x + 1, x + 2) + outer(x, x, x);
}

int main(int argc, char **argv)
{
	left = argc > 1 ? atoi(argv[1]) : 0;
	if (left > 0)
		signal(SIGTRAP, on_trap);
	return steps(argc) + 1;
}
