/* Crashes with its stack pointer in a file's mapping: stack_on_file FILE. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>

#define STACK_BYTES 65536

__attribute__((noinline)) static int crash_on(uintptr_t sp)
{
	__asm__ volatile("mov %0, %%rsp\n\tmovl $1, 0" : : "r"(sp) : "memory");
	return (int)sp;
}

int main(int argc, char **argv)
{
	int fd = argc > 1 ? open(argv[1], O_RDWR) : -1;
	void *stack = fd < 0 ? MAP_FAILED
			     : mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	if (stack == MAP_FAILED) {
		perror("stack_on_file");
		return 3;
	}
	return crash_on((uintptr_t)stack + STACK_BYTES / 2) + 1;
}
