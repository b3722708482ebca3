/*
 * What the cross-built victims have instead of a C library: an entry point and raw system calls. So
 * they are a few KB small, and no frame of a C library stands on their stacks.
 *
 * System calls: syscall(2), "Architecture calling conventions".
 */
#ifndef VICTIM_FREESTANDING_H
#define VICTIM_FREESTANDING_H

#include <asm/unistd.h>

#ifdef __cplusplus
extern "C" {
#endif

int victim_main(int argc, char **argv);

#define NOINLINE __attribute__((noinline))

/* Reads of it crash. The compiler must not know. */
static volatile int *volatile nothing __attribute__((unused));

/*
 * _start: the outermost frame. Its return address is undefined, as the psABIs want it marked, and
 * the frame pointer is 0.
 */
#define START_BEGIN                                                                                \
	__asm__(".text\n"                                                                          \
		".globl _start\n"                                                                  \
		START_TYPE "_start:\n"                                                             \
		"	.cfi_startproc\n"
#define START_END                                                                                  \
		"	.cfi_endproc\n"                                                            \
		"	.size _start, . - _start\n");

#if defined __x86_64__
#define START_TYPE ".type _start, @function\n"
START_BEGIN
"	.cfi_undefined rip\n"
	"	xor %ebp, %ebp\n"
	"	mov (%rsp), %rdi\n"
	"	lea 8(%rsp), %rsi\n"
	"	and $-16, %rsp\n"
	"	call victim_main\n"
	"	mov %eax, %edi\n"
	"	mov $231, %eax\n"
	"	syscall\n"
	"	hlt\n" START_END

	static inline __attribute__((always_inline)) long
	system_call(long number, long a, long b, long c, long d)
{
	register long r10 __asm__("r10") = d;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10)
			 : "rcx", "r11", "memory");
	return result;
}

#elif defined __i386__
#define START_TYPE ".type _start, @function\n"
START_BEGIN
"	.cfi_undefined eip\n"
	"	xor %ebp, %ebp\n"
	"	mov (%esp), %eax\n"
	"	lea 4(%esp), %edx\n"
	"	and $-16, %esp\n"
	"	sub $8, %esp\n"
	"	push %edx\n"
	"	push %eax\n"
	"	call victim_main\n"
	"	mov %eax, %ebx\n"
	"	mov $252, %eax\n"
	"	int $0x80\n"
	"	hlt\n" START_END

	static inline __attribute__((always_inline)) long
	system_call(long number, long a, long b, long c, long d)
{
	long result;

	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(number), "b"(a), "c"(b), "d"(c), "S"(d)
			 : "memory");
	return result;
}

#elif defined __aarch64__
#define START_TYPE ".type _start, %function\n"
START_BEGIN
"	.cfi_undefined x30\n"
	"	mov x29, #0\n"
	"	mov x30, #0\n"
	"	ldr x0, [sp]\n"
	"	add x1, sp, #8\n"
	"	bl victim_main\n"
	"	mov x8, #94\n"
	"	svc #0\n"
	"	brk #1\n" START_END

	static inline __attribute__((always_inline)) long
	system_call(long number, long a, long b, long c, long d)
{
	register long x8 __asm__("x8") = number;
	register long x0 __asm__("x0") = a;
	register long x1 __asm__("x1") = b;
	register long x2 __asm__("x2") = c;
	register long x3 __asm__("x3") = d;

	__asm__ volatile("svc #0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3) : "memory");
	return x0;
}

#elif defined __arm__
/* As gcc has it: nothing in .eh_frame. */
__asm__(".cfi_sections .debug_frame\n");
#ifdef __thumb__
#define START_TYPE ".syntax unified\n.thumb\n.thumb_func\n.type _start, %function\n"
#else
#define START_TYPE ".syntax unified\n.arm\n.type _start, %function\n"
#endif
START_BEGIN
"	.fnstart\n"
	"	.cantunwind\n"
	"	.cfi_undefined r14\n"
	"	mov r11, #0\n"
	"	mov r7, #0\n"
	"	mov lr, #0\n"
	"	ldr r0, [sp]\n"
	"	add r1, sp, #4\n"
	"	bl victim_main\n"
	"	mov r7, #248\n"
	"	svc #0\n"
	"	udf #0\n"
	"	.fnend\n" START_END

	/* What the tables in .ARM.exidx name as their interpreters, libgcc's elsewhere. Never
	   called. */
	__attribute__((used)) void
	__aeabi_unwind_cpp_pr0(void);
__attribute__((used)) void __aeabi_unwind_cpp_pr1(void);
void __aeabi_unwind_cpp_pr0(void)
{
}
void __aeabi_unwind_cpp_pr1(void)
{
}

/* The number goes through r7, Thumb's frame pointer: saved around the call. */
static inline __attribute__((always_inline)) long system_call(
	long number, long a, long b, long c, long d)
{
	register long r0 __asm__("r0") = a;
	register long r1 __asm__("r1") = b;
	register long r2 __asm__("r2") = c;
	register long r3 __asm__("r3") = d;

	__asm__ volatile("mov r12, r7\n\tmov r7, %1\n\tsvc #0\n\tmov r7, r12"
			 : "+r"(r0)
			 : "r"(number), "r"(r1), "r"(r2), "r"(r3)
			 : "r12", "memory");
	return r0;
}

#elif defined __riscv
#define START_TYPE ".type _start, @function\n"
START_BEGIN
"	.cfi_undefined ra\n"
	"	.option push\n"
	"	.option norelax\n"
	"	lla gp, __global_pointer$\n"
	"	.option pop\n"
	"	li s0, 0\n"
	"	li ra, 0\n"
	"	ld a0, 0(sp)\n"
	"	addi a1, sp, 8\n"
	"	call victim_main\n"
	"	li a7, 94\n"
	"	ecall\n"
	"	ebreak\n" START_END

	static inline __attribute__((always_inline)) long
	system_call(long number, long a, long b, long c, long d)
{
	register long a7 __asm__("a7") = number;
	register long a0 __asm__("a0") = a;
	register long a1 __asm__("a1") = b;
	register long a2 __asm__("a2") = c;
	register long a3 __asm__("a3") = d;

	__asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3) : "memory");
	return a0;
}
/* The rest: an entry point, and no system calls. */
#elif defined __mips__
#define START_TYPE ".type _start, @function\n.set noreorder\n"
START_BEGIN
"	.cfi_undefined $ra\n"
	"	move $fp, $0\n"
	"	move $ra, $0\n"
#ifdef __mips64
	"	ld $a0, 0($sp)\n"
	"	daddiu $a1, $sp, 8\n"
#else
	"	lw $a0, 0($sp)\n"
	"	addiu $a1, $sp, 4\n"
	"	addiu $sp, $sp, -16\n"
#endif
	"	jal victim_main\n"
	"	nop\n"
	"	break\n"
	"	.set reorder\n" START_END

#elif defined __powerpc64__
#if _CALL_ELF == 2
#define START_TYPE ".type _start, @function\n"
START_BEGIN
"	.cfi_undefined 65\n"
	"	addis 2, 12, .TOC.-_start@ha\n"
	"	addi 2, 2, .TOC.-_start@l\n"
#else
/* _start is a function descriptor. */
#define START_TYPE                                                                                 \
	".section .opd, \"aw\"\n.align 3\n_start: .quad .L_start, .TOC.@tocbase, "                 \
	"0\n.text\n.L_start:\n"                                                                    \
	".globl ._start\n.type ._start, @function\n._start:\n"
__asm__(".text\n"
	".globl _start\n" START_TYPE "	.cfi_startproc\n"
	"	.cfi_undefined 65\n"
#endif
	"	ld 3, 0(1)\n"
	"	addi 4, 1, 8\n"
	"	clrrdi 1, 1, 4\n"
	"	li 0, 0\n"
	"	mtlr 0\n"
	"	stdu 0, -112(1)\n"
	"	bl victim_main\n"
	"	nop\n"
	"	trap\n"
#if _CALL_ELF == 2
	START_END
#else
	"	.cfi_endproc\n"
	"	.size ._start, . - ._start\n");
#endif

#elif defined __s390x__
#define START_TYPE ".type _start, @function\n"
START_BEGIN
"	.cfi_undefined %r14\n"
	"	lg %r2, 0(%r15)\n"
	"	la %r3, 8(%r15)\n"
	"	aghi %r15, -160\n"
	"	xc 0(8, %r15), 0(%r15)\n"
	"	brasl %r14, victim_main\n"
	"	.long 0\n" START_END

#elif defined __sparc__
#define START_TYPE ".type _start, @function\n"
START_BEGIN
"	.cfi_undefined %o7\n"
	"	mov %g0, %fp\n"
	"	ldx [%sp + 2047 + 176], %o0\n"
	"	add %sp, 2047 + 184, %o1\n"
	"	sub %sp, 48, %sp\n"
	"	call victim_main\n"
	"	nop\n"
	"	illtrap 0\n" START_END

#elif defined __m68k__
#define START_TYPE ".type _start, @function\n"
START_BEGIN
"	.cfi_undefined %pc\n"
	"	suba.l %a6, %a6\n"
	"	move.l (%sp), %d0\n"
	"	lea 4(%sp), %a0\n"
	"	move.l %a0, -(%sp)\n"
	"	move.l %d0, -(%sp)\n"
	"	jsr victim_main\n"
	"	illegal\n" START_END

#else
#error "no entry point for this machine"
#endif

#ifdef __cplusplus
}
#endif

#endif
