#include "common/arch.h"

#include <elf.h>
#include <string.h>

#include "common/elf_load.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/*
 * Sources of all that follows: register orders of pr_reg from the kernel's
 * arch/ARCH/include/uapi/asm/ptrace.h and elf.h (ELF_NGREG, elf_gregset_t); offsets of
 * elf_prstatus and elf_prpsinfo as the compilers lay out <linux/elfcore.h>, that of ucontext of
 * uapi/asm/ucontext.h and sigcontext.h; DWARF numbers from each psABI, which stands with its table.
 */

/* The end of a table of 64-bit and of 32-bit machines: where the notes' members stand. */
#define NOTES_64(reg_bytes)                                                                        \
	.prstatus_size = 112 + (reg_bytes) + 8, .prstatus_cursig_off = 12, .prstatus_pid_off = 32, \
	.prstatus_reg_off = 112, .prstatus_reg_size = (reg_bytes), .prpsinfo_size = 136,           \
	.prpsinfo_uid_off = 16, .prpsinfo_gid_off = 20, .prpsinfo_uid_size = 4,                    \
	.prpsinfo_pid_off = 24, .prpsinfo_fname_off = 40, .prpsinfo_psargs_off = 56
/* With user ids of 16 bits. */
#define NOTES_32(reg_bytes)                                                                        \
	.prstatus_size = 72 + (reg_bytes) + 4, .prstatus_cursig_off = 12, .prstatus_pid_off = 24,  \
	.prstatus_reg_off = 72, .prstatus_reg_size = (reg_bytes), .prpsinfo_size = 124,            \
	.prpsinfo_uid_off = 8, .prpsinfo_gid_off = 10, .prpsinfo_uid_size = 2,                     \
	.prpsinfo_pid_off = 12, .prpsinfo_fname_off = 28, .prpsinfo_psargs_off = 44

/*
 * x86-64 and x32: struct user_regs_struct (arch/x86/include/asm/user_64.h); DWARF numbers from the
 * System V psABI for AMD64, figure 3.36.
 */
static const struct snap_arch_reg x86_64_regs[] = {
	{"rax", 0, 80, 8},
	{"rbx", 3, 40, 8},
	{"rcx", 2, 88, 8},
	{"rdx", 1, 96, 8},
	{"rsi", 4, 104, 8},
	{"rdi", 5, 112, 8},
	{"rbp", 6, 32, 8},
	{"rsp", 7, 152, 8},
	{"r8", 8, 72, 8},
	{"r9", 9, 64, 8},
	{"r10", 10, 56, 8},
	{"r11", 11, 48, 8},
	{"r12", 12, 24, 8},
	{"r13", 13, 16, 8},
	{"r14", 14, 8, 8},
	{"r15", 15, 0, 8},
	{"rip", 16, 128, 8},
	{"eflags", 49, 144, 8},
	{"orig_rax", SNAP_DWARF_NONE, 120, 8},
	{"cs", 51, 136, 8},
	{"ss", 52, 160, 8},
	{"ds", 53, 184, 8},
	{"es", 50, 192, 8},
	{"fs", 54, 200, 8},
	{"gs", 55, 208, 8},
	{"fs_base", 58, 168, 8},
	{"gs_base", 59, 176, 8},
};

/*
 * i386: struct user_regs_struct (arch/x86/include/asm/user_32.h); DWARF numbers from the System V
 * psABI for Intel386, table 2.14.
 */
static const struct snap_arch_reg i386_regs[] = {
	{"eax", 0, 24, 4},
	{"ebx", 3, 0, 4},
	{"ecx", 1, 4, 4},
	{"edx", 2, 8, 4},
	{"esi", 6, 12, 4},
	{"edi", 7, 16, 4},
	{"ebp", 5, 20, 4},
	{"esp", 4, 60, 4},
	{"eip", 8, 48, 4},
	{"eflags", 9, 56, 4},
	{"orig_eax", SNAP_DWARF_NONE, 44, 4},
	{"cs", 41, 52, 4},
	{"ss", 42, 64, 4},
	{"ds", 43, 28, 4},
	{"es", 40, 32, 4},
	{"fs", 44, 36, 4},
	{"gs", 45, 40, 4},
};

/*
 * aarch64: struct user_pt_regs; DWARF for the Arm 64-bit Architecture (AADWARF64), 4.1.
 */
static const struct snap_arch_reg aarch64_regs[] = {
	{"x0", 0, 0, 8},
	{"x1", 1, 8, 8},
	{"x2", 2, 16, 8},
	{"x3", 3, 24, 8},
	{"x4", 4, 32, 8},
	{"x5", 5, 40, 8},
	{"x6", 6, 48, 8},
	{"x7", 7, 56, 8},
	{"x8", 8, 64, 8},
	{"x9", 9, 72, 8},
	{"x10", 10, 80, 8},
	{"x11", 11, 88, 8},
	{"x12", 12, 96, 8},
	{"x13", 13, 104, 8},
	{"x14", 14, 112, 8},
	{"x15", 15, 120, 8},
	{"x16", 16, 128, 8},
	{"x17", 17, 136, 8},
	{"x18", 18, 144, 8},
	{"x19", 19, 152, 8},
	{"x20", 20, 160, 8},
	{"x21", 21, 168, 8},
	{"x22", 22, 176, 8},
	{"x23", 23, 184, 8},
	{"x24", 24, 192, 8},
	{"x25", 25, 200, 8},
	{"x26", 26, 208, 8},
	{"x27", 27, 216, 8},
	{"x28", 28, 224, 8},
	{"x29", 29, 232, 8},
	{"x30", 30, 240, 8},
	{"sp", 31, 248, 8},
	{"pc", 32, 256, 8},
	{"pstate", SNAP_DWARF_NONE, 264, 8},
};

/*
 * arm: struct pt_regs; DWARF for the Arm Architecture (AADWARF32), 4.1.
 */
static const struct snap_arch_reg arm_regs[] = {
	{"r0", 0, 0, 4},
	{"r1", 1, 4, 4},
	{"r2", 2, 8, 4},
	{"r3", 3, 12, 4},
	{"r4", 4, 16, 4},
	{"r5", 5, 20, 4},
	{"r6", 6, 24, 4},
	{"r7", 7, 28, 4},
	{"r8", 8, 32, 4},
	{"r9", 9, 36, 4},
	{"r10", 10, 40, 4},
	{"fp", 11, 44, 4},
	{"ip", 12, 48, 4},
	{"sp", 13, 52, 4},
	{"lr", 14, 56, 4},
	{"pc", 15, 60, 4},
	{"cpsr", SNAP_DWARF_NONE, 64, 4},
	{"orig_r0", SNAP_DWARF_NONE, 68, 4},
};

/*
 * A Cortex-M: no note of a kernel has these, so they stand here in the order in which people read
 * them. Armv7-M Architecture Reference Manual, B1.4; DWARF numbers as arm's.
 */
static const struct snap_arch_reg cortex_m_regs[] = {
	{"r0", 0, 0, 4},
	{"r1", 1, 4, 4},
	{"r2", 2, 8, 4},
	{"r3", 3, 12, 4},
	{"r4", 4, 16, 4},
	{"r5", 5, 20, 4},
	{"r6", 6, 24, 4},
	{"r7", 7, 28, 4},
	{"r8", 8, 32, 4},
	{"r9", 9, 36, 4},
	{"r10", 10, 40, 4},
	{"r11", 11, 44, 4},
	{"r12", 12, 48, 4},
	{"sp", 13, 52, 4},
	{"lr", 14, 56, 4},
	{"pc", 15, 60, 4},
	{"xpsr", SNAP_DWARF_NONE, 64, 4},
	{"msp", SNAP_DWARF_NONE, 68, 4},
	{"psp", SNAP_DWARF_NONE, 72, 4},
	{"control", SNAP_DWARF_NONE, 76, 4},
	{"exc_return", SNAP_DWARF_NONE, 80, 4},
};

/*
 * riscv64: struct user_regs_struct, the pc in x0's place; RISC-V DWARF specification, table 1.
 */
static const struct snap_arch_reg riscv64_regs[] = {
	{"pc", SNAP_DWARF_NONE, 0, 8},
	{"ra", 1, 8, 8},
	{"sp", 2, 16, 8},
	{"gp", 3, 24, 8},
	{"tp", 4, 32, 8},
	{"t0", 5, 40, 8},
	{"t1", 6, 48, 8},
	{"t2", 7, 56, 8},
	{"s0", 8, 64, 8},
	{"s1", 9, 72, 8},
	{"a0", 10, 80, 8},
	{"a1", 11, 88, 8},
	{"a2", 12, 96, 8},
	{"a3", 13, 104, 8},
	{"a4", 14, 112, 8},
	{"a5", 15, 120, 8},
	{"a6", 16, 128, 8},
	{"a7", 17, 136, 8},
	{"s2", 18, 144, 8},
	{"s3", 19, 152, 8},
	{"s4", 20, 160, 8},
	{"s5", 21, 168, 8},
	{"s6", 22, 176, 8},
	{"s7", 23, 184, 8},
	{"s8", 24, 192, 8},
	{"s9", 25, 200, 8},
	{"s10", 26, 208, 8},
	{"s11", 27, 216, 8},
	{"t3", 28, 224, 8},
	{"t4", 29, 232, 8},
	{"t5", 30, 240, 8},
	{"t6", 31, 248, 8},
};

/* riscv32: the same with registers of 32 bits. */
static const struct snap_arch_reg riscv32_regs[] = {
	{"pc", SNAP_DWARF_NONE, 0, 4},
	{"ra", 1, 4, 4},
	{"sp", 2, 8, 4},
	{"gp", 3, 12, 4},
	{"tp", 4, 16, 4},
	{"t0", 5, 20, 4},
	{"t1", 6, 24, 4},
	{"t2", 7, 28, 4},
	{"s0", 8, 32, 4},
	{"s1", 9, 36, 4},
	{"a0", 10, 40, 4},
	{"a1", 11, 44, 4},
	{"a2", 12, 48, 4},
	{"a3", 13, 52, 4},
	{"a4", 14, 56, 4},
	{"a5", 15, 60, 4},
	{"a6", 16, 64, 4},
	{"a7", 17, 68, 4},
	{"s2", 18, 72, 4},
	{"s3", 19, 76, 4},
	{"s4", 20, 80, 4},
	{"s5", 21, 84, 4},
	{"s6", 22, 88, 4},
	{"s7", 23, 92, 4},
	{"s8", 24, 96, 4},
	{"s9", 25, 100, 4},
	{"s10", 26, 104, 4},
	{"s11", 27, 108, 4},
	{"t3", 28, 112, 4},
	{"t4", 29, 116, 4},
	{"t5", 30, 120, 4},
	{"t6", 31, 124, 4},
};

/*
 * mips64 (n64 and, with the same registers, n32): elf_gregset_t of 45 (arch/mips/include/asm/elf.h,
 * MIPS64_EF_*); DWARF numbers are the registers' own (MIPS extension to DWARF).
 */
static const struct snap_arch_reg mips64_regs[] = {
	{"zero", 0, 0, 8},
	{"at", 1, 8, 8},
	{"v0", 2, 16, 8},
	{"v1", 3, 24, 8},
	{"a0", 4, 32, 8},
	{"a1", 5, 40, 8},
	{"a2", 6, 48, 8},
	{"a3", 7, 56, 8},
	{"a4", 8, 64, 8},
	{"a5", 9, 72, 8},
	{"a6", 10, 80, 8},
	{"a7", 11, 88, 8},
	{"t0", 12, 96, 8},
	{"t1", 13, 104, 8},
	{"t2", 14, 112, 8},
	{"t3", 15, 120, 8},
	{"s0", 16, 128, 8},
	{"s1", 17, 136, 8},
	{"s2", 18, 144, 8},
	{"s3", 19, 152, 8},
	{"s4", 20, 160, 8},
	{"s5", 21, 168, 8},
	{"s6", 22, 176, 8},
	{"s7", 23, 184, 8},
	{"t8", 24, 192, 8},
	{"t9", 25, 200, 8},
	{"k0", 26, 208, 8},
	{"k1", 27, 216, 8},
	{"gp", 28, 224, 8},
	{"sp", 29, 232, 8},
	{"fp", 30, 240, 8},
	{"ra", 31, 248, 8},
	{"lo", SNAP_DWARF_NONE, 256, 8},
	{"hi", SNAP_DWARF_NONE, 264, 8},
	{"pc", SNAP_DWARF_NONE, 272, 8},
	{"badvaddr", SNAP_DWARF_NONE, 280, 8},
	{"status", SNAP_DWARF_NONE, 288, 8},
	{"cause", SNAP_DWARF_NONE, 296, 8},
};

/* mips (o32): elf_gregset_t of 45 with the registers from the sixth on (MIPS32_EF_*). */
static const struct snap_arch_reg mips_regs[] = {
	{"zero", 0, 24, 4},
	{"at", 1, 28, 4},
	{"v0", 2, 32, 4},
	{"v1", 3, 36, 4},
	{"a0", 4, 40, 4},
	{"a1", 5, 44, 4},
	{"a2", 6, 48, 4},
	{"a3", 7, 52, 4},
	{"t0", 8, 56, 4},
	{"t1", 9, 60, 4},
	{"t2", 10, 64, 4},
	{"t3", 11, 68, 4},
	{"t4", 12, 72, 4},
	{"t5", 13, 76, 4},
	{"t6", 14, 80, 4},
	{"t7", 15, 84, 4},
	{"s0", 16, 88, 4},
	{"s1", 17, 92, 4},
	{"s2", 18, 96, 4},
	{"s3", 19, 100, 4},
	{"s4", 20, 104, 4},
	{"s5", 21, 108, 4},
	{"s6", 22, 112, 4},
	{"s7", 23, 116, 4},
	{"t8", 24, 120, 4},
	{"t9", 25, 124, 4},
	{"k0", 26, 128, 4},
	{"k1", 27, 132, 4},
	{"gp", 28, 136, 4},
	{"sp", 29, 140, 4},
	{"fp", 30, 144, 4},
	{"ra", 31, 148, 4},
	{"lo", SNAP_DWARF_NONE, 152, 4},
	{"hi", SNAP_DWARF_NONE, 156, 4},
	{"pc", SNAP_DWARF_NONE, 160, 4},
	{"badvaddr", SNAP_DWARF_NONE, 164, 4},
	{"status", SNAP_DWARF_NONE, 168, 4},
	{"cause", SNAP_DWARF_NONE, 172, 4},
};

/*
 * ppc64 and ppc64le: struct pt_regs (arch/powerpc/include/uapi/asm/ptrace.h); DWARF numbers from
 * the 64-bit ELF V2 ABI for Power, table 2.24.
 */
static const struct snap_arch_reg ppc64_regs[] = {
	{"r0", 0, 0, 8},
	{"r1", 1, 8, 8},
	{"r2", 2, 16, 8},
	{"r3", 3, 24, 8},
	{"r4", 4, 32, 8},
	{"r5", 5, 40, 8},
	{"r6", 6, 48, 8},
	{"r7", 7, 56, 8},
	{"r8", 8, 64, 8},
	{"r9", 9, 72, 8},
	{"r10", 10, 80, 8},
	{"r11", 11, 88, 8},
	{"r12", 12, 96, 8},
	{"r13", 13, 104, 8},
	{"r14", 14, 112, 8},
	{"r15", 15, 120, 8},
	{"r16", 16, 128, 8},
	{"r17", 17, 136, 8},
	{"r18", 18, 144, 8},
	{"r19", 19, 152, 8},
	{"r20", 20, 160, 8},
	{"r21", 21, 168, 8},
	{"r22", 22, 176, 8},
	{"r23", 23, 184, 8},
	{"r24", 24, 192, 8},
	{"r25", 25, 200, 8},
	{"r26", 26, 208, 8},
	{"r27", 27, 216, 8},
	{"r28", 28, 224, 8},
	{"r29", 29, 232, 8},
	{"r30", 30, 240, 8},
	{"r31", 31, 248, 8},
	{"nip", SNAP_DWARF_NONE, 256, 8},
	{"msr", SNAP_DWARF_NONE, 264, 8},
	{"orig_gpr3", SNAP_DWARF_NONE, 272, 8},
	{"ctr", 66, 280, 8},
	{"lr", 65, 288, 8},
	{"xer", SNAP_DWARF_NONE, 296, 8},
	{"ccr", SNAP_DWARF_NONE, 304, 8},
	{"softe", SNAP_DWARF_NONE, 312, 8},
	{"trap", SNAP_DWARF_NONE, 320, 8},
	{"dar", SNAP_DWARF_NONE, 328, 8},
	{"dsisr", SNAP_DWARF_NONE, 336, 8},
	{"result", SNAP_DWARF_NONE, 344, 8},
};

/*
 * s390x: s390_regs (arch/s390/include/uapi/asm/ptrace.h), psw first; DWARF numbers from the ELF ABI
 * s390x supplement, 1.6.
 */
static const struct snap_arch_reg s390x_regs[] = {
	{"pswm", SNAP_DWARF_NONE, 0, 8},
	{"pswa", SNAP_DWARF_NONE, 8, 8},
	{"r0", 0, 16, 8},
	{"r1", 1, 24, 8},
	{"r2", 2, 32, 8},
	{"r3", 3, 40, 8},
	{"r4", 4, 48, 8},
	{"r5", 5, 56, 8},
	{"r6", 6, 64, 8},
	{"r7", 7, 72, 8},
	{"r8", 8, 80, 8},
	{"r9", 9, 88, 8},
	{"r10", 10, 96, 8},
	{"r11", 11, 104, 8},
	{"r12", 12, 112, 8},
	{"r13", 13, 120, 8},
	{"r14", 14, 128, 8},
	{"r15", 15, 136, 8},
	{"orig_gpr2", SNAP_DWARF_NONE, 208, 8},
};

/*
 * sparc64: the 36 registers of arch/sparc/include/asm/elf_64.h; DWARF numbers are the registers'
 * own (SPARC compliance definition).
 */
static const struct snap_arch_reg sparc64_regs[] = {
	{"g0", 0, 0, 8},
	{"g1", 1, 8, 8},
	{"g2", 2, 16, 8},
	{"g3", 3, 24, 8},
	{"g4", 4, 32, 8},
	{"g5", 5, 40, 8},
	{"g6", 6, 48, 8},
	{"g7", 7, 56, 8},
	{"o0", 8, 64, 8},
	{"o1", 9, 72, 8},
	{"o2", 10, 80, 8},
	{"o3", 11, 88, 8},
	{"o4", 12, 96, 8},
	{"o5", 13, 104, 8},
	{"o6", 14, 112, 8},
	{"o7", 15, 120, 8},
	{"l0", 16, 128, 8},
	{"l1", 17, 136, 8},
	{"l2", 18, 144, 8},
	{"l3", 19, 152, 8},
	{"l4", 20, 160, 8},
	{"l5", 21, 168, 8},
	{"l6", 22, 176, 8},
	{"l7", 23, 184, 8},
	{"i0", 24, 192, 8},
	{"i1", 25, 200, 8},
	{"i2", 26, 208, 8},
	{"i3", 27, 216, 8},
	{"i4", 28, 224, 8},
	{"i5", 29, 232, 8},
	{"i6", 30, 240, 8},
	{"i7", 31, 248, 8},
	{"tstate", SNAP_DWARF_NONE, 256, 8},
	{"tpc", SNAP_DWARF_NONE, 264, 8},
	{"tnpc", SNAP_DWARF_NONE, 272, 8},
	{"y", SNAP_DWARF_NONE, 280, 8},
};

/*
 * m68k: struct user_regs_struct (arch/m68k/include/asm/user.h); DWARF numbers d0-d7, a0-a7, the
 * pc's 24 as gcc has it (gcc/config/m68k/m68k.h).
 */
static const struct snap_arch_reg m68k_regs[] = {
	{"d0", 0, 56, 4},
	{"d1", 1, 0, 4},
	{"d2", 2, 4, 4},
	{"d3", 3, 8, 4},
	{"d4", 4, 12, 4},
	{"d5", 5, 16, 4},
	{"d6", 6, 20, 4},
	{"d7", 7, 24, 4},
	{"a0", 8, 28, 4},
	{"a1", 9, 32, 4},
	{"a2", 10, 36, 4},
	{"a3", 11, 40, 4},
	{"a4", 12, 44, 4},
	{"a5", 13, 48, 4},
	{"a6", 14, 52, 4},
	{"a7", 15, 60, 4},
	{"sr", SNAP_DWARF_NONE, 70, 2},
	{"pc", 24, 72, 4},
	{"orig_d0", SNAP_DWARF_NONE, 64, 4},
};

static const struct snap_arch_frame_record x86_64_records[] = {{0, 8, true, 16}};
static const struct snap_arch_frame_record i386_records[] = {{0, 4, true, 8}};
/* AAPCS64, 6.4.6: a record is anywhere in its frame. */
static const struct snap_arch_frame_record aarch64_records[] = {{0, 8, false, 0}};
/* clang, and gcc's frames for Thumb; then gcc's for ARM code, whose fp points to the saved lr. */
static const struct snap_arch_frame_record arm_records[] = {{0, 4, true, 8}, {-4, 0, true, 4}};
/* RISC-V calling convention, "Frame pointer". */
/* r7 points to the record; where above it the frame ends, depends on the function. */
static const struct snap_arch_frame_record cortex_m_records[] = {{0, 4, false, 0}};
static const struct snap_arch_frame_record riscv64_records[] = {{-16, -8, true, 0}};
static const struct snap_arch_frame_record riscv32_records[] = {{-8, -4, true, 0}};

/*
 * What aarch64 has besides (the kernel's arch/arm64/kernel/ptrace.c, aarch64_regsets): the bits of
 * a pointer that hold its authentication code, to be stripped from signed return addresses (struct
 * user_pac_mask: of data, of instructions; one process's threads have the same); the thread
 * pointer, 8 bytes, 16 where there is TPIDR2; how tagged addresses are treated
 * (PR_TAGGED_ADDR_ENABLE and so on), and which keys are in use, 8 bytes each.
 */
static const uint32_t aarch64_regsets[] = {
	NT_ARM_PAC_MASK, NT_ARM_TLS, NT_ARM_TAGGED_ADDR_CTRL, NT_ARM_PAC_ENABLED_KEYS};
_Static_assert(ARRAY_LEN(aarch64_regsets) <= SNAP_ARCH_MAX_EXTRA_REGSETS, "no room");

/* Those of 32-bit processes: three struct user_desc (arch/x86/include/uapi/asm/ldt.h); the thread
 * pointer (arch/arm64/kernel/ptrace.c, aarch32_ptrace_regsets: by ptrace alone). */
static const uint32_t i386_regsets[] = {NT_386_TLS};
static const uint32_t arm_regsets[] = {NT_ARM_TLS};

/* The newer ones by number: include/uapi/linux/elf.h. */
#define ARM_SSVE     0x40b
#define ARM_ZA	     0x40c
#define ARM_ZT	     0x40d
#define ARM_FPMR     0x40e
#define RISCV_VECTOR 0x901

static const uint32_t x86_vectors[] = {NT_X86_XSTATE};
static const uint32_t i386_vectors[] = {NT_PRXFPREG, NT_X86_XSTATE};
static const uint32_t aarch64_vectors[] = {NT_ARM_SVE, ARM_SSVE, ARM_ZA, ARM_ZT, ARM_FPMR};
static const uint32_t arm_vectors[] = {NT_ARM_VFP};
static const uint32_t riscv64_vectors[] = {RISCV_VECTOR};
_Static_assert(ARRAY_LEN(aarch64_vectors) <= SNAP_ARCH_MAX_VECTOR_REGSETS, "no room");

#define REGS(table)    .regs = (table), .num_regs = ARRAY_LEN(table)
#define EXTRAS(table)  .extra_regsets = (table), .num_extra_regsets = ARRAY_LEN(table)
#define VECTORS(table) .vector_regsets = (table), .num_vector_regsets = ARRAY_LEN(table)
#define RECORDS(table) .frame_records = (table), .num_frame_records = ARRAY_LEN(table)

/* What both byte orders of a machine have in common. */
#define MIPS_64                                                                                    \
	.name = "mips64", .elf_machine = EM_MIPS, .elf_class = ELFCLASS64,                         \
	.support = SNAP_ARCH_LISTED, REGS(mips64_regs), .pc = 34, .sp = 29, .fp = 30, .lr = 31,    \
	.tp = SNAP_ARCH_NO_REG, .dwarf_ra = 31, .dwarf_sp = 29, .num_dwarf_regs = 32,              \
	.saved_reg_size = 8, .stack_align = 16, NOTES_64(360)
#define MIPS_32                                                                                    \
	.name = "mips", .elf_machine = EM_MIPS, .elf_class = ELFCLASS32,                           \
	.support = SNAP_ARCH_LISTED, REGS(mips_regs), .pc = 34, .sp = 29, .fp = 30, .lr = 31,      \
	.tp = SNAP_ARCH_NO_REG, .dwarf_ra = 31, .dwarf_sp = 29, .num_dwarf_regs = 32,              \
	.saved_reg_size = 4, .stack_align = 8, .prstatus_size = 256, .prstatus_cursig_off = 12,    \
	.prstatus_pid_off = 24, .prstatus_reg_off = 72, .prstatus_reg_size = 180,                  \
	.prpsinfo_size = 128, .prpsinfo_uid_off = 8, .prpsinfo_gid_off = 12,                       \
	.prpsinfo_uid_size = 4, .prpsinfo_pid_off = 16, .prpsinfo_fname_off = 32,                  \
	.prpsinfo_psargs_off = 48
#define PPC_64                                                                                     \
	.elf_machine = EM_PPC64, .elf_class = ELFCLASS64, .support = SNAP_ARCH_LISTED,             \
	REGS(ppc64_regs), .pc = 32, .sp = 1, .fp = 31, .lr = 36, .tp = SNAP_ARCH_NO_REG,           \
	.dwarf_ra = 65, .dwarf_sp = 1, .num_dwarf_regs = 32, .saved_reg_size = 8,                  \
	.stack_align = 16, NOTES_64(384)

static const struct snap_arch arches[] = {
	{
		.name = "x86_64",
		.elf_machine = EM_X86_64,
		.elf_class = ELFCLASS64,
		.elf_data = ELFDATA2LSB,
		.support = SNAP_ARCH_SUPPORTED,
		REGS(x86_64_regs),
		.pc = 16,
		.sp = 7,
		.fp = 6,
		.lr = SNAP_ARCH_NO_REG,
		.syscall = 18,
		.syscall_ret = 0,
		.syscall_args = {5, 4, 3, 10, 8, 9},
		.tp = 25,
		.dwarf_ra = 16,
		.dwarf_sp = 7,
		.num_dwarf_regs = 17,
		.saved_reg_size = 8,
		.call_pushes_ra = true,
		.red_zone = 128,
		.stack_align = 16,
		RECORDS(x86_64_records),
		VECTORS(x86_vectors),
		.ucontext_sp_off = 160,
		NOTES_64(216),
	},
	{
		.name = "aarch64",
		.elf_machine = EM_AARCH64,
		.elf_class = ELFCLASS64,
		.elf_data = ELFDATA2LSB,
		.support = SNAP_ARCH_SUPPORTED,
		REGS(aarch64_regs),
		.pc = 32,
		.sp = 31,
		.fp = 29,
		.lr = 30,
		.tp = SNAP_ARCH_NO_REG,
		.tp_regset = NT_ARM_TLS,
		.dwarf_ra = 30,
		.dwarf_sp = 31,
		.num_dwarf_regs = 32,
		.saved_reg_size = 8,
		.stack_align = 16,
		RECORDS(aarch64_records),
		EXTRAS(aarch64_regsets),
		VECTORS(aarch64_vectors),
		.ucontext_sp_off = 432,
		NOTES_64(272),
	},
	{
		.name = "i386",
		.elf_machine = EM_386,
		.elf_class = ELFCLASS32,
		.elf_data = ELFDATA2LSB,
		.support = SNAP_ARCH_SUPPORTED,
		REGS(i386_regs),
		.pc = 8,
		.sp = 7,
		.fp = 6,
		.lr = SNAP_ARCH_NO_REG,
		.syscall = 10,
		.syscall_ret = 0,
		.syscall_args = {1, 2, 3, 4, 5, 6},
		.tp = SNAP_ARCH_NO_REG,
		.tp_regset = NT_386_TLS,
		.dwarf_ra = 8,
		.dwarf_sp = 4,
		.num_dwarf_regs = 9,
		.saved_reg_size = 4,
		.call_pushes_ra = true,
		.stack_align = 4,
		RECORDS(i386_records),
		EXTRAS(i386_regsets),
		VECTORS(i386_vectors),
		.ucontext_sp_off = 48,
		NOTES_32(68),
	},
	{
		.name = "arm",
		.elf_machine = EM_ARM,
		.elf_class = ELFCLASS32,
		.elf_data = ELFDATA2LSB,
		.support = SNAP_ARCH_SUPPORTED,
		REGS(arm_regs),
		.pc = 15,
		.sp = 13,
		.fp = 11,
		.lr = 14,
		.tp = SNAP_ARCH_NO_REG,
		.tp_regset = NT_ARM_TLS,
		.dwarf_ra = 14,
		.dwarf_sp = 13,
		.num_dwarf_regs = 16,
		.saved_reg_size = 4,
		.stack_align = 8,
		.has_thumb_bit = true,
		RECORDS(arm_records),
		EXTRAS(arm_regsets),
		VECTORS(arm_vectors),
		.ucontext_sp_off = 84,
		NOTES_32(72),
	},
	{
		.name = "riscv64",
		.elf_machine = EM_RISCV,
		.elf_class = ELFCLASS64,
		.elf_data = ELFDATA2LSB,
		.support = SNAP_ARCH_SUPPORTED,
		REGS(riscv64_regs),
		.pc = 0,
		.sp = 2,
		.fp = 8,
		.lr = 1,
		.tp = 4,
		.dwarf_ra = 1,
		.dwarf_sp = 2,
		.num_dwarf_regs = 32,
		.saved_reg_size = 8,
		.stack_align = 16,
		RECORDS(riscv64_records),
		VECTORS(riscv64_vectors),
		.ucontext_sp_off = 192,
		NOTES_64(256),
	},
	{
		.name = "riscv32",
		.elf_machine = EM_RISCV,
		.elf_class = ELFCLASS32,
		.elf_data = ELFDATA2LSB,
		.support = SNAP_ARCH_SUPPORTED,
		REGS(riscv32_regs),
		.pc = 0,
		.sp = 2,
		.fp = 8,
		.lr = 1,
		.tp = 4,
		.dwarf_ra = 1,
		.dwarf_sp = 2,
		.num_dwarf_regs = 32,
		.saved_reg_size = 4,
		.stack_align = 16,
		RECORDS(riscv32_records),
		NOTES_32(128),
	},
	/* Found by its name alone: its ELF files are arm's. */
	{
		.name = "cortex-m",
		.elf_machine = EM_ARM,
		.elf_class = ELFCLASS32,
		.elf_data = ELFDATA2LSB,
		.support = SNAP_ARCH_SUPPORTED,
		REGS(cortex_m_regs),
		.pc = 15,
		.sp = 13,
		.fp = 7,
		.lr = 14,
		.tp = SNAP_ARCH_NO_REG,
		.dwarf_ra = 14,
		.dwarf_sp = 13,
		.num_dwarf_regs = 16,
		.saved_reg_size = 4,
		.stack_align = 8,
		.has_thumb_bit = true,
		.is_m_profile = true,
		RECORDS(cortex_m_records),
	},
	/*
	 * Only listed, and unwound where call frame information is at hand.
	 */
	{
		.name = "x32",
		.elf_machine = EM_X86_64,
		.elf_class = ELFCLASS32,
		.elf_data = ELFDATA2LSB,
		.support = SNAP_ARCH_LISTED,
		REGS(x86_64_regs),
		.pc = 16,
		.sp = 7,
		.fp = 6,
		.lr = SNAP_ARCH_NO_REG,
		.tp = 25,
		.dwarf_ra = 16,
		.dwarf_sp = 7,
		.num_dwarf_regs = 17,
		.saved_reg_size = 8,
		.call_pushes_ra = true,
		.red_zone = 128,
		.stack_align = 16,
		.ucontext_sp_off = 144,
		.prstatus_size = 296,
		.prstatus_cursig_off = 12,
		.prstatus_pid_off = 24,
		.prstatus_reg_off = 72,
		.prstatus_reg_size = 216,
		.prpsinfo_size = 124,
		.prpsinfo_uid_off = 8,
		.prpsinfo_gid_off = 10,
		.prpsinfo_uid_size = 2,
		.prpsinfo_pid_off = 12,
		.prpsinfo_fname_off = 28,
		.prpsinfo_psargs_off = 44,
	},
	{.elf_data = ELFDATA2MSB, MIPS_64},
	{.elf_data = ELFDATA2LSB, MIPS_64},
	{.elf_data = ELFDATA2MSB, MIPS_32},
	{.elf_data = ELFDATA2LSB, MIPS_32},
	{.name = "ppc64", .elf_data = ELFDATA2MSB, .red_zone = 288, PPC_64},
	{.name = "ppc64le", .elf_data = ELFDATA2LSB, .red_zone = 512, PPC_64},
	{
		.name = "s390x",
		.elf_machine = EM_S390,
		.elf_class = ELFCLASS64,
		.elf_data = ELFDATA2MSB,
		.support = SNAP_ARCH_LISTED,
		REGS(s390x_regs),
		.pc = 1,
		.sp = 17,
		.fp = 13,
		.lr = 16,
		.tp = SNAP_ARCH_NO_REG,
		.dwarf_ra = 14,
		.dwarf_sp = 15,
		.num_dwarf_regs = 16,
		.saved_reg_size = 8,
		.stack_align = 8,
		NOTES_64(216),
	},
	{
		.name = "sparc64",
		.elf_machine = EM_SPARCV9,
		.elf_class = ELFCLASS64,
		.elf_data = ELFDATA2MSB,
		.support = SNAP_ARCH_LISTED,
		REGS(sparc64_regs),
		.pc = 33,
		.sp = 14,
		.fp = 30,
		.lr = 15,
		.tp = 7,
		.dwarf_ra = 15,
		.dwarf_sp = 14,
		.num_dwarf_regs = 32,
		.saved_reg_size = 8,
		.return_off = 8,
		.stack_align = 16,
		NOTES_64(288),
	},
	{
		.name = "m68k",
		.elf_machine = EM_68K,
		.elf_class = ELFCLASS32,
		.elf_data = ELFDATA2MSB,
		.support = SNAP_ARCH_LISTED,
		REGS(m68k_regs),
		.pc = 17,
		.sp = 15,
		.fp = 14,
		.lr = SNAP_ARCH_NO_REG,
		.tp = SNAP_ARCH_NO_REG,
		.dwarf_ra = 24,
		.dwarf_sp = 15,
		.num_dwarf_regs = 16,
		.saved_reg_size = 4,
		.call_pushes_ra = true,
		.stack_align = 2,
		.prstatus_size = 154,
		.prstatus_cursig_off = 12,
		.prstatus_pid_off = 22,
		.prstatus_reg_off = 70,
		.prstatus_reg_size = 80,
		.prpsinfo_size = 124,
		.prpsinfo_uid_off = 8,
		.prpsinfo_gid_off = 10,
		.prpsinfo_uid_size = 2,
		.prpsinfo_pid_off = 12,
		.prpsinfo_fname_off = 28,
		.prpsinfo_psargs_off = 44,
	},
};

const struct snap_arch *snap_arch_find(uint32_t elf_machine, uint32_t elf_class, uint32_t elf_data)
{
	for (size_t i = 0; i < ARRAY_LEN(arches); i++)
		if (arches[i].elf_machine == elf_machine && arches[i].elf_class == elf_class &&
			arches[i].elf_data == elf_data)
			return &arches[i];
	return NULL;
}

const struct snap_arch *snap_arch_find_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(arches); i++)
		if (strcmp(arches[i].name, name) == 0)
			return &arches[i];
	return NULL;
}

const struct snap_arch *snap_arch_other_abi(const struct snap_arch *arch)
{
	static const struct {
		uint16_t wide, narrow;
	} pairs[] = {
		{EM_X86_64, EM_386},
		{EM_AARCH64, EM_ARM},
	};
	for (size_t i = 0; arch && i < ARRAY_LEN(pairs); i++) {
		if (arch->elf_machine == pairs[i].wide && arch->elf_class == ELFCLASS64)
			return snap_arch_find(pairs[i].narrow, ELFCLASS32, arch->elf_data);
		if (arch->elf_machine == pairs[i].narrow)
			return snap_arch_find(pairs[i].wide, ELFCLASS64, arch->elf_data);
	}
	return NULL;
}

uint64_t snap_arch_load(const struct snap_arch *arch, const void *bytes, unsigned int size)
{
	return snap_elf_load(bytes, size, arch->elf_data);
}

bool snap_arch_reg_get(const struct snap_arch *arch, unsigned int index, const void *pr_reg,
	size_t pr_reg_len, uint64_t *ret)
{
	if (index >= arch->num_regs)
		return false;
	const struct snap_arch_reg *reg = &arch->regs[index];
	if ((size_t)reg->offset + reg->size > pr_reg_len)
		return false;
	*ret = snap_arch_load(arch, (const uint8_t *)pr_reg + reg->offset, reg->size);
	return true;
}

size_t snap_arch_regs_len(const struct snap_arch *arch)
{
	size_t len = 0;
	for (unsigned int i = 0; i < arch->num_regs; i++)
		if ((size_t)arch->regs[i].offset + arch->regs[i].size > len)
			len = (size_t)arch->regs[i].offset + arch->regs[i].size;
	return len;
}

bool snap_arch_reg_set(const struct snap_arch *arch, unsigned int index, void *pr_reg,
	size_t pr_reg_len, uint64_t value)
{
	if (index >= arch->num_regs)
		return false;
	const struct snap_arch_reg *reg = &arch->regs[index];
	uint8_t *bytes = pr_reg;
	if ((size_t)reg->offset + reg->size > pr_reg_len)
		return false;
	for (unsigned int i = 0; i < reg->size; i++, value >>= 8)
		bytes[reg->offset + (arch->elf_data == ELFDATA2LSB ? i : reg->size - 1u - i)] =
			(uint8_t)value;
	return true;
}
