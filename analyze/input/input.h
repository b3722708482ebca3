/*
 * An input as it lies on disk: a snapshot, read whole into memory, or an ELF core, read in place.
 * Told apart by content; either may be compressed. Of a compressed one that ends early or is
 * damaged there is what could be decompressed.
 */
#ifndef SNAP_ANALYZE_INPUT_INPUT_H
#define SNAP_ANALYZE_INPUT_INPUT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/bytes.h"
#include "common/error.h"

struct snap_input {
	int fd;			/* seekable, of a core; -1 of a snapshot */
	uint64_t size;		/* bytes of it, decompressed */
	bool is_core;		/* begins as ELF files do */
	struct snap_bytes data; /* all of a snapshot; absent for a core */
	uint8_t *storage;	/* what data points to */
	char lost[128];		/* why nothing behind size could be decompressed; "": it could */
	bool is_damaged;	/* lost for other reasons than that the compressed file ended */
};

/*
 * Open file ("-": standard input, which may be a pipe). On failure err->text is the whole message
 * ("cannot read 'x': ..."). Close with snap_input_deinit().
 */
int snap_input_open(const char *file, struct snap_input *ret, struct snap_error *err);

/*
 * The same for text of other programs' making, at most SNAP_INPUT_MAX_TEXT bytes, in ret->data;
 * ELF files are refused.
 */
#define SNAP_INPUT_MAX_TEXT (64u << 20)
int snap_input_open_text(const char *file, struct snap_input *ret, struct snap_error *err);

void snap_input_deinit(struct snap_input *input);

/* The same for one on the heap; NULL is ignored. */
void snap_input_close(struct snap_input *input);

#endif
