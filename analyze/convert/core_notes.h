/*
 * The notes of an ELF core, in the order and layout of the kernel (fs/binfmt_elf.c,
 * elf_core_dump(), and <linux/elfcore.h>).
 */
#ifndef SNAP_ANALYZE_CONVERT_CORE_NOTES_H
#define SNAP_ANALYZE_CONVERT_CORE_NOTES_H

#include "analyze/convert/elf_build.h"
#include "analyze/crash.h"
#include "common/error.h"

/* What a core can't say, or not all of it. */
struct snap_core_notes_report {
	size_t num_threads_left_out; /* threads without registers */
	size_t num_files_left_out;   /* mappings of files beyond what NT_FILE may hold */
};

/*
 * Append all notes of the crash, whose arch is known, to build. Those that the input has nothing
 * for are left out.
 */
void snap_core_notes_build(
	struct snap_crash *crash, struct snap_elf_build *build, struct snap_core_notes_report *ret);

/* Append one note. */
void snap_core_note_add(
	struct snap_elf_build *build, const char *name, uint32_t type, struct snap_bytes desc);

#endif
