/*
 * The executable as it lies in a process's memory, found by the program headers that the auxiliary
 * vector points to (AT_PHDR): dynamic or static, position-independent or not, its ELF header
 * captured or not.
 *
 * Hostile: everything read is the target's word; all of it is bounded.
 */
#ifndef SNAP_ANALYZE_INPUT_EXE_IMAGE_H
#define SNAP_ANALYZE_INPUT_EXE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/memory.h"
#include "common/snapshot.h"

/* How to read a process's memory. */
struct snap_process_memory {
	struct snap_memory *memory;
	uint16_t elf_machine;
	uint8_t elf_class, elf_data;
};

struct snap_exe_image {
	uint64_t load_bias;	   /* process address - ELF file's virtual address, modulo 2^64 */
	uint64_t start, end;	   /* of all PT_LOADs in the process */
	uint64_t dynamic_addr;	   /* of the dynamic section; 0: none */
	uint64_t dynamic_len;	   /* bytes */
	uint64_t interpreter_addr; /* of the dynamic linker's path; 0: none */
	uint64_t interpreter_len;  /* bytes, with its NUL */
	enum snap_build_id_status build_id_status;
	uint8_t build_id[SNAP_MAX_BUILD_ID];
	size_t build_id_len; /* 0 unless the status is SNAP_BUILD_ID_FOUND */
};

/*
 * phdr_addr, num_phdrs: AT_PHDR and AT_PHNUM. False if no usable program headers were captured
 * there; *ret then stays as it was.
 */
bool snap_exe_image_read(const struct snap_process_memory *process, uint64_t phdr_addr,
	uint64_t num_phdrs, struct snap_exe_image *ret);

/* A pointer-sized number at addr. */
bool snap_process_read_word(
	const struct snap_process_memory *process, uint64_t addr, uint64_t *ret);

/* Bytes of a pointer: 4 or 8. */
unsigned int snap_process_word(const struct snap_process_memory *process);

#endif
