/*
 * arch_dump OBJECT: prints the table of common/arch.c for the machine of an ELF file, a fact a
 * line: "KEY NUMBER", "reg NAME OFFSET SIZE", "dwarf NAME NUMBER". Compared with what a compiler
 * for that machine says (tests/cli_cross_arch.sh).
 */
#include <elf.h>
#include <stdio.h>

#include "common/arch.h"
#include "common/elf_load.h"

#define SHOW(member) printf(#member " %u\n", (unsigned int)arch->member)

int main(int argc, char **argv)
{
	unsigned char head[sizeof(Elf64_Ehdr)] = {0};
	FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;
	if (!file || fread(head, 1, sizeof(head), file) < EI_NIDENT)
		return 1;
	(void)fclose(file);
	const struct snap_arch *arch = snap_arch_find(
		(uint32_t)SNAP_ELF_MEMBER(head, Elf64_Ehdr, e_machine, head[EI_DATA]),
		head[EI_CLASS], head[EI_DATA]);
	if (!arch) {
		puts("no table");
		return 1;
	}
	printf("name %s\n", arch->name);
	SHOW(prstatus_size);
	SHOW(prstatus_cursig_off);
	SHOW(prstatus_pid_off);
	SHOW(prstatus_reg_off);
	SHOW(prstatus_reg_size);
	SHOW(prpsinfo_size);
	SHOW(prpsinfo_uid_off);
	SHOW(prpsinfo_gid_off);
	SHOW(prpsinfo_uid_size);
	SHOW(prpsinfo_pid_off);
	SHOW(prpsinfo_fname_off);
	SHOW(prpsinfo_psargs_off);
	SHOW(dwarf_ra);
	SHOW(ucontext_sp_off);
	for (unsigned int i = 0; i < arch->num_regs; i++) {
		const struct snap_arch_reg *reg = &arch->regs[i];
		printf("reg %s %u %u\n", reg->name, reg->offset, reg->size);
		if (reg->dwarf != SNAP_DWARF_NONE)
			printf("dwarf %s %u\n", reg->name, reg->dwarf);
	}
	return 0;
}
