/* Processor exceptions: argv[1] says which. */
#include <limits.h>
#include <string.h>

static volatile int zero, minimum = INT_MIN, minus_one = -1;
static volatile double divisor;

__attribute__((noinline)) int overflows_division(void)
{
	return minimum / minus_one;
}

__attribute__((noinline)) int halts(void)
{
	__asm__ volatile("hlt");
	return zero;
}

__attribute__((noinline)) int reads_port(void)
{
	int value;

	__asm__ volatile("inb $0x61, %%al" : "=a"(value));
	return value;
}

__attribute__((noinline)) int debugs(void)
{
	__asm__ volatile(".byte 0xf1");
	return zero;
}

__attribute__((noinline)) int divides_x87(void)
{
	unsigned short unmasked = 0x0340;

	/* The exception comes with the next x87 instruction. */
	__asm__ volatile("fldcw %0\n\tfld1\n\tfldz\n\tfdivrp\n\tfwait" : : "m"(unmasked));
	return zero;
}

__attribute__((noinline)) int divides_sse(void)
{
	unsigned int unmasked = 0x1d80;

	__asm__ volatile("ldmxcsr %0" : : "m"(unmasked));
	return (int)(1.0 / divisor);
}

__attribute__((noinline)) int misaligned_sse(void)
{
	static char block[64] __attribute__((aligned(16)));

	__asm__ volatile("movaps %%xmm0, (%0)" : : "r"(block + 1) : "memory");
	return zero;
}

__attribute__((noinline)) int misaligned_checked(void)
{
	static volatile char block[64] __attribute__((aligned(16)));

	/* The alignment check flag; pushed below the red zone. */
	__asm__ volatile("sub $128, %%rsp\n\t"
			 "pushfq\n\t"
			 "orl $0x40000, (%%rsp)\n\t"
			 "popfq\n\t"
			 "lea 128(%%rsp), %%rsp\n\t"
			 "movl $1, (%0)"
			 :
			 : "r"(block + 1)
			 : "memory", "cc");
	return zero;
}

__attribute__((noinline)) int interrupts(void)
{
	__asm__ volatile("int $0x20");
	return zero;
}

__attribute__((noinline)) int loads_segment(void)
{
	__asm__ volatile("movl $0x1234, %%eax\n\tmovl %%eax, %%ds" : : : "eax");
	return zero;
}

__attribute__((noinline)) int reads_by_gs(void)
{
	__asm__ volatile("movq %%gs:0x10, %%rax" : : : "rax");
	return zero;
}

static const struct {
	const char *name;
	int (*run)(void);
} table[] = {
	{"int_min", overflows_division},
	{"hlt", halts},
	{"in", reads_port},
	{"icebp", debugs},
	{"x87", divides_x87},
	{"sse", divides_sse},
	{"movaps", misaligned_sse},
	{"align", misaligned_checked},
	{"int", interrupts},
	{"segment", loads_segment},
	{"gs", reads_by_gs},
};

int main(int argc, char **argv)
{
	for (unsigned int i = 0; argc > 1 && i < sizeof(table) / sizeof(table[0]); i++)
		if (!strcmp(argv[1], table[i].name))
			return table[i].run() + 1;
	return 1;
}
