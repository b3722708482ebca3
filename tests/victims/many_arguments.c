/* Calls with arguments pushed onto the stack: the CFA moves from call to call. */
#include <stddef.h>

static volatile int *volatile nothing;

__attribute__((noinline)) long eight(long a, long b, long c, long d, long e, long f, long g, long h)
{
	return *nothing + a + b + c + d + e + f + g + h;
}

__attribute__((noinline)) long eleven(
	long a, long b, long c, long d, long e, long f, long g, long h, long i, long j, long k)
{
	return eight(k, j, i, h, g, f, e, d) + a + b + c;
}

int main(int argc, char **argv)
{
	(void)argv;
	return (int)eleven(argc, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11) + 1;
}
