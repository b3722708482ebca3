/* Crashes below functions with big frames: an array, alloca(), a variable-length array. */
#include <alloca.h>
#include <string.h>

static volatile int *volatile nothing;

__attribute__((noinline)) int crashes(volatile char *block, int x)
{
	return *nothing + block[0] + x;
}

__attribute__((noinline)) int variable(int x)
{
	volatile char block[4000 + x];

	block[0] = 1;
	return crashes(block, x) + block[0];
}

__attribute__((noinline)) int allocates(int x)
{
	volatile char *block = alloca(6000 + x);

	block[0] = 1;
	return variable(x) + block[0];
}

__attribute__((noinline)) int fixed(int x)
{
	volatile char block[9000];

	block[0] = 1;
	return allocates(x) + block[0];
}

int main(int argc, char **argv)
{
	(void)argv;
	return fixed(argc) + 1;
}
