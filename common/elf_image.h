/*
 * What an ELF image in a process's memory says of itself: build ID and load bias, read through the
 * program headers alone (no section headers are mapped).
 *
 * Crash-time and hostile: no allocation, bounded reads; everything read is the target's word.
 * Sources: gABI chapters 4 and 5 (ELF header, program header, note section), <elf.h>.
 */
#ifndef SNAP_COMMON_ELF_IMAGE_H
#define SNAP_COMMON_ELF_IMAGE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/snapshot.h"

/*
 * Reads len bytes of the target's memory at addr. Returns how many were read (fewer than len where
 * the readable memory ends, 0 for none) or a negative errno.
 */
typedef ssize_t snap_memory_read_fn(void *arg, uint64_t addr, void *buf, size_t len);

struct snap_elf_image {
	uint16_t elf_machine;
	uint8_t elf_class, elf_data;
	uint16_t elf_type;   /* ET_EXEC, ET_DYN, ... */
	uint64_t load_bias;  /* process address - ELF file's virtual address, modulo 2^64 */
	uint64_t start, end; /* of all PT_LOADs in the process, page-aligned at 4096 */
	enum snap_build_id_status status;
	uint8_t build_id[SNAP_MAX_BUILD_ID];
	size_t build_id_len; /* 0 unless status is SNAP_BUILD_ID_FOUND */
	uint64_t dynamic_addr, dynamic_len; /* PT_DYNAMIC in the process; 0: there is none */
	/* Where the address of libsnapcrash's annotation area stands, if the image has that
	 * library's note (capture/lib/area.h); else 0. */
	uint64_t area_pointer_addr;
};

/*
 * Read the image whose ELF header is mapped at base. Returns 0 and fills *ret (a build ID that is
 * missing is a status, not an error); -ENOEXEC if no usable ELF header and program headers stand
 * there; another negative errno if they could not be read.
 */
int snap_elf_image_read(
	snap_memory_read_fn *read, void *arg, uint64_t base, struct snap_elf_image *ret);

#endif
