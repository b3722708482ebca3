#include "analyze/symbols/relocated.h"

#include <stddef.h>

#include <elf.h>
#include <gelf.h>

/* More than the largest libraries have. */
#define MAX_RELOCATIONS (4u << 20)

/* By machine: those that write an address, and whether it is of a symbol. */
static const struct {
	uint16_t machine;
	uint32_t type;
	bool is_relative;
} kinds[] = {
	{EM_X86_64, R_X86_64_RELATIVE, true},
	{EM_X86_64, R_X86_64_64, false},
	{EM_X86_64, R_X86_64_GLOB_DAT, false},
	{EM_X86_64, R_X86_64_JUMP_SLOT, false},
	{EM_AARCH64, R_AARCH64_RELATIVE, true},
	{EM_AARCH64, R_AARCH64_ABS64, false},
	{EM_AARCH64, R_AARCH64_GLOB_DAT, false},
	{EM_AARCH64, R_AARCH64_JUMP_SLOT, false},
	{EM_RISCV, R_RISCV_RELATIVE, true},
	{EM_RISCV, R_RISCV_64, false},
	{EM_RISCV, R_RISCV_JUMP_SLOT, false},
};

static bool find_kind(uint16_t machine, uint64_t type, bool *ret_relative)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].machine == machine && kinds[i].type == type) {
			*ret_relative = kinds[i].is_relative;
			return true;
		}
	return false;
}

/* The symbol that the relocation names: its own address, if the file has it, and its name. */
static bool bind(
	Elf *elf, const GElf_Shdr *relocations, const GElf_Rela *rela, struct snap_relocated *ret)
{
	GElf_Shdr shdr;
	GElf_Sym sym;
	Elf_Scn *scn = elf_getscn(elf, relocations->sh_link);
	Elf_Data *data = scn ? elf_getdata(scn, NULL) : NULL;
	if (!data || !gelf_getshdr(scn, &shdr) || GELF_R_SYM(rela->r_info) > INT32_MAX ||
		!gelf_getsym(data, (int)GELF_R_SYM(rela->r_info), &sym))
		return false;
	if (sym.st_shndx != SHN_UNDEF) {
		ret->has_vaddr = true;
		ret->vaddr = sym.st_value + (uint64_t)rela->r_addend;
	}
	const char *name = elf_strptr(elf, shdr.sh_link, sym.st_name);
	if (rela->r_addend == 0 && name && name[0])
		ret->symbol = name;
	return ret->has_vaddr || ret->symbol;
}

/* The first relocation that writes to [vaddr, vaddr + len), and its section's header. */
static bool find_first(
	Elf *elf, uint64_t vaddr, uint64_t len, GElf_Rela *ret, GElf_Shdr *ret_section)
{
	GElf_Shdr shdr;
	for (Elf_Scn *scn = NULL; (scn = elf_nextscn(elf, scn));) {
		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type != SHT_RELA ||
			!(shdr.sh_flags & SHF_ALLOC) || shdr.sh_entsize == 0)
			continue;
		Elf_Data *data = elf_getdata(scn, NULL);
		size_t num = data ? data->d_size / shdr.sh_entsize : 0;
		for (size_t i = 0; i < num && i < MAX_RELOCATIONS; i++) {
			GElf_Rela rela;
			if (!gelf_getrela(data, (int)i, &rela) || rela.r_offset < vaddr ||
				rela.r_offset - vaddr >= len)
				continue;
			*ret = rela;
			*ret_section = shdr;
			return true;
		}
	}
	return false;
}

bool snap_relocated_find(Elf *elf, uint64_t vaddr, struct snap_relocated *ret)
{
	GElf_Ehdr ehdr;
	GElf_Shdr shdr;
	GElf_Rela rela;
	bool is_relative;
	*ret = (struct snap_relocated){0};
	if (!gelf_getehdr(elf, &ehdr) || !find_first(elf, vaddr, 1, &rela, &shdr) ||
		!find_kind(ehdr.e_machine, GELF_R_TYPE(rela.r_info), &is_relative))
		return false;
	if (!is_relative)
		return bind(elf, &shdr, &rela, ret);
	ret->has_vaddr = true;
	ret->vaddr = (uint64_t)rela.r_addend;
	return true;
}

bool snap_relocated_any(Elf *elf, uint64_t vaddr, uint64_t len)
{
	GElf_Shdr shdr;
	GElf_Rela rela;
	return find_first(elf, vaddr, len, &rela, &shdr);
}
