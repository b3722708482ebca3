/*
 * How an input is DWARF: a byte of flags, then sections, one after the other: which (with 0x80: of
 * the second file), length in four bytes, bytes.
 */
#ifndef SNAP_FUZZ_DWARF_INPUT_H
#define SNAP_FUZZ_DWARF_INPUT_H

#include "fuzz/fuzz.h"
#include "tests/lib/made_dwarf.h"

enum {
	FUZZ_DWARF_BIG_ENDIAN = 1,
	FUZZ_DWARF_32BIT = 2,
	FUZZ_DWARF_SPLIT = 4,	   /* the first file is a .dwo */
	FUZZ_DWARF_OTHER = 8,	   /* there is a second file */
	FUZZ_DWARF_OTHER_DWO = 16, /* it has split units; else it is what several have in common */
};

/* Ends with fuzz_dwarf_free(). Returns the flags. */
uint8_t fuzz_dwarf_read(struct fuzz_input *input, struct made *made, struct made *other);
void fuzz_dwarf_free(struct made *made);

/* A mutator that changes one section and keeps the lengths right. */
size_t fuzz_dwarf_mutate(uint8_t *data, size_t len, size_t max_len, unsigned int seed);

#endif
