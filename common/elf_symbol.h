/*
 * The address of one exported symbol of an ELF image in a process's memory, by the image's own
 * dynamic section and GNU hash table; no file is opened.
 *
 * Crash-time and hostile: no allocation, bounded reads; everything read is the target's word.
 * Sources: gABI chapter 5 (dynamic section); binutils' bfd/elflink.c for DT_GNU_HASH.
 */
#ifndef SNAP_COMMON_ELF_SYMBOL_H
#define SNAP_COMMON_ELF_SYMBOL_H

#include <stdint.h>

#include "common/elf_image.h"

/* Bytes of a name that can be looked for. */
#define SNAP_ELF_SYMBOL_NAME_MAX 64

/*
 * Returns 0 and the symbol's address in the process; -ENOENT if the image defines none of that name
 * or has no such table; -EINVAL if the name is longer than that; another negative errno if what
 * should tell can't be read.
 */
int snap_elf_symbol_find(snap_memory_read_fn *read, void *arg, const struct snap_elf_image *image,
	const char *name, uint64_t *ret);

#endif
