/*
 * Compressed inputs (gzip, xz, zstd, lz4), told by their first bytes.
 *
 * liblzma does the work for xz, libarchive for the others; it is loaded when the first such input is
 * met, since loading it costs more than reading a snapshot.
 */
#ifndef SNAP_ANALYZE_INPUT_DECOMPRESS_H
#define SNAP_ANALYZE_INPUT_DECOMPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/bytes.h"
#include "common/error.h"

/* Loaded when it is needed. */
#define SNAP_ARCHIVE_LIBRARY "libarchive.so.13"

/* So many bytes are needed to tell. */
#define SNAP_COMPRESSION_MAGIC_BYTES 6

/* The name of the compression whose magic start begins with, or NULL. */
const char *snap_compression(struct snap_bytes start);

struct snap_decompressor;

/*
 * Decompress what follows: the bytes of start (which were already read), then those of fd. Both are
 * borrowed until the destruction.
 */
int snap_decompressor_create(
	int fd, struct snap_bytes start, struct snap_decompressor **ret, struct snap_error *err);
void snap_decompressor_destroy(struct snap_decompressor *decompressor);

/*
 * Up to len bytes; 0 at the end, -1 and *err if the data is damaged or can't be read, SNAP_ERROR_LIMIT
 * if that takes more than 128 MiB of memory.
 */
ssize_t snap_decompressor_read(
	struct snap_decompressor *decompressor, void *buf, size_t len, struct snap_error *err);

/* How many compressed bytes were taken so far. */
uint64_t snap_decompressor_taken(const struct snap_decompressor *decompressor);

/* After a failure: whether fd had no more bytes, so that it was cut rather than damaged. */
bool snap_decompressor_ran_out(const struct snap_decompressor *decompressor);

#endif
