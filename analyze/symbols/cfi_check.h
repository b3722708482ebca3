/*
 * Looks through call frame information before libdw runs it: libdw takes memory by the greatest
 * register number and copies all of it at each DW_CFA_remember_state, so that ten bytes can cost
 * gigabytes.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_CFI_CHECK_H
#define SNAP_ANALYZE_SYMBOLS_CFI_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include <libelf.h>

/*
 * Whether all of the .eh_frame section data is well-formed and within what code can need. Holds
 * for a reader that goes from entry to entry; an index (.eh_frame_hdr) could lead elsewhere.
 */
bool snap_cfi_is_harmless(Elf *elf, Elf_Data *data);

/* The same of a file's .eh_frame (is_eh) or .debug_frame, of which more is taken: functions may be
 * long, and registers many. */
bool snap_cfi_is_bounded(Elf *elf, Elf_Data *data, bool is_eh);
/* The same of the one entry at off of .eh_frame. */
bool snap_cfi_entry_is_bounded(Elf *elf, Elf_Data *data, uint64_t off);

#endif
