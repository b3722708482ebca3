/*
 * Writes an ELF core: headers, notes, memory (gABI chapters 4 and 5; the kernel's
 * fs/binfmt_elf.c, elf_core_dump()).
 *
 * A PT_LOAD stands for bytes that are there, so that its p_filesz is its p_memsz. For what is
 * mapped but was not captured there is none: of a PT_LOAD without bytes gdb reads zeros.
 */
#ifndef SNAP_ANALYZE_CONVERT_CORE_FILE_H
#define SNAP_ANALYZE_CONVERT_CORE_FILE_H

#include <stdio.h>

#include "analyze/memory.h"
#include "common/arch.h"
#include "common/bytes.h"
#include "common/error.h"
#include "common/snapshot.h"

/* No more segments than our own reader of cores takes. */
#define SNAP_CORE_MAX_SEGMENTS (1u << 20)

struct snap_core_contents {
	const struct snap_arch *arch;
	uint32_t elf_flags; /* e_flags */
	struct snap_bytes notes;
	struct snap_memory *memory; /* finished */
	/* Ascending, disjoint: where PT_LOADs are cut, and their permissions. */
	const struct snap_mapping *mappings;
	size_t num_mappings;
	uint64_t max_memory_bytes; /* no more memory than that */
};

struct snap_core_report {
	uint64_t memory_bytes_left_out; /* beyond one of the limits, or the address space */
	int output_errnum;		/* why out failed, as far as that was seen; or 0 */
};

/* Permissions as in p_flags. NULL, or not known: PF_R. */
uint32_t snap_core_flags(const struct snap_mapping *mapping);

/*
 * Write it to out, which need not be seekable; if it is a regular file, runs of zeros become holes.
 * -1 and *err if memory could not be had or read; that out failed is up to the caller to
 * see, by its state and the report's output_errnum.
 */
int snap_core_file_write(FILE *out, const struct snap_core_contents *contents,
	struct snap_core_report *ret, struct snap_error *err);

#endif
