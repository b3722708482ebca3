/* Takes away the right to write its own stack (or to read it, too), and calls. */
#include <stdint.h>
#include <sys/mman.h>

static volatile int sink;

__attribute__((noinline)) int uses_stack(int x)
{
	volatile int local[4] = {x, x, x, x};

	return local[x & 3];
}

__attribute__((noinline)) int protects(int rights)
{
	uintptr_t page = (uintptr_t)__builtin_frame_address(0) & ~(uintptr_t)4095;

	/* Pages below and above too: wherever the next push is. The system call itself pushes
	 * nothing. */
	long result = 10;

	__asm__ volatile("syscall\n\tpush %%rax"
			 : "+a"(result)
			 : "D"(page - 4096), "S"(3 * 4096), "d"((long)rights)
			 : "rcx", "r11", "memory");
	return uses_stack(sink);
}

int main(int argc, char **argv)
{
	(void)argv;
	return protects(argc > 1 ? PROT_NONE : PROT_READ) + 1;
}
