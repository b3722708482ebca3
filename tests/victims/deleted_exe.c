/* Deletes its own executable, then crashes: start it from a copy. */
#include <stddef.h>
#include <unistd.h>

__attribute__((noinline)) int crash_deleted(volatile int *nothing)
{
	return *nothing + 1;
}

int main(int argc, char **argv)
{
	volatile int *volatile nothing = NULL;

	if (argc < 1 || unlink(argv[0]))
		return 1;
	return crash_deleted(nothing) + 1;
}
