/*
 * Instructions decoded: text, what they access and where, by tables that were worked out by hand
 * from the machines' manuals. The bytes are assemblers', and the texts were compared with what
 * objdump says of them.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <elf.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "analyze/crash.h"
#include "analyze/explain/disassembler.h"
#include "analyze/explain/explain.h"
#include "analyze/explain/instruction.h"
#include "analyze/explain/riscv_code.h"
#include "analyze/explain/trap.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Where all instructions stand. */
#define ADDR 0x401000

enum machine {
	X86_64,
	I386,
	AARCH64,
	ARM,
	THUMB,
	RISCV64,
};

static const struct {
	uint16_t machine;
	uint8_t elf_class;
} machines[] = {
	[X86_64] = {EM_X86_64, ELFCLASS64},
	[I386] = {EM_386, ELFCLASS32},
	[AARCH64] = {EM_AARCH64, ELFCLASS64},
	[ARM] = {EM_ARM, ELFCLASS32},
	[THUMB] = {EM_ARM, ELFCLASS32},
	[RISCV64] = {EM_RISCV, ELFCLASS64},
};

/* What the registers hold; all others 0. */
static const struct {
	const char *name;
	uint64_t value;
} values[] = {
	{"rax", 0x1000},
	{"rbx", 0x2000},
	{"rcx", 3},
	{"rdx", 5},
	{"rsi", 0x3000},
	{"rdi", 0x4000},
	{"rsp", 0x7000},
	{"rbp", 0x8000},
	{"r8", 0x9000},
	{"r9", 0xa000},
	{"fs_base", 0x70000},
	{"eax", 0x1000},
	{"edx", 5},
	{"esp", 0x7000},
	{"ebp", 0x8000},
	{"esi", 0x3000},
	{"edi", 0x4000},
	{"x0", 0x1000},
	{"x1", 0x2000},
	{"x2", 3},
	{"x29", 0x8000},
	{"x30", 0x10},
	{"sp", 0x7000},
	{"r0", 0x1000},
	{"r1", 0x2000},
	{"r2", 3},
	{"r4", 0x5000},
	{"a0", 0x1000},
	{"a1", 0x2000},
	{"a4", 0x3000},
	{"a5", 0x4000},
	{"t0", 0x6000},
};

/* Accesses: r(ead), w(ritten), u(pdated), size, address (? not known), alignment that is demanded.
 */
static const struct row {
	enum machine machine;
	const char *bytes;
	size_t len;
	const char *text, *accesses;
	enum snap_action action;
} rows[] = {
	/* clang-format off */
	{X86_64, "\x89\x70\x08", 3, "mov dword ptr [rax + 8], esi", "w4@1008", SNAP_ACTION_OTHER},
	{X86_64, "\x8b\x44\xc8\x10", 4, "mov eax, dword ptr [rax + rcx*8 + 0x10]", "r4@1028", SNAP_ACTION_OTHER},
	{X86_64, "\x48\x8b\x05\x10\x00\x00\x00", 7, "mov rax, qword ptr [rip + 0x10]", "r8@401017", SNAP_ACTION_OTHER},
	{X86_64, "\x64\x48\x8b\x04\x25\x28\x00\x00\x00", 9, "mov rax, qword ptr fs:[0x28]", "r8@70028", SNAP_ACTION_OTHER},
	{X86_64, "\x8b\x43\xfc", 3, "mov eax, dword ptr [rbx - 4]", "r4@1ffc", SNAP_ACTION_OTHER},
	{X86_64, "\x0f\xb6\x07", 3, "movzx eax, byte ptr [rdi]", "r1@4000", SNAP_ACTION_OTHER},
	{X86_64, "\x0f\xbf\x04\x17", 4, "movsx eax, word ptr [rdi + rdx]", "r2@4005", SNAP_ACTION_OTHER},
	{X86_64, "\x48\x01\x03", 3, "add qword ptr [rbx], rax", "u8@2000", SNAP_ACTION_OTHER},
	{X86_64, "\x48\x03\x03", 3, "add rax, qword ptr [rbx]", "r8@2000", SNAP_ACTION_OTHER},
	{X86_64, "\x48\x83\x38\x00", 4, "cmp qword ptr [rax], 0", "r8@1000", SNAP_ACTION_OTHER},
	{X86_64, "\xf6\x40\x01\x01", 4, "test byte ptr [rax + 1], 1", "r1@1001", SNAP_ACTION_OTHER},
	{X86_64, "\xff\x06", 2, "inc dword ptr [rsi]", "u4@3000", SNAP_ACTION_OTHER},
	{X86_64, "\xf0\x48\x0f\xb1\x0b", 5, "lock cmpxchg qword ptr [rbx], rcx", "u8@2000", SNAP_ACTION_OTHER},
	{X86_64, "\xf0\x0f\xc1\x0b", 4, "lock xadd dword ptr [rbx], ecx", "u4@2000", SNAP_ACTION_OTHER},
	{X86_64, "\x48\x87\x03", 3, "xchg qword ptr [rbx], rax", "u8@2000", SNAP_ACTION_OTHER},
	{X86_64, "\x0f\x94\x00", 3, "sete byte ptr [rax]", "w1@1000", SNAP_ACTION_OTHER},
	{X86_64, "\x50", 1, "push rax", "w8@6ff8", SNAP_ACTION_OTHER},
	{X86_64, "\xff\x30", 2, "push qword ptr [rax]", "r8@1000 w8@6ff8", SNAP_ACTION_OTHER},
	{X86_64, "\x5b", 1, "pop rbx", "r8@7000", SNAP_ACTION_OTHER},
	{X86_64, "\x8f\x00", 2, "pop qword ptr [rax]", "w8@1000 r8@7000", SNAP_ACTION_OTHER},
	{X86_64, "\xff\x50\x08", 3, "call qword ptr [rax + 8]", "r8@1008 w8@6ff8", SNAP_ACTION_CALL},
	{X86_64, "\xff\xd0", 2, "call rax", "w8@6ff8", SNAP_ACTION_CALL},
	{X86_64, "\xff\x23", 2, "jmp qword ptr [rbx]", "r8@2000", SNAP_ACTION_JUMP},
	{X86_64, "\xc3", 1, "ret", "r8@7000", SNAP_ACTION_RETURN},
	{X86_64, "\xc9", 1, "leave", "r8@8000", SNAP_ACTION_OTHER},
	{X86_64, "\xf3\xa4", 2, "rep movsb byte ptr [rdi], byte ptr [rsi]", "w1@4000 r1@3000", SNAP_ACTION_OTHER},
	{X86_64, "\xf3\x48\xab", 3, "rep stosq qword ptr [rdi], rax", "w8@4000", SNAP_ACTION_OTHER},
	{X86_64, "\x48\xa5", 2, "movsq qword ptr [rdi], qword ptr [rsi]", "w8@4000 r8@3000", SNAP_ACTION_OTHER},
	{X86_64, "\xa6", 1, "cmpsb byte ptr [rsi], byte ptr [rdi]", "r1@3000 r1@4000", SNAP_ACTION_OTHER},
	{X86_64, "\xae", 1, "scasb al, byte ptr [rdi]", "r1@4000", SNAP_ACTION_OTHER},
	{X86_64, "\x0f\x28\x00", 3, "movaps xmm0, xmmword ptr [rax]", "r16@1000/16", SNAP_ACTION_OTHER},
	{X86_64, "\x0f\x29\x00", 3, "movaps xmmword ptr [rax], xmm0", "w16@1000/16", SNAP_ACTION_OTHER},
	{X86_64, "\xd7", 1, "xlatb", "r1@2000", SNAP_ACTION_OTHER},
	{X86_64, "\x67\xd7", 2, "xlatb", "r1@2000", SNAP_ACTION_OTHER},
	{I386, "\xd7", 1, "xlatb", "r1@0", SNAP_ACTION_OTHER},
	{X86_64, "\xc4\xe2\xf5\x91\x1c\xd0", 6, "vpgatherqq ymm3, qword ptr [rax + ymm2*8], ymm1", "r8@?", SNAP_ACTION_OTHER},
	{X86_64, "\xc4\xe2\x71\x90\x1c\x90", 6, "vpgatherdd xmm3, dword ptr [rax + xmm2*4], xmm1", "r4@?", SNAP_ACTION_OTHER},
	{X86_64, "\xc4\xe2\x75\x92\x1c\x90", 6, "vgatherdps ymm3, dword ptr [rax + ymm2*4], ymm1", "r4@?", SNAP_ACTION_OTHER},
	{X86_64, "\xc4\xe2\xf5\x92\x1c\xd0", 6, "vgatherdpd ymm3, qword ptr [rax + xmm2*8], ymm1", "r8@?", SNAP_ACTION_OTHER},
	{X86_64, "\x62\xf2\x7d\x49\x90\x1c\x88", 7, "vpgatherdd zmm3 {k1}, dword ptr [rax + zmm1*4]", "r4@?", SNAP_ACTION_OTHER},
	{X86_64, "\x0f\x11\x00", 3, "movups xmmword ptr [rax], xmm0", "w16@1000", SNAP_ACTION_OTHER},
	{X86_64, "\xf3\x0f\x6f\x08", 4, "movdqu xmm1, xmmword ptr [rax]", "r16@1000", SNAP_ACTION_OTHER},
	{X86_64, "\x66\x0f\x7f\x04\x24", 5, "movdqa xmmword ptr [rsp], xmm0", "w16@7000/16", SNAP_ACTION_OTHER},
	{X86_64, "\x66\x0f\xd6\x00", 4, "movq qword ptr [rax], xmm0", "w8@1000", SNAP_ACTION_OTHER},
	{X86_64, "\xf2\x0f\x11\x00", 4, "movsd qword ptr [rax], xmm0", "w8@1000", SNAP_ACTION_OTHER},
	{X86_64, "\xf3\x0f\x10\x00", 4, "movss xmm0, dword ptr [rax]", "r4@1000", SNAP_ACTION_OTHER},
	{X86_64, "\x66\x0f\xfe\x00", 4, "paddd xmm0, xmmword ptr [rax]", "r16@1000/16", SNAP_ACTION_OTHER},
	{X86_64, "\xf2\x0f\x58\x00", 4, "addsd xmm0, qword ptr [rax]", "r8@1000", SNAP_ACTION_OTHER},
	{X86_64, "\xf2\x0f\x2a\x00", 4, "cvtsi2sd xmm0, dword ptr [rax]", "r4@1000", SNAP_ACTION_OTHER},
	{X86_64, "\xc5\xfc\x28\x00", 4, "vmovaps ymm0, ymmword ptr [rax]", "r32@1000/32", SNAP_ACTION_OTHER},
	{X86_64, "\xc5\xfe\x7f\x00", 4, "vmovdqu ymmword ptr [rax], ymm0", "w32@1000", SNAP_ACTION_OTHER},
	{X86_64, "\xc5\xf5\xfe\x00", 4, "vpaddd ymm0, ymm1, ymmword ptr [rax]", "r32@1000", SNAP_ACTION_OTHER},
	{X86_64, "\x62\xe1\x7f\x28\x6f\x06", 6, "vmovdqu8 ymm16, ymmword ptr [rsi]", "r32@3000", SNAP_ACTION_OTHER},
	{X86_64, "\x62\xe1\xfe\x28\x7f\x47\x02", 7, "vmovdqu64 ymmword ptr [rdi + 0x40], ymm16", "w32@4040", SNAP_ACTION_OTHER},
	{X86_64, "\x66\x0f\xe7\x07", 4, "movntdq xmmword ptr [rdi], xmm0", "w16@4000/16", SNAP_ACTION_OTHER},
	{X86_64, "\xdd\x00", 2, "fld qword ptr [rax]", "r8@1000", SNAP_ACTION_OTHER},
	{X86_64, "\xdd\x18", 2, "fstp qword ptr [rax]", "w8@1000", SNAP_ACTION_OTHER},
	{X86_64, "\xdb\x10", 2, "fist dword ptr [rax]", "w4@1000", SNAP_ACTION_OTHER},
	{X86_64, "\xd9\x38", 2, "fnstcw word ptr [rax]", "w2@1000", SNAP_ACTION_OTHER},
	{X86_64, "\xd9\x28", 2, "fldcw word ptr [rax]", "r2@1000", SNAP_ACTION_OTHER},
	{X86_64, "\x0f\xae\x10", 3, "ldmxcsr dword ptr [rax]", "r4@1000", SNAP_ACTION_OTHER},
	{X86_64, "\x0f\xae\x18", 3, "stmxcsr dword ptr [rax]", "w4@1000", SNAP_ACTION_OTHER},
	{X86_64, "\x0f\xae\x00", 3, "fxsave [rax]", "w512@1000/16", SNAP_ACTION_OTHER},
	{X86_64, "\x48\x8d\x40\x08", 4, "lea rax, [rax + 8]", "", SNAP_ACTION_OTHER},
	{X86_64, "\x0f\x1f\x00", 3, "nop dword ptr [rax]", "", SNAP_ACTION_OTHER},
	{X86_64, "\x0f\x18\x08", 3, "prefetcht0 byte ptr [rax]", "", SNAP_ACTION_OTHER},
	{X86_64, "\x48\x6b\x03\x03", 4, "imul rax, qword ptr [rbx], 3", "r8@2000", SNAP_ACTION_OTHER},
	{X86_64, "\xf7\xf9", 2, "idiv ecx", "", SNAP_ACTION_DIVIDE},
	{X86_64, "\xf7\x3b", 2, "idiv dword ptr [rbx]", "r4@2000", SNAP_ACTION_DIVIDE},
	{X86_64, "\x48\xf7\xf1", 3, "div rcx", "", SNAP_ACTION_DIVIDE},
	{X86_64, "\x48\xf7\x18", 3, "neg qword ptr [rax]", "u8@1000", SNAP_ACTION_OTHER},
	{X86_64, "\x0f\xba\x20\x03", 4, "bt dword ptr [rax], 3", "r4@1000", SNAP_ACTION_OTHER},
	{X86_64, "\x0f\xba\x28\x03", 4, "bts dword ptr [rax], 3", "u4@1000", SNAP_ACTION_OTHER},
	{X86_64, "\xd1\x20", 2, "shl dword ptr [rax], 1", "u4@1000", SNAP_ACTION_OTHER},
	{X86_64, "\x67\x8b\x47\x04", 4, "mov eax, dword ptr [edi + 4]", "r4@4004", SNAP_ACTION_OTHER},
	{X86_64, "\x48\x0f\x38\xf0\x00", 5, "movbe rax, qword ptr [rax]", "r8@1000", SNAP_ACTION_OTHER},
	{X86_64, "\x67\x0f\xb9\x40\x12", 5, "ud1 eax, dword ptr [eax + 0x12]", "", SNAP_ACTION_OTHER},
	{X86_64, "\x67\x0f\xb9\x00", 4, "ud1 eax, dword ptr [eax]", "", SNAP_ACTION_OTHER},
	{X86_64, "\xf4", 1, "hlt", "", SNAP_ACTION_PRIVILEGED},
	{X86_64, "\xfa", 1, "cli", "", SNAP_ACTION_PRIVILEGED},
	{X86_64, "\xe4\x61", 2, "in al, 0x61", "", SNAP_ACTION_PRIVILEGED},
	{X86_64, "\x0f\x32", 2, "rdmsr", "", SNAP_ACTION_PRIVILEGED},
	{X86_64, "\x0f\x20\xc0", 3, "mov rax, cr0", "", SNAP_ACTION_PRIVILEGED},
	{X86_64, "\xcd\x20", 2, "int 0x20", "", SNAP_ACTION_PRIVILEGED},
	{X86_64, "\x8e\xd8", 2, "mov ds, eax", "", SNAP_ACTION_SEGMENT},
	{X86_64, "\x8e\x18", 2, "mov ds, word ptr [rax]", "r2@1000", SNAP_ACTION_SEGMENT},
	{X86_64, "\x8c\xd8", 2, "mov eax, ds", "", SNAP_ACTION_OTHER},
	{X86_64, "\x48\xcf", 2, "iretq", "", SNAP_ACTION_SEGMENT},
	{X86_64, "\x62\xf1\x7d\x20\x74\x07", 6, "vpcmpeqb k0, ymm16, ymmword ptr [rdi]", "r32@4000", SNAP_ACTION_OTHER},
	{X86_64, "\x62\xf1\x7d\x20\x74\x4f\x02", 7, "vpcmpeqb k1, ymm16, ymmword ptr [rdi + 0x40]", "r32@4040", SNAP_ACTION_OTHER},
	{X86_64, "\x62\xf3\x75\x21\x3f\x04\x16\x04", 8, "vpcmpb k0 {k1}, ymm17, ymmword ptr [rsi + rdx], 4", "r32@3005", SNAP_ACTION_OTHER},
	{X86_64, "\x62\xe3\x6d\x20\x25\x4f\x01\xde", 8, "vpternlogd ymm17, ymm18, ymmword ptr [rdi + 0x20], 222", "r32@4020", SNAP_ACTION_OTHER},
	{X86_64, "\x48\x0f\xc7\x0e", 4, "cmpxchg16b xmmword ptr [rsi]", "u16@3000/16", SNAP_ACTION_OTHER},
	{X86_64, "\x66\x0f\x3a\x14\x00\x01", 6, "pextrb byte ptr [rax], xmm0, 1", "w1@1000", SNAP_ACTION_OTHER},
	{X86_64, "\x83\x30\x01", 3, "xor dword ptr [rax], 1", "u4@1000", SNAP_ACTION_OTHER},
	{X86_64, "\xf6\x10", 2, "not byte ptr [rax]", "u1@1000", SNAP_ACTION_OTHER},
	{X86_64, "\x43\xc6\x04\x48\x01", 5, "mov byte ptr [r8 + r9*2], 1", "w1@1d000", SNAP_ACTION_OTHER},
	{X86_64, "\x66\x89\x00", 3, "mov word ptr [rax], ax", "w2@1000", SNAP_ACTION_OTHER},
	{X86_64, "\xa0\x88\x77\x66\x55\x44\x33\x22\x11", 9, "movabs al, byte ptr [0x1122334455667788]", "r1@1122334455667788", SNAP_ACTION_OTHER},
	{X86_64, "\xc8\x10\x00\x00", 4, "enter 0x10, 0", "", SNAP_ACTION_OTHER},
	{I386, "\x8b\x04\x90", 3, "mov eax, dword ptr [eax + edx*4]", "r4@1014", SNAP_ACTION_OTHER},
	{I386, "\x53", 1, "push ebx", "w4@6ffc", SNAP_ACTION_OTHER},
	{I386, "\x8f\x00", 2, "pop dword ptr [eax]", "w4@1000 r4@7000", SNAP_ACTION_OTHER},
	{I386, "\xff\x10", 2, "call dword ptr [eax]", "r4@1000 w4@6ffc", SNAP_ACTION_CALL},
	{I386, "\x88\x44\x24\x08", 4, "mov byte ptr [esp + 8], al", "w1@7008", SNAP_ACTION_OTHER},
	{I386, "\x8b\x45\xfc", 3, "mov eax, dword ptr [ebp - 4]", "r4@7ffc", SNAP_ACTION_OTHER},
	{I386, "\x65\xa1\x14\x00\x00\x00", 6, "mov eax, dword ptr gs:[0x14]", "r4@?", SNAP_ACTION_OTHER},
	{I386, "\xa1\x08\x00\x00\x00", 5, "mov eax, dword ptr [8]", "r4@8", SNAP_ACTION_OTHER},
	{I386, "\xf3\xa5", 2, "rep movsd dword ptr es:[edi], dword ptr [esi]", "w4@4000 r4@3000", SNAP_ACTION_OTHER},
	{I386, "\xf7\xf9", 2, "idiv ecx", "", SNAP_ACTION_DIVIDE},
	{I386, "\xc3", 1, "ret", "r4@7000", SNAP_ACTION_RETURN},
	{I386, "\xc9", 1, "leave", "r4@8000", SNAP_ACTION_OTHER},
	{I386, "\x0f\x29\x00", 3, "movaps xmmword ptr [eax], xmm0", "w16@1000/16", SNAP_ACTION_OTHER},
	{I386, "\x8b\x40\xf8", 3, "mov eax, dword ptr [eax - 8]", "r4@ff8", SNAP_ACTION_OTHER},
	{AARCH64, "\x00\xd8\x61\xb8", 4, "ldr w0, [x0, w1, sxtw #2]", "r4@9000", SNAP_ACTION_OTHER},
	{AARCH64, "\x20\x04\x40\xf9", 4, "ldr x0, [x1, #8]", "r8@2008", SNAP_ACTION_OTHER},
	{AARCH64, "\x20\x84\x40\xf8", 4, "ldr x0, [x1], #8", "r8@2000", SNAP_ACTION_OTHER},
	{AARCH64, "\x20\x8c\x00\xf8", 4, "str x0, [x1, #8]!", "w8@2008", SNAP_ACTION_OTHER},
	{AARCH64, "\x20\x00\x40\x39", 4, "ldrb w0, [x1]", "r1@2000", SNAP_ACTION_OTHER},
	{AARCH64, "\x20\x68\x22\x38", 4, "strb w0, [x1, x2]", "w1@2003", SNAP_ACTION_OTHER},
	{AARCH64, "\x20\x04\x80\xb9", 4, "ldrsw x0, [x1, #4]", "r4@2004", SNAP_ACTION_OTHER},
	{AARCH64, "\x20\x00\xc0\x79", 4, "ldrsh w0, [x1]", "r2@2000", SNAP_ACTION_OTHER},
	{AARCH64, "\x02\x04\x00\x79", 4, "strh w2, [x0, #2]", "w2@1002", SNAP_ACTION_OTHER},
	{AARCH64, "\xfd\x7b\xc1\xa8", 4, "ldp x29, x30, [sp], #0x10", "r16@7000", SNAP_ACTION_OTHER},
	{AARCH64, "\xfd\x7b\xbf\xa9", 4, "stp x29, x30, [sp, #-0x10]!", "w16@6ff0", SNAP_ACTION_OTHER},
	{AARCH64, "\x00\x04\x00\x29", 4, "stp w0, w1, [x0]", "w8@1000", SNAP_ACTION_OTHER},
	{AARCH64, "\x00\x04\xc0\x3d", 4, "ldr q0, [x0, #0x10]", "r16@1010", SNAP_ACTION_OTHER},
	{AARCH64, "\x00\x04\x00\xad", 4, "stp q0, q1, [x0]", "w32@1000", SNAP_ACTION_OTHER},
	{AARCH64, "\x20\x80\x5f\xf8", 4, "ldur x0, [x1, #-8]", "r8@1ff8", SNAP_ACTION_OTHER},
	{AARCH64, "\x20\x7c\x5f\xc8", 4, "ldxr x0, [x1]", "r8@2000", SNAP_ACTION_OTHER},
	{AARCH64, "\x20\x7c\x02\xc8", 4, "stxr w2, x0, [x1]", "w8@2000", SNAP_ACTION_OTHER},
	{AARCH64, "\x20\xfc\x5f\x08", 4, "ldaxrb w0, [x1]", "r1@2000", SNAP_ACTION_OTHER},
	{AARCH64, "\x20\xfc\x9f\x88", 4, "stlr w0, [x1]", "w4@2000", SNAP_ACTION_OTHER},
	{AARCH64, "\x22\x7c\xa0\x88", 4, "cas w0, w2, [x1]", "u4@2000", SNAP_ACTION_OTHER},
	{AARCH64, "\x22\xfc\xe0\xc8", 4, "casal x0, x2, [x1]", "u8@2000", SNAP_ACTION_OTHER},
	{AARCH64, "\xe2\x7f\xe0\x08", 4, "casab w0, w2, [sp]", "u1@7000", SNAP_ACTION_OTHER},
	{AARCH64, "\x3f\xfc\xa3\x48", 4, "caslh w3, wzr, [x1]", "u2@2000", SNAP_ACTION_OTHER},
	{AARCH64, "\x22\x7c\x20\x48", 4, "casp x0, x1, x2, x3, [x1]", "u16@2000", SNAP_ACTION_OTHER},
	{AARCH64, "\x26\xfc\x64\x08", 4, "caspal w4, w5, w6, w7, [x1]", "u8@2000", SNAP_ACTION_OTHER},
	{AARCH64, "\x22\x00\x20\xf8", 4, "ldadd x0, x2, [x1]", "u8@2000", SNAP_ACTION_OTHER},
	{AARCH64, "\x22\x00\xe0\xb8", 4, "ldaddal w0, w2, [x1]", "u4@2000", SNAP_ACTION_OTHER},
	{AARCH64, "\x22\x10\xa0\x38", 4, "ldclrab w0, w2, [x1]", "u1@2000", SNAP_ACTION_OTHER},
	{AARCH64, "\x22\x30\x60\x78", 4, "ldsetlh w0, w2, [x1]", "u2@2000", SNAP_ACTION_OTHER},
	{AARCH64, "\x22\x70\x20\xf8", 4, "ldumin x0, x2, [x1]", "u8@2000", SNAP_ACTION_OTHER},
	{AARCH64, "\x3f\x00\x20\xf8", 4, "stadd x0, [x1]", "u8@2000", SNAP_ACTION_OTHER},
	{AARCH64, "\x3f\x40\x60\xb8", 4, "stsmaxl w0, [x1]", "u4@2000", SNAP_ACTION_OTHER},
	{AARCH64, "\x22\x80\x20\xf8", 4, "swp x0, x2, [x1]", "u8@2000", SNAP_ACTION_OTHER},
	{AARCH64, "\x3f\x80\xe0\xb8", 4, "swpal w0, wzr, [x1]", "u4@2000", SNAP_ACTION_OTHER},
	{AARCH64, "\x00\x78\x61\xf8", 4, "ldr x0, [x0, x1, lsl #3]", "r8@11000", SNAP_ACTION_OTHER},
	{AARCH64, "\x00\x00\x40\xfd", 4, "ldr d0, [x0]", "r8@1000", SNAP_ACTION_OTHER},
	{AARCH64, "\x00\x04\x00\xbd", 4, "str s0, [x0, #4]", "w4@1004", SNAP_ACTION_OTHER},
	{AARCH64, "\x00\x70\x40\x4c", 4, "ld1 {v0.16b}, [x0]", "r0@1000", SNAP_ACTION_OTHER},
	{AARCH64, "\x00\x04\x40\x69", 4, "ldpsw x0, x1, [x0]", "r8@1000", SNAP_ACTION_OTHER},
	{AARCH64, "\xe0\x07\x40\xf9", 4, "ldr x0, [sp, #8]", "r8@7008", SNAP_ACTION_OTHER},
	{AARCH64, "\x00\x00\x3f\xd6", 4, "blr x0", "", SNAP_ACTION_CALL},
	{AARCH64, "\x20\x00\x1f\xd6", 4, "br x1", "", SNAP_ACTION_JUMP},
	{AARCH64, "\xc0\x03\x5f\xd6", 4, "ret", "", SNAP_ACTION_RETURN},
	{AARCH64, "\x00\x20\x38\xd5", 4, "mrs x0, ttbr0_el1", "", SNAP_ACTION_PRIVILEGED},
	{AARCH64, "\x20\x00\x20\xd4", 4, "brk #0x1", "", SNAP_ACTION_OTHER},
	{ARM, "\x04\x00\x90\xe5", 4, "ldr r0, [r0, #4]", "r4@1004", SNAP_ACTION_OTHER},
	{ARM, "\x04\x00\x90\xe4", 4, "ldr r0, [r0], #4", "r4@1000", SNAP_ACTION_OTHER},
	{ARM, "\x04\x10\x20\xe5", 4, "str r1, [r0, #-4]!", "w4@ffc", SNAP_ACTION_OTHER},
	{ARM, "\x00\x10\xd0\xe5", 4, "ldrb r1, [r0]", "r1@1000", SNAP_ACTION_OTHER},
	{ARM, "\xb2\x10\xc0\xe1", 4, "strh r1, [r0, #2]", "w2@1002", SNAP_ACTION_OTHER},
	{ARM, "\xd2\x10\x90\xe1", 4, "ldrsb r1, [r0, r2]", "r1@1003", SNAP_ACTION_OTHER},
	{ARM, "\x01\x01\x90\xe7", 4, "ldr r0, [r0, r1, lsl #2]", "r4@9000", SNAP_ACTION_OTHER},
	{ARM, "\x02\x10\x10\xe7", 4, "ldr r1, [r0, -r2]", "r4@ffd", SNAP_ACTION_OTHER},
	{ARM, "\xd0\x20\xc0\xe1", 4, "ldrd r2, r3, [r0]", "r8@1000", SNAP_ACTION_OTHER},
	{ARM, "\xf8\x20\xc0\xe1", 4, "strd r2, r3, [r0, #8]", "w8@1008", SNAP_ACTION_OTHER},
	{ARM, "\x06\x00\x90\xe8", 4, "ldm r0, {r1, r2}", "r8@1000", SNAP_ACTION_OTHER},
	{ARM, "\x0e\x00\x20\xe9", 4, "stmdb r0!, {r1, r2, r3}", "w12@ff4", SNAP_ACTION_OTHER},
	{ARM, "\x06\x00\x90\xe9", 4, "ldmib r0, {r1, r2}", "r8@1004", SNAP_ACTION_OTHER},
	{ARM, "\x10\x40\x2d\xe9", 4, "push {r4, lr}", "w8@6ff8", SNAP_ACTION_OTHER},
	{ARM, "\x10\x80\xbd\xe8", 4, "pop {r4, pc}", "r8@7000", SNAP_ACTION_OTHER},
	{ARM, "\x00\x0b\x90\xed", 4, "vldr d0, [r0]", "r8@1000", SNAP_ACTION_OTHER},
	{ARM, "\x01\x0a\x80\xed", 4, "vstr s0, [r0, #4]", "w4@1004", SNAP_ACTION_OTHER},
	{ARM, "\x04\x8b\x2d\xed", 4, "vpush {d8, d9}", "w16@6ff0", SNAP_ACTION_OTHER},
	{ARM, "\x04\x00\x9f\xe5", 4, "ldr r0, [pc, #4]", "r4@40100c", SNAP_ACTION_OTHER},
	{ARM, "\x9f\x1f\x90\xe1", 4, "ldrex r1, [r0]", "r4@1000", SNAP_ACTION_OTHER},
	{ARM, "\x91\x2f\x80\xe1", 4, "strex r2, r1, [r0]", "w4@1000", SNAP_ACTION_OTHER},
	{ARM, "\x33\xff\x2f\xe1", 4, "blx r3", "", SNAP_ACTION_CALL},
	{ARM, "\x1e\xff\x2f\xe1", 4, "bx lr", "", SNAP_ACTION_JUMP},
	{THUMB, "\x03\x68", 2, "ldr r3, [r0]", "r4@1000", SNAP_ACTION_OTHER},
	{THUMB, "\x01\x98", 2, "ldr r0, [sp, #4]", "r4@7004", SNAP_ACTION_OTHER},
	{THUMB, "\x88\x50", 2, "str r0, [r1, r2]", "w4@2003", SNAP_ACTION_OTHER},
	{THUMB, "\x50\xf8\x21\x00", 4, "ldr.w r0, [r0, r1, lsl #2]", "r4@9000", SNAP_ACTION_OTHER},
	{THUMB, "\x80\xb5", 2, "push {r7, lr}", "w8@6ff8", SNAP_ACTION_OTHER},
	{THUMB, "\x80\xbd", 2, "pop {r7, pc}", "r8@7000", SNAP_ACTION_OTHER},
	{THUMB, "\x23\x70", 2, "strb r3, [r4]", "w1@5000", SNAP_ACTION_OTHER},
	{THUMB, "\x41\x88", 2, "ldrh r1, [r0, #2]", "r2@1002", SNAP_ACTION_OTHER},
	{THUMB, "\x06\xc0", 2, "stm r0!, {r1, r2}", "w8@1000", SNAP_ACTION_OTHER},
	{THUMB, "\xd0\xe9\x00\x23", 4, "ldrd r2, r3, [r0]", "r8@1000", SNAP_ACTION_OTHER},
	{THUMB, "\x98\x47", 2, "blx r3", "", SNAP_ACTION_CALL},
	{RISCV64, "\x08\x41", 2, "lw a0, 0(a0)", "r4@1000", SNAP_ACTION_OTHER},
	{RISCV64, "\x83\x05\xf5\xff", 4, "lb a1, -1(a0)", "r1@fff", SNAP_ACTION_OTHER},
	{RISCV64, "\x83\x45\x15\x00", 4, "lbu a1, 1(a0)", "r1@1001", SNAP_ACTION_OTHER},
	{RISCV64, "\x83\x15\x25\x00", 4, "lh a1, 2(a0)", "r2@1002", SNAP_ACTION_OTHER},
	{RISCV64, "\x83\x65\x45\x00", 4, "lwu a1, 4(a0)", "r4@1004", SNAP_ACTION_OTHER},
	{RISCV64, "\x0c\x65", 2, "ld a1, 8(a0)", "r8@1008", SNAP_ACTION_OTHER},
	{RISCV64, "\xa2\x60", 2, "ld ra, 8(sp)", "r8@7008", SNAP_ACTION_OTHER},
	{RISCV64, "\x06\xe4", 2, "sd ra, 8(sp)", "w8@7008", SNAP_ACTION_OTHER},
	{RISCV64, "\x1c\xc3", 2, "sw a5, 0(a4)", "w4@3000", SNAP_ACTION_OTHER},
	{RISCV64, "\x23\x04\xf1\x00", 4, "sb a5, 8(sp)", "w1@7008", SNAP_ACTION_OTHER},
	{RISCV64, "\x23\x1f\xb5\xfe", 4, "sh a1, -2(a0)", "w2@ffe", SNAP_ACTION_OTHER},
	{RISCV64, "\xa3\x3f\x85\x7e", 4, "sd s0, 2047(a0)", "w8@17ff", SNAP_ACTION_OTHER},
	{RISCV64, "\x08\x25", 2, "fld fa0, 8(a0)", "r8@1008", SNAP_ACTION_OTHER},
	{RISCV64, "\x2a\xa8", 2, "fsd fa0, 16(sp)", "w8@7010", SNAP_ACTION_OTHER},
	{RISCV64, "\x07\x25\x45\x00", 4, "flw fa0, 4(a0)", "r4@1004", SNAP_ACTION_OTHER},
	{RISCV64, "\x27\xa2\x82\x00", 4, "fsw fs0, 4(t0)", "w4@6004", SNAP_ACTION_OTHER},
	{RISCV64, "\xdc\x43", 2, "lw a5, 4(a5)", "r4@4004", SNAP_ACTION_OTHER},
	{RISCV64, "\x1c\x6b", 2, "ld a5, 16(a4)", "r8@3010", SNAP_ACTION_OTHER},
	{RISCV64, "\xb8\xc3", 2, "sw a4, 64(a5)", "w4@4040", SNAP_ACTION_OTHER},
	{RISCV64, "\xf8\xff", 2, "sd a4, 248(a5)", "w8@40f8", SNAP_ACTION_OTHER},
	{RISCV64, "\x7e\x55", 2, "lw a0, 252(sp)", "r4@70fc", SNAP_ACTION_OTHER},
	{RISCV64, "\xfe\x74", 2, "ld s1, 504(sp)", "r8@71f8", SNAP_ACTION_OTHER},
	{RISCV64, "\xaa\xdf", 2, "sw a0, 252(sp)", "w4@70fc", SNAP_ACTION_OTHER},
	{RISCV64, "\xa6\xff", 2, "sd s1, 504(sp)", "w8@71f8", SNAP_ACTION_OTHER},
	{RISCV64, "\x1c\x25", 2, "fld fa5, 8(a0)", "r8@1008", SNAP_ACTION_OTHER},
	{RISCV64, "\x1c\xa5", 2, "fsd fa5, 8(a0)", "w8@1008", SNAP_ACTION_OTHER},
	{RISCV64, "\xc2\x27", 2, "fld fa5, 16(sp)", "r8@7010", SNAP_ACTION_OTHER},
	{RISCV64, "\x22\xa8", 2, "fsd fs0, 16(sp)", "w8@7010", SNAP_ACTION_OTHER},
	{RISCV64, "\x2f\xa5\x05\x10", 4, "lr.w a0, (a1)", "r4@2000/4", SNAP_ACTION_OTHER},
	{RISCV64, "\x2f\xb5\xc5\x1e", 4, "sc.d.aqrl a0, a2, (a1)", "w8@2000/8", SNAP_ACTION_OTHER},
	{RISCV64, "\x2f\xa5\xc5\x04", 4, "amoadd.w.aq a0, a2, (a1)", "u4@2000/4", SNAP_ACTION_OTHER},
	{RISCV64, "\x2f\xb5\xc5\x08", 4, "amoswap.d a0, a2, (a1)", "u8@2000/8", SNAP_ACTION_OTHER},
	{RISCV64, "\x02\x90", 2, "ebreak", "", SNAP_ACTION_OTHER},
	{RISCV64, "\x02\x90", 2, "ebreak", "", SNAP_ACTION_OTHER},
	{RISCV64, "\x00\x00", 2, "unimp", "", SNAP_ACTION_OTHER},
	{RISCV64, "\x73\x00\x00\x00", 4, "ecall", "", SNAP_ACTION_OTHER},
	{RISCV64, "\x03\x25\x80\x00", 4, "lw a0, 8(zero)", "r4@8", SNAP_ACTION_OTHER},
	/* clang-format on */
};

struct registers {
	uint8_t bytes[512];
	size_t len;
};

static void fill_registers(const struct snap_arch *arch, struct registers *regs)
{
	memset(regs, 0, sizeof(*regs));
	regs->len = arch->prstatus_reg_size;
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		for (unsigned int j = 0; j < arch->num_regs; j++)
			if (strcmp(arch->regs[j].name, values[i].name) == 0)
				memcpy(regs->bytes + arch->regs[j].offset, &values[i].value,
					arch->regs[j].size);
}

static const struct snap_arch *arch_of(enum machine machine)
{
	const struct snap_arch *arch =
		snap_arch_find(machines[machine].machine, machines[machine].elf_class, ELFDATA2LSB);
	assert_non_null(arch);
	return arch;
}

/* Through a crash whose only memory is these bytes. */
static bool decode(
	enum machine machine, const char *bytes, size_t len, struct snap_instruction *ret)
{
	struct registers regs;
	struct snap_crash crash;
	snap_crash_init(&crash, "test.snap");
	crash.arch = arch_of(machine);
	fill_registers(crash.arch, &regs);
	if (machine == THUMB) { /* CPSR's T */
		const uint32_t cpsr = 0x20;
		memcpy(regs.bytes + 64, &cpsr, sizeof(cpsr));
	}
	const struct snap_crash_thread thread = {
		.crashed = true,
		.pr_reg = snap_bytes(regs.bytes, regs.len),
	};
	const struct snap_memory_segment segment = {
		.start = ADDR,
		.len = len,
		.data = (const uint8_t *)bytes,
		.fd = -1,
	};
	if (len > 0)
		assert_int_equal(0, snap_memory_add(&crash.memory, &segment, NULL));
	assert_int_equal(0, snap_memory_finish(&crash.memory, NULL));
	bool ok = snap_instruction_read(&crash, &thread, ADDR, ret);
	snap_crash_deinit(&crash);
	return ok;
}

static void write_accesses(const struct snap_instruction *instruction, char *out, size_t size)
{
	size_t used = 0;
	out[0] = '\0';
	for (unsigned int i = 0; i < instruction->num_operands; i++) {
		const struct snap_operand *o = &instruction->operands[i];
		char where[32] = "?", align[16] = "";
		if (o->has_address)
			(void)snprintf(
				where, sizeof(where), "%llx", (unsigned long long)o->address);
		if (o->align)
			(void)snprintf(align, sizeof(align), "/%u", o->align);
		used += (size_t)snprintf(out + used, size - used, "%s%c%u@%s%s", i ? " " : "",
			o->is_read && o->is_written ? 'u'
			: o->is_written		    ? 'w'
						    : 'r',
			o->size, where, align);
		assert_true(used < size);
	}
}

static void test_instructions(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct snap_instruction got;
		char accesses[160];
		if (!decode(rows[i].machine, rows[i].bytes, rows[i].len, &got))
			fail_msg("not decoded: %s", rows[i].text);
		assert_string_equal(rows[i].text, got.text);
		assert_int_equal(rows[i].len, got.size);
		write_accesses(&got, accesses, sizeof(accesses));
		if (strcmp(rows[i].accesses, accesses) != 0)
			fail_msg("%s: %s, not %s", got.text, accesses, rows[i].accesses);
		assert_int_equal(rows[i].action, got.action);
	}
}

/* Cut short: no instruction, or a shorter one; never what lies behind. */
static void test_truncated(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		for (size_t len = 0; len < rows[i].len; len++) {
			/* On the heap, where reading beyond the end is seen. */
			char *bytes = test_malloc(len + 1);
			memcpy(bytes, rows[i].bytes, len);
			char *end = test_realloc(bytes, len ? len : 1);
			struct snap_instruction got;
			if (decode(rows[i].machine, end, len, &got))
				assert_true(got.size <= len);
			else
				assert_string_equal("", got.text);
			test_free(end);
		}
}

/* Whatever the bytes are. */
static void test_any_bytes(void **state)
{
	(void)state;
	uint32_t seed = 1;
	for (unsigned int n = 0; n < 20000; n++) {
		char bytes[SNAP_INSTRUCTION_MAX_BYTES];
		for (size_t i = 0; i < sizeof(bytes); i++) {
			seed = seed * 1664525 + 1013904223;
			bytes[i] = (char)(seed >> 24);
		}
		if (n % 4 == 0)
			bytes[0] = 0x62;
		struct snap_instruction got;
		if (!decode((enum machine)(n % ARRAY_LEN(machines)), bytes, sizeof(bytes), &got))
			continue;
		assert_true(got.size > 0 && got.size <= sizeof(bytes));
		assert_true(got.num_operands <= SNAP_INSTRUCTION_MAX_OPERANDS);
		assert_true(got.text[0] != '\0');
	}
}

static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Whatever registers, code, mappings and signal are: one sentence, and nothing read that is not
 * there. */
static void test_any_crash(void **state)
{
	(void)state;
	static const int32_t signals[] = {
		SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGQUIT};
	static const uint64_t places[] = {
		0, 8, ADDR, 0x7f0000000000, 0x4141414141414141, UINT64_MAX - 7};
	static const struct {
		uint64_t start, end;
		const char *path;
	} layout[] = {
		{0x400000, 0x402000, "/bin/any"},
		{0x403000, 0x404000, "[heap]"},
		{0x7efffffff000, 0x7f0000000000, ""},
		{0x7f0000000000, 0x7f0000001000, ""},
		{0x7ffc00000000, 0x7ffc00001000, "[stack]"},
	};
	uint32_t seed = 7;
	for (unsigned int n = 0; n < 20000; n++) {
		struct snap_crash crash;
		snap_crash_init(&crash, "test.snap");
		const struct snap_arch *arch = crash.arch =
			arch_of((enum machine)(next_random(&seed) % ARRAY_LEN(machines)));
		uint8_t code[SNAP_INSTRUCTION_MAX_BYTES], regs[512];
		for (size_t i = 0; i < sizeof(code); i++)
			code[i] = (uint8_t)next_random(&seed);
		/* Half of them are instructions that there are. */
		const struct row *row = &rows[next_random(&seed) % ARRAY_LEN(rows)];
		if (n % 2)
			memcpy(code, row->bytes, row->len);
		for (size_t i = 0; i + 8 <= sizeof(regs); i += snap_arch_word(arch)) {
			uint64_t value = places[next_random(&seed) % ARRAY_LEN(places)] +
					 (next_random(&seed) % 4) * 0xfff;
			memcpy(regs + i, &value, snap_arch_word(arch));
		}
		const struct snap_arch_reg *pc = &arch->regs[arch->pc];
		const uint64_t addr = next_random(&seed) % 4 ? ADDR : 0x10;
		memcpy(regs + pc->offset, &addr, pc->size);
		struct snap_mapping mappings[ARRAY_LEN(layout)];
		size_t num = 0;
		for (size_t i = 0; i < ARRAY_LEN(layout); i++)
			if (next_random(&seed) % 8)
				mappings[num++] = (struct snap_mapping){
					.start = layout[i].start,
					.end = layout[i].end,
					.has_permissions = next_random(&seed) % 16 != 0,
					.permissions = next_random(&seed) % 8,
					.path = snap_bytes_str(layout[i].path),
				};
		struct snap_frame frames[2] = {
			{.pc = addr},
			{.pc = places[next_random(&seed) % ARRAY_LEN(places)] + 4},
		};
		struct snap_crash_thread thread = {
			.crashed = true,
			.record = {.has_tid = true, .tid = 1, .name = snap_bytes_str("t")},
			.pr_reg =
				snap_bytes(regs, next_random(&seed) % 16 ? arch->prstatus_reg_size
									 : next_random(&seed) % 64),
			.frames = frames,
			.num_frames = next_random(&seed) % 3,
		};
		const struct snap_memory_segment segment = {
			.start = ADDR - next_random(&seed) % 5,
			.len = 1 + next_random(&seed) % sizeof(code),
			.data = code,
			.fd = -1,
		};
		assert_int_equal(0, snap_memory_add(&crash.memory, &segment, NULL));
		assert_int_equal(0, snap_memory_finish(&crash.memory, NULL));
		crash.mappings = mappings;
		crash.num_mappings = num;
		crash.threads = &thread;
		crash.num_threads = 1;
		crash.has_signal = true;
		crash.signal = (struct snap_signal){
			.has_signo = true,
			.signo = signals[next_random(&seed) % ARRAY_LEN(signals)],
			.has_code = next_random(&seed) % 4 != 0,
			.code = next_random(&seed) % 4 ? (int32_t)(next_random(&seed) % 4)
						       : SI_KERNEL,
			.has_address = next_random(&seed) % 2,
			.address = places[next_random(&seed) % ARRAY_LEN(places)] +
				   next_random(&seed) % 0x2000,
		};
		assert_int_equal(0, snap_explain(&crash, NULL));
		const char *text = crash.cause.explanation;
		assert_non_null(text);
		if (text[strlen(text) - 1] != '.' || strstr(text, "(null)"))
			fail_msg("%u: %s", n, text);
		assert_true(!crash.cause.access || crash.cause.has_address);
		snap_crash_deinit(&crash);
	}
}

/* What is said of a crash at code + pc_offset; access NULL: it was none. */
static void check_sentence(struct snap_bytes code, size_t pc_offset,
	const struct snap_signal *signal, const char *access, const char *words)
{
	struct registers regs;
	struct snap_crash crash;
	snap_crash_init(&crash, "test.snap");
	crash.arch = arch_of(X86_64);
	fill_registers(crash.arch, &regs);
	const uint64_t pc = ADDR + pc_offset;
	memcpy(regs.bytes + crash.arch->regs[crash.arch->pc].offset, &pc, sizeof(pc));
	struct snap_crash_thread thread = {
		.crashed = true,
		.pr_reg = snap_bytes(regs.bytes, regs.len),
	};
	const struct snap_memory_segment segment = {
		.start = ADDR,
		.len = code.len,
		.data = code.data,
		.fd = -1,
	};
	struct snap_mapping mapping = {.start = ADDR,
		.end = ADDR + 0x1000,
		.has_permissions = true,
		.permissions = SNAP_MAPPING_READ | SNAP_MAPPING_EXEC};
	assert_int_equal(0, snap_memory_add(&crash.memory, &segment, NULL));
	assert_int_equal(0, snap_memory_finish(&crash.memory, NULL));
	crash.mappings = &mapping;
	crash.num_mappings = 1;
	crash.threads = &thread;
	crash.num_threads = 1;
	crash.has_signal = true;
	crash.signal = *signal;
	assert_int_equal(0, snap_explain(&crash, NULL));
	assert_int_equal(access != NULL, crash.cause.access != NULL);
	if (access)
		assert_string_equal(access, crash.cause.access);
	if (strncmp(crash.cause.explanation, words, strlen(words)) != 0)
		fail_msg("%s", crash.cause.explanation);
	snap_crash_deinit(&crash);
}

/* What is said of them where the kernel tells the address, or none. */
static void test_sentences(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t len;
		bool has_address;
		uint64_t address;
		const char *access, *words;
	} cases[] = {
		{"\xd7", 1, true, 0x2000, "read",
			"The program read a byte at address 0x2000, which is not mapped"},
		{"\xc4\xe2\xf5\x91\x1c\xd0", 6, true, 0xff8, "read",
			"The program read 8 bytes at address 0xff8, which is not mapped: it is that of "
			"one element of the vector, rax + ymm2 * 8, rax being 0x1000."},
		{"\xc4\xe2\xf5\x91\x1c\xd0", 6, true, 0x123000, "read",
			"The program read 8 bytes at address 0x123000, which is not mapped: it is that "
			"of one element of the vector, rax + ymm2 * 8, rax being 0x1000."},
		{"\xc4\xe2\xf5\x91\x1c\xd5\0\0\0\0", 10, true, 0, "read",
			"The program read 8 bytes at address 0x0, which is not mapped: it is that of "
			"one element of the vector ymm2."},
		{"\x0f\x28\x40\x01", 4, false, 0, "read",
			"The program read 16 bytes at address 0x1001, which is not a multiple of 16"},
		{"\x0f\x29\x40\x01", 4, false, 0, "write",
			"The program wrote 16 bytes at address 0x1001, which is not a multiple of 16"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct snap_signal signal = {
			.has_signo = true,
			.signo = SIGSEGV,
			.has_code = true,
			.code = cases[i].has_address ? SEGV_MAPERR : SI_KERNEL,
			.has_address = cases[i].has_address,
			.address = cases[i].address,
		};
		check_sentence(snap_bytes(cases[i].bytes, cases[i].len), 0, &signal,
			cases[i].access, cases[i].words);
	}
}

/* int3 and int1 are before the program counter, but with some hypervisors int1 is at it. */
static void test_trap_sentences(void **state)
{
	(void)state;
	static const struct {
		const char *bytes;
		size_t len, pc;
		int code;
		const char *words;
	} cases[] = {
		{"\xcc\x90", 2, 1, SI_KERNEL,
			"The program ran into a breakpoint instruction (int3) at 0x401000:"},
		{"\xf1\x90", 2, 1, TRAP_BRKPT,
			"The program ran into a breakpoint instruction (int1) at 0x401000:"},
		{"\x90\xf1", 2, 1, TRAP_BRKPT,
			"The program ran into a breakpoint instruction (int1) at 0x401001:"},
		{"\xf1\xf1", 2, 1, TRAP_BRKPT,
			"The program ran into a breakpoint instruction (int1) at 0x401000:"},
		{"\x90\xf1", 2, 1, TRAP_TRACE,
			"The program ran into a breakpoint or trap instruction at 0x401001: "},
		{"\x90\xcc", 2, 1, TRAP_BRKPT,
			"The program ran into a breakpoint or trap instruction at 0x401001: "},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct snap_signal signal = {
			.has_signo = true,
			.signo = SIGTRAP,
			.has_code = true,
			.code = cases[i].code,
		};
		check_sentence(snap_bytes(cases[i].bytes, cases[i].len), cases[i].pc, &signal, NULL,
			cases[i].words);
	}
}

static void test_registers(void **state)
{
	(void)state;
	static const struct {
		enum machine machine;
		const char *name;
		uint64_t value;
	} parts[] = {
		{X86_64, "rax", 0x1122334455667788},
		{X86_64, "eax", 0x55667788},
		{X86_64, "ax", 0x7788},
		{X86_64, "al", 0x88},
		{X86_64, "ah", 0x77},
		{X86_64, "r10d", 0x55667788},
		{X86_64, "r10w", 0x7788},
		{X86_64, "r10b", 0x88},
		{X86_64, "sil", 0x88},
		{I386, "eax", 0x55667788},
		{I386, "cl", 0x88},
		{AARCH64, "w3", 0x55667788},
		{AARCH64, "w19", 0x55667788},
		{AARCH64, "x19", 0x1122334455667788},
		{AARCH64, "lr", 0x1122334455667788},
		{ARM, "sb", 0x55667788},
		{ARM, "r11", 0x55667788},
	};
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		const struct snap_arch *arch = arch_of(parts[i].machine);
		uint8_t bytes[512];
		for (size_t j = 0; j < sizeof(bytes); j++)
			bytes[j] = (uint8_t)(0x88 - 0x11 * (j % (snap_arch_word(arch))));
		struct snap_register reg;
		uint64_t value;
		assert_true(snap_register_find(arch, parts[i].name, &reg));
		assert_true(snap_register_value(
			arch, &reg, snap_bytes(bytes, arch->prstatus_reg_size), &value));
		if (value != parts[i].value)
			fail_msg("%s: %llx", parts[i].name, (unsigned long long)value);
	}
	struct snap_register reg;
	assert_false(snap_register_find(arch_of(X86_64), "xmm0", &reg));
	assert_false(snap_register_find(arch_of(X86_64), "r", &reg));
	assert_false(snap_register_find(arch_of(X86_64), "", &reg));
	assert_false(snap_register_find(arch_of(AARCH64), "w", &reg));
	assert_false(snap_register_find(arch_of(AARCH64), "wzr", &reg));
	assert_false(snap_register_find(arch_of(AARCH64), "w99", &reg));
}

static void test_traps(void **state)
{
	(void)state;
	static const struct {
		enum machine machine;
		const char *bytes;
		size_t len;
		int check; /* -1: it has none; -2: it is no trap */
	} traps[] = {
		{X86_64, "\x0f\x0b", 2, -1},
		{X86_64, "\xcc", 1, -1},
		{X86_64, "\x67\x0f\xb9\x40\x12", 5, 18},
		{X86_64, "\x67\x0f\xb9\x40", 4, -2},
		{X86_64, "\x67\x0f\xb9\x00", 4, 0},
		{I386, "\x0f\xb9\x00", 3, 0},
		{X86_64, "\x0f\xb9\x40\x12", 4, -1},
		{X86_64, "\x0f", 1, -2},
		{X86_64, "\x90", 1, -2},
		{I386, "\x0f\xb9\x40\x12", 4, 18},
		{AARCH64, "\x20\x00\x20\xd4", 4, -1},
		{AARCH64, "\x00\x7d\x20\xd4", 4, -1},
		{AARCH64, "\x40\xa2\x2a\xd4", 4, 18},
		{AARCH64, "\x20\x00\x20", 3, -2},
		{ARM, "\xf0\x00\xf0\xe7", 4, -1},
		{THUMB, "\xff\xde", 2, -1},
		{ARM, "\xff\xde\x00\x00", 4, -2},
		{RISCV64, "\x02\x90", 2, -1},
	};
	for (size_t i = 0; i < ARRAY_LEN(traps); i++) {
		struct snap_instruction instruction = {
			.len = (uint8_t)traps[i].len,
			.is_thumb = traps[i].machine == THUMB,
		};
		memcpy(instruction.bytes, traps[i].bytes, traps[i].len);
		struct snap_trap trap;
		bool is_trap = snap_trap_find(arch_of(traps[i].machine), &instruction, &trap);
		assert_int_equal(traps[i].check != -2, is_trap);
		if (!is_trap)
			continue;
		assert_int_equal(traps[i].check >= 0, trap.has_check);
		if (trap.has_check)
			assert_int_equal(traps[i].check, trap.check);
		else
			assert_non_null(trap.meaning);
	}
	assert_non_null(strstr(snap_trap_check_words(18), "index out of bounds"));
	assert_null(snap_trap_check_words(255));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_instructions),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_any_bytes),
		cmocka_unit_test(test_any_crash),
		cmocka_unit_test(test_sentences),
		cmocka_unit_test(test_trap_sentences),
		cmocka_unit_test(test_registers),
		cmocka_unit_test(test_traps),
	};
	if (snap_disassembler_load() != SNAP_DISASSEMBLER_LOADED) {
		(void)printf("skip: " SNAP_DISASSEMBLER_LIBRARY " is not installed\n");
		return 77;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
