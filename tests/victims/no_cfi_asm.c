/* Hand-written functions without CFI: with a frame pointer, without, with garbage in rbp, a leaf.
 */
#include <string.h>

static volatile int *volatile nothing;

/* Their stack slots are set, so that no old return address lies in them. */
__asm__("	.text\n"
	"	.type bare_fp, @function\n"
	"bare_fp:\n"
	"	push %rbp\n"
	"	mov %rsp, %rbp\n"
	"	call crashes\n"
	"	pop %rbp\n"
	"	ret\n"
	"	.size bare_fp, . - bare_fp\n"
	"	.type bare_nofp, @function\n"
	"bare_nofp:\n"
	"	push $0\n"
	"	push $0\n"
	"	push $0\n"
	"	call crashes\n"
	"	add $24, %rsp\n"
	"	ret\n"
	"	.size bare_nofp, . - bare_nofp\n"
	"	.type bare_garbage, @function\n"
	"bare_garbage:\n"
	"	push %rbp\n"
	"	push $0\n"
	"	push $0\n"
	"	movabs $0x4141414141414141, %rbp\n"
	"	call crashes\n"
	"	add $16, %rsp\n"
	"	pop %rbp\n"
	"	ret\n"
	"	.size bare_garbage, . - bare_garbage\n"
	"	.type bare_leaf, @function\n"
	"bare_leaf:\n"
	"	xor %eax, %eax\n"
	"	mov (%rax), %eax\n"
	"	ret\n"
	"	.size bare_leaf, . - bare_leaf\n");

int bare_fp(int x);
int bare_nofp(int x);
int bare_garbage(int x);
int bare_leaf(int x);

__attribute__((noinline, used)) int crashes(int x)
{
	return *nothing + x;
}

__attribute__((noinline)) int calls(const char *what)
{
	if (!strcmp(what, "fp"))
		return bare_fp(1) + 1;
	if (!strcmp(what, "nofp"))
		return bare_nofp(1) + 1;
	if (!strcmp(what, "garbage"))
		return bare_garbage(1) + 1;
	return bare_leaf(1) + 1;
}

int main(int argc, char **argv)
{
	return argc < 2 || calls(argv[1]) + 1;
}
