/*
 * What an ELF file says of the other files that belong to it: the sections .gnu_debuglink and
 * .gnu_debugaltlink. Hostile: both may hold anything.
 */
#ifndef SNAP_ANALYZE_FIND_LINKS_H
#define SNAP_ANALYZE_FIND_LINKS_H

#include <stdbool.h>
#include <stdint.h>

#include "analyze/symbols/elf_file.h"
#include "common/bytes.h"
#include "common/error.h"

/* GDB manual, "Separate Debug Files": a file name, and the CRC-32 of that file's contents. */
struct snap_debuglink {
	const char *name; /* in the ELF file; no slash in it, neither "." nor ".." */
	uint32_t crc;
};

/* 1 and *ret; 0: there is none; -1 and *err: it is malformed. */
int snap_debuglink_read(
	const struct snap_elf_file *file, struct snap_debuglink *ret, struct snap_error *err);

/* DWARF 5, 7.3.6 as dwz writes it: a path, and the build ID of that file. */
struct snap_altlink {
	const char *name; /* in the ELF file */
	struct snap_bytes build_id;
};

int snap_altlink_read(
	const struct snap_elf_file *file, struct snap_altlink *ret, struct snap_error *err);

/*
 * The CRC-32 of all that is in the file (zlib's, as the link has it). -1 and *err if it can't be
 * read, or is too large to go through.
 */
int snap_file_crc32(int fd, uint32_t *ret, struct snap_error *err);

#endif
