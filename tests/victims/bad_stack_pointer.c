/* Loses its stack pointer, and pushes: 0, non-canonical, unmapped, into data that cannot be
 * written. */
#include <stdint.h>
#include <string.h>

static const char constants[4096] = {1};

__attribute__((noinline)) int loses_stack(uintptr_t sp)
{
	__asm__ volatile("mov %0, %%rsp\n\tpush %%rax" : : "r"(sp) : "memory");
	return (int)sp;
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "zero";

	if (!strcmp(what, "noncanonical"))
		return loses_stack(0x4141414141414140) + 1;
	if (!strcmp(what, "unmapped"))
		return loses_stack(0x70000000) + 1;
	if (!strcmp(what, "readonly"))
		return loses_stack((uintptr_t)constants + 2048) + 1;
	return loses_stack(0) + 1;
}
