/* glibc's malloc finds a double free and aborts with a message. */
#include <stdlib.h>

__attribute__((noinline)) int release_twice(char *volatile block)
{
	free(block);
	free(block);
	return 1;
}

int main(void)
{
	return release_twice(malloc(100)) + 1;
}
