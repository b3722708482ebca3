/*
 * Walks ELF notes (gABI, "Note Section") in memory.
 *
 * Crash-time and hostile: no allocation; a note that does not fit ends the walk.
 */
#ifndef SNAP_COMMON_ELF_NOTES_H
#define SNAP_COMMON_ELF_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"

/* struct Elf64_Nhdr (and Elf32_Nhdr, which is the same): three words before the name. */
#define SNAP_NOTE_HEADER_BYTES 12

struct snap_elf_note {
	uint32_t type;
	struct snap_bytes name; /* without its NUL */
	struct snap_bytes desc;
};

/*
 * elf_data: ELFDATA2LSB or ELFDATA2MSB. The note at notes.data[*offset], *offset then being that of
 * the next one. align: the padding of name and descriptor, 4 or (PT_NOTE segments with p_align
 * 8) 8. Returns 1 and fills *ret, whose bytes point into notes; 0 at the end; -EBADMSG if what
 * stands there does not fit.
 */
int snap_elf_note_next(struct snap_bytes notes, size_t *offset, uint8_t elf_data,
	unsigned int align, struct snap_elf_note *ret);

#endif
