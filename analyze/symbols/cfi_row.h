/*
 * One row of call frame information as plain data: where the CFA is, and how each register of the
 * caller is recovered there (DWARF 5, section 6.4.1).
 *
 * libdw's Dwarf_Frame is asked once per row; stacks of many threads then use the copy.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_CFI_ROW_H
#define SNAP_ANALYZE_SYMBOLS_CFI_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <elfutils/libdw.h>

#include "common/arch.h"
#include "common/arena.h"

enum snap_cfi_rule_kind {
	SNAP_CFI_UNDEFINED,	   /* not to be had; of the return address: the outermost frame */
	SNAP_CFI_SAME,		   /* as it is in this frame */
	SNAP_CFI_AT_CFA,	   /* in memory at CFA + offset */
	SNAP_CFI_CFA_PLUS,	   /* CFA + offset itself */
	SNAP_CFI_REGISTER,	   /* in the register column, plus offset */
	SNAP_CFI_AT_EXPRESSION,	   /* in memory where ops say */
	SNAP_CFI_EXPRESSION_VALUE, /* what ops say */
	SNAP_CFI_MALFORMED,
};

struct snap_cfi_rule {
	uint8_t kind;	/* enum snap_cfi_rule_kind */
	uint8_t column; /* snap_arch_column() */
	uint32_t num_ops;
	union {
		int64_t offset;
		const Dwarf_Op *ops;
	} u;
};

struct snap_cfi_row {
	uint64_t start, end;	     /* virtual addresses of the file, [start, end) */
	bool is_signal;		     /* its CIE has the augmentation 'S': a signal trampoline */
	int ra_column;		     /* -1: beyond those that are carried */
	struct snap_cfi_rule cfa;    /* REGISTER or EXPRESSION_VALUE; else there is none */
	struct snap_cfi_rule *rules; /* snap_arch_num_columns() of them, by column */
};

/*
 * Copy frame's row into *ret, in arena. Operations of expressions stay libdw's, valid as long as
 * the Dwarf_CFI that frame came from. Returns -1 only without memory.
 */
int snap_cfi_row_init(struct snap_cfi_row *ret, Dwarf_Frame *frame, const struct snap_arch *arch,
	struct snap_arena *arena);

#endif
