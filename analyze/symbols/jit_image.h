/*
 * An ELF image that describes code made at run time, read from the target's memory.
 *
 * Hostile: the image is the target's. Nothing but our own bounded reader looks at it. What
 * unwinding and naming need is copied into an image of known shape: executable sections without
 * contents, one .symtab with its .strtab, one .eh_frame, all addresses absolute. That one is fit
 * for libelf and, after snap_cfi_is_harmless(), for libdw.
 *
 * Sources: gABI chapter 4; the GDB manual, "JIT Compilation Interface"; DWARF 5, section 6.4.1;
 * Linux Standard Base 5.0, "Exception Frames".
 */
#ifndef SNAP_ANALYZE_SYMBOLS_JIT_IMAGE_H
#define SNAP_ANALYZE_SYMBOLS_JIT_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "analyze/symbols/jit.h"
#include "common/arch.h"

/* Reads the target's memory for all images of one input, up to a limit. */
struct snap_jit_reader {
	struct snap_memory *memory;
	const struct snap_arch *arch;
	uint64_t bytes_left;
	/* What was read: on the heap, the caller's to free. */
	struct snap_jit_range *ranges;
	size_t num_ranges, capacity;
};

enum snap_jit_result {
	SNAP_JIT_OK,
	SNAP_JIT_NOT_CAPTURED, /* it, or what is needed of it, is not in the input's memory */
	SNAP_JIT_MALFORMED,    /* no ELF image of the target's machine that describes code */
	SNAP_JIT_LIMIT,	       /* it takes more than may be read */
	SNAP_JIT_NO_MEMORY,
};

struct snap_jit_image {
	uint8_t *bytes; /* the copy: on the heap */
	size_t len;
	struct snap_jit_range *code; /* where its code is, as it lists it; on the heap */
	size_t num_code;	     /* > 0 */
	const char *no_cfi;	     /* in words, why it has no .eh_frame; NULL: it has */
};

/* Read len bytes at addr and note the range. */
enum snap_jit_result snap_jit_read(
	struct snap_jit_reader *reader, uint64_t addr, void *buf, size_t len);

/*
 * The image in [addr, addr + len) of the target. ET_REL: sh_addr says where the JIT compiler put
 * each section, and symbols are relative to these; a section that its relocations are still to be
 * applied to is read from where it was put, as LLVM's images need it. ET_EXEC, ET_DYN: addresses
 * are absolute. Call frame information in .debug_frame is turned into an .eh_frame where there is
 * none. *ret is set if the result is SNAP_JIT_OK alone; end it with snap_jit_image_deinit().
 */
enum snap_jit_result snap_jit_image_read(
	struct snap_jit_reader *reader, uint64_t addr, uint64_t len, struct snap_jit_image *ret);
void snap_jit_image_deinit(struct snap_jit_image *image);

#endif
