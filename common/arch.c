#include "common/arch.h"

#include <elf.h>

#include "common/elf_load.h"

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/*
 * x86-64: struct user_regs_struct of <sys/user.h> (kernel: arch/x86/include/asm/user_64.h); DWARF
 * numbers from the System V psABI for AMD64, figure 3.36.
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

static const struct snap_arch arches[] = {
	{
		.name = "x86_64",
		.elf_machine = EM_X86_64,
		.elf_class = ELFCLASS64,
		.elf_data = ELFDATA2LSB,
		.regs = x86_64_regs,
		.num_regs = ARRAY_LEN(x86_64_regs),
		.pc = 16,
		.sp = 7,
		.fp = 6,
		.dwarf_ra = 16,
		.dwarf_sp = 7,
		.num_dwarf_regs = 17,
		.call_pushes_ra = true,
		.red_zone = 128,
		.prstatus_size = 336,
		.prstatus_cursig_off = 12,
		.prstatus_pid_off = 32,
		.prstatus_reg_off = 112,
		.prstatus_reg_size = 216,
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
