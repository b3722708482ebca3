/* A handler has interrupted a function at its first instruction: the caller's must not be looked up
 * one byte before it. */
#include <signal.h>
#include <stdlib.h>

static void on_illegal(int sig)
{
	if (sig == SIGILL)
		abort();
}

__asm__("	.text\n"
	"	.type before, @function\n"
	"before:\n"
	"	.cfi_startproc\n"
	"	sub $8, %rsp\n"
	"	.cfi_def_cfa_offset 16\n"
	"	nop\n"
	"	.cfi_endproc\n"
	"	.size before, . - before\n"
	"	.type traps_at_once, @function\n"
	"traps_at_once:\n"
	"	.cfi_startproc\n"
	"	ud2\n"
	"	ret\n"
	"	.cfi_endproc\n"
	"	.size traps_at_once, . - traps_at_once\n");
void traps_at_once(void);

__attribute__((noinline)) int calls(int x)
{
	traps_at_once();
	return x + 1;
}

int main(int argc, char **argv)
{
	(void)argv;
	signal(SIGILL, on_illegal);
	return calls(argc) + 1;
}
