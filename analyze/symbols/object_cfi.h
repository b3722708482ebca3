/*
 * Call frame information of one object, from wherever it has any, by libdw.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_OBJECT_CFI_H
#define SNAP_ANALYZE_SYMBOLS_OBJECT_CFI_H

#include <stdint.h>

#include "analyze/symbols/cfi_row.h"
#include "analyze/symbols/elf_file.h"
#include "common/error.h"

struct snap_object_cfi;

/* The executable or library, and its debug file; NULL: there is none. Both outlive the result. */
int snap_object_cfi_create(const struct snap_elf_file *main, const struct snap_elf_file *debug,
	struct snap_object_cfi **ret, struct snap_error *err);
void snap_object_cfi_destroy(struct snap_object_cfi *cfi);

/*
 * The row for an address, from .eh_frame or .debug_frame. NULL if there is none. Looked up once for
 * all the addresses that it covers, and owned by cfi.
 */
const struct snap_cfi_row *snap_object_cfi_find(struct snap_object_cfi *cfi, uint64_t vaddr);

#endif
