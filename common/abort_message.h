/*
 * What the C library had to say before it aborted the process: where glibc keeps the text that
 * assert(3), fortified functions, malloc(3) and the stack protector print.
 *
 * It is in memory of its own, a u32 of how many bytes, then the text. The variable __abort_msg,
 * which libc.so exports for debuggers, points there; since glibc 2.42 the kernel also knows that
 * memory by a name. A static program has neither unless it is as new: there, of memory that is
 * nobody's else, what looks like it is taken for it.
 *
 * Crash-time and hostile: no allocation, bounded reads; everything read is the target's word.
 * Sources: glibc's assert/assert.c, sysdeps/posix/libc_fatal.c, include/stdlib.h
 * (struct abort_msg_s), debug/stack_chk_fail.c.
 */
#ifndef SNAP_COMMON_ABORT_MESSAGE_H
#define SNAP_COMMON_ABORT_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/areas.h"
#include "common/elf_image.h"
#include "common/snapshot.h"

#define SNAP_ABORT_VARIABLE "__abort_msg"

struct snap_abort_finder {
	snap_memory_read_fn *read;
	void *arg;
	bool has_library;      /* glibc's own variable was found */
	uint64_t library_addr; /* what it points to; 0: nothing */
	uint64_t named_addr;   /* memory with that name; 0: none */
	unsigned int num_libraries;
};

void snap_abort_finder_init(struct snap_abort_finder *finder, snap_memory_read_fn *read, void *arg);

/* All mappings, and all images with the path that they are mapped from, are offered. */
void snap_abort_finder_offer_mapping(
	struct snap_abort_finder *finder, const struct snap_mapping *mapping);
void snap_abort_finder_offer_image(struct snap_abort_finder *finder, struct snap_bytes path,
	const struct snap_elf_image *image);

/*
 * Read the text into buf, to which *ret then points. guess: whether, for want of anything else,
 * memory that looks like it may be taken for it; areas: where that may be. False if there is none.
 */
bool snap_abort_message_read(const struct snap_abort_finder *finder, const struct snap_areas *areas,
	bool guess, uint8_t elf_data, uint8_t buf[static SNAP_MAX_ABORT_MESSAGE],
	struct snap_abort_message *ret);

#endif
