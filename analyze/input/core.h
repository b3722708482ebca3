/*
 * An ELF core while it is being loaded: what the parts of the loader (core_*.c) hand to each other.
 *
 * Hostile: everything that stands in a core may be a lie. What contradicts itself is left out.
 * Sources: gABI chapters 4 and 5; the kernel's fs/binfmt_elf.c (elf_core_dump()).
 */
#ifndef SNAP_ANALYZE_INPUT_CORE_H
#define SNAP_ANALYZE_INPUT_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/crash.h"
#include "common/arch.h"
#include "common/bytes.h"
#include "common/elf_load.h"
#include "common/error.h"

/* A program header, of either class. */
struct snap_core_segment {
	uint32_t type, flags;
	uint64_t offset, vaddr, filesz, memsz;
};

/* A mapped file, as NT_FILE says (fs/binfmt_elf.c, fill_files_note()). */
struct snap_core_file {
	uint64_t start, end, offset; /* offset into the file, in bytes */
	struct snap_bytes path;	     /* without the mark of a deleted file */
	bool deleted;
};

struct snap_core {
	struct snap_crash *crash;

	/* core_headers.c */
	uint8_t elf_class, elf_data;
	uint16_t elf_machine;
	uint32_t elf_flags;
	const struct snap_arch *arch; /* NULL: no table for it, so that registers stay unread */
	struct snap_core_segment *segments; /* heap */
	size_t num_segments;

	/* core_notes.c */
	struct snap_bytes auxv, file_note;
	struct snap_bytes mappings_note; /* common/core_marks.h */
	struct snap_bytes siginfo;	 /* the first thread's */
	bool has_cursig;
	int cursig;	     /* pr_cursig of the first thread */
	const char *foreign; /* a note of another system is there: what the core is; or NULL */

	/* core_mappings.c */
	struct snap_core_file *files; /* crash's arena */
	size_t num_files;

	/* Where the file ends too early, in words: the first part of it that is missing. NULL: it
	 * is whole. */
	const char *cut;
};

/*
 * All len bytes at off of the file: 0 or a negative errno. -ENODATA: it ends before; any other is
 * noted by the crash's memory, as of all places of the file that can't be read.
 */
int snap_core_read_at(const struct snap_core *core, uint64_t off, void *buf, size_t len);

/* -1 and *err after snap_core_read_at() gave r for what the core can't do without: that it ends too
 * early, in the words of cut, or that what can't be read, and why. */
int snap_core_fail_read(int r, const char *what, const char *cut, struct snap_error *err);

/* What of [off, off + len) is in the file: at most len, 0 if it ends before off. */
uint64_t snap_core_present(const struct snap_core *core, uint64_t off, uint64_t len);

static inline uint64_t snap_core_load(
	const struct snap_core *core, const uint8_t *bytes, unsigned int size)
{
	return snap_elf_load(bytes, size, core->elf_data);
}

/* Bytes of a pointer: 4 or 8. */
static inline unsigned int snap_core_word(const struct snap_core *core)
{
	return core->elf_class == ELFCLASS32 ? 4 : 8;
}

/* The value of an entry of the auxiliary vector. */
bool snap_core_auxv_find(const struct snap_core *core, uint64_t type, uint64_t *ret);

/*
 * The parts, in this order. Each returns 0, or -1 and *err (its text without the file's name) if
 * the input can't be loaded.
 */

/* The ELF header and the program headers. */
int snap_core_read_headers(struct snap_core *core, struct snap_error *err);

/* Threads with their registers, the process, the places of the other notes. */
int snap_core_read_notes(struct snap_core *core, struct snap_error *err);

/* The signal, from the notes. */
void snap_core_set_signal(struct snap_core *core);

/* PT_LOAD segments as memory. */
int snap_core_add_memory(struct snap_core *core, struct snap_error *err);

/* PT_LOAD segments, with NT_FILE's names, as mappings (sorted) and files. */
int snap_core_add_mappings(struct snap_core *core, struct snap_error *err);

/* The file that is mapped at addr, or NULL. */
const struct snap_core_file *snap_core_file_at(const struct snap_core *core, uint64_t addr);

/* Modules: from NT_FILE, or else from the dynamic linker's list and the images in memory. */
int snap_core_add_modules(struct snap_core *core, struct snap_error *err);

#endif
