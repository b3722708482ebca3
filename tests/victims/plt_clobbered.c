/* The PLT's slot for a function was overwritten: unmapped address, or one that the jump refuses. */
#include <stdint.h>
#include <unistd.h>

__attribute__((noinline)) int calls(int x)
{
	return getppid() + x;
}

int main(int argc, char **argv)
{
	uintptr_t *table;

	(void)argv;
	__asm__("lea _GLOBAL_OFFSET_TABLE_(%%rip), %0" : "=r"(table));
	/* Three words are ld.so's; getppid() is all that is bound lazily here. */
	table[3] = argc > 1 ? 0x4141414141414141 : 0x123456789000;
	return calls(argc) + 1;
}
