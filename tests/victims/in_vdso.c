/* Crashes inside the vDSO: clock_gettime with a bad pointer. */
#include <time.h>

__attribute__((noinline)) int read_clock(struct timespec *ts)
{
	return clock_gettime(CLOCK_MONOTONIC, ts) + 1;
}

int main(int argc, char **argv)
{
	(void)argv;
	return read_clock((struct timespec *)(8ul * argc)) + 1;
}
