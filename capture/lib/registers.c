/*
 * Sources: the kernel's struct user_regs_struct and elf_gregset_t (arch/ARCH/include/uapi/asm/
 * ptrace.h, arch/x86/include/asm/elf.h), struct sigcontext (arch/ARCH/include/uapi/asm/
 * sigcontext.h); glibc's <sys/ucontext.h>.
 */
#include "capture/lib/registers.h"

#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__) && !defined(__ILP32__)

#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004

static uint64_t segment_base(int code)
{
	unsigned long base = 0;
	(void)syscall(SYS_arch_prctl, code, &base); /* 0 is then what there is */
	return base;
}

size_t snap_lib_registers(const ucontext_t *context, void *to, size_t size)
{
	const greg_t *r = context->uc_mcontext.gregs;
	uint64_t selectors = (uint64_t)r[REG_CSGSFS]; /* cs, gs, fs, ss from the lowest bits up */
	const uint64_t regs[27] = {
		(uint64_t)r[REG_R15],
		(uint64_t)r[REG_R14],
		(uint64_t)r[REG_R13],
		(uint64_t)r[REG_R12],
		(uint64_t)r[REG_RBP],
		(uint64_t)r[REG_RBX],
		(uint64_t)r[REG_R11],
		(uint64_t)r[REG_R10],
		(uint64_t)r[REG_R9],
		(uint64_t)r[REG_R8],
		(uint64_t)r[REG_RAX],
		(uint64_t)r[REG_RCX],
		(uint64_t)r[REG_RDX],
		(uint64_t)r[REG_RSI],
		(uint64_t)r[REG_RDI],
		UINT64_MAX, /* orig_rax: in no system call */
		(uint64_t)r[REG_RIP],
		selectors & 0xffff,
		(uint64_t)r[REG_EFL],
		(uint64_t)r[REG_RSP],
		selectors >> 48,
		segment_base(ARCH_GET_FS),
		segment_base(ARCH_GET_GS),
		0, /* ds and es, which mean nothing in 64-bit code */
		0,
		selectors >> 32 & 0xffff,
		selectors >> 16 & 0xffff,
	};
	if (size < sizeof(regs))
		return 0;
	memcpy(to, regs, sizeof(regs));
	return sizeof(regs);
}

size_t snap_lib_fp_registers(const ucontext_t *context, void *to, size_t size)
{
	/* Both are FXSAVE's image. */
	if (!context->uc_mcontext.fpregs || size < 512)
		return 0;
	memcpy(to, context->uc_mcontext.fpregs, 512);
	return 512;
}

#elif defined(__i386__)

size_t snap_lib_registers(const ucontext_t *context, void *to, size_t size)
{
	const greg_t *r = context->uc_mcontext.gregs;
	const uint32_t regs[17] = {
		(uint32_t)r[REG_EBX],
		(uint32_t)r[REG_ECX],
		(uint32_t)r[REG_EDX],
		(uint32_t)r[REG_ESI],
		(uint32_t)r[REG_EDI],
		(uint32_t)r[REG_EBP],
		(uint32_t)r[REG_EAX],
		(uint32_t)r[REG_DS],
		(uint32_t)r[REG_ES],
		(uint32_t)r[REG_FS],
		(uint32_t)r[REG_GS],
		UINT32_MAX, /* orig_eax: in no system call */
		(uint32_t)r[REG_EIP],
		(uint32_t)r[REG_CS],
		(uint32_t)r[REG_EFL],
		(uint32_t)r[REG_ESP],
		(uint32_t)r[REG_SS],
	};
	if (size < sizeof(regs))
		return 0;
	memcpy(to, regs, sizeof(regs));
	return sizeof(regs);
}

size_t snap_lib_fp_registers(const ucontext_t *context, void *to, size_t size)
{
	/* FNSAVE's image of 108 bytes. */
	if (!context->uc_mcontext.fpregs || size < 108)
		return 0;
	memcpy(to, context->uc_mcontext.fpregs, 108);
	return 108;
}

#elif defined(__aarch64__)

/* struct user_pt_regs: regs[31], sp, pc, pstate, in the order of struct sigcontext. */
size_t snap_lib_registers(const ucontext_t *context, void *to, size_t size)
{
	if (size < 34 * sizeof(uint64_t))
		return 0;
	memcpy(to, &context->uc_mcontext.regs, 34 * sizeof(uint64_t));
	return 34 * sizeof(uint64_t);
}

#define FPSIMD_MAGIC 0x46508001u

/* struct user_fpsimd_state: vregs[32] of 16 bytes, fpsr, fpcr, two words of nothing. */
size_t snap_lib_fp_registers(const ucontext_t *context, void *to, size_t size)
{
	/* Records of {magic, size} and what belongs to them. */
	const uint8_t *at = (const uint8_t *)context->uc_mcontext.__reserved;
	size_t left = sizeof(context->uc_mcontext.__reserved);
	while (left >= 8) {
		uint32_t head[2];
		memcpy(head, at, sizeof(head));
		if (head[0] == 0 || head[1] < 8 || head[1] > left)
			break;
		if (head[0] == FPSIMD_MAGIC && head[1] >= 8 + 8 + 512 && size >= 528) {
			uint8_t *out = to;
			memcpy(out, at + 16, 512);
			memcpy(out + 512, at + 8, 8);
			memset(out + 520, 0, 8);
			return 528;
		}
		at += head[1];
		left -= head[1];
	}
	return 0;
}

#elif defined(__arm__)

/* struct pt_regs: r0 to r15, cpsr, and ORIG_r0, which tells that it is in no system call. */
size_t snap_lib_registers(const ucontext_t *context, void *to, size_t size)
{
	uint32_t regs[18];
	if (size < sizeof(regs))
		return 0;
	memcpy(regs, &context->uc_mcontext.arm_r0, 17 * sizeof(uint32_t));
	regs[17] = UINT32_MAX;
	memcpy(to, regs, sizeof(regs));
	return sizeof(regs);
}

size_t snap_lib_fp_registers(const ucontext_t *context, void *to, size_t size)
{
	(void)context;
	(void)to;
	(void)size;
	return 0;
}

#elif defined(__riscv) && __riscv_xlen == 64

/* struct user_regs_struct: pc, then x1 to x31. */
size_t snap_lib_registers(const ucontext_t *context, void *to, size_t size)
{
	if (size < 32 * sizeof(uint64_t))
		return 0;
	memcpy(to, &context->uc_mcontext, 32 * sizeof(uint64_t));
	return 32 * sizeof(uint64_t);
}

size_t snap_lib_fp_registers(const ucontext_t *context, void *to, size_t size)
{
	(void)context;
	(void)to;
	(void)size;
	return 0;
}

#else

size_t snap_lib_registers(const ucontext_t *context, void *to, size_t size)
{
	(void)context;
	(void)to;
	(void)size;
	return 0;
}

size_t snap_lib_fp_registers(const ucontext_t *context, void *to, size_t size)
{
	(void)context;
	(void)to;
	(void)size;
	return 0;
}

#endif
