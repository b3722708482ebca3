/*
 * The package that a module came from, as its distribution's build noted it: an ELF note of owner
 * "FDO" and type 0xcafe1a7e, JSON text (systemd, "Package Metadata for ELF Files"). Hostile.
 */
#ifndef SNAP_ANALYZE_FIND_PACKAGE_NOTE_H
#define SNAP_ANALYZE_FIND_PACKAGE_NOTE_H

#include "analyze/memory.h"
#include "analyze/symbols/elf_file.h"
#include "common/arena.h"
#include "common/error.h"

/* Each is NULL if the note does not say it. As it was: a printer escapes it. */
struct snap_package {
	const char *type; /* "deb", "rpm", ... */
	const char *name, *version, *architecture;
	const char *os_cpe; /* the operating system's CPE name */
};

/* *ret is in the arena; NULL if the file has no such note, or one that can't be read. */
void snap_package_note_read(const struct snap_elf_file *file, struct snap_arena *arena,
	const struct snap_package **ret);

/* The same of an ELF image in a process's memory, of which the first page alone is looked at. */
void snap_package_note_read_memory(struct snap_memory *memory, uint64_t start,
	struct snap_arena *arena, const struct snap_package **ret);

#endif
