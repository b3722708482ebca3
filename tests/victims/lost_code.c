/* The page of a function is unmapped, or made read-only, before it is called: argv[1] says which. */
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE_BYTES 4096

/* The page's own. */
__attribute__((noinline, aligned(PAGE_BYTES))) int lost(int x)
{
	__asm__ volatile("" : "+r"(x));
	return x + 1;
}

__attribute__((noinline, aligned(PAGE_BYTES))) int calls(int x)
{
	return lost(x) + 1;
}

int main(int argc, char **argv)
{
	void *page = (void *)((uintptr_t)lost & -(uintptr_t)PAGE_BYTES);

	if (argc > 1 && !strcmp(argv[1], "unmapped"))
		munmap(page, PAGE_BYTES);
	else
		mprotect(page, PAGE_BYTES, PROT_READ);
	return calls(argc) + 1;
}
