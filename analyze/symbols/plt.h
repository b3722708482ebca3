/*
 * The stubs of the procedure linkage table: which function each one jumps to.
 *
 * Each stub is decoded as far as the slot of the global offset table that it jumps through, and
 * named after the relocation of that slot. So it does not matter in which order the linker wrote
 * them, nor in which of the sections.
 *
 * Hostile: the code and the relocations may be anything.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_PLT_H
#define SNAP_ANALYZE_SYMBOLS_PLT_H

#include <stddef.h>
#include <stdint.h>

#include <libelf.h>

#include "analyze/symbols/symtab.h"
#include "common/error.h"

/* What follows a function's name in that of its stub, as binutils and gdb have it. */
#define SNAP_PLT_SUFFIX "@plt"

struct snap_plt {
	/* Disjoint, by start. The names are those of the functions, without the suffix, in the
	 * file's string table. */
	struct snap_symbol *stubs;
	size_t num;
};

/*
 * Read the stubs of an executable or library for x86-64, i386, aarch64, arm or riscv, as the usual
 * linkers write them; of another machine there are none. Stubs of unknown form, or without a name
 * (those of a program's own indirect functions), are left out. elf outlives them. -1 only without
 * memory.
 */
int snap_plt_init(struct snap_plt *plt, Elf *elf, struct snap_error *err);
void snap_plt_deinit(struct snap_plt *plt);

/* The stub that contains the address, or NULL. */
const struct snap_symbol *snap_plt_find(const struct snap_plt *plt, uint64_t vaddr);

#endif
