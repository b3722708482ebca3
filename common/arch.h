/*
 * What differs between machines, as data: one table per architecture. Nothing else in the tree
 * switches on the architecture more than it must.
 */
#ifndef SNAP_COMMON_ARCH_H
#define SNAP_COMMON_ARCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A register that DWARF does not number, or of no interest to unwinding. */
#define SNAP_DWARF_NONE UINT16_MAX
/* A role that no register has: an index into regs that is none. */
#define SNAP_ARCH_NO_REG UINT16_MAX

/* One general register as it stands in pr_reg. */
struct snap_arch_reg {
	const char *name; /* the psABI's name */
	uint16_t dwarf;	  /* its DWARF number, or SNAP_DWARF_NONE */
	uint16_t offset;  /* bytes into pr_reg */
	uint8_t size;	  /* bytes */
};

/* No table lists more of them; and none has more bytes. */
#define SNAP_ARCH_MAX_EXTRA_REGSETS	 4
#define SNAP_ARCH_EXTRA_REGSET_MAX_BYTES 48
/* Of a system call, on all machines. */
#define SNAP_ARCH_SYSCALL_ARGUMENTS 6
/* No table lists more vector register sets. */
#define SNAP_ARCH_MAX_VECTOR_REGSETS 6

/* How far the machine's stacks are followed. */
enum snap_arch_support {
	SNAP_ARCH_LISTED,    /* threads and registers; unwound by call frame information alone */
	SNAP_ARCH_SUPPORTED, /* all ways */
};

/*
 * Where a function that keeps a frame pointer saves its caller's, relative to its own: the
 * architecture's convention for frame records.
 */
struct snap_arch_frame_record {
	int16_t fp_off, ra_off; /* bytes from the frame pointer */
	/* Whether the record is at the top of its frame (aarch64 puts it anywhere), and then where
	 * the frame ends: the caller's stack pointer, bytes from the frame pointer. */
	bool is_at_top;
	int16_t cfa_off;
};

struct snap_arch {
	const char *name; /* as the field calls it */
	uint16_t elf_machine;
	uint8_t elf_class; /* ELFCLASS32 or ELFCLASS64 */
	uint8_t elf_data;  /* ELFDATA2LSB or ELFDATA2MSB */
	enum snap_arch_support support;

	const struct snap_arch_reg *regs;
	uint16_t num_regs;
	/* Indices into regs, or SNAP_ARCH_NO_REG. lr: where a call leaves its return address, on
	 * machines whose calls do not push it. */
	uint16_t pc, sp, fp, lr;
	/* On machines that keep the number of the system call apart from all registers that it may
	 * change: where that is (-1 outside of one; here 0: this is no such machine), its arguments
	 * (syscall(2)), and, of a thread that a tracer stops, with what error it was broken off.
	 * Indices into regs. */
	uint16_t syscall, syscall_ret;
	uint16_t syscall_args[SNAP_ARCH_SYSCALL_ARGUMENTS];
	/* The thread pointer (the psABI's thread-local storage): likewise, or the first word of the
	 * register set NT_... tp_regset, if that is not 0; of NT_386_TLS, the base of the segment
	 * that gs selects. */
	uint16_t tp;
	uint32_t tp_regset;
	/* DWARF numbers of the column of call frame information that restores the return address,
	 * and of the stack pointer. */
	uint16_t dwarf_ra, dwarf_sp;
	/* DWARF numbers [0, num_dwarf_regs) are carried from frame to frame. */
	uint16_t num_dwarf_regs;
	/* Bytes of a general register as it is saved on the stack: those of a pointer, but on
	 * machines whose pointers are shorter than their registers (x32). */
	uint8_t saved_reg_size;
	/* Bytes from the address that a call leaves to where its callee returns to: SPARC's leaves
	 * its own. */
	uint8_t return_off;
	/* Whether a call instruction pushes the return address (else it is in lr). */
	bool call_pushes_ra;
	/* Bytes below sp that a leaf function may use (psABI). */
	uint16_t red_zone;
	/* What stack pointers are multiples of at calls. */
	uint8_t stack_align;
	/* Bit 0 of a code address says which instruction set, and is no part of the address. */
	bool has_thumb_bit;
	/* Arm's M profile: all code is Thumb code, exceptions put frames onto the stack, and
	 * handlers return to values that are no addresses (EXC_RETURN). */
	bool is_m_profile;
	/* Frame records, one for each way compilers make them; tried in this order. */
	const struct snap_arch_frame_record *frame_records;
	uint16_t num_frame_records;
	/* Register sets that are kept of every thread besides the general ones, because unwinding
	 * or reading variables needs them: NT_..., the types of their notes (named "LINUX"). */
	const uint32_t *extra_regsets;
	uint16_t num_extra_regsets;
	/* Likewise, those that hold vectors and what belongs to them, beside NT_FPREGSET. */
	const uint32_t *vector_regsets;
	uint16_t num_vector_regsets;
	/* Where a signal frame's struct ucontext has the interrupted stack pointer, in bytes; 0:
	 * not known. It begins alike everywhere (common/stack_chain.c). */
	uint16_t ucontext_sp_off;

	/* The NT_PRSTATUS note (struct elf_prstatus of <sys/procfs.h>): its whole size, and where
	 * its members stand, in bytes. */
	uint16_t prstatus_size;
	uint16_t prstatus_cursig_off; /* short */
	uint16_t prstatus_pid_off;    /* int */
	uint16_t prstatus_reg_off;
	uint16_t prstatus_reg_size;
	/* The NT_PRPSINFO note (struct elf_prpsinfo of <sys/procfs.h>). */
	uint16_t prpsinfo_size;
	uint16_t prpsinfo_uid_off, prpsinfo_gid_off;
	uint8_t prpsinfo_uid_size;    /* bytes of either */
	uint16_t prpsinfo_pid_off;    /* int */
	uint16_t prpsinfo_fname_off;  /* char[16] */
	uint16_t prpsinfo_psargs_off; /* char[80] */
};

/* More than any table's columns: num_dwarf_regs and one for a return address beyond them. */
#define SNAP_ARCH_MAX_DWARF_REGS 64

/* NULL if there is no table for it. */
const struct snap_arch *snap_arch_find(uint32_t elf_machine, uint32_t elf_class, uint32_t elf_data);

/* The same by its name. */
const struct snap_arch *snap_arch_find_name(const char *name);

/*
 * The other machine whose processes a kernel of this one's runs, or that runs this one's: i386
 * beside x86-64, 32-bit ARM beside aarch64. NULL if there is none with a table, or arch is NULL.
 */
const struct snap_arch *snap_arch_other_abi(const struct snap_arch *arch);

/*
 * regs[index] out of pr_reg bytes. False if there is no such register or the bytes end before it;
 * *ret then stays as it was.
 */
bool snap_arch_reg_get(const struct snap_arch *arch, unsigned int index, const void *pr_reg,
	size_t pr_reg_len, uint64_t *ret);

/* Bytes of pr_reg: up to the end of the last register. */
size_t snap_arch_regs_len(const struct snap_arch *arch);

/* The reverse: value as regs[index] into pr_reg. False if there is no such register or no room. */
bool snap_arch_reg_set(const struct snap_arch *arch, unsigned int index, void *pr_reg,
	size_t pr_reg_len, uint64_t value);

/* An unsigned number of size 1, 2, 4 or 8 bytes in the machine's byte order. */
uint64_t snap_arch_load(const struct snap_arch *arch, const void *bytes, unsigned int size);

/* Bytes of a pointer: 4 or 8. */
static inline unsigned int snap_arch_word(const struct snap_arch *arch)
{
	return arch->elf_class == 1 ? 4 : 8;
}

/*
 * Where a DWARF register is carried, in [0, snap_arch_num_columns()); -1 if it is not. Most are at
 * their own number, but a return address may be numbered far beyond the others (PowerPC's lr, 65).
 */
static inline int snap_arch_column(const struct snap_arch *arch, uint64_t dwarf_reg)
{
	if (dwarf_reg < arch->num_dwarf_regs)
		return (int)dwarf_reg;
	return dwarf_reg == arch->dwarf_ra ? (int)arch->num_dwarf_regs : -1;
}

static inline unsigned int snap_arch_num_columns(const struct snap_arch *arch)
{
	return arch->num_dwarf_regs + (arch->dwarf_ra >= arch->num_dwarf_regs ? 1u : 0u);
}

#endif
