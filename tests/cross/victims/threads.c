/* Three threads by raw clone: the last one crashes while the others sleep. */
#include "freestanding.h"

struct delay {
	long seconds, nanoseconds;
};

static char stacks[2][16384] __attribute__((aligned(16)));
static volatile char asleep[2];

static NOINLINE void sleep_long(int number)
{
	struct delay delay = {1000, 0};

	asleep[number] = 1;
	system_call(__NR_nanosleep, (long)&delay, 0, 0, 0);
}

static NOINLINE int detail(int x)
{
	return *nothing + x;
}

__attribute__((used, visibility("hidden"))) int thread_main(int number)
{
	struct delay delay = {0, 50000000};

	if (number == 0)
		sleep_long(number);
	while (!asleep[0] || !asleep[1])
		;
	/* Until those have really fallen asleep. */
	system_call(__NR_nanosleep, (long)&delay, 0, 0, 0);
	return detail(number) + 1;
}

/*
 * start_thread(number, stack_end): the child begins on its own stack, as the outermost frame.
 * clone's flags, 0x50f00: VM, FS, FILES, SIGHAND, THREAD, SYSVSEM.
 */
int start_thread(int number, char *stack_end) __attribute__((visibility("hidden")));

#if defined __x86_64__
__asm__(".text\n.type start_thread, @function\nstart_thread:\n.cfi_startproc\n"
	"mov %edi, %ebx\n"
	"mov $0x50f00, %edi\n"
	"mov $56, %eax\n"
	"syscall\n"
	"test %eax, %eax\n"
	"jnz 1f\n"
	".cfi_remember_state\n.cfi_undefined rip\n"
	"xor %ebp, %ebp\n"
	"mov %ebx, %edi\n"
	"call thread_main\n"
	"hlt\n"
	".cfi_restore_state\n"
	"1: ret\n"
	".cfi_endproc\n.size start_thread, . - start_thread\n");
#elif defined __i386__
__asm__(".text\n.type start_thread, @function\nstart_thread:\n.cfi_startproc\n"
	"push %ebx\n.cfi_adjust_cfa_offset 4\n.cfi_rel_offset ebx, 0\n"
	"mov 8(%esp), %edx\n"
	"mov 12(%esp), %ecx\n"
	"mov $0x50f00, %ebx\n"
	"mov $120, %eax\n"
	"int $0x80\n"
	"test %eax, %eax\n"
	"jnz 1f\n"
	".cfi_remember_state\n.cfi_undefined eip\n"
	"xor %ebp, %ebp\n"
	"sub $12, %esp\n"
	"push %edx\n"
	"call thread_main\n"
	"hlt\n"
	".cfi_restore_state\n"
	"1: pop %ebx\n.cfi_adjust_cfa_offset -4\n.cfi_restore ebx\n"
	"ret\n"
	".cfi_endproc\n.size start_thread, . - start_thread\n");
#elif defined __aarch64__
__asm__(".text\n.type start_thread, %function\nstart_thread:\n.cfi_startproc\n"
	"mov w9, w0\n"
	"mov x0, #0x0f00\n"
	"movk x0, #0x5, lsl #16\n"
	"mov x8, #220\n"
	"svc #0\n"
	"cbnz x0, 1f\n"
	".cfi_remember_state\n.cfi_undefined x30\n"
	"mov x29, #0\n"
	"mov x30, #0\n"
	"mov w0, w9\n"
	"bl thread_main\n"
	"brk #1\n"
	".cfi_restore_state\n"
	"1: ret\n"
	".cfi_endproc\n.size start_thread, . - start_thread\n");
#elif defined __arm__
__asm__(START_TYPE
	".type start_thread, %function\nstart_thread:\n.cfi_startproc\n.fnstart\n.cantunwind\n"
	"push {r7, lr}\n.cfi_adjust_cfa_offset 8\n.cfi_rel_offset r7, 0\n.cfi_rel_offset lr, 4\n"
	"mov r12, r0\n"
	"movw r0, #0x0f00\n"
	"movt r0, #5\n"
	"mov r7, #120\n"
	"svc #0\n"
	"cmp r0, #0\n"
	"bne 1f\n"
	".cfi_remember_state\n.cfi_undefined r14\n"
	"mov r11, #0\n"
	"mov r7, #0\n"
	"mov lr, #0\n"
	"mov r0, r12\n"
	"bl thread_main\n"
	"udf #0\n"
	".cfi_restore_state\n"
	"1: pop {r7, pc}\n"
	".fnend\n.cfi_endproc\n.size start_thread, . - start_thread\n");
#elif defined __riscv
__asm__(".text\n.type start_thread, @function\nstart_thread:\n.cfi_startproc\n"
	"mv t0, a0\n"
	"li a0, 0x50f00\n"
	"li a7, 220\n"
	"ecall\n"
	"bnez a0, 1f\n"
	".cfi_remember_state\n.cfi_undefined ra\n"
	"li s0, 0\n"
	"li ra, 0\n"
	"mv a0, t0\n"
	"call thread_main\n"
	"ebreak\n"
	".cfi_restore_state\n"
	"1: ret\n"
	".cfi_endproc\n.size start_thread, . - start_thread\n");
#endif

int victim_main(int argc, char **argv)
{
	(void)argv;
	for (int i = 0; i < 2; i++)
		if (start_thread(i, stacks[i] + sizeof(stacks[i])) < 0)
			return 1;
	sleep_long(1);
	return argc;
}
