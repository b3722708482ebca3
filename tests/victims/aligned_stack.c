/* Frames more aligned than the ABI's, one with alloca(), too: gcc's CFA is a DWARF expression. */
#include <alloca.h>
#include <stdalign.h>

static volatile int *volatile nothing;

__attribute__((noinline)) int crashes(volatile char *a, volatile char *b)
{
	return *nothing + a[0] + b[0];
}

__attribute__((noinline)) int aligned(int x)
{
	alignas(64) volatile char block[64];
	volatile char *more = alloca(100 + x);

	block[0] = 1;
	more[0] = 2;
	return crashes(block, more) + block[0];
}

/* Arguments on the stack, so that its frame's own register has to point to them. */
__attribute__((noinline)) int many(int a, int b, int c, int d, int e, int f, int g, int h)
{
	alignas(128) volatile char block[64];
	volatile char *more = alloca(10 + h);

	block[0] = (char)(a + b + c + d + e + f);
	more[0] = 1;
	return aligned(g) + block[0] + more[0] + h;
}

int main(int argc, char **argv)
{
	(void)argv;
	return many(argc, 2, 3, 4, 5, 6, 7, 8) + 1;
}
