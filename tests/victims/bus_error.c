/* Reads a file mapping past the end of its file. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

__attribute__((noinline)) int read_past_end(volatile char *page)
{
	return page[4096] + 1;
}

int main(void)
{
	FILE *file = tmpfile();
	volatile char *map;

	if (!file || ftruncate(fileno(file), 4096))
		return 1;
	map = mmap(NULL, 8192, PROT_READ, MAP_SHARED, fileno(file), 0);
	if (map == MAP_FAILED)
		return 1;
	return read_past_end(map) + 1;
}
