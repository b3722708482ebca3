#include "common/elf_notes.h"

#include <errno.h>

#include "common/elf_load.h"

static uint64_t align_up(uint64_t value, unsigned int align)
{
	return (value + align - 1) & ~(uint64_t)(align - 1);
}

int snap_elf_note_next(struct snap_bytes notes, size_t *offset, uint8_t elf_data,
	unsigned int align, struct snap_elf_note *ret)
{
	uint64_t left = notes.len - *offset;
	if (left < SNAP_NOTE_HEADER_BYTES)
		return left == 0 ? 0 : -EBADMSG;
	const uint8_t *header = notes.data + *offset;
	uint64_t namesz = snap_elf_load(header, 4, elf_data);
	uint64_t descsz = snap_elf_load(header + 4, 4, elf_data);
	/* 64-bit sums of 32-bit sizes: they can't overflow. */
	uint64_t desc_off = align_up(SNAP_NOTE_HEADER_BYTES + namesz, align);
	if (desc_off > left || descsz > left - desc_off)
		return -EBADMSG;

	ret->type = (uint32_t)snap_elf_load(header + 8, 4, elf_data);
	ret->name = snap_bytes(header + SNAP_NOTE_HEADER_BYTES, namesz);
	if (namesz > 0 && ret->name.data[namesz - 1] == '\0')
		ret->name.len--;
	ret->desc = snap_bytes(header + desc_off, descsz);

	/* The last note may lack its padding. */
	uint64_t next = align_up(desc_off + descsz, align);
	*offset += next < left ? next : left;
	return 1;
}
