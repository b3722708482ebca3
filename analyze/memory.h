/*
 * The target's memory as far as it was captured: sorted ranges, each either in our memory or at a
 * place in a core file. Every reader of target memory goes through here.
 */
#ifndef SNAP_ANALYZE_MEMORY_H
#define SNAP_ANALYZE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/error.h"

struct snap_memory_segment {
	uint64_t start, len; /* [start, start + len) of the target; len > 0, no wrap-around */
	const uint8_t *data; /* borrowed; NULL: in the file */
	int fd;		     /* borrowed; of a seekable file */
	uint64_t file_off;
};

struct snap_memory {
	struct snap_memory_segment *segments; /* sorted, not overlapping */
	size_t num_segments, capacity;
	/* The last page read from a file: stacks are read word by word. */
	uint8_t *page;
	int page_fd;
	uint64_t page_off;
	size_t page_len;
	size_t last; /* the segment found by the last look-up */
	/* The first read of a file that failed: its errno, and where in the file. 0: none did. */
	int failed_errnum;
	uint64_t failed_off;
};

void snap_memory_init(struct snap_memory *memory);
void snap_memory_deinit(struct snap_memory *memory);

/* Add a range, in any order, before snap_memory_finish(). Ranges without bytes are ignored. */
int snap_memory_add(struct snap_memory *memory, const struct snap_memory_segment *segment,
	struct snap_error *err);
/* Sort; where ranges overlap, the one added first keeps its bytes. */
int snap_memory_finish(struct snap_memory *memory, struct snap_error *err);

/* Note that the file behind it can't be read at off, if that is the first such place. */
void snap_memory_fail(struct snap_memory *memory, int errnum, uint64_t off);

/*
 * Read up to len bytes at addr, across adjacent ranges. Returns how many were there from addr on
 * without a gap (0: none), or a negative errno if the file could not be read,
 * which is noted, too.
 */
ssize_t snap_memory_read(struct snap_memory *memory, uint64_t addr, void *buf, size_t len);

/* All len bytes or false. */
bool snap_memory_read_all(struct snap_memory *memory, uint64_t addr, void *buf, size_t len);

/* The range that contains addr, or NULL. */
const struct snap_memory_segment *snap_memory_find(struct snap_memory *memory, uint64_t addr);

#endif
