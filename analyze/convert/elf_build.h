/*
 * Builds ELF structures piece by piece, in the class and byte order of any machine.
 */
#ifndef SNAP_ANALYZE_CONVERT_ELF_BUILD_H
#define SNAP_ANALYZE_CONVERT_ELF_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/bytes.h"

struct snap_elf_build {
	uint8_t elf_class, elf_data; /* of what is built */
	uint8_t *data;		     /* heap */
	size_t len, capacity;
	bool failed; /* memory is exhausted: what follows is ignored */
};

void snap_elf_build_init(struct snap_elf_build *build, uint8_t elf_class, uint8_t elf_data);
void snap_elf_build_deinit(struct snap_elf_build *build);

/* Append the low size bytes (1 to 8) of value. */
void snap_elf_build_number(struct snap_elf_build *build, uint64_t value, unsigned int size);
/* A pointer's worth: 4 or 8 bytes. */
void snap_elf_build_word(struct snap_elf_build *build, uint64_t value);
void snap_elf_build_bytes(struct snap_elf_build *build, struct snap_bytes bytes);
/* bytes cut to, or filled up with zeros to, exactly len. */
void snap_elf_build_field(struct snap_elf_build *build, struct snap_bytes bytes, size_t len);
/* Zeros up to a multiple of align. */
void snap_elf_build_align(struct snap_elf_build *build, size_t align);
/* Replace size bytes at off, which is within what was built. */
void snap_elf_build_set(
	struct snap_elf_build *build, size_t off, uint64_t value, unsigned int size);

static inline unsigned int snap_elf_build_word_size(const struct snap_elf_build *build)
{
	return build->elf_class == 1 ? 4 : 8;
}

#endif
