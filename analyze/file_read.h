/*
 * Reads at a place of a file, whole: a call of pread(2) may be interrupted, or give less than there
 * is (of network file systems, of FUSE).
 */
#ifndef SNAP_ANALYZE_FILE_READ_H
#define SNAP_ANALYZE_FILE_READ_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* len bytes at off, or as many as there are up to the file's end. Returns how many, or a negative
 * errno if the first of them can't be read. */
ssize_t snap_file_read_at(int fd, void *buf, size_t len, uint64_t off);

#endif
