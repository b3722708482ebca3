/* Traps at one point of a hand-written function: before push, after it, in the body, after pop. */
#include <string.h>

/* \point: the instruction before which the trap stands. */
__asm__(".macro frame name, point\n"
	"	.type \\name, @function\n"
	"\\name:\n"
	"	.cfi_startproc\n"
	"	.if \\point == 0; ud2; .endif\n"
	"	push %rbp\n"
	"	.cfi_def_cfa_offset 16\n"
	"	.cfi_offset %rbp, -16\n"
	"	.if \\point == 1; ud2; .endif\n"
	"	mov %rsp, %rbp\n"
	"	.cfi_def_cfa_register %rbp\n"
	"	push %rbx\n"
	"	.cfi_offset %rbx, -24\n"
	"	sub $40, %rsp\n"
	"	.if \\point == 2; ud2; .endif\n"
	"	add $40, %rsp\n"
	"	pop %rbx\n"
	"	.cfi_restore %rbx\n"
	"	pop %rbp\n"
	"	.cfi_def_cfa %rsp, 8\n"
	"	.if \\point == 3; ud2; .endif\n"
	"	ret\n"
	"	.cfi_endproc\n"
	"	.size \\name, . - \\name\n"
	".endm\n"
	".text\n"
	"frame at_entry, 0\n"
	"frame at_mov, 1\n"
	"frame at_body, 2\n"
	"frame at_ret, 3\n");

void at_entry(void);
void at_mov(void);
void at_body(void);
void at_ret(void);

__attribute__((noinline)) int calls(const char *where)
{
	if (!strcmp(where, "entry"))
		at_entry();
	else if (!strcmp(where, "mov"))
		at_mov();
	else if (!strcmp(where, "body"))
		at_body();
	else
		at_ret();
	return where[0];
}

int main(int argc, char **argv)
{
	return argc < 2 || calls(argv[1]) + 1;
}
