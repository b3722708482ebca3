/*
 * One thread's register sets besides the general and floating point ones: those that the machine's
 * table lists (common/arch.h), byte by byte as the kernel gives them.
 */
#ifndef SNAP_CAPTURE_EXTRA_REGSETS_H
#define SNAP_CAPTURE_EXTRA_REGSETS_H

#include <stddef.h>
#include <stdint.h>

#include "common/arch.h"
#include "common/snapshot.h"

struct snap_extra_regset {
	uint8_t len; /* 0: there is none */
	uint8_t data[SNAP_ARCH_EXTRA_REGSET_MAX_BYTES];
};

/* In the order of the table. */
struct snap_extra_regsets {
	struct snap_extra_regset sets[SNAP_ARCH_MAX_EXTRA_REGSETS];
};

/*
 * Keep a note's descriptor if the table lists its type; one that is longer than any known one is
 * left out. arch may be NULL.
 */
void snap_extra_regsets_keep(struct snap_extra_regsets *extra, const struct snap_arch *arch,
	uint32_t type, struct snap_bytes desc);

/*
 * Write those that are there to to[], which has room for SNAP_ARCH_MAX_EXTRA_REGSETS; they point
 * into extra. Returns how many. arch may be NULL.
 */
size_t snap_extra_regsets_list(const struct snap_extra_regsets *extra, const struct snap_arch *arch,
	struct snap_regset *to);

#endif
