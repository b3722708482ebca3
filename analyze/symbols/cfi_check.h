/*
 * Looks through call frame information that came with an input before libdw runs it: libdw takes
 * memory by the greatest register number and copies all of it at each DW_CFA_remember_state, so
 * that ten bytes can cost gigabytes.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_CFI_CHECK_H
#define SNAP_ANALYZE_SYMBOLS_CFI_CHECK_H

#include <stdbool.h>

#include <libelf.h>

/*
 * Whether all of the .eh_frame section data is well-formed and within what code can need. Holds
 * for a reader that goes from entry to entry; an index (.eh_frame_hdr) could lead elsewhere.
 */
bool snap_cfi_is_harmless(Elf *elf, Elf_Data *data);

#endif
