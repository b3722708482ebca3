/*
 * ARM's own unwind tables, .ARM.exidx and .ARM.extab, for which libdw has no reader.
 *
 * Source: "Exception Handling ABI for the Arm Architecture" (EHABI32, 2020Q4): section 6 (index
 * table entries), 7 (exception-handling table entries) and 10 (the Arm-defined personality
 * routines' entries and the frame unwinding instructions); the two instructions for return address
 * authentication (0xb4, 0xb5) as later releases have them.
 *
 * What the tables say holds at calls, not in the prologue and the epilogue of a function (10.1), so
 * that it is sure for callers and a guess for the frame of a crash. They have no word for code
 * without a description: an index entry covers everything up to the next, assembly code after a
 * function included, and linkers merge the entries of neighbours that are unwound alike.
 *
 * Hostile: every file offset and every read is checked, all work is bounded by the file's size.
 */
#ifndef SNAP_ANALYZE_UNWIND_EXIDX_H
#define SNAP_ANALYZE_UNWIND_EXIDX_H

#include <stdbool.h>
#include <stdint.h>

#include <libelf.h>

#include "analyze/memory.h"
#include "common/error.h"

/* Registers are numbered as the core registers are: r0 to r12, sp, lr, pc. */
#define SNAP_EXIDX_NUM_REGS 16

struct snap_exidx;

/*
 * The table of an executable or library, found by its program headers alone. elf is borrowed: it
 * must live as long as *ret. Returns 0 with *ret NULL if the file has none or is not little-endian
 * 32-bit ARM; -1 and *err if its table cannot be used.
 */
int snap_exidx_create(Elf *elf, struct snap_exidx **ret, struct snap_error *err);
void snap_exidx_destroy(struct snap_exidx *exidx);

/*
 * What the entry that covers vaddr, an address of the ELF file, covers: [*ret_start, *ret_end),
 * without Thumb bits. A function starts at *ret_start; others may follow in it (see above). False
 * if no entry covers vaddr.
 */
bool snap_exidx_function(
	const struct snap_exidx *exidx, uint64_t vaddr, uint64_t *ret_start, uint64_t *ret_end);

enum snap_exidx_status {
	SNAP_EXIDX_STEPPED,
	/* EXIDX_CANTUNWIND, or an instruction that refuses: what the outermost functions have, but
	 * also what compilers give to functions that no exception passes, and linkers to code
	 * without a table. */
	SNAP_EXIDX_CANT_UNWIND,
	SNAP_EXIDX_NONE,	/* no entry covers the address */
	SNAP_EXIDX_NO_MEMORY,	/* the stack at *ret_fault was not captured */
	SNAP_EXIDX_NO_REGISTER, /* a register that it takes is not known */
	SNAP_EXIDX_MALFORMED,	/* reserved codes, or tables that lead out of the file */
};

/*
 * Go from a frame to its caller. vaddr: the address, in the ELF file, of the instruction the frame
 * is at: for a frame that has called another, of any byte of the call (bit 0 is ignored).
 *
 * regs and *known (bit n: regs[n] is known) are those of the frame; sp must be known. On STEPPED
 * they are the caller's and *ret_cfa is its sp, and so the frame's CFA. Then known are: pc, which
 * is the return address as it was saved, its Thumb bit included, and sp; r4 to r11 if they were
 * before or were restored; lr, r0 to r3 and ip if they were restored, and lr also if the return
 * address was in it. Otherwise all stay as they were. That the stack grows and the return address
 * is one is not checked.
 */
enum snap_exidx_status snap_exidx_step(const struct snap_exidx *exidx, struct snap_memory *memory,
	uint64_t vaddr, uint64_t regs[SNAP_EXIDX_NUM_REGS], uint64_t *known, uint64_t *ret_cfa,
	uint64_t *ret_fault);

#endif
