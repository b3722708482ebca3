/*
 * One thread's floating point and vector register sets, which can be long, byte by byte as the
 * kernel gives them.
 */
#ifndef SNAP_CAPTURE_VECTOR_REGSETS_H
#define SNAP_CAPTURE_VECTOR_REGSETS_H

#include <stdint.h>

#include "common/arch.h"
#include "common/snapshot.h"

/* Bytes of all of a thread's. x86-64's with AMX have 11 KiB, aarch64's vectors of 2048 bits 9. */
#define SNAP_VECTOR_BYTES 16384u
/* The machine's, and NT_FPREGSET. */
#define SNAP_VECTOR_MAX (SNAP_ARCH_MAX_VECTOR_REGSETS + 1)

struct snap_vector_regsets {
	uint32_t num, num_left_out; /* for want of room */
	uint32_t len;		    /* of data in use */
	struct {
		uint32_t type, len;
	} sets[SNAP_VECTOR_MAX];
	uint8_t data[SNAP_VECTOR_BYTES];
};

/* Whether it is one of those; arch may be NULL. */
bool snap_vector_regsets_has(const struct snap_arch *arch, uint32_t type);

/* Keep one that is; desc: at most its first bytes, of len. */
void snap_vector_regsets_keep(
	struct snap_vector_regsets *v, uint32_t type, struct snap_bytes desc, uint64_t len);

/* Write them to to[], which has room for SNAP_VECTOR_MAX; they point into v. Returns how many. */
size_t snap_vector_regsets_list(const struct snap_vector_regsets *v, struct snap_regset *to);

/* Bytes of v that matter, to be copied somewhere. */
size_t snap_vector_regsets_size(const struct snap_vector_regsets *v);

#endif
