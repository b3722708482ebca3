/*
 * What differs between machines, as data: one table per architecture. Nothing else in the tree
 * switches on the architecture more than it must.
 */
#ifndef SNAP_COMMON_ARCH_H
#define SNAP_COMMON_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A register that DWARF does not number. */
#define SNAP_DWARF_NONE UINT16_MAX

/* One general register as it stands in pr_reg. */
struct snap_arch_reg {
	const char *name; /* the psABI's name */
	uint16_t dwarf;	  /* its DWARF number, or SNAP_DWARF_NONE */
	uint16_t offset;  /* bytes into pr_reg */
	uint8_t size;	  /* bytes */
};

struct snap_arch {
	const char *name; /* as uname -m says it */
	uint16_t elf_machine;
	uint8_t elf_class; /* ELFCLASS32 or ELFCLASS64 */
	uint8_t elf_data;  /* ELFDATA2LSB or ELFDATA2MSB */

	const struct snap_arch_reg *regs;
	uint16_t num_regs;
	/* Indices into regs. */
	uint16_t pc, sp, fp;
	/* DWARF number of the return address's column in CFI tables, if it is the pc itself
	 * that this column restores, and of the stack pointer. */
	uint16_t dwarf_ra, dwarf_sp;
	/* DWARF numbers [0, num_dwarf_regs) are carried from frame to frame. */
	uint16_t num_dwarf_regs;
	/* Whether a call instruction pushes the return address (else it is in a register). */
	bool call_pushes_ra;
	/* Bytes below sp that a leaf function may use (psABI). */
	uint16_t red_zone;

	/* The NT_PRSTATUS note (struct elf_prstatus of <sys/procfs.h>): its whole size, and where
	 * its members stand, in bytes. */
	uint16_t prstatus_size;
	uint16_t prstatus_cursig_off; /* short */
	uint16_t prstatus_pid_off;    /* int */
	uint16_t prstatus_reg_off;
	uint16_t prstatus_reg_size;
};

/* More than any table's num_dwarf_regs. */
#define SNAP_ARCH_MAX_DWARF_REGS 64

/* NULL if there is no table for it. */
const struct snap_arch *snap_arch_find(uint32_t elf_machine, uint32_t elf_class, uint32_t elf_data);

/*
 * regs[index] out of pr_reg bytes. False if the bytes end before it; *ret then stays as it was.
 */
bool snap_arch_reg_get(const struct snap_arch *arch, unsigned int index, const void *pr_reg,
	size_t pr_reg_len, uint64_t *ret);

/* An unsigned number of size 1, 2, 4 or 8 bytes in the machine's byte order. */
uint64_t snap_arch_load(const struct snap_arch *arch, const void *bytes, unsigned int size);

/* Bytes of a pointer: 4 or 8. */
static inline unsigned int snap_arch_word(const struct snap_arch *arch)
{
	return arch->elf_class == 1 ? 4 : 8;
}

#endif
