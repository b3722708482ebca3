/*
 * What the machine's own headers say of the notes in its cores, and of signal frames: compiled to
 * assembly and read there, never run. Each line "-> KEY NUMBER..." of the output is a fact, in the
 * words of arch_dump.c.
 */
#define _GNU_SOURCE /* names of registers in ucontext_t */
#include <stddef.h>
#include <sys/procfs.h>
#include <sys/user.h>
#include <ucontext.h>

#if defined __mips__
#include <asm/reg.h>
#elif !defined __x86_64__ && !defined __i386__ && !defined __sparc__ && !defined __m68k__
#include <asm/ptrace.h>
#endif

#define SIZE_OF(type, member) sizeof(((type *)0)->member)
#define SHOW(key, value)      __asm__ volatile("\n-> " key " %0" : : "i"((long)(value)))
/* A register in pr_reg: where it stands, and its bytes. */
#define REG(name, offset, size)                                                                    \
	__asm__ volatile("\n-> reg " name " %0 %1" : : "i"((long)(offset)), "i"((long)(size)))
/* The same of a member of a structure that has the layout of pr_reg. */
#define MEMBER(name, type, member) REG(name, offsetof(type, member), SIZE_OF(type, member))

void layout(void);
void layout(void)
{
	SHOW("prstatus_size", sizeof(struct elf_prstatus));
	SHOW("prstatus_cursig_off", offsetof(struct elf_prstatus, pr_cursig));
	SHOW("prstatus_pid_off", offsetof(struct elf_prstatus, pr_pid));
	SHOW("prstatus_reg_off", offsetof(struct elf_prstatus, pr_reg));
	SHOW("prstatus_reg_size", SIZE_OF(struct elf_prstatus, pr_reg));
	SHOW("prpsinfo_size", sizeof(struct elf_prpsinfo));
	SHOW("prpsinfo_uid_off", offsetof(struct elf_prpsinfo, pr_uid));
	SHOW("prpsinfo_gid_off", offsetof(struct elf_prpsinfo, pr_gid));
	SHOW("prpsinfo_uid_size", SIZE_OF(struct elf_prpsinfo, pr_uid));
	SHOW("prpsinfo_pid_off", offsetof(struct elf_prpsinfo, pr_pid));
	SHOW("prpsinfo_fname_off", offsetof(struct elf_prpsinfo, pr_fname));
	SHOW("prpsinfo_psargs_off", offsetof(struct elf_prpsinfo, pr_psargs));

	/* Where our tables have it: glibc's ucontext_t begins as the kernel's does. */
#define CONTEXT_SP(member) SHOW("ucontext_sp_off", offsetof(ucontext_t, uc_mcontext.member))
#if defined __x86_64__
	CONTEXT_SP(gregs[REG_RSP]);
#elif defined __i386__
	CONTEXT_SP(gregs[REG_ESP]);
#elif defined __aarch64__
	CONTEXT_SP(sp);
#elif defined __arm__
	CONTEXT_SP(arm_sp);
#elif defined __riscv
	CONTEXT_SP(__gregs[REG_SP]);
#endif

#define USER(name) MEMBER(#name, struct user_regs_struct, name)
#if defined __x86_64__
	USER(r15);
	USER(r14);
	USER(r13);
	USER(r12);
	USER(rbp);
	USER(rbx);
	USER(r11);
	USER(r10);
	USER(r9);
	USER(r8);
	USER(rax);
	USER(rcx);
	USER(rdx);
	USER(rsi);
	USER(rdi);
	USER(orig_rax);
	USER(rip);
	USER(cs);
	USER(eflags);
	USER(rsp);
	USER(ss);
	USER(fs_base);
	USER(gs_base);
	USER(ds);
	USER(es);
	USER(fs);
	USER(gs);
#elif defined __i386__
#define SEGMENT(name) MEMBER(#name, struct user_regs_struct, x##name)
	USER(ebx);
	USER(ecx);
	USER(edx);
	USER(esi);
	USER(edi);
	USER(ebp);
	USER(eax);
	USER(orig_eax);
	USER(eip);
	USER(eflags);
	USER(esp);
	SEGMENT(ds);
	SEGMENT(es);
	SEGMENT(fs);
	SEGMENT(gs);
	SEGMENT(cs);
	SEGMENT(ss);
#elif defined __aarch64__
#define X(n) MEMBER("x" #n, struct user_regs_struct, regs[n])
	X(0);
	X(1);
	X(2);
	X(3);
	X(4);
	X(5);
	X(6);
	X(7);
	X(8);
	X(9);
	X(10);
	X(11);
	X(12);
	X(13);
	X(14);
	X(15);
	X(16);
	X(17);
	X(18);
	X(19);
	X(20);
	X(21);
	X(22);
	X(23);
	X(24);
	X(25);
	X(26);
	X(27);
	X(28);
	X(29);
	X(30);
	USER(sp);
	USER(pc);
	USER(pstate);
#elif defined __arm__
/* ARM_r0 is uregs[0]. */
#define U(name, member) MEMBER(name, struct pt_regs, member)
	U("r0", ARM_r0);
	U("r1", ARM_r1);
	U("r2", ARM_r2);
	U("r3", ARM_r3);
	U("r4", ARM_r4);
	U("r5", ARM_r5);
	U("r6", ARM_r6);
	U("r7", ARM_r7);
	U("r8", ARM_r8);
	U("r9", ARM_r9);
	U("r10", ARM_r10);
	U("fp", ARM_fp);
	U("ip", ARM_ip);
	U("sp", ARM_sp);
	U("lr", ARM_lr);
	U("pc", ARM_pc);
	U("cpsr", ARM_cpsr);
	U("orig_r0", ARM_ORIG_r0);
#elif defined __riscv
	USER(pc);
	USER(ra);
	USER(sp);
	USER(gp);
	USER(tp);
	USER(t0);
	USER(t1);
	USER(t2);
	USER(s0);
	USER(s1);
	USER(a0);
	USER(a1);
	USER(a2);
	USER(a3);
	USER(a4);
	USER(a5);
	USER(a6);
	USER(a7);
	USER(s2);
	USER(s3);
	USER(s4);
	USER(s5);
	USER(s6);
	USER(s7);
	USER(s8);
	USER(s9);
	USER(s10);
	USER(s11);
	USER(t3);
	USER(t4);
	USER(t5);
	USER(t6);
#elif defined __mips__
#define WORD	    sizeof(elf_greg_t)
#define E(name, ef) REG(name, (ef)*WORD, WORD)
	E("zero", EF_R0);
	E("at", EF_R1);
	E("v0", EF_R2);
	E("v1", EF_R3);
	E("a0", EF_R4);
	E("a1", EF_R5);
	E("a2", EF_R6);
	E("a3", EF_R7);
	E("s0", EF_R16);
	E("s1", EF_R17);
	E("s2", EF_R18);
	E("s3", EF_R19);
	E("s4", EF_R20);
	E("s5", EF_R21);
	E("s6", EF_R22);
	E("s7", EF_R23);
	E("t8", EF_R24);
	E("t9", EF_R25);
	E("k0", EF_R26);
	E("k1", EF_R27);
	E("gp", EF_R28);
	E("sp", EF_R29);
	E("fp", EF_R30);
	E("ra", EF_R31);
	E("lo", EF_LO);
	E("hi", EF_HI);
	E("pc", EF_CP0_EPC);
	E("badvaddr", EF_CP0_BADVADDR);
	E("status", EF_CP0_STATUS);
	E("cause", EF_CP0_CAUSE);
#ifdef __mips64
	E("a4", EF_R8);
	E("a5", EF_R9);
	E("a6", EF_R10);
	E("a7", EF_R11);
	E("t0", EF_R12);
	E("t1", EF_R13);
	E("t2", EF_R14);
	E("t3", EF_R15);
#else
	E("t0", EF_R8);
	E("t1", EF_R9);
	E("t2", EF_R10);
	E("t3", EF_R11);
	E("t4", EF_R12);
	E("t5", EF_R13);
	E("t6", EF_R14);
	E("t7", EF_R15);
#endif
#elif defined __powerpc64__
#define P(name, member) MEMBER(name, struct pt_regs, member)
#define G(n)		P("r" #n, gpr[n])
	G(0);
	G(1);
	G(2);
	G(3);
	G(4);
	G(5);
	G(6);
	G(7);
	G(8);
	G(9);
	G(10);
	G(11);
	G(12);
	G(13);
	G(14);
	G(15);
	G(16);
	G(17);
	G(18);
	G(19);
	G(20);
	G(21);
	G(22);
	G(23);
	G(24);
	G(25);
	G(26);
	G(27);
	G(28);
	G(29);
	G(30);
	G(31);
	P("nip", nip);
	P("msr", msr);
	P("orig_gpr3", orig_gpr3);
	P("ctr", ctr);
	P("lr", link);
	P("xer", xer);
	P("ccr", ccr);
	P("softe", softe);
	P("trap", trap);
	P("dar", dar);
	P("dsisr", dsisr);
	P("result", result);
#elif defined __s390x__
#define S(name, member) MEMBER(name, s390_regs, member)
#define G(n)		S("r" #n, gprs[n])
	S("pswm", psw.mask);
	S("pswa", psw.addr);
	G(0);
	G(1);
	G(2);
	G(3);
	G(4);
	G(5);
	G(6);
	G(7);
	G(8);
	G(9);
	G(10);
	G(11);
	G(12);
	G(13);
	G(14);
	G(15);
	S("orig_gpr2", orig_gpr2);
#elif defined __m68k__
	USER(d1);
	USER(d2);
	USER(d3);
	USER(d4);
	USER(d5);
	USER(d6);
	USER(d7);
	USER(a0);
	USER(a1);
	USER(a2);
	USER(a3);
	USER(a4);
	USER(a5);
	USER(a6);
	USER(d0);
	USER(orig_d0);
	USER(sr);
	USER(pc);
	MEMBER("a7", struct user_regs_struct, usp);
#elif defined __sparc__
	/* No header of the user's has the order (the kernel's arch/sparc/include/asm/elf_64.h). */
#else
#error "no registers for this machine"
#endif
}
