/*
 * Numbers out of ELF structures of either byte order, wherever they lie.
 */
#ifndef SNAP_COMMON_ELF_LOAD_H
#define SNAP_COMMON_ELF_LOAD_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

/* size: 1 to 8 bytes. elf_data: ELFDATA2MSB, or else little-endian. */
static inline uint64_t snap_elf_load(const void *bytes, unsigned int size, uint8_t elf_data)
{
	const uint8_t *p = bytes;
	uint64_t value = 0;
	for (unsigned int i = 0; i < size; i++)
		value = value << 8 | p[elf_data == ELFDATA2MSB ? i : size - 1 - i];
	return value;
}

/* The member of a structure of <elf.h> whose bytes start at base. */
#define SNAP_ELF_MEMBER(base, type, member, elf_data)                                              \
	snap_elf_load((const uint8_t *)(base) + offsetof(type, member),                            \
		sizeof(((type *)NULL)->member), (elf_data))

/* The same of a structure of either class: kind is Ehdr, Phdr, ... */
#define SNAP_ELF_CLASS_MEMBER(base, kind, member, elf_class, elf_data)                             \
	((elf_class) == ELFCLASS64 ? SNAP_ELF_MEMBER(base, Elf64_##kind, member, elf_data)         \
				   : SNAP_ELF_MEMBER(base, Elf32_##kind, member, elf_data))

#endif
