/*
 * One ELF file on disk (or in memory), opened for its symbols.
 *
 * Hostile: the file may be anything; libelf checks what it is asked for, we check the rest.
 */
#ifndef SNAP_ANALYZE_SYMBOLS_ELF_FILE_H
#define SNAP_ANALYZE_SYMBOLS_ELF_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include <libelf.h>

#include "common/bytes.h"
#include "common/error.h"

struct snap_elf_file {
	Elf *elf;
	int fd;		/* -1: in memory */
	uint8_t *image; /* owned bytes of one in memory, else NULL */
	size_t image_len;
	void *map; /* of the file, read-only; NULL: libelf has read it */
	size_t map_len;
	char *path;	   /* owned */
	uint16_t elf_type; /* ET_EXEC, ET_DYN; a debug file has that of its executable */
	uint16_t elf_machine;
	uint8_t elf_class, elf_data;
	struct snap_bytes build_id; /* points into the file; absent if it has none */
	bool has_code_frames;	    /* .eh_frame with contents: not a debug-only file */
	bool has_debug_frame;
	bool has_debug_info;
	bool has_symtab, has_dynsym;
	const char *no_dwarf; /* in words, why libdw must not open it; NULL: it may */
	const char *no_cfi;   /* why its call frame information must not be used; NULL: it may */
};

/*
 * fd: of a regular file; owned by *ret on success, closed on failure. path: for messages. -1 and
 * *err if it is no ELF executable, library or debug file.
 */
int snap_elf_file_open(int fd, const char *path, struct snap_elf_file *ret, struct snap_error *err);

/*
 * The same for a file that holds a part of others' debug information: of split DWARF (.dwo, .dwp),
 * or what several have in common (dwz). These are relocatable files as a rule.
 */
int snap_elf_file_open_part(
	int fd, const char *path, struct snap_elf_file *ret, struct snap_error *err);

/*
 * An image of len bytes on the heap, owned by *ret on success, freed on failure. It is a part of a
 * file that somebody keeps, unpacked.
 */
int snap_elf_file_from_unpacked(uint8_t *image, size_t len, const char *name,
	struct snap_elf_file *ret, struct snap_error *err);

/* The same for one that came with an input: of it, less is taken for good (no_dwarf, no_cfi). */
int snap_elf_file_from_memory(uint8_t *image, size_t len, const char *name,
	struct snap_elf_file *ret, struct snap_error *err);

/*
 * The bytes of the first section of that name, as they stand in the file; absent if there is none,
 * or it is compressed.
 */
struct snap_bytes snap_elf_file_section(const struct snap_elf_file *file, const char *name);

/* What was read of the file need not stay in memory: it is read again where it is needed. */
void snap_elf_file_let_go(const struct snap_elf_file *file);

void snap_elf_file_deinit(struct snap_elf_file *file);
/* The same for one on the heap; NULL is ignored. */
void snap_elf_file_destroy(struct snap_elf_file *file);

#endif
