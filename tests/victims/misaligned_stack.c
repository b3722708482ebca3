/* Hand-written code calls libc with the stack misaligned: an SSE instruction deep in it faults. */
#include <stdio.h>

__asm__("	.text\n"
	"	.type misaligns, @function\n"
	"misaligns:\n"
	"	.cfi_startproc\n"
	"	sub $16, %rsp\n"
	"	.cfi_def_cfa_offset 24\n"
	"	call *%rdi\n"
	"	add $16, %rsp\n"
	"	.cfi_def_cfa_offset 8\n"
	"	ret\n"
	"	.cfi_endproc\n"
	"	.size misaligns, . - misaligns\n");
int misaligns(int (*function)(void));

__attribute__((noinline)) int prints(void)
{
	/* The compiler may rely on the ABI's 16 bytes. */
	volatile float a __attribute__((aligned(16))) = 1;

	__asm__ volatile("movaps %%xmm0, %0" : "=m"(a) : : "memory");
	return (int)a;
}

int main(void)
{
	return misaligns(prints) + 1;
}
