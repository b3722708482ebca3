/* Bad accesses and traps of aarch64: which one, the name says that it is run by. */
#include <stdint.h>
#include <string.h>

__attribute__((noinline)) static void writes(volatile long *to)
{
	to[3] = 1;
}

int main(int argc, char **argv)
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const char *what = slash ? slash + 1 : "";
	if (strcmp(what, "brk") == 0)
		__builtin_trap();
	if (strcmp(what, "udf") == 0)
		__asm__ volatile("udf #7");
	if (strcmp(what, "privileged") == 0)
		__asm__ volatile("msr vbar_el1, x0");
	if (strcmp(what, "read_only") == 0)
		writes((long *)(uintptr_t)"a constant of some length, not to be written");
	if (strcmp(what, "tagged") == 0)
		writes((long *)0x4141414141414141);
	if (strcmp(what, "pair") == 0)
		__asm__ volatile("mov x1, #0\n\tldp x2, x3, [x1, #16]" ::: "x1", "x2", "x3");
	if (strcmp(what, "below") == 0)
		__asm__ volatile("mov x1, #0\n\tstr q0, [x1, #-16]!" ::: "x1", "memory");
	if (strcmp(what, "atomic") == 0)
		__asm__ volatile(".arch armv8.1-a\n\tmov x1, #8\n\tldaddal x0, x2, [x1]" ::
				: "x1", "x2", "memory");
	if (strcmp(what, "compare") == 0)
		__asm__ volatile(".arch armv8.1-a\n\tmov x1, #8\n\tcas w0, w2, [x1]" ::
				: "x0", "x1", "memory");
	return 0;
}
