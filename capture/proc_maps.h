/*
 * /proc/PID/maps: a streaming parser.
 *
 * Crash-time and hostile (the target chose the paths): fixed buffers, no allocation.
 * Source: the kernel's fs/proc/task_mmu.c (show_map_vma), fs/seq_file.c (mangle_path).
 */
#ifndef SNAP_CAPTURE_PROC_MAPS_H
#define SNAP_CAPTURE_PROC_MAPS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/snapshot.h"

/* The fields before the path take at most 73 bytes plus long inode numbers; of the path, the
 * kernel writes each newline as four bytes. */
#define SNAP_MAPS_MAX_LINE (128 + 4 * PATH_MAX)

struct snap_maps_parser {
	size_t line_len;
	bool overlong;
	uint64_t num_bad; /* lines that were no mapping */
	uint8_t line[SNAP_MAPS_MAX_LINE];
	uint8_t path[SNAP_MAPS_MAX_LINE];
};

/* The mapping's path is valid during the call. */
typedef void snap_maps_fn(void *arg, const struct snap_mapping *mapping);

/*
 * Parse one line without its newline. path_buf, as long as the line, takes the path where escapes
 * have to be undone. False if it is no line of maps; *ret is then undefined.
 */
bool snap_maps_parse_line(struct snap_bytes line, uint8_t *path_buf, struct snap_mapping *ret);

void snap_maps_parser_init(struct snap_maps_parser *p);

/* The next bytes of the file: fn is called for each mapping that they complete. */
void snap_maps_parser_feed(
	struct snap_maps_parser *p, struct snap_bytes bytes, snap_maps_fn *fn, void *arg);

/*
 * Everything that fd (maps, open, at its start) gives. Returns 0, or a negative errno if reading
 * failed at some point.
 */
int snap_maps_read(struct snap_maps_parser *p, int fd, snap_maps_fn *fn, void *arg);

#endif
