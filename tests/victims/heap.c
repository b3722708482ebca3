/* Touches argv[1] MiB of heap, then writes through null. */
#include <stdlib.h>
#include <string.h>

__attribute__((noinline)) int fill_and_crash(char *heap, size_t len)
{
	memset(heap, 0x5a, len);
	*(volatile char *)NULL = heap[len / 2];
	return heap[0];
}

int main(int argc, char **argv)
{
	size_t len = (argc > 1 ? (size_t)atol(argv[1]) : 1) << 20;
	char *heap = malloc(len);

	return heap ? fill_and_crash(heap, len) + 1 : 1;
}
