/*
 * /proc/PID/maps: a streaming parser, and a table that tells which mapping an address lies in.
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

/* Whether the kernel maps a file there (and no anonymous memory that has a name). */
bool snap_mapping_is_file(const struct snap_mapping *mapping);

/* Bits of snap_area.flags beside SNAP_MAPPING_READ and so on. */
#define SNAP_AREA_FILE 16u
#define SNAP_AREA_VDSO 32u
/* Says more than a range of anonymous data: a file's, or named by the kernel, or executable. */
#define SNAP_AREA_TELLING 64u

struct snap_area {
	uint64_t start, end;
	uint32_t flags;
};

/* The kernel's default limit (vm.max_map_count) is 65530. */
#define SNAP_AREAS_MAX 65536

struct snap_areas {
	uint64_t num_left_out; /* for want of room, or out of order */
	uint64_t num_telling;
	size_t num;
	struct snap_area areas[SNAP_AREAS_MAX];
};

void snap_areas_init(struct snap_areas *areas);
/* A snap_maps_fn; arg is a struct snap_areas. */
void snap_areas_add(void *arg, const struct snap_mapping *mapping);
/* The one that contains addr, else NULL. */
const struct snap_area *snap_areas_find(const struct snap_areas *areas, uint64_t addr);
/* The first one that starts above addr, else NULL. */
const struct snap_area *snap_areas_above(const struct snap_areas *areas, uint64_t addr);
/* SNAP_AREA_ bits and permissions of a mapping. */
uint32_t snap_area_flags(const struct snap_mapping *mapping);

#endif
