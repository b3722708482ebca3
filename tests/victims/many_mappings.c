/*
 * 12,000 mappings, more than a snapshot has room for; then a byte is written to one of the last, which
 * may only be read.
 */
#include <sys/mman.h>
#include <unistd.h>

#define NUM 6000

int main(void)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	char *memory = mmap(NULL, 2 * NUM * page, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (memory == MAP_FAILED)
		return 1;
	for (size_t i = 0; i < NUM; i++)
		if (mprotect(memory + 2 * i * page, page, PROT_READ) < 0)
			return 1;
	*(volatile char *)(memory + 2 * (NUM - 5) * page + 16) = 1;
	return 0;
}
