#include "analyze/unwind/sigreturn.h"

#include <elf.h>
#include <string.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define MAX_CODE     16
#define NO_COLUMN    UINT8_MAX
#define PC	     (UINT8_MAX - 1)

/*
 * One kind of trampoline. At sp + context_off begin the saved registers of struct sigcontext, words
 * that belong to columns in this order. Sources: the kernel's arch/ARCH/include/uapi/asm/
 * sigcontext.h and struct rt_sigframe of arch/ARCH/kernel/signal.c; system call numbers from
 * unistd.h.
 */
struct trampoline {
	uint16_t elf_machine;
	uint8_t elf_class;
	uint8_t code_len;
	uint8_t code[MAX_CODE];
	uint16_t context_off;
	uint8_t num_columns;
	const uint8_t *columns;
};

static const uint8_t x86_64_columns[] = {8, 9, 10, 11, 12, 13, 14, 15, 5, 4, 6, 3, 1, 0, 2, 7, PC};
/* From gs on; the 16-bit segment registers take a word each. */
static const uint8_t i386_columns[] = {NO_COLUMN, NO_COLUMN, NO_COLUMN, NO_COLUMN, 7, 6, 5, 4, 3, 2,
	1, 0, NO_COLUMN, NO_COLUMN, PC};
static const uint8_t aarch64_columns[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
	17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, PC};
static const uint8_t arm_columns[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, PC};
static const uint8_t riscv64_columns[] = {PC, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
	17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31};

#define COLUMNS(table) ARRAY_LEN(table), table

static const struct trampoline trampolines[] = {
	/* mov $15, %rax; syscall: the handler's return popped pretcode, sp is at the ucontext. */
	{EM_X86_64, ELFCLASS64, 9, {0x48, 0xc7, 0xc0, 0x0f, 0, 0, 0, 0x0f, 0x05}, 40,
		COLUMNS(x86_64_columns)},
	/* mov $15, %eax; syscall */
	{EM_X86_64, ELFCLASS64, 7, {0xb8, 0x0f, 0, 0, 0, 0x0f, 0x05}, 40, COLUMNS(x86_64_columns)},
	/* mov $173, %eax; int $0x80: sp is at the handler's arguments, which end with siginfo. */
	{EM_386, ELFCLASS32, 7, {0xb8, 0xad, 0, 0, 0, 0xcd, 0x80}, 12 + 128 + 20,
		COLUMNS(i386_columns)},
	/* pop %eax; mov $119, %eax; int $0x80: sp is at the handler's argument. */
	{EM_386, ELFCLASS32, 8, {0x58, 0xb8, 0x77, 0, 0, 0, 0xcd, 0x80}, 4, COLUMNS(i386_columns)},
	/* mov x8, #139; svc #0: siginfo, ucontext (its sigcontext at 176), fault_address. */
	{EM_AARCH64, ELFCLASS64, 8, {0x68, 0x11, 0x80, 0xd2, 0x01, 0, 0, 0xd4}, 128 + 176 + 8,
		COLUMNS(aarch64_columns)},
	/* mov r7, #173; svc #0 (or with its number), of ARM code: siginfo, ucontext. */
	{EM_ARM, ELFCLASS32, 8, {0xad, 0x70, 0xa0, 0xe3, 0, 0, 0, 0xef}, 128 + 20 + 12,
		COLUMNS(arm_columns)},
	{EM_ARM, ELFCLASS32, 8, {0xad, 0x70, 0xa0, 0xe3, 0xad, 0, 0x90, 0xef}, 128 + 20 + 12,
		COLUMNS(arm_columns)},
	/* The same of Thumb code. */
	{EM_ARM, ELFCLASS32, 4, {0xad, 0x27, 0, 0xdf}, 128 + 20 + 12, COLUMNS(arm_columns)},
	/* mov r7, #119; svc #0: without siginfo. */
	{EM_ARM, ELFCLASS32, 8, {0x77, 0x70, 0xa0, 0xe3, 0, 0, 0, 0xef}, 20 + 12,
		COLUMNS(arm_columns)},
	{EM_ARM, ELFCLASS32, 8, {0x77, 0x70, 0xa0, 0xe3, 0x77, 0, 0x90, 0xef}, 20 + 12,
		COLUMNS(arm_columns)},
	{EM_ARM, ELFCLASS32, 4, {0x77, 0x27, 0, 0xdf}, 20 + 12, COLUMNS(arm_columns)},
	/* The same as glibc has them for Thumb-2: mov.w r7, #173, and #119; svc #0. */
	{EM_ARM, ELFCLASS32, 6, {0x4f, 0xf0, 0xad, 0x07, 0, 0xdf}, 128 + 20 + 12,
		COLUMNS(arm_columns)},
	{EM_ARM, ELFCLASS32, 6, {0x4f, 0xf0, 0x77, 0x07, 0, 0xdf}, 20 + 12, COLUMNS(arm_columns)},
	/* li a7, 139; ecall: siginfo, ucontext (its sigcontext at 176). */
	{EM_RISCV, ELFCLASS64, 8, {0x93, 0x08, 0xb0, 0x08, 0x73, 0, 0, 0}, 128 + 176,
		COLUMNS(riscv64_columns)},
};

static const struct trampoline *find(struct snap_walk *w, uint64_t pc)
{
	uint8_t code[MAX_CODE];
	size_t len = 0;
	/* Near the end of what is mapped there may be fewer bytes. */
	for (size_t want = MAX_CODE; want >= 4 && len == 0; want--)
		if (snap_walk_read_code(w, pc, code, want) == want)
			len = want;
	for (size_t i = 0; i < ARRAY_LEN(trampolines); i++) {
		const struct trampoline *t = &trampolines[i];
		if (t->elf_machine == w->arch->elf_machine && t->elf_class == w->arch->elf_class &&
			t->code_len <= len && memcmp(t->code, code, t->code_len) == 0)
			return t;
	}
	return NULL;
}

bool snap_is_sigreturn(struct snap_walk *w, uint64_t pc)
{
	return snap_is_code(w, pc, true) && find(w, pc) != NULL;
}

enum snap_step snap_step_by_sigreturn(struct snap_walk *w, struct snap_frame *frame,
	const struct snap_registers *registers, struct snap_registers *caller)
{
	unsigned int sp = snap_sp_column(w->arch);
	const struct trampoline *t = snap_register_known(registers, sp) ? find(w, frame->pc) : NULL;
	if (!t)
		return SNAP_STEP_UNKNOWN;
	unsigned int word = snap_arch_word(w->arch);
	uint64_t addr = registers->values[sp] + t->context_off, value, pc = 0;
	*caller = (struct snap_registers){.exact_pc = true, .trust = SNAP_TRUST_CFI};
	for (size_t i = 0; i < t->num_columns; i++, addr += word) {
		if (!snap_walk_read_word(w, addr, &value))
			return snap_step_lacks(w, addr);
		if (t->columns[i] == PC)
			pc = value;
		else if (t->columns[i] != NO_COLUMN)
			snap_register_set(caller, t->columns[i], value);
	}
	frame->is_signal = true;
	frame->cfa = registers->values[sp];
	frame->has_cfa = true;
	snap_set_return_address(w, caller, pc);
	return SNAP_STEP_DONE;
}
