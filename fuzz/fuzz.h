/*
 * What the fuzz targets have in common.
 */
#ifndef SNAP_FUZZ_FUZZ_H
#define SNAP_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/symbols/elf_file.h"
#include "common/bytes.h"

/* libFuzzer's, and what it calls. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max_len, unsigned int seed);
size_t LLVMFuzzerMutate(uint8_t *data, size_t len, size_t max_len);

/* A finding. */
#define FUZZ_REQUIRE(what)                                                                         \
	do {                                                                                       \
		if (!(what))                                                                       \
			fuzz_fail(__FILE__, __LINE__, #what);                                      \
	} while (0)
_Noreturn void fuzz_fail(const char *file, int line, const char *what);

/* ---------------------------------------------------------------- taking an input apart */

/* What is left of the input; zeros are read behind its end. */
struct fuzz_input {
	const uint8_t *data;
	size_t len;
};

uint64_t fuzz_number(struct fuzz_input *input, unsigned int size); /* little-endian */
/* The next len bytes, or as many as there are. */
struct snap_bytes fuzz_bytes(struct fuzz_input *input, size_t len);

/* A copy on the heap, so that a read behind its end is seen. */
uint8_t *fuzz_copy(struct snap_bytes bytes);

/* ---------------------------------------------------------------- files */

/* The one file of this process, with these bytes in it; it lies in memory. */
const char *fuzz_file(const uint8_t *data, size_t len);

/* A section of a file made here, which is mapped at vaddr, where it also stands in the file. */
struct fuzz_section {
	const char *name;
	uint32_t type;
	uint64_t vaddr; /* from 0x1000 on, ascending */
	struct snap_bytes bytes;
};

#define FUZZ_MAX_SECTIONS 8

struct fuzz_elf {
	uint16_t machine;
	uint8_t elf_class;
	uint32_t segment; /* type of a program header for the last section; 0: none */
	size_t num_sections;
	struct fuzz_section sections[FUZZ_MAX_SECTIONS];
};

/* A little-endian library of these, on the heap. */
uint8_t *fuzz_elf_image(const struct fuzz_elf *elf, size_t *ret_len);

/*
 * A mutator that knows ELF files of 64 bits: it changes one section's contents or its header, so that the
 * rest still fits together.
 */
size_t fuzz_mutate_elf(uint8_t *data, size_t len, size_t max_len, unsigned int seed);

/* ---------------------------------------------------------------- snapshots */

/*
 * A mutator that knows records: it changes one of them, or one within one, and then puts right what
 * the checkpoints vouch for, so that mutants get past the checksums.
 */
size_t fuzz_mutate_snapshot(uint8_t *data, size_t len, size_t max_len, unsigned int seed);

/* ---------------------------------------------------------------- the analysis */

struct snap_crash;

/* All stages, without any file but the input, then each report. Output that is no valid UTF-8, no
 * JSON, or that a terminal would obey, is a finding. */
void fuzz_analyse(const char *file);
/* The reports of what was analysed already. */
void fuzz_print(const struct snap_crash *crash);

#endif
