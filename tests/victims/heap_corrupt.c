/* Writes past a block of the heap; free() of the next finds out, and aborts. */
#include <stdlib.h>
#include <string.h>

__attribute__((noinline)) int overruns(char *block)
{
	memset(block, 'A', 64);
	return block[3];
}

__attribute__((noinline)) int releases(char *block)
{
	free(block);
	return 0;
}

int main(void)
{
	char *volatile first = malloc(24), *volatile second = malloc(2000);

	return overruns(first) + releases(second);
}
